//! The life of one order: a fold over its events. No I/O, no clock.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::event::{End, Event, Fill};
use crate::domain::{Commission, ExecutionId, OrderId, PermId};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Written down, nothing sent.
    Planned,
    /// Sent and not yet answered: it may or may not be at the broker.
    InDoubt,
    /// The broker has it.
    Working,
    /// It works no longer, and what was filled is known.
    Ended(End),
    /// In doubt or in contradiction, and only a person may decide.
    Parked,
}

impl State {
    /// As tables and document filters spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InDoubt => "in-doubt",
            Self::Working => "working",
            Self::Ended(End::Filled) => "filled",
            Self::Ended(End::Cancelled) => "cancelled",
            Self::Ended(End::Rejected) => "rejected",
            Self::Ended(End::Withdrawn) => "withdrawn",
            Self::Parked => "parked",
        }
    }

    /// Whether it can never change by itself again.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Ended(_))
    }
}

/// A step of ours that does not fit the state. Facts from the broker always fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {} can't take the step {step}", .state.as_str())]
pub struct IllegalStep {
    /// Where the order stands.
    pub state: State,
    /// What was tried.
    pub step: &'static str,
}

/// What the events of one order add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Ordered in all, more than zero.
    ordered: Decimal,
    state: State,
    /// The latest revision of each fill, by execution id without its revision.
    fills: BTreeMap<String, Fill>,
    commissions: BTreeMap<ExecutionId, Commission>,
    order_ids: Vec<OrderId>,
    perm_ids: BTreeSet<PermId>,
    notices: Vec<(i32, String)>,
    attributed: Decimal,
    cancel_requested: bool,
    parked_because: Option<String>,
}

impl Progress {
    /// An order of `ordered` units, before anything happened.
    pub fn new(ordered: Decimal) -> Self {
        Self {
            ordered,
            state: State::Planned,
            fills: BTreeMap::new(),
            commissions: BTreeMap::new(),
            order_ids: Vec::new(),
            perm_ids: BTreeSet::new(),
            notices: Vec::new(),
            attributed: Decimal::ZERO,
            cancel_requested: false,
            parked_because: None,
        }
    }

    /// Folds all of `events`.
    pub fn replay<'a>(
        ordered: Decimal,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Self, IllegalStep> {
        events.into_iter().try_fold(Self::new(ordered), |progress, event| progress.next(event))
    }

    /// The state after `event`; the one place where an order's state changes.
    pub fn next(mut self, event: &Event) -> Result<Self, IllegalStep> {
        use State::{Ended, InDoubt, Parked, Planned, Working};

        self.state = match (self.state, event) {
            (Planned, Event::Sending { order_id, .. }) => {
                self.order_ids.push(*order_id);
                InDoubt
            }
            (Planned, Event::Withdrawn { .. }) => Ended(End::Withdrawn),
            (InDoubt, Event::NotSent { .. }) => Planned,
            (state, Event::Sending { .. }) => return Err(illegal(state, "send")),
            (state, Event::Withdrawn { .. }) => return Err(illegal(state, "withdraw")),
            (state, Event::NotSent { .. }) => return Err(illegal(state, "take back")),

            (state, Event::Acknowledged { perm_id, .. }) => {
                // 0 in the first frames means that IB has not numbered it yet.
                if perm_id.0 != 0 {
                    self.perm_ids.insert(*perm_id);
                }
                match state {
                    InDoubt | Working => Working,
                    // It can come late, and it can't revive what has ended.
                    Ended(End::Filled | End::Cancelled) | Parked => state,
                    // Alive at the broker, and by our record it can't be.
                    Planned | Ended(End::Rejected | End::Withdrawn) => {
                        self.park("the broker shows an order that we never sent or gave up")
                    }
                }
            }
            (state, Event::Executed(fill)) => {
                self.keep(fill.clone());
                self.after_fill(state)
            }
            (InDoubt | Working, Event::Ended { how, .. }) => self.after_end(*how),
            (Ended(how), Event::Ended { .. }) => Ended(how),
            (Parked, Event::Ended { .. }) => Parked,
            (Planned, Event::Ended { .. }) => return Err(illegal(Planned, "end")),

            (_, Event::Parked { reason }) => self.park(reason),
            (Parked, Event::Resolved { how, .. }) => {
                self.parked_because = None;
                Ended(*how)
            }
            (state, Event::Resolved { .. }) => return Err(illegal(state, "resolve")),

            (state, Event::Commissioned(commission)) => {
                self.commissions.insert(commission.execution_id.clone(), commission.clone());
                state
            }
            (state, Event::Noticed { code, text }) => {
                self.notices.push((*code, text.clone()));
                state
            }
            (state, Event::CancelRequested { .. }) => {
                self.cancel_requested = true;
                state
            }
            (state, Event::Attributed { filled }) => {
                self.attributed = *filled;
                state
            }
        };
        Ok(self)
    }

