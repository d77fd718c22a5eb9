//! An order's way from request to end: place, change, cancel, expire.

use jiff::Timestamp;

use super::matching::Rules;
use super::order::{End, Order, Progress, Proposal, State};
use super::timing::{Stage, Timetable, TooLate};
use super::{Broker, Event, NotCancellable};
use crate::sim::universe::Listing;

/// Why the broker takes an order off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its owner, or a global cancel.
    Trader,
    /// Another order of its group filled or was cancelled.
    Group,
    /// Its parent ended.
    Parent,
    /// Its time is over. What IB's servers write here is not public; the API sees the status
    /// Cancelled.
    Expired,
    /// It was to fill at once.
    NotAtOnce,
}

impl Cause {
    /// As completed orders say it; only the first is known to be IB's.
    fn how(self) -> &'static str {
        match self {
            Self::Trader => "Cancelled by Trader",
            Self::Group => "Cancelled: its group filled or was cancelled",
            Self::Parent => "Cancelled with its parent",
            Self::Expired => "Expired",
            Self::NotAtOnce => "Cancelled: not filled at once",
        }
    }
}

/// IB's words for an order that comes after its session or auction, seen at
/// <https://github.com/QuantConnect/Lean.Brokerages.InteractiveBrokers/issues/204>.
pub const EXCHANGE_CLOSED: &str = "Exchange is closed.";

impl Broker {
    /// Accepts a new order and fills it if it can.
    pub fn place(&mut self, proposal: Proposal, rules: &Rules<'_>) -> Vec<Event> {
        let perm_id = self.next_perm_id;
        self.next_perm_id = self.next_perm_id.saturating_add(1);
        let parent = proposal.parent_id.and_then(|id| self.find(proposal.client_id, id));
        let parent = parent.map(|order| order.perm_id);
        let transmit = proposal.transmit;
        let order = Order::new(perm_id, proposal, parent);
        self.index.enter(&order);
        self.orders.insert(perm_id, order);

        let mut events = Vec::new();
        if transmit {
            self.transmit_family(perm_id, rules, &mut events);
        } else {
            self.announce(perm_id, State::Held.status(), &mut events);
        }
        events
    }

    /// Changes an open order to new terms. The caller has checked that it is the same contract
    /// and side, and that more is asked for than was filled.
    pub fn modify(&mut self, perm_id: i64, proposal: Proposal, rules: &Rules<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(order) = self.orders.get_mut(&perm_id) else { return events };
        let transmit = proposal.transmit;
        order.change(proposal);
        match (order.state, transmit) {
            (State::Held, true) => self.transmit_family(perm_id, rules, &mut events),
            (State::Held, false) => self.announce(perm_id, State::Held.status(), &mut events),
            _ => self.resume(perm_id, rules, &mut events),
        }
        events
    }

    /// Works a transmitted order under its new terms.
    fn resume(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        // Too late for another auction is refused before: the order keeps the times it has.
        if let Some(Ok(times)) = self.timetable(perm_id, rules).map(|own| own.times(rules.at))
            && let Some(order) = self.orders.get_mut(&perm_id)
        {
            order.times.expires = times.expires;
            order.times.auction = times.auction;
            order.times.locked_from = times.locked_from;
        }
        self.station(perm_id, rules);
        let status = self.order(perm_id).map(|order| order.state.status());
        self.announce(perm_id, status.unwrap_or_default(), events);
        self.work(perm_id, rules, events);
    }

    /// Whether an order comes too late for its auction.
    pub fn is_late(&self, proposal: &Proposal, rules: &Rules<'_>) -> bool {
        let Some(listing) = rules.market.universe().get(proposal.con_id) else { return false };
        let timetable = Timetable {
            schedule: rules.market.schedule(),
            listing,
            price: proposal.price,
            tif: proposal.tif,
            terms: &proposal.terms,
        };
        timetable.times(rules.at) == Err(TooLate)
    }

    /// Makes a held order work, or wait for its parent, its time, or its trigger.
    pub(super) fn transmit(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let Some(times) = self.timetable(perm_id, rules).map(|own| own.times(rules.at)) else {
            return;
        };
        let Ok(times) = times else {
            self.reject(perm_id, EXCHANGE_CLOSED, rules.at, events);
            return;
        };
        let Some(order) = self.orders.get_mut(&perm_id) else { return };
        order.times = times;
        order.state = State::Queued;
        self.station(perm_id, rules);
        let closed = self.timetable(perm_id, rules).and_then(|own| own.closed_until(rules.at));
        let Some(order) = self.orders.get(&perm_id) else { return };
        let warns = order.state == State::Queued && order.terms.after.is_none();
        if let Some(until) = closed.filter(|_| warns) {
            events.push(Event::Queued { perm_id, until });
        }
        // An order that fills on arrival was never seen resting at the exchange.
        let fills_now = order.state == State::Working && self.offer(order, rules).is_some();
        let status = if fills_now { State::Queued.status() } else { order.state.status() };
        self.announce(perm_id, status, events);
        if self.trigger(perm_id, rules, events) {
            self.fill(perm_id, false, rules, events);
        }
    }

