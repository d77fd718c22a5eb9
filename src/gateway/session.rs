//! The task that owns the connection: makes it, watches it, replaces it.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::ib::{self, Live, Setup};
use super::pacing::Pacer;
use super::{GatewayConfig, GatewayError, Link, OrderEvent};
use crate::clock::Clock;
use crate::domain::MarketDataType;

/// Demands that may wait. They all want the same thing, and one is enough.
const DEMANDS_MAX: usize = 64;

/// Reports kept for a slow receiver: more than a rebalance of two hundred lines produces, in less
/// than a megabyte. Beyond, the receiver is told that it lagged and must ask the broker.
const EVENTS_MAX: usize = 2_048;

/// What a handle asks of the session.
#[derive(Debug)]
pub(super) enum Demand {
    /// Somebody needs a connection.
    Connect,
    /// Every connection from now on asks for this kind of market data.
    MarketData(MarketDataType),
    /// End it, then say so.
    Close(oneshot::Sender<()>),
}

/// What handles see of the session.
#[derive(Debug)]
pub(super) struct State {
    pub(super) link: Link,
    /// There while the link is up or lost.
    live: Option<Arc<Live>>,
    /// Attempts that have ended, well or badly.
    pub(super) attempts: u64,
}

impl State {
    /// The connection or the reason for its absence, once that is settled: for somebody who has
    /// seen `attempts` end before asking, a failure counts only if it came after.
    pub(super) fn settled(&self, attempts: Option<u64>) -> Option<Result<Arc<Live>, GatewayError>> {
        match (&self.live, &self.link) {
            (Some(live), _) => Some(Ok(Arc::clone(live))),
            (None, Link::Closed) => Some(Err(GatewayError::Closed)),
            (None, Link::Down { error, .. }) => {
                attempts.is_some_and(|seen| self.attempts > seen).then(|| Err(error.clone()))
            }
            (None, Link::Idle | Link::Connecting | Link::Up { .. } | Link::LinkLost) => None,
        }
    }
}

/// The handle's ends of the channels to the session task.
pub(super) type Ends =
    (mpsc::Sender<Demand>, watch::Receiver<State>, broadcast::Sender<OrderEvent>);

/// Starts the session task. It ends on [`Demand::Close`] or with the last handle.
pub(super) fn spawn(config: GatewayConfig, clock: Clock) -> Ends {
    let (demands, demanded) = mpsc::channel(DEMANDS_MAX);
    let (state, watched) = watch::channel(State { link: Link::Idle, live: None, attempts: 0 });
    let (events, _) = broadcast::channel(EVENTS_MAX);
    let pacer = Arc::new(Pacer::new(config.timing.messages));
    let session = Session {
        config,
        clock,
        demands: demanded,
        state,
        events: events.clone(),
        pacer,
        market_data: None,
        generation: 0,
        failures: 0,
        not_before: Instant::now(),
        retry_until: None,
        down_since: None,
    };
    tokio::spawn(session.run());
    (demands, watched, events)
}

/// The session is to end; the sender, if any, is told when it has.
type Ending = Option<oneshot::Sender<()>>;

struct Session {
    config: GatewayConfig,
    clock: Clock,
    demands: mpsc::Receiver<Demand>,
    state: watch::Sender<State>,
    events: broadcast::Sender<OrderEvent>,
    pacer: Arc<Pacer>,
    market_data: Option<MarketDataType>,
    /// Connections made so far.
    generation: u64,
    /// Failed attempts since the last connection.
    failures: u32,
    /// When the next attempt may start at the earliest.
    not_before: Instant,
    /// How long to go on unasked: set when a connection is lost.
    retry_until: Option<Instant>,
    down_since: Option<Timestamp>,
}

impl Session {
    async fn run(mut self) {
        let ending = loop {
            if let ControlFlow::Break(ending) = self.cycle().await {
                break ending;
            }
        };
        self.set(Link::Closed, None);
        if let Some(done) = ending
            && done.send(()).is_err()
        {
            tracing::debug!("whoever closed the gateway did not wait for it");
        }
    }

    /// One connection's life: wait until it is wanted, make it, serve it.
    async fn cycle(&mut self) -> ControlFlow<Ending> {
        self.rest().await?;
        if let Some(live) = self.attempt().await? {
            self.serve(live).await?;
        }
        ControlFlow::Continue(())
    }

