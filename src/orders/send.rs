//! Sending: permission, id, record, bytes, in this order for every line.

use std::sync::Arc;

use super::control::read_control;
use super::{Event, Held, Ledger, OrderError, OrderIds, State, Tracked};
use crate::clock::Clock;
use crate::domain::{OrderId, TradingMode};
use crate::gateway::{Gateway, SubmitError};
use crate::risk::Control;
use crate::store::Store;

/// Lines that are put in doubt with one wait for the store. Those that a crash leaves recorded and
/// unsent have to be looked at by a person: more would save a few milliseconds and cost a day.
const RECORDED_AHEAD: usize = 4;

/// What sending takes.
#[derive(Debug)]
pub struct Sender<'a> {
    /// Where orders go.
    pub gateway: &'a Gateway,
    /// Where they are written down first.
    pub ledger: &'a Ledger,
    /// Where their ids come from.
    pub ids: &'a OrderIds,
    /// The right to trade.
    pub held: &'a Held,
    /// Where the trading switch is.
    pub store: &'a Arc<dyn Store>,
    /// The time.
    pub clock: &'a Clock,
    /// Whose switch it is.
    pub mode: TradingMode,
    /// The API client that sends.
    pub client_id: i32,
}

impl Sender<'_> {
    /// Sends all planned lines, in the order given, under rising order ids: the gateway refuses
    /// an id below one that it has used (error 103).
    ///
    /// Each line is durably in doubt before its bytes leave. One that the switch forbids is
    /// withdrawn. At the first line that can't be sent the rest stays planned, and the error says
    /// why.
    pub async fn send(&self, orders: &mut [Tracked]) -> Result<(), OrderError> {
        self.withdraw_forbidden(orders).await?;
        let mut planned: Vec<&mut Tracked> =
            orders.iter_mut().filter(|order| order.state() == State::Planned).collect();
        if planned.is_empty() {
            return Ok(());
        }
        let connection = self.gateway.connected().await?.generation;
        let floor = self.gateway.next_valid_id().await?;
        self.held.check().await?;
        let first = self.ids.reserve(planned.len(), floor).await?;
        let mut ids = (first.0..).map(OrderId);
        for batch in planned.chunks_mut(RECORDED_AHEAD) {
            self.record(batch, &mut ids, floor).await?;
            self.send_batch(batch, connection).await?;
        }
        Ok(())
    }

    /// Sends lines that are in doubt on record. At the first that can't be sent the rest is taken
    /// back: it never came near the socket, and it is still us who knows.
    async fn send_batch(
        &self,
        batch: &mut [&mut Tracked],
        connection: u64,
    ) -> Result<(), OrderError> {
        let mut unsent = batch.iter_mut();
        let mut stopped = Ok(());
        for order in unsent.by_ref() {
            stopped = self.send_one(order, connection).await;
            if stopped.is_err() {
                break;
            }
        }
        for order in unsent {
            let reason = "an earlier line could not be sent".to_owned();
            self.ledger.append(order, &[Event::NotSent { reason }]).await?;
        }
        stopped
    }

    /// Puts lines in doubt, durably.
    async fn record(
        &self,
        batch: &mut [&mut Tracked],
        ids: &mut impl Iterator<Item = OrderId>,
        next_valid_id: OrderId,
    ) -> Result<(), OrderError> {
        let mut writes = Vec::with_capacity(batch.len());
        for (order, order_id) in batch.iter_mut().zip(ids) {
            writes.push(self.put_in_doubt(order, order_id, next_valid_id));
        }
        futures::future::join_all(writes).await.into_iter().collect()
    }

    async fn put_in_doubt(
        &self,
        order: &mut Tracked,
        order_id: OrderId,
        next_valid_id: OrderId,
    ) -> Result<(), OrderError> {
        let sending = Event::Sending { order_id, client_id: self.client_id, next_valid_id };
        self.ledger.append(order, &[sending]).await
    }

    async fn send_one(&self, order: &mut Tracked, connection: u64) -> Result<(), OrderError> {
        match self.cleared(order).await {
            Ok(None) => {}
            Ok(Some(reason)) => {
                let not_sent = Event::NotSent { reason: reason.clone() };
                return self.ledger.append(order, &[not_sent, Event::Withdrawn { reason }]).await;
            }
            Err(error) => {
                let reason = error.to_string();
                self.ledger.append(order, &[Event::NotSent { reason }]).await?;
                return Err(error);
            }
        }
        let Some(order_id) = order.progress().order_id() else {
            return Err(OrderError::Differs(order.order_ref().clone()));
        };
        match self.gateway.submit(&order.spec().ticket(order_id), connection).await {
            Ok(()) => Ok(()),
            Err(SubmitError::NotSent(error)) => {
                let reason = error.to_string();
                self.ledger.append(order, &[Event::NotSent { reason }]).await?;
                Err(error.into())
            }
            // It stays in doubt, and what follows waits until that is resolved.
            Err(SubmitError::InDoubt(error)) => Err(error.into()),
        }
    }

    /// The last look before the bytes leave: why this line must not be sent, if it must not.
    async fn cleared(&self, order: &Tracked) -> Result<Option<String>, OrderError> {
        self.held.check().await?;
        Ok(forbidden(&self.control().await?, order))
    }

    async fn withdraw_forbidden(&self, orders: &mut [Tracked]) -> Result<(), OrderError> {
        let control = self.control().await?;
        for order in orders.iter_mut().filter(|order| order.state() == State::Planned) {
            if let Some(reason) = forbidden(&control, order) {
                self.ledger.append(order, &[Event::Withdrawn { reason }]).await?;
            }
        }
        Ok(())
    }

    /// The switch and the locks of this very moment.
    async fn control(&self) -> Result<Control, OrderError> {
        Ok(read_control(self.store, self.mode, self.clock.now()).await?.0)
    }
}

/// Why this line must not be sent.
fn forbidden(control: &Control, order: &Tracked) -> Option<String> {
    let contract = order.spec().line.instrument.id;
    if !control.switch.permits(order.spec().effect) {
        return Some(format!("the trading switch is {}", control.switch));
    }
    let why = control.locks.get(&contract)?;
    Some(format!("contract {contract} is locked: {why}"))
}