    /// Puts a transmitted order where it belongs at this instant, and sets when to look at it
    /// next.
    pub(super) fn station(&mut self, perm_id: i64, rules: &Rules<'_>) {
        let Some(stage) = self.stage(perm_id, rules) else { return };
        let Some(order) = self.orders.get(&perm_id) else { return };
        let state = if order.terms.inactive {
            State::Inactive
        } else if self.waits_for_parent(order) {
            State::Waiting
        } else {
            match stage {
                Stage::Live { .. } if !order.is_armed() => State::Working,
                // What once was at the exchange stays with it overnight.
                Stage::Closed { .. } | Stage::Never if order.state == State::Working => {
                    State::Working
                }
                _ => State::Queued,
            }
        };
        let moves = matches!(state, State::Queued | State::Working);
        let Some(order) = self.orders.get_mut(&perm_id) else { return };
        let old = order.times.alarm;
        order.state = state;
        order.times.live_until = match stage {
            Stage::Live { until } if moves => Some(until),
            _ => None,
        };
        let auction = order.times.auction;
        let next = if moves { stage.ends() } else { auction };
        order.times.alarm = next.into_iter().chain(order.times.expires).min();
        self.index.set_alarm(perm_id, old, order.times.alarm);
        self.depth.forget(order.con_id);
        self.touch(perm_id);
    }

    fn stage(&self, perm_id: i64, rules: &Rules<'_>) -> Option<Stage> {
        let order = self.orders.get(&perm_id)?;
        Some(self.timetable(perm_id, rules)?.stage(&order.times, rules.at))
    }

    fn timetable<'a>(&'a self, perm_id: i64, rules: &Rules<'a>) -> Option<Timetable<'a>> {
        let order = self.orders.get(&perm_id)?;
        let listing: &Listing = rules.market.universe().get(order.con_id)?;
        Some(Timetable {
            schedule: rules.market.schedule(),
            listing,
            price: order.price,
            tif: order.tif,
            terms: &order.terms,
        })
    }

    /// Looks at an order whose alarm rang.
    pub(super) fn ring(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let Some(order) = self.orders.get(&perm_id) else { return };
        let due = |instant: Option<Timestamp>| instant.is_some_and(|instant| instant <= rules.at);
        if due(order.times.expires) {
            self.take_off(perm_id, Cause::Expired, rules.at, events);
            return;
        }
        if due(order.times.auction) {
            if order.state == State::Queued {
                self.auction(perm_id, rules, events);
            }
            self.take_off(perm_id, Cause::Expired, rules.at, events);
            return;
        }
        let before = order.state;
        if self.stage(perm_id, rules) == Some(Stage::Never) {
            // A future after its last session.
            self.take_off(perm_id, Cause::Expired, rules.at, events);
            return;
        }
        self.station(perm_id, rules);
        let now = self.order(perm_id).map_or(before, |order| order.state);
        if now != before {
            self.announce(perm_id, now.status(), events);
        }
        self.work(perm_id, rules, events);
    }

    /// Cancels an open order of `client_id`, the children that wait for it, and the other orders
    /// of its group: one cancels all
    /// (<https://www.interactivebrokers.com/en/trading/orders/oca.php>).
    ///
    /// # Errors
    ///
    /// When the client has no such order, it ended, or its auction takes no more cancels.
    pub fn cancel(
        &mut self,
        client_id: i32,
        order_id: i32,
        at: Timestamp,
    ) -> Result<Vec<Event>, NotCancellable> {
        let Some(order) = self.find(client_id, order_id) else {
            return Err(NotCancellable::Unknown);
        };
        if !order.state.is_open() {
            return Err(NotCancellable::Ended(order.state.status()));
        }
        if is_locked(order, at) {
            return Err(NotCancellable::Locked(order.perm_id));
        }
        let perm_id = order.perm_id;
        let others = self.index.others_of_group(order);
        let mut events = Vec::new();
        self.take_off(perm_id, Cause::Trader, at, &mut events);
        for other in others {
            self.take_off(other, Cause::Group, at, &mut events);
        }
        Ok(events)
    }

    /// Cancels every open order of every client, as far as auctions let go of them.
    pub fn cancel_all(&mut self, at: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        for perm_id in self.index.open().clone() {
            if self.order(perm_id).is_some_and(|order| !is_locked(order, at)) {
                self.take_off(perm_id, Cause::Trader, at, &mut events);
            }
        }
        events
    }

    /// Cancels `perm_id` if it is open, then the children that it leaves without a parent.
    pub(super) fn take_off(
        &mut self,
        perm_id: i64,
        cause: Cause,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let children = self.orphans(perm_id);
        let Some(progress) = self.end(perm_id, State::Cancelled, at, cause.how().to_owned()) else {
            return;
        };
        events.push(Event::Cancelled { perm_id, progress });
        self.settle_orphans(children, at, events);
    }

    /// Ends an accepted order that cannot go on.
    pub(super) fn reject(
        &mut self,
        perm_id: i64,
        reason: &'static str,
        at: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let children = self.orphans(perm_id);
        let Some(progress) = self.end(perm_id, State::Cancelled, at, reason.to_owned()) else {
            return;
        };
        events.push(Event::Rejected { perm_id, progress, reason });
        self.settle_orphans(children, at, events);
    }

    /// Ends an open order. `None` when it was none.
    pub(super) fn end(
        &mut self,
        perm_id: i64,
        state: State,
        at: Timestamp,
        how: String,
    ) -> Option<Progress> {
        let order = self.orders.get_mut(&perm_id).filter(|order| order.state.is_open())?;
        self.index.close(order);
        order.times.alarm = None;
        order.times.live_until = None;
        order.state = state;
        order.end = Some(End { at, how });
        let progress = order.progress(state.status());
        self.touch(perm_id);
        Some(progress)
    }

    pub(super) fn announce(&mut self, perm_id: i64, status: &'static str, events: &mut Vec<Event>) {
        self.touch(perm_id);
        if let Some(order) = self.orders.get(&perm_id) {
            events.push(Event::Accepted { perm_id, progress: order.progress(status) });
        }
    }
}

/// Whether the auction of an order takes no more cancels.
fn is_locked(order: &Order, at: Timestamp) -> bool {
    let transmitted = order.state != State::Held;
    transmitted && order.times.locked_from.is_some_and(|from| from <= at)
}
