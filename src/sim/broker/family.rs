//! Orders that depend on each other: parents and children, one-cancels-all groups.
//!
//! * A child waits until its parent has filled something, and then works for as much of its own
//!   quantity as the parent has filled of its. That IB's children work while their parent is
//!   partially filled was seen at <https://github.com/nautechsystems/nautilus_trader/issues/2704>.
//! * A parent that ends without a fill takes its children with it; one that ends half filled
//!   leaves them for what it filled.
//! * Orders of a group (`ocaGroup`) are cancelled by the first fill of one (`ocaType` 1), or lose
//!   the share of their rest that it filled of its own (2 and 3)
//!   (<https://interactivebrokers.github.io/tws-api/oca.html>). The two kinds of reduction differ
//!   at IB in what is at an exchange at one time; here orders fill one by one.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::life::Cause;
use super::matching::Rules;
use super::order::{Order, State};
use super::terms::OcaKind;
use super::{Broker, Event};

/// Children of children: more than anybody needs, and few enough to follow in one go.
pub const GENERATIONS_MAX: usize = 10;

impl Broker {
    /// Transmits an order, its held parent before it and its held siblings with it.
    pub(super) fn transmit_family(
        &mut self,
        perm_id: i64,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        let parent = self.order(perm_id).and_then(|order| order.parent_perm_id);
        let siblings = parent.map(|parent| self.index.children_of(parent)).unwrap_or_default();
        let relatives = parent.into_iter().chain(siblings).filter(|other| *other != perm_id);
        for relative in relatives.chain([perm_id]) {
            if self.order(relative).is_some_and(|order| order.state == State::Held) {
                self.transmit(relative, rules, events);
            }
        }
    }

    /// Whether an order is a child whose parent has filled nothing yet.
    pub(super) fn waits_for_parent(&self, order: &Order) -> bool {
        let parent = order.parent_perm_id.and_then(|parent| self.orders.get(&parent));
        parent.is_some_and(|parent| parent.state.is_open() && parent.filled.is_zero())
    }

    /// The generation of an order: 1 when it has no parent.
    pub fn generation(&self, order: &Order) -> usize {
        let parent = |order: &Order| order.parent_perm_id.and_then(|id| self.orders.get(&id));
        let ancestors = std::iter::successors(parent(order), |order| parent(order));
        ancestors.take(GENERATIONS_MAX).count().saturating_add(1)
    }

    /// How much of its rest an order may fill now.
    pub(super) fn workable(&self, order: &Order) -> Decimal {
        let rest = order.remaining();
        let parent = order.parent_perm_id.and_then(|parent| self.orders.get(&parent));
        let Some(parent) = parent.filter(|parent| parent.state.is_open()) else { return rest };
        let share = order
            .asked
            .checked_mul(parent.filled)
            .and_then(|product| product.checked_div(parent.quantity))
            .unwrap_or_default();
        let done = order.asked - rest;
        (whole(share, order) - done).clamp(Decimal::ZERO, rest)
    }

    /// Sends the children of an order that filled on their way.
    pub(super) fn wake_children(
        &mut self,
        parent: i64,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        for child in self.index.children_of(parent) {
            let Some(order) = self.orders.get(&child) else { continue };
            self.depth.forget(order.con_id);
            if order.state == State::Waiting {
                self.station(child, rules);
                let status = self.order(child).map(|order| order.state.status());
                self.announce(child, status.unwrap_or_default(), events);
                self.work(child, rules, events);
            }
        }
    }

    /// The children that an order would leave if it ended now, and for how much.
    pub(super) fn orphans(&self, parent: i64) -> Vec<(i64, Decimal)> {
        let filled = self.order(parent).is_some_and(|order| !order.filled.is_zero());
        let children = self.index.children_of(parent);
        let rest = |child: &i64| match self.order(*child) {
            Some(order) if filled => self.workable(order),
            _ => Decimal::ZERO,
        };
        children.iter().map(|child| (*child, rest(child))).collect()
    }

    /// Cuts the children of an ended order down to what they are left for.
    pub(super) fn settle_orphans(
        &mut self,
        children: Vec<(i64, Decimal)>,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        for (child, rest) in children {
            self.shrink(child, rest, Cause::Parent, at, events);
        }
    }

    /// Tells the group of an order that it filled: it had `before` left.
    pub(super) fn tell_group(
        &mut self,
        perm_id: i64,
        before: Decimal,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        let Some(order) = self.order(perm_id) else { return };
        let Some(group) = order.group() else { return };
        let after = order.remaining();
        for other in self.index.others_of_group(order) {
            let Some(order) = self.order(other) else { continue };
            let rest = match group.kind {
                OcaKind::Cancel => Decimal::ZERO,
                OcaKind::Reduce => {
                    let product = order.remaining().checked_mul(after);
                    let rest = product.and_then(|product| product.checked_div(before));
                    whole(rest.unwrap_or_default(), order)
                }
            };
            self.shrink(other, rest, Cause::Group, rules.at, events);
        }
    }

    /// Leaves an open order only `rest` to fill.
    fn shrink(
        &mut self,
        perm_id: i64,
        rest: Decimal,
        cause: Cause,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        if rest <= Decimal::ZERO {
            self.take_off(perm_id, cause, at, events);
            return;
        }
        let Some(order) = self.orders.get_mut(&perm_id) else { return };
        if !order.state.is_open() {
            return;
        }
        if order.remaining() != rest {
            order.quantity = order.filled + rest;
            if cause == Cause::Parent {
                order.asked = order.quantity;
            }
            let status = order.state.status();
            self.announce(perm_id, status, events);
        }
    }
}

/// A share of an order's quantity, rounded down to what it counts in.
fn whole(share: Decimal, order: &Order) -> Decimal {
    share.trunc_with_scale(order.asked.scale())
}
