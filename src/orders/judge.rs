//! What the broker's lists say about one order. Pure: evidence in, events out.
//!
//! A query proves what it shows; what it does not show may still exist. Open orders say nothing
//! of ended ones, completed orders reach back a day and give no quantities, executions are the
//! only proof of a quantity. So all are read, the open orders twice, and an order that none of
//! them shows is *absent*: a finding that the caller may believe only after a second look.

use rust_decimal::Decimal;

use super::identity::{Match, Row, identify};
use super::{End, Event, Fill, State, Tracked};
use crate::domain::{CompletedOrder, Execution, OpenOrder};

/// One look at the broker, all of it on one connection, every list complete.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The connection it was read on.
    pub generation: u64,
    /// Open orders of all clients, read before and after the rest.
    pub open: Vec<OpenOrder>,
    /// What ended today.
    pub completed: Vec<CompletedOrder>,
    /// Today's fills.
    pub executions: Vec<Execution>,
}

/// What follows for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// To append to the ledger; facts that are on record already may be among them.
    pub events: Vec<Event>,
    /// Where that leaves the order.
    pub finding: Finding,
}

/// Where the evidence leaves an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It works at the broker.
    Open,
    /// It works no longer, and how much was filled is known.
    Ended,
    /// The lists disagree for the moment (a fill is on its way): look again.
    Unclear,
    /// No list shows it.
    Absent,
    /// The lists contradict our record: the order is parked.
    Incident,
}

/// Reads `evidence` for `order`, placed by API client `client_id`.
pub fn judge(order: &Tracked, evidence: &Evidence, client_id: i32) -> Judgement {
    let mut case = Case { order, client_id, events: Vec::new() };
    let finding = case.examine(evidence);
    Judgement { events: case.events, finding }
}

struct Case<'a> {
    order: &'a Tracked,
    client_id: i32,
    events: Vec<Event>,
}

impl Case<'_> {
    fn examine(&mut self, evidence: &Evidence) -> Finding {
        // Whatever else is wrong: what was executed under our name is ours.
        let mut filled = Decimal::ZERO;
        for execution in &evidence.executions {
            if self.matches(&Row::of_execution(execution)) == Match::Ours {
                self.events.push(Event::Executed(Fill::from(execution)));
                self.events.extend(execution.commission.clone().map(Event::Commissioned));
                filled = filled.max(execution.cumulative_quantity);
            }
        }
        if let Some(incident) = self.incident(evidence) {
            return self.park(incident);
        }
        let after = self.order.progress().clone();
        let after = self.events.iter().try_fold(after, |progress, event| progress.next(event));
        match after.map(|progress| (progress.state(), progress.filled())) {
            Ok((State::Ended(_), _)) => Finding::Ended,
            Ok((State::Parked, _)) | Err(_) => Finding::Incident,
            Ok((_, booked)) if booked < filled => Finding::Unclear,
            Ok((_, booked)) => self.look_further(evidence, booked),
        }
    }

    /// Not ended by its executions: does it work, or how did it end?
    fn look_further(&mut self, evidence: &Evidence, booked: Decimal) -> Finding {
        let open = evidence.open.iter().rfind(|open| {
            self.matches(&Row::of_open(open)) == Match::Ours && !is_final(&open.status)
        });
        if let Some(open) = open {
            let event = Event::Acknowledged { perm_id: open.perm_id, status: open.status.clone() };
            self.events.push(event);
            return Finding::Open;
        }
        let done = evidence
            .completed
            .iter()
            .rfind(|done| self.matches(&Row::of_completed(done)) == Match::Ours);
        match done {
            Some(done) if done.status == "Filled" => Finding::Unclear,
            Some(done) => {
                let how = self.how_it_ended(&done.status, booked);
                let detail = done.detail.as_deref().unwrap_or("no further text");
                let evidence = format!("completed orders: {} ({detail})", done.status);
                self.events.push(Event::Ended { how, evidence });
                Finding::Ended
            }
            None => Finding::Absent,
        }
    }

    fn how_it_ended(&self, status: &str, booked: Decimal) -> End {
        let refused = self.order.progress().notices().iter().any(|(code, _)| *code == REJECTED);
        match status {
            "Cancelled" | "ApiCancelled" if refused && booked.is_zero() => End::Rejected,
            "Inactive" if booked.is_zero() => End::Rejected,
            _ => End::Cancelled,
        }
    }

    /// What must not be: two orders under one reference, our id or our reference elsewhere.
    fn incident(&self, evidence: &Evidence) -> Option<String> {
        let mut alive = self.order.progress().perm_ids().clone();
        for open in &evidence.open {
            let row = Row::of_open(open);
            match self.matches(&row) {
                Match::Collision => {
                    return Some(format!(
                        "order id {} carries another order at the broker",
                        open.order_id
                    ));
                }
                Match::Ours if open.client_id != self.client_id => {
                    return Some(format!(
                        "the order works under API client {}, which is not ours ({})",
                        open.client_id, self.client_id
                    ));
                }
                Match::Ours if open.perm_id.0 != 0 => {
                    alive.insert(open.perm_id);
                }
                Match::Ours | Match::No => {}
            }
        }
        (alive.len() > 1)
            .then(|| format!("the broker has {} orders under this reference", alive.len()))
    }

    fn matches(&self, row: &Row<'_>) -> Match {
        identify(self.order, row, self.client_id)
    }

    fn park(&mut self, reason: String) -> Finding {
        self.events.push(Event::Parked { reason });
        Finding::Incident
    }
}

/// "Order rejected": the text has the reason.
const REJECTED: i32 = 201;

/// IB's words for an order that works no longer. `Inactive` is not one: such an order can come
/// back and fill (<https://github.com/erdewit/ib_insync/issues/363>).
pub(super) fn is_final(status: &str) -> bool {
    matches!(status, "Filled" | "Cancelled" | "ApiCancelled")
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
