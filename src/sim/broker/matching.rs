//! Filling: market orders at the quote, limit orders at the quote once it is no worse than their
//! limit; always whole.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::books::{Booking, TooLarge};
use super::commission::{Traded, commission_of_fill};
use super::order::{End, Order, Price, Side, State, TimeInForce};
use super::{Broker, Event, Execution};
use crate::sim::market::{Market, Quote};

/// What the world looks like while an order is worked.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub market: &'a Market,
    pub at: Timestamp,
    /// Accept orders and do not fill them.
    pub hold_fills: bool,
}

impl Broker {
    /// Fills whatever the market has reached.
    pub fn sweep(&mut self, rules: &Rules<'_>) -> Vec<Event> {
        self.turn_day(rules);
        let mut events = Vec::new();
        let working = self.open_orders().filter(|order| order.state == State::Working);
        for perm_id in working.map(|order| order.perm_id).collect::<Vec<_>>() {
            self.try_fill(perm_id, rules, &mut events);
        }
        events
    }

    /// Sends the held parent and siblings of an order on their way.
    pub(super) fn transmit_family(
        &mut self,
        parent: Option<(i32, i32)>,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        let Some(name) = parent else { return };
        let parent = self.find(name.0, name.1).map(|order| order.perm_id);
        let siblings = self.children_of(name);
        for perm_id in parent.into_iter().chain(siblings) {
            let held = self.order(perm_id).is_some_and(|order| order.state == State::Held);
            let has_wire_transmit =
                self.order(perm_id).is_some_and(|order| order.wire.transmit == Some(true));
            // The transmitting order itself follows, after its family.
            if held && !has_wire_transmit {
                self.transmit(perm_id, rules, events);
            }
        }
    }

    /// Makes a held order work, or wait for its parent.
    pub(super) fn transmit(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let Some(order) = self.orders.get(&perm_id) else { return };
        let parent = order.parent_id.and_then(|parent| self.find(order.client_id, parent));
        let waits = parent.is_some_and(|parent| parent.state.is_open());
        let state = if waits { State::Waiting } else { State::Working };
        let fills_now = !waits && self.reach(perm_id, rules).is_some();
        // An order that fills on arrival was never seen resting at the exchange.
        let status = if fills_now { State::Waiting.status() } else { state.status() };
        if let Some(order) = self.orders.get_mut(&perm_id) {
            order.state = state;
        }
        self.announce(perm_id, status, events);
        self.fill(perm_id, false, rules, events);
    }

    /// Fills a resting order if the market reached it.
    pub(super) fn try_fill(&mut self, perm_id: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        self.fill(perm_id, true, rules, events);
    }

    /// The price at which an order would fill now.
    fn reach(&self, perm_id: i64, rules: &Rules<'_>) -> Option<Decimal> {
        if rules.hold_fills {
            return None;
        }
        let order = self.orders.get(&perm_id)?;
        let listing = rules.market.universe().get(order.con_id)?;
        let touch = touch(order.side, &rules.market.quote(listing, rules.at));
        match (order.price, order.side) {
            (Price::Market, _) => Some(touch),
            (Price::Limit(limit), Side::Buy) => (touch <= limit).then_some(touch),
            (Price::Limit(limit), Side::Sell) => (touch >= limit).then_some(touch),
        }
    }

    fn fill(&mut self, perm_id: i64, resting: bool, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let reached = self.reach(perm_id, rules);
        let Some(order) = self.orders.get(&perm_id) else { return };
        if order.state != State::Working || rules.hold_fills {
            return;
        }
        let Some(price) = reached else {
            if order.tif == TimeInForce::ImmediateOrCancel {
                self.take_off(perm_id, rules.at, "Cancelled: not filled at once", events);
            }
            return;
        };
        let resting = resting && order.price != Price::Market;
        match self.execute(perm_id, price, resting, rules) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return,
            Err(TooLarge) => {
                self.unbookable(perm_id, rules.at, events);
                return;
            }
        }
        self.wake_children(perm_id, rules, events);
    }

    /// Fills an order at `price`, whether or not the market is there.
    pub(super) fn force(
        &mut self,
        perm_id: i64,
        _quantity: Decimal,
        price: Decimal,
        rules: &Rules<'_>,
        events: &mut Vec<Event>,
    ) {
        match self.execute(perm_id, price, true, rules) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return,
            Err(TooLarge) => {
                self.unbookable(perm_id, rules.at, events);
                return;
            }
        }
        self.wake_children(perm_id, rules, events);
    }

    /// Books the rest of an order at `price`.
    fn execute(
        &mut self,
        perm_id: i64,
        price: Decimal,
        resting: bool,
        rules: &Rules<'_>,
    ) -> Result<Option<Event>, TooLarge> {
        let Some(order) = self.orders.get(&perm_id) else { return Ok(None) };
        let Some(listing) = rules.market.universe().get(order.con_id) else { return Ok(None) };
        let (account, side, quantity) = (order.account.clone(), order.side, order.remaining());
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
        order.filled = order.quantity;
        order.filled_value = filled_value;
        order.last_price = Some(price);
        order.state = State::Filled;
        let how = format!("Filled Size: {}", order.filled.normalize());
        order.end = Some(End { at: rules.at, how });
        let progress = order.progress(State::Filled.status());
        let number = self.executions.len();
        let execution = Fill { order, number, quantity, price, resting, commission, realized };
        self.executions.push(execution.record(rules.at));
        self.open.remove(&perm_id);
        self.touch(perm_id);
        Ok(Some(Event::Filled { perm_id, progress, execution: number }))
    }

    fn unbookable(&mut self, perm_id: i64, at: Timestamp, events: &mut Vec<Event>) {
        let Some(order) = self.orders.get_mut(&perm_id) else { return };
        order.state = State::Cancelled;
        order.end = Some(End { at, how: TooLarge.to_string() });
        let progress = order.progress(State::Cancelled.status());
        self.open.remove(&perm_id);
        self.touch(perm_id);
        events.push(Event::Unbookable { perm_id, progress });
    }

    fn wake_children(&mut self, parent: i64, rules: &Rules<'_>, events: &mut Vec<Event>) {
        let Some(order) = self.orders.get(&parent) else { return };
        for child in self.children_of((order.client_id, order.order_id)) {
            if self.order(child).is_some_and(|order| order.state == State::Waiting) {
                self.transmit(child, rules, events);
            }
        }
    }
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

/// The price that an order of this side meets.
pub fn touch(side: Side, quote: &Quote) -> Decimal {
    match side {
        Side::Buy => quote.ask,
        Side::Sell => quote.bid,
    }
}
