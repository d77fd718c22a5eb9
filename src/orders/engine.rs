//! The engine: recovers what earlier runs left, sends what this one decided, cancels on demand.

use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::broadcast::Receiver;
use tokio::time::Instant;

use super::booking::Books;
use super::send::Sender;
use super::settle::{Follower, Patience};
use super::{Event, Held, Ledger, OrderError, OrderIds, OrderSpec, OrderTiming, State, Tracked};
use crate::clock::Clock;
use crate::domain::{RunKey, TradingMode};
use crate::gateway::{Gateway, OrderEvent, SubmitError};
use crate::store::Store;

/// What every engine of a process has in common.
#[derive(Clone, Debug)]
pub struct EngineParts {
    /// Where everything is written.
    pub store: Arc<dyn Store>,
    /// Where orders go.
    pub gateway: Gateway,
    /// The time.
    pub clock: Clock,
    /// Whose money.
    pub mode: TradingMode,
    /// The one API client id of this deployment.
    pub client_id: i32,
    /// How long to wait for what.
    pub timing: OrderTiming,
}

/// Trades for one run, which holds the trading lease.
#[derive(Debug)]
pub struct Engine {
    parts: EngineParts,
    ids: OrderIds,
    ledger: Ledger,
    books: Books,
    held: Held,
    run: RunKey,
}

impl Engine {
    /// An engine for `run`, under the lease that it holds.
    pub fn new(parts: EngineParts, run: RunKey, held: Held) -> Result<Self, OrderError> {
        let ids = OrderIds::new(parts.store.clone(), parts.mode, parts.client_id)?;
        let ledger = Ledger::new(parts.store.clone(), parts.clock.clone(), held.fence());
        let books = Books::new(parts.store.clone(), parts.mode);
        Ok(Self { parts, ids, ledger, books, held, run })
    }

    /// The holdings of strategies.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Whether no other run has held the trading lease since this run last did. Only then may
    /// lines that an earlier attempt planned still be sent.
    pub fn uninterrupted(&self) -> bool {
        self.held.uninterrupted()
    }

    /// Takes charge of all orders that are open: finds out about those that were sent, books their
    /// fills, and gives up lines of other runs that were never sent (what this run decides
    /// takes their place). Returns those that are still open, this run's planned lines included.
    pub async fn recover(&self, deadline: Instant) -> Result<Vec<Tracked>, OrderError> {
        let mut orders = self.ledger.open_orders().await?;
        self.ledger.take_over(&mut orders).await?;
        for order in &mut orders {
            if order.state() == State::Planned && order.spec().run_key != self.run {
                let reason = format!("run {} traded before this line was sent", self.run);
                self.ledger.append(order, &[Event::Withdrawn { reason }]).await?;
            }
        }
        let (mut ask, mut rest): (Vec<_>, Vec<_>) = orders.into_iter().partition(|order| {
            matches!(order.state(), State::InDoubt | State::Working | State::Parked)
        });
        if !ask.is_empty() {
            let mut reports = self.parts.gateway.events();
            let patience = Patience { fills: Instant::now(), deadline };
            ask = self.follower(ask).ask_first().follow(&mut reports, patience).await?;
        }
        rest.append(&mut ask);
        self.books.book(&self.ledger, &mut rest).await?;
        rest.retain(|order| order.progress().is_open());
        Ok(rest)
    }

    /// Writes lines down, sends those that were not sent yet, follows them and books their fills.
    /// Lines that an earlier attempt wrote down are continued where they stand.
    ///
    /// Returns all of them as they stand at the end. An error leaves them on record for the next
    /// attempt.
    pub async fn execute(
        &self,
        specs: Vec<OrderSpec>,
        deadline: Instant,
    ) -> Result<Vec<Tracked>, OrderError> {
        let opening: Vec<_> = specs.into_iter().map(|spec| self.ledger.open(spec)).collect();
        let opened = join_all(opening).await;
        let mut orders = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.ledger.take_over(&mut orders).await?;
        let mut reports = self.parts.gateway.events();
        let sent = self.sender().send(&mut orders).await;
        let patience = Patience { fills: Instant::now() + self.parts.timing.fills, deadline };
        let mut orders = self.follow(orders, &mut reports, patience).await?;
        self.books.book(&self.ledger, &mut orders).await?;
        sent?;
        Ok(orders)
    }

    /// All orders of this run, as they stand.
    pub async fn orders(&self) -> Result<Vec<Tracked>, OrderError> {
        self.ledger.orders_of(&self.run).await
    }

    /// Gives up lines of this run that were never sent.
    pub async fn withdraw(&self, orders: &mut [Tracked], reason: &str) -> Result<(), OrderError> {
        for order in orders.iter_mut().filter(|order| order.state() == State::Planned) {
            let reason = reason.to_owned();
            self.ledger.append(order, &[Event::Withdrawn { reason }]).await?;
        }
        Ok(())
    }

    /// Asks for the cancellation of working orders and follows them to their end. What a cancel
    /// achieved is read from executions and completed orders, never from the answer to it.
    pub async fn cancel(
        &self,
        mut orders: Vec<Tracked>,
        reason: &str,
        deadline: Instant,
    ) -> Result<Vec<Tracked>, OrderError> {
        let mut reports = self.parts.gateway.events();
        for order in orders.iter_mut().filter(|order| order.state() == State::Working) {
            self.held.check().await?;
            let Some(order_id) = order.progress().order_id() else { continue };
            let reason = reason.to_owned();
            self.ledger.append(order, &[Event::CancelRequested { reason }]).await?;
            match self.parts.gateway.cancel(order_id).await {
                // A cancel may be repeated: whether this one left does not matter.
                Ok(()) | Err(SubmitError::InDoubt(_)) => {}
                Err(SubmitError::NotSent(error)) => return Err(error.into()),
            }
        }
        let patience = Patience { fills: deadline, deadline };
        let mut orders = self.follow(orders, &mut reports, patience).await?;
        self.books.book(&self.ledger, &mut orders).await?;
        Ok(orders)
    }

    /// Gives the trading lease back.
    pub async fn release(self) -> Result<(), OrderError> {
        self.held.release().await
    }

    async fn follow(
        &self,
        orders: Vec<Tracked>,
        reports: &mut Receiver<OrderEvent>,
        patience: Patience,
    ) -> Result<Vec<Tracked>, OrderError> {
        self.follower(orders).follow(reports, patience).await
    }

    fn follower(&self, orders: Vec<Tracked>) -> Follower<'_> {
        let EngineParts { gateway, clock, timing, client_id, .. } = &self.parts;
        Follower::new(gateway, &self.ledger, clock, timing, *client_id, orders)
    }

    fn sender(&self) -> Sender<'_> {
        Sender {
            gateway: &self.parts.gateway,
            ledger: &self.ledger,
            ids: &self.ids,
            held: &self.held,
            store: &self.parts.store,
            clock: &self.parts.clock,
            mode: self.parts.mode,
            client_id: self.parts.client_id,
        }
    }
}
