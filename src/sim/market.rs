//! Quotes: the seeded path turned into bid and ask, unless a test pinned them.
//!
//! The simulated market never closes: a quote is live at any hour of any day.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::clock::STEP_MS;
use super::hours::{Hours, Schedule};
use super::path;
use super::universe::{self, BASE_CURRENCY, Listing, Universe};

/// Steps in a year of a market that never closes.
const STEPS_A_YEAR: f64 = SECONDS_A_YEAR * 1000.0 / 250.0;

const SECONDS_A_YEAR: f64 = 365.0 * 86_400.0;

/// A logarithm beyond this is no price any more; keeps `exp` finite.
const LOG_RETURN_MAX: f64 = 20.0;

/// Sizes at the quote are this many increments at most.
const SIZE_MAX: u64 = 20;

/// Increments in the smallest displayed size.
const SIZE_UNIT: u64 = 100;

/// The best bid and ask and the last trade. Prices in the currency of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    pub bid: Decimal,
    pub ask: Decimal,
    pub last: Decimal,
    pub bid_size: Decimal,
    pub ask_size: Decimal,
    pub last_size: Decimal,
}

impl Quote {
    /// What positions are valued at.
    pub fn mid(&self) -> Decimal {
        (self.bid + self.ask) / Decimal::TWO
    }
}

/// Prices of all contracts at any instant.
#[derive(Debug)]
pub struct Market {
    universe: Universe,
    schedule: Schedule,
    seed: u64,
    /// Step 0, when every contract costs what the universe says.
    anchor: Timestamp,
    pinned: BTreeMap<i32, (Decimal, Decimal)>,
    /// The last quote of each contract and its step: an order values the whole account.
    latest: RefCell<HashMap<i32, (i64, Quote)>>,
}

impl Market {
    pub fn new(universe: Universe, hours: Hours, seed: u64, anchor: Timestamp) -> Self {
        let (pinned, latest) = (BTreeMap::new(), RefCell::default());
        let universe = universe.with_futures(anchor);
        let schedule = Schedule::new(hours);
        Self { universe, schedule, seed, anchor, pinned, latest }
    }

    pub fn universe(&self) -> &Universe {
        &self.universe
    }

    /// When contracts trade.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub fn anchor(&self) -> Timestamp {
        self.anchor
    }

    /// The next instant after `at` at which a session of some contract begins or ends, or a day
    /// does. Contracts of one kind share their sessions.
    pub fn next_boundary(&self, at: Timestamp) -> Timestamp {
        let mut kinds = Vec::new();
        let mut boundaries = Vec::new();
        for listing in self.universe.iter() {
            if !kinds.contains(&listing.sec_type) {
                kinds.push(listing.sec_type);
                boundaries.extend(self.schedule.next_boundary(listing, at));
            }
        }
        boundaries.extend(self.schedule.next_midnight(at));
        boundaries.into_iter().min().unwrap_or(Timestamp::MAX)
    }

    /// Fixes the quote of a contract until the simulator ends.
    pub fn pin(&mut self, con_id: i32, bid: Decimal, ask: Decimal) {
        self.pinned.insert(con_id, (bid, ask));
        self.latest.borrow_mut().remove(&con_id);
    }

    /// The step that `at` lies in.
    pub fn step(&self, at: Timestamp) -> i64 {
        at.as_millisecond().saturating_sub(self.anchor.as_millisecond()).div_euclid(STEP_MS)
    }

    pub fn quote(&self, listing: &Listing, at: Timestamp) -> Quote {
        let step = self.step(at);
        if let Some((known, quote)) = self.latest.borrow().get(&listing.con_id)
            && *known == step
        {
            return *quote;
        }
        let quote = self.quote_at(listing, step);
        self.latest.borrow_mut().insert(listing.con_id, (step, quote));
        quote
    }

    fn quote_at(&self, listing: &Listing, step: i64) -> Quote {
        let (bid, ask) = match self.pinned.get(&listing.con_id) {
            Some(pinned) => *pinned,
            None => around(listing, self.path_price(listing, step)),
        };
        Quote {
            bid,
            ask,
            last: to_tick((bid + ask) / Decimal::TWO, listing),
            bid_size: self.size(listing, step, 1),
            ask_size: self.size(listing, step, 2),
            last_size: listing.size_increment * Decimal::from(SIZE_UNIT),
        }
    }

    /// The price of the path, on a tick, pinned or not: what history is made of.
    pub fn path_price(&self, listing: &Listing, step: i64) -> Decimal {
        let scale = listing.volatility / STEPS_A_YEAR.sqrt();
        let log_return = path::brownian(self.seed, listing.path_id(), step) * scale;
        // A future loses its carry as its expiry comes nearer.
        let lived = SignedDuration::from_millis(step.saturating_mul(STEP_MS));
        let years = lived.as_secs_f64() / SECONDS_A_YEAR;
        let factor =
            (log_return - listing.carry * years).clamp(-LOG_RETURN_MAX, LOG_RETURN_MAX).exp();
        let price = Decimal::from_f64(factor)
            .and_then(|factor| factor.round_dp(12).checked_mul(listing.price))
            .unwrap_or(listing.price);
        to_tick(price, listing).max(listing.min_tick)
    }

    fn size(&self, listing: &Listing, step: i64, salt: u64) -> Decimal {
        let draw = path::draw(self.seed, listing.con_id, step, salt) % SIZE_MAX + 1;
        listing.size_increment * Decimal::from(draw * SIZE_UNIT)
    }

    /// Pseudo-random number of a step, for volumes.
    pub fn draw(&self, listing: &Listing, step: i64, salt: u64) -> u64 {
        path::draw(self.seed, listing.con_id, step, salt)
    }

    /// How much of the base currency one unit of `currency` is worth, at the mid of its pair.
    /// `None` for a currency that the universe does not know.
    pub fn rate(&self, currency: &str, at: Timestamp) -> Option<Decimal> {
        if currency == BASE_CURRENCY {
            return Some(Decimal::ONE);
        }
        let (pair, inverse) = self.universe.rate_pair(currency)?;
        let mid = self.quote(pair, at).mid();
        if inverse { Decimal::ONE.checked_div(mid) } else { Some(mid) }
    }
}

