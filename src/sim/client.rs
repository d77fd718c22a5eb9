//! A connected client as the world sees it: what it subscribed to, and its way out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};

use super::faults::lens::Lens;
use super::messages::{Answer, Report};
use super::requests::history::{self, BarStream};
use super::requests::market_data::{Seen, View};
use super::wire::Codec;

/// Bursts waiting for a client that does not read. Each answers one request or one event; a
/// client that is this far behind is gone.
const OUTBOX_BURSTS: usize = 4096;

/// The same in bytes: some lists of ten thousand orders.
const OUTBOX_BYTES: usize = 64 * 1024 * 1024;

/// Reports kept back for one client: some 20,000 orders.
const WITHHELD_MAX: usize = 40_000;

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// In order, after what was already written.
    Finish,
    /// At once, with a reset.
    Reset,
}

/// A burst of frames did not fit: the client does not read, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The way out to one client: a queue bounded in bursts and in bytes.
#[derive(Clone, Debug)]
pub struct Outbox {
    bursts: mpsc::Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    dribbles: Arc<AtomicBool>,
}

/// The other end of an [`Outbox`].
#[derive(Debug)]
pub struct Inbox {
    bursts: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    dribbles: Arc<AtomicBool>,
    /// Of a burst that goes out a byte at a time, the last byte first.
    rest: Vec<u8>,
}

/// A queue for one client.
pub fn outbox() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(OUTBOX_BURSTS);
    let waiting = Arc::new(AtomicUsize::new(0));
    let dribbles = Arc::new(AtomicBool::new(false));
    let outbox =
        Outbox { bursts: sender, waiting: Arc::clone(&waiting), dribbles: Arc::clone(&dribbles) };
    (outbox, Inbox { bursts: receiver, waiting, dribbles, rest: Vec::new() })
}

impl Outbox {
    /// Puts a burst behind those that wait.
    ///
    /// # Errors
    ///
    /// [`Full`]
    pub fn push(&self, burst: Vec<u8>) -> Result<(), Full> {
        let length = burst.len();
        // An empty queue takes any burst: one answer may be longer than what may wait.
        let waiting = self.waiting.fetch_add(length, Ordering::Relaxed);
        if waiting > OUTBOX_BYTES {
            return Err(Full);
        }
        self.bursts.try_send(burst).map_err(|_refused| Full)
    }
}

impl Inbox {
    /// The next burst, and what waits behind it up to `most` bytes; `None` when every [`Outbox`]
    /// is gone.
    pub async fn next(&mut self, most: usize) -> Option<Vec<u8>> {
        if let Some(byte) = self.rest.pop() {
            return Some(vec![byte]);
        }
        let mut bytes = self.bursts.recv().await?;
        if self.dribbles.load(Ordering::Relaxed) {
            self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
            bytes.reverse();
            let first = bytes.pop();
            self.rest = bytes;
            return first.map(|byte| vec![byte]);
        }
        while bytes.len() < most
            && let Ok(more) = self.bursts.try_recv()
        {
            bytes.extend_from_slice(&more);
        }
        self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        Some(bytes)
    }
}

/// The values last sent under an account subscription, by key and currency.
pub type Sent = BTreeMap<(&'static str, String), String>;

/// A stream of quotes.
#[derive(Clone, Copy, Debug)]
pub struct Ticker {
    pub con_id: i32,
    pub view: View,
    /// What the client saw last.
    pub seen: Seen,
}

/// An account summary.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub tags: Vec<String>,
    /// By account.
    pub sent: BTreeMap<String, Sent>,
}

/// Account updates: what was sent, values and portfolio.
#[derive(Clone, Debug, Default)]
pub struct Updates {
    pub account: String,
    pub sent: Sent,
}

/// Account updates under a request id.
#[derive(Clone, Debug, Default)]
pub struct UpdatesMulti {
    pub account: String,
    pub ledger_only: bool,
    pub sent: Sent,
}

