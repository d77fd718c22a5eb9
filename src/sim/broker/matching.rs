//! Filling: market orders at the quote, limit orders at the quote once it is no worse than their
//! limit; in either case at most the size displayed, which each step of the market renews, in the
//! order in which they were sent. An auction fills whole, at the last price.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::books::{Booking, TooLarge};
use super::commission::{Traded, commission_of_fill};
use super::life::Cause;
use super::order::{Order, Price, State, TimeInForce};
use super::pricing::{appetite, is_triggered, is_within, reach};
use super::{Broker, Event, Execution};
use crate::sim::market::{Market, Quote};
use crate::sim::universe::Listing;

/// What the world looks like while an order is worked.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub market: &'a Market,
    pub at: Timestamp,
    /// Accept orders and do not fill them.
    pub hold_fills: bool,
}

impl Broker {
    /// Does all that time and market have brought since the last sweep: openings, auctions, ends
    /// of sessions, triggers, fills.
    pub fn sweep(&mut self, rules: &Rules<'_>) -> Vec<Event> {
        self.turn_day(rules);
        let mut events = Vec::new();
        if self.swept.is_some_and(|last| rules.at < last) {
            self.turn_back(rules);
        }
        self.swept = Some(rules.at);
        self.ring_alarms(rules, &mut events);
        self.follow_quotes(rules, &mut events);
        events
    }

    /// The clock was set back: every order is where it belongs at the earlier time.
    fn turn_back(&mut self, rules: &Rules<'_>) {
        for perm_id in self.index.open().clone() {
            if self.order(perm_id).is_some_and(|order| order.state != State::Held) {
                self.station(perm_id, rules);
            }
        }
    }

    /// Handles what is due, each at its own instant. An order that is handled is due again later
    /// or never, so this ends.
    fn ring_alarms(&mut self, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let mut put_off = Vec::new();
        while let Some((when, perm_id)) = self.index.due(rules.at) {
            let is_auction = self.order(perm_id).is_some_and(|order| {
                order.state == State::Queued && order.times.auction == Some(when)
            });
            if is_auction && rules.hold_fills {
                self.index.set_alarm(perm_id, Some(when), None);
                put_off.push((when, perm_id));
                continue;
            }
            self.ring(perm_id, &Rules { at: when, ..*rules }, events);
        }
        for (when, perm_id) in put_off {
            self.index.set_alarm(perm_id, None, Some(when));
        }
    }

    /// Tries the orders of every contract whose quote changed.
    fn follow_quotes(&mut self, rules: &Rules<'_>, events: &mut Vec<Event>) {
        if rules.hold_fills {
            return;
        }
        for con_id in self.index.contracts() {
            let Some(listing) = rules.market.universe().get(con_id) else { continue };
            let quote = rules.market.quote(listing, rules.at);
            if self.depth.has_seen(con_id, &quote) {
                continue;
            }
            let orders = self.index.of_contract(con_id);
            let ready = orders.filter(|perm_id| self.is_ready(*perm_id, listing, &quote, rules.at));
            let ready: Vec<_> = ready.collect();
            for perm_id in &ready {
                self.work(*perm_id, rules, events);
            }
            // An order that wants more than was displayed comes again at the next step.
            if !ready.iter().any(|perm_id| self.is_ready(*perm_id, listing, &quote, rules.at)) {
                self.depth.see(con_id, quote);
            }
        }
    }

    fn is_ready(&self, perm_id: i64, listing: &Listing, quote: &Quote, at: Timestamp) -> bool {
        let Some(order) = self.orders.get(&perm_id).filter(|order| order.is_live(at)) else {
            return false;
        };
        match order.state {
            State::Working => reach(order, listing, quote).is_some(),
            State::Queued => is_triggered(order, quote),
            State::Held | State::Waiting | State::Inactive | State::Filled | State::Cancelled => {
                false
            }
        }
    }

    /// Triggers and fills an order if the market reached it.
    pub(super) fn work(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let was_working = self.order(perm_id).is_some_and(|order| order.state == State::Working);
        if self.trigger(perm_id, rules, events) {
            self.fill(perm_id, was_working, rules, events);
        }
    }

    /// Sends a stop to the exchange if its price was reached. Whether the order is at the
    /// exchange now.
    pub(super) fn trigger(
        &mut self,
        perm_id: i64,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) -> bool {
        let Some(order) = self.orders.get(&perm_id) else { return false };
        if order.state != State::Queued || !order.is_armed() || rules.hold_fills {
            return order.state == State::Working;
        }
        let quote = self.quote(order, rules);
        let reached = quote.is_some_and(|quote| is_triggered(order, &quote));
        if !reached || !order.is_live(rules.at) {
            return false;
        }
        if let Some(order) = self.orders.get_mut(&perm_id) {
            order.triggered = true;
            order.state = State::Working;
        }
        self.announce(perm_id, State::Working.status(), events);
        true
    }

    fn quote(&self, order: &Order, rules: &Rules<'_>) -> Option<Quote> {
        let listing = rules.market.universe().get(order.con_id)?;
        Some(rules.market.quote(listing, rules.at))
    }

    /// What an order at the exchange would fill now.
    pub(super) fn offer(&self, order: &Order, rules: &Rules<'_>) -> Option<Offer> {
        if order.state != State::Working || rules.hold_fills || !order.is_live(rules.at) {
            return None;
        }
        let listing = rules.market.universe().get(order.con_id)?;
        let quote = rules.market.quote(listing, rules.at);
        let price = reach(order, listing, &quote)?;
        let wanted = self.workable(order);
        let quantity = if self.depth.unlimited {
            wanted
        } else {
            let step = rules.market.step(rules.at);
            let left = self.depth.available(listing.con_id, order.side, step, &quote);
            appetite(order, listing, left).min(wanted)
        };
        let whole = order.terms.all_or_none || order.tif == TimeInForce::FillOrKill;
        let fills = quantity > Decimal::ZERO && (!whole || quantity == order.remaining());
        fills.then_some(Offer { price, quantity, resting: false })
    }

