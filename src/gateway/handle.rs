//! The handle: what the rest of the crate may ask of the gateway.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use once_cell::sync::OnceCell;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::ib::Live;
use super::session::{self, Demand, State};
use super::{
    Answer, Connected, GatewayConfig, GatewayError, Link, OrderEvent, SubmitError, Timing,
};
use crate::clock::Clock;
use crate::domain::{
    AccountValues, Bar, CompletedOrder, Contract, ContractQuery, Execution, MarketDataType,
    OpenOrder, OrderId, OrderTicket, Position, Quote,
};

/// The process's one gateway. It holds a handle, never a connection: a cell can't be emptied, and
/// connections die.
static GATEWAY: OnceCell<Gateway> = OnceCell::new();

/// A cheap handle to the task that owns the connection to IB Gateway.
///
/// Every request connects on first use, waits at most its budget in [`Timing`], and runs in a task
/// of its own: a caller that goes away can't leave half a message on the wire.
#[derive(Clone, Debug)]
pub struct Gateway {
    demands: mpsc::Sender<Demand>,
    state: watch::Receiver<State>,
    events: broadcast::Sender<OrderEvent>,
    timing: Timing,
    addr: Arc<str>,
}

impl Gateway {
    /// The process-global gateway, made on first use and never remade: a later configuration is
    /// ignored. Its task lives on the runtime of the first caller.
    pub async fn shared(config: &GatewayConfig, clock: &Clock) -> &'static Self {
        GATEWAY.get_or_init(|| Self::open(config.clone(), clock.clone()))
    }

    /// Starts the session task on the current runtime. It connects when it is first asked
    /// something.
    pub fn open(config: GatewayConfig, clock: Clock) -> Self {
        let timing = config.timing.clone();
        let addr = Arc::from(config.addr.as_str());
        let (demands, state, events) = session::spawn(config, clock);
        Self { demands, state, events, timing, addr }
    }

    /// Connects if need be, and says to what.
    ///
    /// # Errors
    ///
    /// [`GatewayError::Down`], [`GatewayError::Handshake`], [`GatewayError::ClientIdInUse`] and
    /// [`GatewayError::WrongAccount`] say why there is no connection.
    pub async fn connected(&self) -> Result<Connected, GatewayError> {
        Ok(self.live().await?.connected())
    }

    /// Where the connection stands now.
    pub fn link(&self) -> Link {
        self.state.borrow().link.clone()
    }

    /// Waits until the link is as wanted, or closed for good, and returns it. The caller sets the
    /// deadline.
    pub async fn link_becomes(&self, mut wanted: impl FnMut(&Link) -> bool) -> Link {
        let mut state = self.state.clone();
        match state.wait_for(|s| wanted(&s.link) || matches!(s.link, Link::Closed)).await {
            Ok(state) => state.link.clone(),
            // The session task is gone, and with it the connection.
            Err(_gone) => Link::Closed,
        }
    }

    /// The gateway's clock, to the second.
    pub async fn server_time(&self) -> Result<Timestamp, GatewayError> {
        self.ask(self.timing.request, "the time", |live| async move { live.server_time().await })
            .await
    }

    /// Which kind of market data to ask for from now on, on this connection and every later one.
    pub async fn set_market_data_type(&self, wanted: MarketDataType) -> Result<(), GatewayError> {
        // Told to the session before the wire: whatever happens now, the next connection knows.
        if self.demands.send(Demand::MarketData(wanted)).await.is_err() {
            return Err(GatewayError::Closed);
        }
        self.ask(self.timing.request, "the market data type", move |live| async move {
            live.set_market_data_type(wanted).await
        })
        .await
    }

    /// All contracts that fit. [`Answer::Empty`] means that IB knows none (its error 200).
    pub async fn contracts(&self, query: &ContractQuery) -> Answer<Contract> {
        let query = query.clone();
        let asked = self
            .ask(self.timing.request, "contract details", move |live| async move {
                live.contracts(&query).await
            })
            .await;
        answer(asked)
    }

    /// The best prices now. A price that the gateway does not have is absent; that data is delayed
    /// or frozen shows in [`Quote::data_type`].
    pub async fn quote(&self, contract: &Contract) -> Result<Quote, GatewayError> {
        let contract = contract.clone();
        self.ask(
            self.timing.quote,
            "a quote",
            move |live| async move { live.quote(&contract).await },
        )
        .await
    }

    /// The last `days` daily bars, oldest first; of trades, for currency pairs of the midpoint.
    pub async fn daily_bars(
        &self,
        contract: &Contract,
        days: u32,
    ) -> Result<Vec<Bar>, GatewayError> {
        let contract = contract.clone();
        self.ask(self.timing.history, "daily bars", move |live| async move {
            live.daily_bars(&contract, days).await
        })
        .await
    }

    /// What our account holds now. Closed positions are left out.
    pub async fn positions(&self) -> Answer<Position> {
        answer(self.list("positions", |live| async move { live.positions().await }).await)
    }

    /// Our account's money, from one complete download.
    ///
    /// # Errors
    ///
    /// [`GatewayError::NotReady`] while IB resets the account.
    pub async fn account_values(&self) -> Result<AccountValues, GatewayError> {
        self.list("the account download", |live| async move { live.account_values().await }).await
    }

    /// What works at the broker now: orders of all clients and those entered by hand, of all
    /// accounts that the login sees.
    pub async fn open_orders(&self) -> Answer<OpenOrder> {
        answer(self.list("open orders", |live| async move { live.open_orders().await }).await)
    }

    /// Our account's orders that ended today, of all clients.
    pub async fn completed_orders(&self) -> Answer<CompletedOrder> {
        answer(
            self.list("completed orders", |live| async move { live.completed_orders().await })
                .await,
        )
    }

    /// Our account's fills since the gateway's midnight, of all clients, with the commissions that
    /// are known.
    pub async fn executions(&self) -> Answer<Execution> {
        answer(self.list("executions", |live| async move { live.executions().await }).await)
    }

    /// The gateway's next order id for our client id, asked now. A lower bound, never a source.
    pub async fn next_valid_id(&self) -> Result<OrderId, GatewayError> {
        self.ask(self.timing.request, "the next order id", |live| async move {
            live.next_valid_id().await
        })
        .await
    }

    /// Hands one order to the gateway, after proof that it lives, on the connection of this
    /// `generation` and no other: what was sent before on a connection that broke is in doubt,
    /// and a new one must not carry on behind it.
    ///
    /// `Ok` means that the bytes left; only the broker's reports say that the order exists.
    ///
    /// # Errors
    ///
    /// [`SubmitError::NotSent`] is certain. After [`SubmitError::InDoubt`] the order may be live.
    pub async fn submit(&self, ticket: &OrderTicket, generation: u64) -> Result<(), SubmitError> {
        let live = self.live().await.map_err(SubmitError::NotSent)?;
        if live.connected().generation != generation {
            let lost = GatewayError::Reset { request: "a batch of orders" };
            return Err(SubmitError::NotSent(lost));
        }
        let ticket = ticket.clone();
        write("the order", async move { live.submit(&ticket).await }).await
    }

    /// Asks for an order to be cancelled, after proof that the gateway lives. What became of it
    /// is told by its reports; a cancel may be repeated.
    ///
    /// # Errors
    ///
    /// As [`Gateway::submit`].
    pub async fn cancel(&self, id: OrderId) -> Result<(), SubmitError> {
        let live = self.live().await.map_err(SubmitError::NotSent)?;
        write("the cancel", async move { live.cancel(id).await }).await
    }

    /// Reports from now on, across connections. A receiver that lags has missed some: see
    /// [`OrderEvent::Gap`].
    pub fn events(&self) -> broadcast::Receiver<OrderEvent> {
        self.events.subscribe()
    }

    /// Ends the connection and the session, for good. What is still asked gets
    /// [`GatewayError::Closed`].
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let goodbye = async {
            if self.demands.send(Demand::Close(done)).await.is_ok() {
                // An error means that the session is gone, which is what we want.
                drop(closed.await);
            }
        };
        if timeout(self.timing.close.saturating_mul(2), goodbye).await.is_err() {
            tracing::warn!("the gateway session did not end in time");
        }
    }

    /// The connection, made if there is none.
    pub(super) async fn live(&self) -> Result<Arc<Live>, GatewayError> {
        let mut state = self.state.clone();
        let attempts = {
            let now = state.borrow_and_update();
            if let Some(known) = now.settled(None) {
                return known;
            }
            now.attempts
        };
        // Full means that others have asked already. Gone is seen below.
        if let Err(mpsc::error::TrySendError::Closed(_)) = self.demands.try_send(Demand::Connect) {
            return Err(GatewayError::Closed);
        }
        // A failure of a moment ago delays the next attempt by one pause.
        let budget = self.timing.connect.saturating_add(self.timing.backoff_first);
        let settled = state.wait_for(|now| now.settled(Some(attempts)).is_some());
        match timeout(budget, settled).await {
            Ok(Ok(now)) => now.settled(Some(attempts)).unwrap_or(Err(GatewayError::Closed)),
            Ok(Err(_gone)) => Err(GatewayError::Closed),
            Err(_elapsed) => Err(GatewayError::Down {
                addr: self.addr.to_string(),
                problem: format!("no connection within {budget:?}"),
            }),
        }
    }

    async fn ask<T, F, Fut>(
        &self,
        within: Duration,
        request: &'static str,
        ask: F,
    ) -> Result<T, GatewayError>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Live>) -> Fut,
        Fut: Future<Output = Result<T, GatewayError>> + Send + 'static,
    {
        let live = self.live().await?;
        let task = tokio::spawn(timeout(within, ask(Arc::clone(&live))));
        match task.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_elapsed)) => {
                // Slow, or gone? The next caller should not have to find out.
                live.check_alive();
                Err(GatewayError::Timeout { request, after: within })
            }
            Err(died) => Err(GatewayError::Unreadable { request, problem: died.to_string() }),
        }
    }

    /// Lists wait for their turn first, and have a deadline of their own: see [`Live`].
    async fn list<T, F, Fut>(&self, request: &'static str, ask: F) -> Result<T, GatewayError>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Live>) -> Fut,
        Fut: Future<Output = Result<T, GatewayError>> + Send + 'static,
    {
        self.ask(self.timing.snapshot.saturating_mul(2), request, ask).await
    }
}

/// Runs a write in a task of its own. If that task dies, nobody knows how far it came.
async fn write(
    request: &'static str,
    work: impl Future<Output = Result<(), SubmitError>> + Send + 'static,
) -> Result<(), SubmitError> {
    match tokio::spawn(work).await {
        Ok(written) => written,
        Err(died) => Err(SubmitError::InDoubt(GatewayError::Unreadable {
            request,
            problem: died.to_string(),
        })),
    }
}

fn answer<T>(asked: Result<Vec<T>, GatewayError>) -> Answer<T> {
    match asked {
        Ok(rows) => Answer::complete(rows),
        Err(error) => Answer::Unknown(error),
    }
}
