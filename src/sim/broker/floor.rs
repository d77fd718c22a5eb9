//! A broker and a market whose clock a test moves.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::order::{Order, Price, Proposal, Side, TimeInForce};
use super::terms::Terms;
use super::{Broker, Event, Rules};
use crate::sim::hours::Hours;
use crate::sim::market::{Market, Quote};
use crate::sim::messages;
use crate::sim::universe::{BUILT_IN, Universe};

/// SPY.
pub const SPY: i32 = 756_733;

/// The only client, and its account.
pub const CLIENT: i32 = 1;
pub const ACCOUNT: &str = "DU1";

/// Where the orders of a test meet.
pub struct Floor {
    pub market: Market,
    pub broker: Broker,
    pub at: Timestamp,
    pub hold_fills: bool,
    next_id: i32,
}

/// An instant of March 2026 in New York winter time: `02T09:30` is Monday, half past nine.
pub fn march(text: &str) -> Timestamp {
    format!("2026-03-{text}-05:00").parse().unwrap()
}

impl Floor {
    pub fn new(hours: Hours, at: Timestamp) -> Self {
        let anchor = "2026-03-01T05:00:00Z".parse().unwrap();
        let universe = Universe::parse(BUILT_IN).unwrap();
        let mut market = Market::new(universe, hours, 5, anchor);
        market.pin(SPY, Decimal::new(55_999, 2), Decimal::new(56_001, 2));
        let broker = Broker::new(&[ACCOUNT.to_owned()], Decimal::from(1_000_000));
        Self { market, broker, at, hold_fills: false, next_id: 1 }
    }

    /// SPY at `bid` to `ask` dollars and cents from now on.
    pub fn pin(&mut self, bid: i64, ask: i64) -> Vec<Event> {
        self.market.pin(SPY, Decimal::new(bid, 2), Decimal::new(ask, 2));
        self.sweep()
    }

    pub fn quote(&self) -> Quote {
        self.market.quote(self.market.universe().get(SPY).unwrap(), self.at)
    }

    fn rules(&self) -> Rules<'_> {
        Rules { market: &self.market, at: self.at, hold_fills: self.hold_fills }
    }

    pub fn sweep(&mut self) -> Vec<Event> {
        let rules = Rules { market: &self.market, at: self.at, hold_fills: self.hold_fills };
        self.broker.sweep(&rules)
    }

    /// Moves the clock in one jump.
    pub fn go_to(&mut self, at: Timestamp) -> Vec<Event> {
        self.at = at;
        self.sweep()
    }

    /// A step of the market.
    pub fn step(&mut self) -> Vec<Event> {
        self.go_to(self.at + SignedDuration::from_millis(250))
    }

    /// A market order for SPY under the next id, changed by the test.
    pub fn proposal(&mut self, change: impl FnOnce(&mut Proposal)) -> Proposal {
        let mut proposal = Proposal {
            account: ACCOUNT.to_owned(),
            client_id: CLIENT,
            order_id: self.next_id,
            con_id: SPY,
            exchange: "SMART".to_owned(),
            side: Side::Buy,
            quantity: Decimal::TEN,
            price: Price::Market,
            tif: TimeInForce::Day,
            terms: Terms::default(),
            transmit: true,
            parent_id: None,
            wire: messages::Order::default(),
        };
        change(&mut proposal);
        self.next_id = self.next_id.max(proposal.order_id) + 1;
        proposal
    }

    /// Places it; its order id.
    pub fn place(&mut self, change: impl FnOnce(&mut Proposal)) -> (i32, Vec<Event>) {
        let proposal = self.proposal(change);
        let order_id = proposal.order_id;
        let rules = Rules { market: &self.market, at: self.at, hold_fills: self.hold_fills };
        (order_id, self.broker.place(proposal, &rules))
    }

    /// Changes the order to what `change` makes of a new one.
    pub fn modify(&mut self, order_id: i32, change: impl FnOnce(&mut Proposal)) -> Vec<Event> {
        let perm_id = self.order(order_id).perm_id;
        let proposal = self.proposal(|proposal| {
            change(proposal);
            proposal.order_id = order_id;
        });
        let rules = Rules { market: &self.market, at: self.at, hold_fills: self.hold_fills };
        self.broker.modify(perm_id, proposal, &rules)
    }

    pub fn cancel(&mut self, order_id: i32) -> Vec<Event> {
        self.broker.cancel(CLIENT, order_id, self.at).unwrap()
    }

    pub fn is_late(&mut self, change: impl FnOnce(&mut Proposal)) -> bool {
        let proposal = self.proposal(change);
        self.broker.is_late(&proposal, &self.rules())
    }

    pub fn order(&self, order_id: i32) -> &Order {
        self.broker.find(CLIENT, order_id).unwrap()
    }

    /// Status, filled and remaining.
    pub fn stands(&self, order_id: i32) -> String {
        let order = self.order(order_id);
        format!("{} {}/{}", order.state.status(), order.filled, order.remaining())
    }

    /// Average price of what was filled.
    pub fn average(&self, order_id: i32) -> Decimal {
        let order = self.order(order_id);
        order.filled_value / order.filled
    }
}

/// What happened, in short.
pub fn story(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| match event {
        Event::Accepted { progress, .. } => {
            let why = progress.why_held.map_or(String::new(), |why| format!(" ({why})"));
            format!("{}{why}", progress.status)
        }
        Event::Queued { until, .. } => format!("until {until}"),
        Event::Filled { progress, .. } => {
            format!("{} {} left {}", progress.status, progress.filled, progress.remaining)
        }
        Event::Cancelled { progress, .. } => format!("Cancelled left {}", progress.remaining),
        Event::Rejected { reason, .. } => format!("Rejected: {reason}"),
    };
    events.iter().map(line).collect()
}

/// A limit in cents.
pub fn limit(cents: i64) -> Price {
    Price::Limit(Decimal::new(cents, 2))
}
