//! An order's document: `orders/{order reference}`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Entry, IllegalStep, OrderError, Progress, State};
use crate::domain::{
    Account, ContractId, Instrument, OrderId, OrderRef, OrderTicket, OrderType, RunKey, Side,
    StrategyId, TimeInForce,
};

/// One line of one plan, frozen before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// Our name for it, for ever.
    pub order_ref: OrderRef,
    /// The run that asked for it.
    pub run_key: RunKey,
    /// Whose money.
    pub account: Account,
    /// Of what.
    pub instrument: Instrument,
    /// Where it goes.
    pub exchange: String,
    /// Which way.
    pub side: Side,
    /// More than zero.
    pub quantity: Decimal,
    /// The contract's step of quantity; fills are attributed in it.
    pub size_increment: Decimal,
    /// Market, or limit with its price.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// The price that sized it, in the contract's currency.
    pub reference_price: Decimal,
    /// Who wanted how much of it: signed, summing to the signed quantity.
    pub contributions: BTreeMap<StrategyId, Decimal>,
    /// Whether it can only bring the account's position closer to zero: sent under
    /// `reduce-only`.
    pub reduces: bool,
}

impl OrderSpec {
    /// What goes over the wire under `order_id`.
    pub fn ticket(&self, order_id: OrderId) -> OrderTicket {
        OrderTicket {
            order_id,
            order_ref: self.order_ref.clone(),
            instrument: self.instrument.clone(),
            exchange: self.exchange.clone(),
            side: self.side,
            quantity: self.quantity,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            account: self.account.clone(),
        }
    }
}

/// The document: the frozen line, its events, and two fields to find it by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrderRecord {
    /// The frozen line.
    pub spec: OrderSpec,
    /// When the line was written down.
    pub created_at: Timestamp,
    /// Derived from the events at each write, for lists: where it stands.
    pub status: String,
    /// Derived from the events at each write, for lists: whether it still needs somebody.
    pub open: bool,
    /// Derived from the spec, for lists.
    pub run_key: RunKey,
    /// Derived from the spec, for lists.
    pub contract_id: ContractId,
    /// The highest fencing number that has written here.
    pub fence: u64,
    /// All that happened, in order.
    pub events: Vec<Entry>,
}

impl OrderRecord {
    pub(super) fn new(spec: OrderSpec, created_at: Timestamp, fence: u64) -> Self {
        Self {
            status: State::Planned.as_str().to_owned(),
            open: true,
            run_key: spec.run_key.clone(),
            contract_id: spec.instrument.id,
            created_at,
            fence,
            events: Vec::new(),
            spec,
        }
    }

    /// Folds the events.
    pub fn progress(&self) -> Result<Progress, OrderError> {
        let events = self.events.iter().map(|entry| &entry.event);
        Progress::replay(self.spec.quantity, events).map_err(|source| self.illegal(source))
    }

    /// When its latest send was recorded.
    pub fn sent_at(&self) -> Option<Timestamp> {
        let sending = |entry: &&Entry| matches!(entry.event, super::Event::Sending { .. });
        self.events.iter().rev().find(sending).map(|entry| entry.at)
    }

    pub(super) fn illegal(&self, source: IllegalStep) -> OrderError {
        OrderError::Illegal { order_ref: self.spec.order_ref.clone(), source }
    }
}