    /// Waits for a reason to connect: a demand, or the next retry after a loss.
    async fn rest(&mut self) -> ControlFlow<Ending> {
        let mut wake = self.next_retry();
        loop {
            let due = async {
                match wake {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                demand = self.demands.recv() => {
                    if self.heard(demand)? {
                        wake = Some(wake.map_or(self.not_before, |at| at.min(self.not_before)));
                    }
                }
                () = due => return ControlFlow::Continue(()),
            }
        }
    }

    fn next_retry(&self) -> Option<Instant> {
        let pause = self.config.timing.backoff(self.failures.max(1));
        let at = Instant::now() + pause;
        self.retry_until.filter(|until| at <= *until).map(|_| at)
    }

    /// Takes a demand in. True if it wants a connection.
    fn heard(&mut self, demand: Option<Demand>) -> ControlFlow<Ending, bool> {
        match demand {
            Some(Demand::Connect) => ControlFlow::Continue(true),
            Some(Demand::MarketData(wanted)) => {
                self.market_data = Some(wanted);
                ControlFlow::Continue(false)
            }
            Some(Demand::Close(done)) => ControlFlow::Break(Some(done)),
            // The last handle is gone.
            None => ControlFlow::Break(None),
        }
    }

    async fn attempt(&mut self) -> ControlFlow<Ending, Option<Arc<Live>>> {
        self.set(Link::Connecting, None);
        let setup = Setup {
            config: self.config.clone(),
            clock: self.clock.clone(),
            generation: self.generation + 1,
            market_data: self.market_data,
            pacer: Arc::clone(&self.pacer),
            events: self.events.clone(),
        };
        let mut connecting = std::pin::pin!(ib::connect(setup));
        let connected = loop {
            tokio::select! {
                connected = &mut connecting => break connected,
                // A demand for a connection is served by this attempt.
                demand = self.demands.recv() => { self.heard(demand)?; }
            }
        };
        match connected {
            Ok(live) => {
                self.rose(&live);
                ControlFlow::Continue(Some(live))
            }
            Err(error) => {
                tracing::warn!(%error, failures = self.failures + 1, "no connection to IB Gateway");
                self.fell(error);
                ControlFlow::Continue(None)
            }
        }
    }

    fn rose(&mut self, live: &Arc<Live>) {
        self.generation += 1;
        self.failures = 0;
        self.retry_until = None;
        self.down_since = None;
        tracing::info!(
            generation = self.generation,
            server_version = live.connected().server_version,
            "connected to IB Gateway"
        );
        self.set_ended(Link::Up { generation: self.generation }, Some(Arc::clone(live)));
        if self.generation > 1 {
            self.gap();
        }
    }

    fn fell(&mut self, error: GatewayError) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + self.config.timing.backoff_first;
        let since = *self.down_since.get_or_insert_with(|| self.clock.now());
        self.set_ended(Link::Down { error, since }, None);
    }

    /// Watches a connection until it ends.
    async fn serve(&mut self, live: Arc<Live>) -> ControlFlow<Ending> {
        let mut link_lost = live.link_lost();
        let mut recheck = None;
        let mut heartbeat = Instant::now() + self.config.timing.heartbeat;
        let cause = loop {
            let recheck_due = async {
                match recheck {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                cause = live.ended() => break cause,
                () = sleep_until(heartbeat) => {
                    heartbeat = Instant::now() + self.config.timing.heartbeat;
                    live.check_alive();
                }
                Ok(()) = link_lost.changed() => {
                    let lost = *link_lost.borrow_and_update();
                    recheck = lost.then(|| Instant::now() + self.config.timing.link_recheck);
                    self.link_told(lost, &live);
                }
                demand = self.demands.recv() => {
                    if let ControlFlow::Break(ending) = self.heard(demand) {
                        live.retire(GatewayError::Closed).await;
                        return ControlFlow::Break(ending);
                    }
                }
                () = recheck_due => {
                    recheck = Some(Instant::now() + self.config.timing.link_recheck);
                    live.check_link();
                }
            }
        };
        self.lost(&live, cause).await;
        ControlFlow::Continue(())
    }

    fn link_told(&self, lost: bool, live: &Arc<Live>) {
        if lost {
            self.set(Link::LinkLost, Some(Arc::clone(live)));
        } else {
            let link = Link::Up { generation: self.generation };
            self.set(link, Some(Arc::clone(live)));
            self.gap();
        }
    }

    async fn lost(&mut self, live: &Live, cause: GatewayError) {
        tracing::warn!(error = %cause, generation = self.generation, "connection to IB Gateway lost");
        let now = Instant::now();
        self.retry_until = Some(now + self.config.timing.reconnect_for);
        // Nothing failed yet: whoever asks is served at once.
        self.not_before = now;
        let since = self.clock.now();
        self.down_since = Some(since);
        // Before the next connection is made: the gateway holds the client id for as long as it
        // sees the old one.
        live.retire(cause.clone()).await;
        self.set(Link::Down { error: cause, since }, None);
        self.gap();
    }

    fn set(&self, link: Link, live: Option<Arc<Live>>) {
        self.state.send_modify(|state| {
            state.link = link;
            state.live = live;
        });
    }

    /// As [`Self::set`], at the end of an attempt.
    fn set_ended(&self, link: Link, live: Option<Arc<Live>>) {
        self.state.send_modify(|state| {
            state.link = link;
            state.live = live;
            state.attempts += 1;
        });
    }

    fn gap(&self) {
        // An error means that nobody listens.
        drop(self.events.send(OrderEvent::Gap));
    }
}