    fn after_fill(&mut self, state: State) -> State {
        let filled = self.filled();
        if filled > self.ordered {
            return self.park("more was executed than ordered");
        }
        match state {
            State::Planned => self.park("the broker executed an order that we never sent"),
            State::InDoubt | State::Working if filled == self.ordered => State::Ended(End::Filled),
            State::InDoubt | State::Working => State::Working,
            // A fill can cross a cancel on the wire: it is ours all the same.
            State::Ended(End::Cancelled) if filled == self.ordered => State::Ended(End::Filled),
            State::Ended(End::Cancelled | End::Filled) => state,
            State::Ended(End::Rejected | End::Withdrawn) => {
                self.park("the broker executed an order that had ended unfilled")
            }
            State::Parked => State::Parked,
        }
    }

    fn after_end(&mut self, how: End) -> State {
        let filled = self.filled();
        match how {
            End::Filled if filled != self.ordered => {
                // Not yet: the executions decide, and they are on their way.
                State::Working
            }
            End::Rejected if !filled.is_zero() => State::Ended(End::Cancelled),
            End::Filled | End::Cancelled | End::Rejected | End::Withdrawn => State::Ended(how),
        }
    }

    fn park(&mut self, reason: &str) -> State {
        self.parked_because.get_or_insert_with(|| reason.to_owned());
        State::Parked
    }

    fn keep(&mut self, fill: Fill) {
        let (base, revision) = split_revision(fill.execution_id.as_str());
        let newer = match self.fills.get(base) {
            Some(known) => split_revision(known.execution_id.as_str()).1 < revision,
            None => true,
        };
        if newer {
            self.fills.insert(base.to_owned(), fill);
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Executed so far, without sign.
    pub fn filled(&self) -> Decimal {
        self.fills.values().map(|fill| fill.quantity).sum()
    }

    /// The mean price of what was executed.
    pub fn average_price(&self) -> Option<Decimal> {
        let value: Decimal = self.fills.values().try_fold(Decimal::ZERO, |sum, fill| {
            fill.price.checked_mul(fill.quantity).and_then(|value| sum.checked_add(value))
        })?;
        value.checked_div(self.filled())
    }

    /// The fills, each in its latest revision.
    pub fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.fills.values()
    }

    /// Whether this very execution, in this revision, is on record.
    pub fn knows(&self, id: &ExecutionId) -> bool {
        let (base, revision) = split_revision(id.as_str());
        self.fills
            .get(base)
            .is_some_and(|fill| split_revision(fill.execution_id.as_str()).1 >= revision)
    }

    /// The commission of a fill, once reported.
    pub fn commission(&self, id: &ExecutionId) -> Option<&Commission> {
        self.commissions.get(id)
    }

    /// The id under which it was last sent.
    pub fn order_id(&self) -> Option<OrderId> {
        self.order_ids.last().copied()
    }

    /// Every id under which it may have been sent.
    pub fn order_ids(&self) -> &[OrderId] {
        &self.order_ids
    }

    /// IB's numbers for it. More than one is an incident.
    pub fn perm_ids(&self) -> &BTreeSet<PermId> {
        &self.perm_ids
    }

    /// The codes that IB sent about it, with its words.
    pub fn notices(&self) -> &[(i32, String)] {
        &self.notices
    }

    /// How much of its fills strategies get: all, but never more than they ordered. The rest of an
    /// overfill is nobody's, and for the person who looks at the order.
    pub fn attributable(&self) -> Decimal {
        self.filled().min(self.ordered)
    }

    /// How much of its fills the holdings have booked.
    pub fn attributed(&self) -> Decimal {
        self.attributed
    }

    /// Whether we asked for its cancellation.
    pub fn cancel_requested(&self) -> bool {
        self.cancel_requested
    }

    /// Why it is parked.
    pub fn parked_because(&self) -> Option<&str> {
        self.parked_because.as_deref()
    }

    /// Whether somebody still has to do something about it: it may change at the broker, a
    /// person has to decide, or fills wait to be booked.
    pub fn is_open(&self) -> bool {
        !self.state.is_ended() || self.attributed.abs() != self.attributable()
    }

    /// Whether new orders on its contract have to wait: its effect on the position is unknown.
    pub fn blocks_contract(&self) -> bool {
        matches!(self.state, State::InDoubt | State::Parked)
    }
}

fn illegal(state: State, step: &'static str) -> IllegalStep {
    IllegalStep { state, step }
}

/// IB marks a correction by raising the part after the last dot: `….01` becomes `….02`.
fn split_revision(id: &str) -> (&str, u32) {
    match id.rsplit_once('.') {
        Some((base, revision)) => match revision.parse() {
            Ok(number) => (base, number),
            Err(_not_a_revision) => (id, 0),
        },
        None => (id, 0),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