    /// Fills what it can of an order at the exchange.
    pub(super) fn fill(
        &mut self,
        perm_id: i64,
        resting: bool,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        let Some(order) = self.orders.get(&perm_id) else { return };
        if order.state != State::Working || rules.hold_fills || !order.is_live(rules.at) {
            return;
        }
        let at_once = matches!(order.tif, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill);
        if let Some(offer) = self.offer(order, rules) {
            let resting = resting && order.price != Price::Market;
            if let Some(quote) = self.quote(order, rules) {
                let (con_id, side) = (order.con_id, order.side);
                let step = rules.market.step(rules.at);
                self.depth.take(con_id, side, step, &quote, offer.quantity);
            }
            self.take(perm_id, Offer { resting, ..offer }, rules, events);
        }
        if at_once {
            self.take_off(perm_id, Cause::NotAtOnce, rules.at, events);
        }
    }

    /// Fills an order in its auction, if its limit allows the price.
    pub(super) fn auction(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let Some(order) = self.orders.get(&perm_id) else { return };
        let Some(price) = self.quote(order, rules).map(|quote| quote.last) else { return };
        let quantity = self.workable(order);
        let trades = price > Decimal::ZERO && quantity > Decimal::ZERO && is_within(order, price);
        let whole = !order.terms.all_or_none || quantity == order.remaining();
        if trades && whole {
            self.take(perm_id, Offer { price, quantity, resting: false }, rules, events);
        }
    }

    /// Executes an offer, and tells the relatives of the order.
    fn take(&mut self, perm_id: i64, offer: Offer, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let Some(before) = self.order(perm_id).map(Order::remaining) else { return };
        match self.execute(perm_id, offer, rules) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return,
            Err(TooLarge) => {
                self.reject(perm_id, "The value of the order is too large", rules.at, events);
                return;
            }
        }
        self.tell_group(perm_id, before, rules, events);
        self.wake_children(perm_id, rules, events);
    }

    /// Fills so much of an order at `price`, whether or not the market is there.
    pub(super) fn force(
        &mut self,
        perm_id: i64,
        quantity: Decimal,
        price: Decimal,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        self.take(perm_id, Offer { price, quantity, resting: true }, rules, events);
    }

    /// Books a fill.
    fn execute(
        &mut self,
        perm_id: i64,
        offer: Offer,
        rules: &Rules<'_>,
    ) -> Result<Option<Event>, TooLarge> {
        let Offer { price, quantity, resting } = offer;
        let Some(order) = self.orders.get(&perm_id) else { return Ok(None) };
        let Some(listing) = rules.market.universe().get(order.con_id) else { return Ok(None) };
        let (account, side) = (order.account.clone(), order.side);
        let value = price.checked_mul(quantity).ok_or(TooLarge)?;
        let filled_value = order.filled_value.checked_add(value).ok_or(TooLarge)?;
        let before = Traded { quantity: order.filled, value: order.filled_value };
        let filled = order.filled.checked_add(quantity).ok_or(TooLarge)?;
        let after = Traded { quantity: filled, value: filled_value };
        let commission = commission_of_fill(listing, before, after, rules).ok_or(TooLarge)?;
        let booking = Booking { listing, side, quantity, price, commission };
        let Some(account) = self.account_mut(&account) else { return Ok(None) };
        let realized = account.book(&booking)?;

        let Some(order) = self.orders.get_mut(&perm_id) else { return Ok(None) };
        order.filled = filled;
        order.filled_value = filled_value;
        order.last_price = Some(price);
        let number = self.executions.len();
        let execution = Fill { order, number, quantity, price, resting, commission, realized };
        self.executions.push(execution.record(rules.at));
        let mut progress = order.progress(State::Working.status());
        if order.remaining() <= Decimal::ZERO {
            let how = format!("Filled Size: {}", order.filled.normalize());
            let end = self.end(perm_id, State::Filled, rules.at, how);
            progress = end.unwrap_or(progress);
        }
        self.touch(perm_id);
        Ok(Some(Event::Filled { perm_id, progress, execution: number }))
    }
}

/// A fill that the market offers an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    price: Decimal,
    quantity: Decimal,
    /// Whether the order was resting at the exchange before.
    resting: bool,
}

/// A fill about to be recorded.
struct Fill<'a> {
    order: &'a Order,
    number: usize,
    quantity: Decimal,
    price: Decimal,
    resting: bool,
    commission: Decimal,
    realized: Option<Decimal>,
}

impl Fill<'_> {
    fn record(&self, at: Timestamp) -> Execution {
        let Self { order, .. } = self;
        Execution {
            // IB's form: session, number, correction, leg. The permId makes it unique for ever.
            exec_id: format!("{:08x}.{:08x}.01.01", order.perm_id, self.number.saturating_add(1)),
            perm_id: order.perm_id,
            account: order.account.clone(),
            client_id: order.client_id,
            order_id: order.order_id,
            order_ref: order.order_ref().to_owned(),
            con_id: order.con_id,
            exchange: order.exchange.clone(),
            side: order.side,
            shares: self.quantity,
            price: self.price,
            cumulative: order.filled,
            average: order.filled_value.checked_div(order.filled).unwrap_or(self.price),
            at,
            resting: self.resting,
            commission: self.commission,
            realized: self.realized,
        }
    }
}
