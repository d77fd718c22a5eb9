//! From the broker's live reports to ledger events. Pure.

use super::identity::{Match, Row, identify};
use super::judge::is_final;
use super::{Event, Fill, Tracked};
use crate::gateway::OrderEvent;
use crate::gateway::codes::CodeClass;

/// What one report means for one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// To append to its ledger.
    pub events: Vec<Event>,
    /// Whether the report is a reason to ask the broker: it claims an end that only the lists can
    /// confirm.
    pub ask: bool,
}

impl News {
    fn of(event: Event) -> Self {
        Self { events: vec![event], ask: false }
    }

    fn ask() -> Self {
        Self { events: Vec::new(), ask: true }
    }

    /// Adds a later report's news.
    pub(super) fn extend(&mut self, later: Self) {
        self.events.extend(later.events);
        self.ask |= later.ask;
    }
}

/// What `report` means for `order`, placed by API client `client_id`. `pending` is the news that
/// is not in its ledger yet.
pub(super) fn read_report(
    report: &OrderEvent,
    order: &Tracked,
    pending: &News,
    client_id: i32,
) -> News {
    match report {
        OrderEvent::Open(open) => match identify(order, &Row::of_open(open), client_id) {
            Match::Ours if is_final(&open.status) => News::ask(),
            Match::Ours => {
                let (perm_id, status) = (open.perm_id, open.status.clone());
                News::of(Event::Acknowledged { perm_id, status })
            }
            Match::Collision => News::of(collision(open.order_id)),
            Match::No => News::default(),
        },
        OrderEvent::Status(report) => {
            let ours = report.client_id == client_id
                && order.progress().order_ids().contains(&report.order_id);
            match report.status.as_str() {
                _ if !ours => News::default(),
                // An end, or a hold: the lists decide which.
                "Cancelled" | "ApiCancelled" | "Inactive" => News::ask(),
                status => {
                    let (perm_id, status) = (report.perm_id, status.to_owned());
                    let ask = is_final(&status);
                    News { ask, ..News::of(Event::Acknowledged { perm_id, status }) }
                }
            }
        }
        OrderEvent::Executed(execution) => {
            match identify(order, &Row::of_execution(execution), client_id) {
                Match::Ours => {
                    let mut news = News::of(Event::Executed(Fill::from(execution)));
                    news.events.extend(execution.commission.clone().map(Event::Commissioned));
                    news
                }
                Match::Collision => News::of(collision(execution.order_id)),
                Match::No => News::default(),
            }
        }
        OrderEvent::Commission(commission) => {
            let known = order.progress().knows(&commission.execution_id)
                || pending.events.iter().any(|event| {
                    matches!(event, Event::Executed(fill)
                        if fill.execution_id == commission.execution_id)
                });
            match known {
                true => News::of(Event::Commissioned(commission.clone())),
                false => News::default(),
            }
        }
        OrderEvent::Notice(notice) => {
            if !order.progress().order_ids().contains(&notice.order_id) {
                return News::default();
            }
            let ask = matches!(
                notice.class,
                CodeClass::Rejected | CodeClass::CancelConfirmed | CodeClass::CancelRefused
            );
            let event = Event::Noticed { code: notice.code, text: notice.text.clone() };
            News { ask, ..News::of(event) }
        }
        OrderEvent::Gap => News::ask(),
    }
}

fn collision(id: crate::domain::OrderId) -> Event {
    Event::Parked { reason: format!("order id {id} carries another order at the broker") }
}