/// Bid and ask around a price: the spread rounded up to whole ticks, never below one tick.
pub fn around(listing: &Listing, price: Decimal) -> (Decimal, Decimal) {
    let tick = listing.tick_at(price);
    let ticks = (listing.spread / tick).ceil().max(Decimal::ONE);
    let below = (ticks / Decimal::TWO).floor() * tick;
    let bid = (price - below).max(tick);
    (bid, bid + ticks * tick)
}

/// The nearest price that the contract can have.
fn to_tick(price: Decimal, listing: &Listing) -> Decimal {
    universe::round_to(price, listing.tick_at(price))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::universe::BUILT_IN;

    fn market(seed: u64) -> Market {
        let anchor = "2026-01-02T15:00:00Z".parse().unwrap();
        Market::new(Universe::parse(BUILT_IN).unwrap(), Hours::Always, seed, anchor)
    }

    #[test]
    fn quotes_are_on_ticks_and_never_crossed() {
        let market = market(5);
        for listing in market.universe().iter() {
            for hour in 0..48 {
                let at = market.anchor() + jiff::SignedDuration::from_hours(hour);
                let quote = market.quote(listing, at);
                assert!(quote.bid < quote.ask, "{}: {quote:?}", listing.symbol);
                assert!(quote.bid > Decimal::ZERO);
                for price in [quote.bid, quote.ask, quote.last] {
                    assert_eq!(price % listing.tick_at(price), Decimal::ZERO, "{}", listing.symbol);
                }
            }
        }
    }

    #[test]
    fn the_first_price_is_the_one_in_the_universe() {
        let market = market(5);
        for listing in market.universe().iter() {
            assert_eq!(market.path_price(listing, 0), listing.price);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_prices_and_another_seed_others() {
        let (a, b, c) = (market(5), market(5), market(6));
        let spy = a.universe().get(756_733).unwrap();
        let prices = |market: &Market| {
            (0..50).map(|hour| market.path_price(spy, hour * 14_400)).collect::<Vec<_>>()
        };
        assert_eq!(prices(&a), prices(&b));
        assert_ne!(prices(&a), prices(&c));
    }

    #[test]
    fn a_pinned_quote_stays_and_values_its_currency() {
        let mut market = market(5);
        let (bid, ask) = (Decimal::new(10, 1), Decimal::new(12, 1));
        market.pin(12_087_792, bid, ask);
        let at = market.anchor() + jiff::SignedDuration::from_hours(1);
        assert_eq!(market.rate("EUR", at), Some(Decimal::new(11, 1)));
        assert_eq!(market.rate("USD", at), Some(Decimal::ONE));
        assert_eq!(market.rate("XAU", at), None);
    }
}