/// All that a connection asked to be kept informed of. Ends with the connection.
#[derive(Debug)]
pub struct Subscriptions {
    /// 1 live, 2 frozen, 3 delayed, 4 delayed frozen.
    pub market_data_type: i32,
    pub tickers: BTreeMap<i32, Ticker>,
    pub bars: BTreeMap<i32, BarStream>,
    pub positions: bool,
    /// Account by request id.
    pub positions_multi: BTreeMap<i32, String>,
    pub summaries: BTreeMap<i32, Summary>,
    pub updates: Option<Updates>,
    pub updates_multi: BTreeMap<i32, UpdatesMulti>,
    /// Account by request id.
    pub pnl: BTreeMap<i32, String>,
    /// Account and contract id by request id.
    pub pnl_single: BTreeMap<i32, (String, i32)>,
}

impl Default for Subscriptions {
    fn default() -> Self {
        Self {
            market_data_type: 1,
            tickers: BTreeMap::new(),
            bars: BTreeMap::new(),
            positions: false,
            positions_multi: BTreeMap::new(),
            summaries: BTreeMap::new(),
            updates: None,
            updates_multi: BTreeMap::new(),
            pnl: BTreeMap::new(),
            pnl_single: BTreeMap::new(),
        }
    }
}

/// One connection after its start.
#[derive(Debug)]
pub struct Client {
    pub client_id: i32,
    pub subscriptions: Subscriptions,
    /// What faults make of each frame.
    pub lens: Lens,
    /// Its requests for short bars.
    pub history: history::Pacing,
    codec: Codec,
    outbox: Outbox,
    close: watch::Sender<Option<Close>>,
    burst: Vec<u8>,
    withheld: Vec<Report>,
}

impl Client {
    pub fn new(
        client_id: i32,
        codec: Codec,
        outbox: Outbox,
        close: watch::Sender<Option<Close>>,
    ) -> Self {
        Self {
            client_id,
            subscriptions: Subscriptions::default(),
            lens: Lens::default(),
            history: history::Pacing::default(),
            codec,
            outbox,
            close,
            burst: Vec::new(),
            withheld: Vec::new(),
        }
    }

    /// Adds a message to what the next flush sends.
    pub fn send<M: Answer>(&mut self, message: &M) {
        if self.lens.is_clear() {
            self.codec.push(&mut self.burst, message);
            return;
        }
        let seen = self.lens.see(message);
        for message in &seen.messages {
            self.codec.push(&mut self.burst, message);
        }
        if let Some(by) = seen.late {
            let mut bytes = Vec::new();
            self.codec.push(&mut bytes, message);
            self.lens.put_off(by, bytes);
        }
        if seen.cut {
            self.close(Close::Finish);
        }
    }

    /// Adds frames that were encoded before.
    pub fn append(&mut self, frames: &[u8]) {
        self.burst.extend_from_slice(frames);
    }

    /// Takes back what the next flush would have sent.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.burst)
    }

    /// Adds what happened to an order.
    pub fn report(&mut self, report: &Report) {
        match report {
            Report::OpenOrder(message) => self.send(message.as_ref()),
            Report::Status(message) => self.send(message.as_ref()),
            Report::Execution(message) => self.send(message.as_ref()),
            Report::Commission(message) => self.send(message.as_ref()),
            Report::Error(message) => self.send(message.as_ref()),
        }
    }

    /// Keeps reports back until [`release`](Self::release).
    pub fn withhold(&mut self, reports: Vec<Report>) {
        if self.withheld.len().saturating_add(reports.len()) > WITHHELD_MAX {
            tracing::warn!(client_id = self.client_id, "too many reports withheld: closing");
            self.close(Close::Finish);
            return;
        }
        self.withheld.extend(reports);
    }

    pub fn release(&mut self) {
        for report in std::mem::take(&mut self.withheld) {
            self.report(&report);
        }
    }

    /// Hands the burst to the writer, as one piece. A client that is too far behind is closed.
    pub fn flush(&mut self) {
        if self.burst.is_empty() {
            return;
        }
        let mut burst = std::mem::take(&mut self.burst);
        self.outbox.dribbles.store(self.lens.dribbles(), Ordering::Relaxed);
        if !self.lens.is_clear() {
            let (shaped, ends) = self.lens.shape(burst);
            burst = shaped;
            if ends {
                self.close(Close::Finish);
            }
        }
        if let Err(Full) = self.outbox.push(burst) {
            tracing::warn!(client_id = self.client_id, "the client does not read: closing");
            self.close(Close::Reset);
        }
    }

    pub fn close(&self, how: Close) {
        self.close.send_replace(Some(how));
    }
}
