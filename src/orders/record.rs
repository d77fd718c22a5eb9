//! An order's document: `orders/{order reference}`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entry, IllegalStep, OrderError, Progress, State};
use crate::domain::{Account, ContractId, OrderId, OrderRef, OrderTicket, RunKey};
use crate::portfolio::Line;
use crate::risk::{Approved, Effect};

/// One line of one plan, frozen before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// The run that asked for it.
    pub run_key: RunKey,
    /// Whose money.
    pub account: Account,
    /// What it does to the account's position: asked again of the switch before the send.
    pub effect: Effect,
    /// What is to be done, and for whom.
    pub line: Line,
}

impl OrderSpec {
    /// Freezes a line that risk approved. There is no other way to make one, but to read it back
    /// from a record.
    pub fn new(run_key: RunKey, approved: &Approved) -> Self {
        Self {
            run_key,
            account: approved.account().clone(),
            effect: approved.effect(),
            line: approved.line().clone(),
        }
    }

    /// Our name for it, for ever.
    pub fn order_ref(&self) -> &OrderRef {
        &self.line.order_ref
    }

    /// What goes over the wire under `order_id`.
    pub fn ticket(&self, order_id: OrderId) -> OrderTicket {
        OrderTicket {
            order_id,
            order_ref: self.line.order_ref.clone(),
            instrument: self.line.instrument.clone(),
            exchange: self.line.exchange.clone(),
            side: self.line.side,
            quantity: self.line.quantity,
            order_type: self.line.order_type,
            time_in_force: self.line.time_in_force,
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
            contract_id: spec.line.instrument.id,
            created_at,
            fence,
            events: Vec::new(),
            spec,
        }
    }

    /// Folds the events.
    pub fn progress(&self) -> Result<Progress, OrderError> {
        let events = self.events.iter().map(|entry| &entry.event);
        Progress::replay(self.spec.line.quantity, events).map_err(|source| self.illegal(source))
    }

    /// When its latest send was recorded.
    pub fn sent_at(&self) -> Option<Timestamp> {
        let sending = |entry: &&Entry| matches!(entry.event, super::Event::Sending { .. });
        self.events.iter().rev().find(sending).map(|entry| entry.at)
    }

    pub(super) fn illegal(&self, source: IllegalStep) -> OrderError {
        OrderError::Illegal { order_ref: self.spec.order_ref().clone(), source }
    }
}
