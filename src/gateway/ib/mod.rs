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

use std::sync::Arc;

use ibapi::{Client, Error};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

use super::pacing::Pacer;
use super::{Connected, GatewayError, Timing};
use crate::clock::Clock;

pub(super) use connect::{Setup, connect};

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

/// What the connection's own tasks, its requests and the session task tell each other. Only the
/// latest state of each matters, so nothing queues here.
#[derive(Debug)]
struct Signals {
    /// Whether the gateway is without IB's servers: nothing may be written meanwhile. Sent again
    /// with every link code.
    link_lost: watch::Sender<bool>,
    /// Why the connection ended, once it has.
    fate: watch::Sender<Option<GatewayError>>,
    /// The last error that came without a request id. It may have been the answer to a list.
    refused: watch::Sender<Option<GatewayError>>,
}

impl Signals {
    fn new() -> Self {
        Self {
            link_lost: watch::Sender::new(false),
            fate: watch::Sender::new(None),
            refused: watch::Sender::new(None),
        }
    }

    /// Ends the connection: the first cause stands. Requests see it at once, the session soon.
    fn condemn(&self, cause: GatewayError) {
        self.fate.send_if_modified(|fate| {
            let first = fate.is_none();
            fate.get_or_insert(cause);
            first
        });
    }

    fn check(&self) -> Result<(), GatewayError> {
        self.fate.borrow().as_ref().map_or(Ok(()), |cause| Err(cause.clone()))
    }

    fn link(&self, lost: bool) {
        self.link_lost.send_replace(lost);
    }
}

impl Live {
    pub(super) fn connected(&self) -> Connected {
        self.connected.clone()
    }

    /// Resolves when this connection is of no more use, with the cause.
    pub(super) async fn ended(&self) -> GatewayError {
        let mut fate = self.signals.fate.subscribe();
        match fate.wait_for(Option::is_some).await.map(|cause| cause.clone()) {
            Ok(Some(cause)) => cause,
            // Unreachable: `self` holds the sender.
            Ok(None) | Err(_) => GatewayError::Reset { request: "the session" },
        }
    }

    /// Changes with every word on the gateway's link to IB; true while it is lost.
    pub(super) fn link_lost(&self) -> watch::Receiver<bool> {
        let mut news = self.signals.link_lost.subscribe();
        // What was said before anybody listened is news too.
        if *news.borrow() {
            news.mark_changed();
        }
        news
    }

    /// Ends the connection and waits, within its budget, until the socket is closed.
    pub(super) async fn retire(&self, cause: GatewayError) {
        self.signals.condemn(cause);
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

    /// Asks in the background for a sign of life. Without one this connection ends.
    pub(super) fn check_alive(self: &Arc<Self>) {
        let live = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = live.prove_alive().await {
                tracing::warn!(%error, "IB Gateway gives no sign of life");
            }
        });
    }

    /// Whether the gateway can take writes, in its own opinion and ours.
    fn writable(&self) -> Result<(), GatewayError> {
        self.signals.check()?;
        if *self.signals.link_lost.borrow() {
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
        let mut answer = self.probe().await;
        if matches!(answer, Ok(Err(Error::Notice(_)))) {
            // An error without a request id fails whatever is waiting. It may have been the answer
            // to something else.
            answer = self.probe().await;
        }
        match answer {
            Ok(Ok(())) => {
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

    async fn probe(&self) -> Result<Result<(), Error>, Elapsed> {
        self.pacer.take().await;
        let asked = timeout(self.timing.probe, self.client.server_time()).await?;
        Ok(asked.map(|_time| ()))
    }
}

#[cfg(test)]
mod tests;
