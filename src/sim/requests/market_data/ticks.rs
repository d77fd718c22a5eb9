//! Quotes as ticks.

use rust_decimal::Decimal;

use super::view::Seen;
use crate::sim::client::Client;
use crate::sim::market::Quote;
use crate::sim::messages::{TickGeneric, TickPrice, TickSize, TickString};
use crate::sim::reports::{double, text};
use crate::sim::requests::history::DayPrice;

/// What IB sends in place of a price that is not there.
const NO_PRICE: Decimal = Decimal::NEGATIVE_ONE;

/// A tick type, live and delayed.
#[derive(Clone, Copy)]
pub struct Tick(i32, i32);

const BID_SIZE: Tick = Tick(0, 69);
const BID: Tick = Tick(1, 66);
const ASK: Tick = Tick(2, 67);
const ASK_SIZE: Tick = Tick(3, 70);
const LAST: Tick = Tick(4, 68);
const LAST_SIZE: Tick = Tick(5, 71);
const HIGH: Tick = Tick(6, 72);
const LOW: Tick = Tick(7, 73);
pub const VOLUME: Tick = Tick(8, 74);
const CLOSE: Tick = Tick(9, 75);
const OPEN: Tick = Tick(14, 76);
pub const LAST_TIMESTAMP: Tick = Tick(45, 88);
pub const HALTED: Tick = Tick(49, 90);

/// These have no delayed form.
pub const MARK_PRICE: Tick = Tick(37, 37);
pub const SHORTABLE: Tick = Tick(46, 46);
pub const TRADE_VOLUME: Tick = Tick(48, 48);

impl Tick {
    fn id(self, delayed: bool) -> Option<i32> {
        Some(if delayed { self.1 } else { self.0 })
    }
}

impl From<DayPrice> for Tick {
    fn from(price: DayPrice) -> Self {
        match price {
            DayPrice::Open => OPEN,
            DayPrice::High => HIGH,
            DayPrice::Low => LOW,
            DayPrice::PreviousClose => CLOSE,
        }
    }
}

/// The way of one subscription's ticks to its client.
pub struct Line<'a> {
    pub client: &'a mut Client,
    pub req_id: i32,
    pub delayed: bool,
}

impl Line<'_> {
    /// A price with a size in the same tick and in a tick of its own, as IB does.
    fn side(&mut self, price_tick: Tick, size_tick: Tick, price: Decimal, size: Decimal) {
        self.client.send(&TickPrice {
            req_id: Some(self.req_id),
            tick_type: price_tick.id(self.delayed),
            price: Some(double(price)),
            size: Some(text(size)),
            attr_mask: Some(0),
        });
        self.size(size_tick, size);
    }

    pub fn price(&mut self, tick: Tick, price: Decimal) {
        self.client.send(&TickPrice {
            req_id: Some(self.req_id),
            tick_type: tick.id(self.delayed),
            price: Some(double(price)),
            size: None,
            attr_mask: Some(0),
        });
    }

    pub fn size(&mut self, tick: Tick, size: Decimal) {
        self.client.send(&TickSize {
            req_id: Some(self.req_id),
            tick_type: tick.id(self.delayed),
            size: Some(text(size)),
        });
    }

    pub fn text(&mut self, tick: Tick, value: String) {
        let (req_id, tick_type) = (Some(self.req_id), tick.id(self.delayed));
        self.client.send(&TickString { req_id, tick_type, value: Some(value) });
    }

    pub fn number(&mut self, tick: Tick, value: f64) {
        let (req_id, tick_type) = (Some(self.req_id), tick.id(self.delayed));
        self.client.send(&TickGeneric { req_id, tick_type, value: Some(value) });
    }

    /// Bid, ask and last. Bid and ask of a contract that has none are -1, with size 0.
    pub fn quote(&mut self, seen: &Seen) {
        let Quote { bid, ask, last, bid_size, ask_size, last_size } = seen.quote;
        if seen.quoted {
            self.side(BID, BID_SIZE, bid, bid_size);
            self.side(ASK, ASK_SIZE, ask, ask_size);
        } else {
            self.side(BID, BID_SIZE, NO_PRICE, Decimal::ZERO);
            self.side(ASK, ASK_SIZE, NO_PRICE, Decimal::ZERO);
        }
        self.side(LAST, LAST_SIZE, last, last_size);
    }

    /// What differs from what was seen before.
    pub fn changes(&mut self, before: &Seen, now: &Seen) {
        let prices = |seen: &Seen| (seen.quoted, seen.quote.bid, seen.quote.ask);
        if prices(before) != prices(now) {
            self.quote(now);
            return;
        }
        if !now.quoted {
            return;
        }
        if before.quote.bid_size != now.quote.bid_size {
            self.size(BID_SIZE, now.quote.bid_size);
        }
        if before.quote.ask_size != now.quote.ask_size {
            self.size(ASK_SIZE, now.quote.ask_size);
        }
    }
}
