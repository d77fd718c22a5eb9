//! Where the TWS API client ends. Everything that this folder hands out is in our words.
//!
//! The client is `ibapi`, pinned exactly. Four of its habits shape what is here:
//!
//! * Its own reconnect is switched off. It would go on with streams that have silent holes; we
//!   replace the whole client instead, and say [`OrderEvent::Gap`](crate::gateway::OrderEvent).
//! * Lists of orders, positions and account values carry no request id. Two at once share one end
//!   marker, so lists take turns; one that timed out would hand its late marker to the next, so
//!   it costs the connection.
//! * A cancel takes over the route of its order id, and executions of that order then miss the
//!   query that asked for them. The order stream sees them all the same: see [`pump`].
//! * Its per-order streams end on errors that end no order. Only the order stream is read.

mod connect;
mod lists;
mod map;
mod number;
mod orders;
mod problem;
mod pump;
mod quote;
mod requests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ibapi::Client;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, timeout};

use super::pacing::Pacer;
use super::{Connected, GatewayError, Timing};
use crate::clock::Clock;

pub(super) use connect::{Setup, connect};

/// News of one connection for the session task. Few are sent; the room is for a burst of link
/// codes while the session is closing an older connection.
const REPORTS_MAX: usize = 64;

/// What a connection tells the session task.
#[derive(Debug)]
pub(super) enum Report {
    /// The gateway lost IB's servers.
    LinkLost,
    /// It has them again.
    LinkRestored,
    /// This connection is of no more use.
    Died(GatewayError),
}

/// One connection that was made, checked and is watched.
pub(super) struct Live {
    client: Client,
    connected: Connected,
    timing: Timing,
    clock: Clock,
    pacer: Arc<Pacer>,
    signals: Arc<Signals>,
    /// Lists take turns: see the module's documentation.
    turn: Mutex<()>,
    /// When the gateway last answered. Held during a probe, so that many writes share one.
    proof: Mutex<Option<Instant>>,
    fences: mpsc::Sender<pump::Fence>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("connected", &self.connected).finish_non_exhaustive()
    }
}

/// What the connection's own tasks and its requests tell each other.
#[derive(Debug)]
struct Signals {
    /// Set between "link lost" and "link restored": nothing may be written.
    link_lost: AtomicBool,
    /// Why the connection ended, once it has.
    fate: OnceLock<GatewayError>,
    /// The last error that came without a request id. It may have been the answer to a list.
    refused: watch::Sender<Option<GatewayError>>,
    reports: mpsc::Sender<Report>,
}

impl Signals {
    fn new(reports: mpsc::Sender<Report>) -> Self {
        Self {
            link_lost: AtomicBool::new(false),
            fate: OnceLock::new(),
            refused: watch::Sender::new(None),
            reports,
        }
    }

    /// Ends the connection: the first cause stands. Requests see it at once, the session soon.
    fn condemn(&self, cause: GatewayError) {
        if self.fate.set(cause.clone()).is_ok() {
            // Full or closed: the session is about to look, or has looked away for good.
            drop(self.reports.try_send(Report::Died(cause)));
        }
    }

    fn check(&self) -> Result<(), GatewayError> {
        self.fate.get().map_or(Ok(()), |cause| Err(cause.clone()))
    }

    fn link(&self, lost: bool) {
        self.link_lost.store(lost, Ordering::SeqCst);
        let report = if lost { Report::LinkLost } else { Report::LinkRestored };
        drop(self.reports.try_send(report));
    }
}

impl Live {
    pub(super) fn connected(&self) -> Connected {
        self.connected.clone()
    }

    /// Ends the connection and waits, within its budget, until the socket is closed.
    pub(super) async fn retire(&self, cause: GatewayError) {
        // The session knows: no report is due.
        drop(self.signals.fate.set(cause));
        if timeout(self.timing.close, self.client.disconnect()).await.is_err() {
            tracing::warn!("the old connection to IB Gateway did not close in time");
        }
    }

    /// Asks in the background for something that only IB's servers know; an answer means that the
    /// link is back.
    pub(super) fn check_link(self: &Arc<Self>) {
        let live = Arc::clone(self);
        tokio::spawn(async move {
            let asked = timeout(live.timing.request, live.reaches_ib()).await;
            if matches!(asked, Ok(true)) {
                live.signals.link(false);
            }
        });
    }

    /// Whether the gateway can take writes, in its own opinion and ours.
    fn writable(&self) -> Result<(), GatewayError> {
        self.signals.check()?;
        if self.signals.link_lost.load(Ordering::SeqCst) {
            return Err(GatewayError::LinkLost);
        }
        if !self.client.is_connected() {
            return Err(GatewayError::Reset { request: "the check before a write" });
        }
        Ok(())
    }

    /// One round trip, unless one succeeded a moment ago. A gateway that does not answer gets
    /// nothing more to write, and its connection is given up.
    async fn prove_alive(&self) -> Result<(), GatewayError> {
        const REQUEST: &str = "the liveness check";
        let mut proof = self.proof.lock().await;
        self.signals.check()?;
        if proof.is_some_and(|at| at.elapsed() < self.timing.liveness_fresh) {
            return Ok(());
        }
        self.pacer.take().await;
        match timeout(self.timing.probe, self.client.server_time()).await {
            Ok(Ok(_time)) => {
                *proof = Some(Instant::now());
                Ok(())
            }
            Ok(Err(error)) => Err(problem::of(REQUEST, error)),
            Err(_elapsed) => {
                let silent = GatewayError::Timeout { request: REQUEST, after: self.timing.probe };
                self.signals.condemn(silent.clone());
                Err(silent)
            }
        }
    }
}
