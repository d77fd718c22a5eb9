//! Whether a row at the broker is one of our orders.
//!
//! Our reference decides. Where a frame leaves it out, our order id does, if nothing contradicts;
//! IB's own number is the last resort. Our order id on an order of another reference is an
//! incident: the gateway has given one id away twice.

use super::Tracked;
use crate::domain::{
    CompletedOrder, ContractId, Execution, OpenOrder, OrderId, OrderRef, PermId, Side,
};

/// What a row is to one of our orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It is that order.
    Ours,
    /// Our order id on somebody else's order.
    Collision,
    /// Something else.
    No,
}

/// What identifies an order in any list or report.
pub(super) struct Row<'a> {
    order_ref: Option<&'a OrderRef>,
    client_id: Option<i32>,
    order_id: Option<OrderId>,
    perm_id: PermId,
    contract: ContractId,
    side: Side,
}

/// What `row` is to `order`, which API client `client_id` placed.
pub(super) fn identify(order: &Tracked, row: &Row<'_>, client_id: i32) -> Match {
    let line = &order.spec().line;
    let progress = order.progress();
    let same_terms = row.contract == line.instrument.id && row.side == line.side;
    let same_id = row.order_id.is_some_and(|id| progress.order_ids().contains(&id))
        && row.client_id == Some(client_id);
    match row.order_ref {
        Some(order_ref) if *order_ref == line.order_ref => Match::Ours,
        Some(_) if same_id => Match::Collision,
        Some(_) => Match::No,
        None if same_id && same_terms => Match::Ours,
        None if same_id => Match::Collision,
        None if row.perm_id.0 != 0 && progress.perm_ids().contains(&row.perm_id) => Match::Ours,
        None => Match::No,
    }
}

impl<'a> Row<'a> {
    pub(super) fn of_open(open: &'a OpenOrder) -> Self {
        Self {
            order_ref: open.order_ref.as_ref(),
            client_id: Some(open.client_id),
            order_id: Some(open.order_id),
            perm_id: open.perm_id,
            contract: open.instrument.id,
            side: open.side,
        }
    }

    pub(super) fn of_completed(done: &'a CompletedOrder) -> Self {
        Self {
            order_ref: done.order_ref.as_ref(),
            client_id: done.client_id,
            order_id: done.order_id,
            perm_id: done.perm_id,
            contract: done.instrument.id,
            side: done.side,
        }
    }

    pub(super) fn of_execution(execution: &'a Execution) -> Self {
        Self {
            order_ref: execution.order_ref.as_ref(),
            client_id: Some(execution.client_id),
            order_id: Some(execution.order_id),
            perm_id: execution.perm_id,
            contract: execution.instrument.id,
            side: execution.side,
        }
    }
}
