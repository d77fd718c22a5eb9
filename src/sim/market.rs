//! Quotes: the price of the seeded path, or of the bars that are replayed, turned into bid and
//! ask, unless a test pinned them.
//!
//! With `--hours always` a quote is live at any hour of any day. By the calendar of the exchange
//! it stands, while the contract does not trade, at the last quote of the last session.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::clock::STEP_MS;
use super::hours::{Hours, Schedule};
use super::path::{self, Source};
use super::replay::Replay;
use super::universe::{self, BASE_CURRENCY, Listing, SecType, Universe};

/// Steps in a year of a market that never closes.
const STEPS_A_YEAR: f64 = 365.0 * 86_400.0 * 1000.0 / 250.0;

/// A logarithm beyond this is no price any more; keeps `exp` finite.
const LOG_RETURN_MAX: f64 = 20.0;

/// A trade of the same size is shown for ten seconds.
const LAST_SIZE_STEPS: i64 = 10_000 / STEP_MS;

/// The least time: a session that is over ended this much before its end.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

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
    /// The sessions of the exchanges, whatever hours the simulator keeps.
    calendar: Schedule,
    replay: Replay,
    seed: u64,
    /// Step 0, when every contract costs what the universe says.
    anchor: Timestamp,
    pinned: BTreeMap<i32, (Decimal, Decimal)>,
    /// Changes when a quote changes within its step.
    version: u64,
    /// The last quote of each contract and its step: an order values the whole account.
    latest: RefCell<HashMap<i32, (i64, Quote)>>,
    /// The stretch of trading or rest that each contract was last seen in.
    stretches: RefCell<HashMap<i32, Stretch>>,
}

/// A time without a beginning or an end of trading in it.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    until: Timestamp,
    /// In a rest: the last instant of trading.
    rests_at: Option<Timestamp>,
}

impl Market {
    pub fn new(universe: Universe, hours: Hours, seed: u64, anchor: Timestamp) -> Self {
        Self {
            universe: universe.with_futures(anchor),
            schedule: Schedule::new(hours),
            calendar: Schedule::new(Hours::Exchange),
            replay: Replay::default(),
            seed,
            anchor,
            pinned: BTreeMap::new(),
            version: 0,
            latest: RefCell::default(),
            stretches: RefCell::default(),
        }
    }

    /// The same market with the contracts that have bars priced by them.
    pub fn with_replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    pub fn universe(&self) -> &Universe {
        &self.universe
    }

    /// When contracts trade.
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The calendar of the exchanges: what history follows, also when markets never close.
    pub fn calendar(&self) -> &Schedule {
        &self.calendar
    }

    pub fn anchor(&self) -> Timestamp {
        self.anchor
    }

    /// The next instant after `at` at which a session of some contract begins or ends, or a day
    /// does. Contracts of one calendar share their sessions.
    pub fn next_boundary(&self, at: Timestamp) -> Timestamp {
        let mut known = BTreeSet::new();
        let mut boundaries = Vec::new();
        for listing in self.universe.iter() {
            let calendar = listing.calendar().index();
            if !known.contains(&calendar)
                && let Some(boundary) = self.schedule.next_boundary(listing, at)
            {
                known.insert(calendar);
                boundaries.push(boundary);
            }
        }
        boundaries.extend(self.schedule.next_midnight(at));
        boundaries.into_iter().min().unwrap_or(Timestamp::MAX)
    }

    /// Fixes the quote of a contract until the simulator ends.
    pub fn pin(&mut self, con_id: i32, bid: Decimal, ask: Decimal) {
        self.pinned.insert(con_id, (bid, ask));
        self.version = self.version.wrapping_add(1);
        self.latest.borrow_mut().remove(&con_id);
    }

    /// A number that changes whenever quotes change in another way than by time.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The step that `at` lies in.
    pub fn step(&self, at: Timestamp) -> i64 {
        at.as_millisecond().saturating_sub(self.anchor.as_millisecond()).div_euclid(STEP_MS)
    }

    /// The instant at which a step begins.
    fn instant(&self, step: i64) -> Timestamp {
        let passed = SignedDuration::from_millis(step.saturating_mul(STEP_MS));
        self.anchor.saturating_add(passed).unwrap_or(self.anchor)
    }

    /// Whether the contract trades at `at`, in regular hours or outside them.
    pub fn trades(&self, listing: &Listing, at: Timestamp) -> bool {
        self.stretch(listing, at).is_none_or(|stretch| stretch.rests_at.is_none())
    }

    /// `None` where the calendar has no answer, and everywhere when markets never close.
    fn stretch(&self, listing: &Listing, at: Timestamp) -> Option<Stretch> {
        if self.schedule.hours() == Hours::Always {
            return None;
        }
        if let Some(known) = self.stretches.borrow().get(&listing.con_id)
            && (known.from..known.until).contains(&at)
        {
            return Some(*known);
        }
        let next = self.schedule.current_or_next(listing, at);
        let stretch = match next {
            Some(day) if day.first <= at => {
                Stretch { from: day.first, until: day.last, rests_at: None }
            }
            // A future that has expired rests for ever.
            Some(_) | None => {
                let end = self.schedule.previous(listing, at)?.last;
                let until = next.map_or(Timestamp::MAX, |day| day.first);
                Stretch { from: end, until, rests_at: end.checked_sub(INSTANT).ok() }
            }
        };
        self.stretches.borrow_mut().insert(listing.con_id, stretch);
        Some(stretch)
    }

    /// The quote at `at`; of a contract that does not trade then, its last one.
    pub fn quote(&self, listing: &Listing, at: Timestamp) -> Quote {
        let rests_at = self.stretch(listing, at).and_then(|stretch| stretch.rests_at);
        let step = self.step(rests_at.unwrap_or(at));
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
        let (bid, ask, last) = match self.pinned.get(&listing.con_id) {
            Some((bid, ask)) => (*bid, *ask, to_tick((bid + ask) / Decimal::TWO, listing)),
            None => {
                let price = self.price(listing, self.instant(step));
                let (bid, ask) = around(listing, price);
                (bid, ask, price.clamp(bid, ask))
            }
        };
        Quote {
            bid,
            ask,
            last,
            bid_size: self.size(listing, step, 1),
            ask_size: self.size(listing, step, 2),
            last_size: self.size(listing, step.div_euclid(LAST_SIZE_STEPS), 3),
        }
    }

    /// The price at an instant, on a tick, pinned or not: what history is made of.
    pub fn price(&self, listing: &Listing, at: Timestamp) -> Decimal {
        let price = match self.replay.of(listing) {
            Some(bars) => bars.price(at),
            None => self.seeded_price(listing, self.step(at)),
        };
        to_tick(price, listing).max(listing.min_tick)
    }

    /// The bars that the contract replays, if it does.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    fn seeded_price(&self, listing: &Listing, step: i64) -> Decimal {
        let log_return = self.log_return(listing, step);
        let factor = log_return.clamp(-LOG_RETURN_MAX, LOG_RETURN_MAX).exp();
        Decimal::from_f64(factor)
            .and_then(|factor| factor.round_dp(12).checked_mul(listing.price))
            .unwrap_or(listing.price)
    }

    /// Since step 0: drift, a path that shares `correlation` with the factor's, and the carry that
    /// a future loses as its expiry comes nearer.
    fn log_return(&self, listing: &Listing, step: i64) -> f64 {
        let own = path::brownian(self.seed, Source::contract(listing.path_id()), step);
        let correlation = listing.correlation;
        let moved = if listing.factor.is_empty() {
            own
        } else {
            let shared = path::brownian(self.seed, Source::factor(&listing.factor), step);
            correlation * shared + (1.0 - correlation * correlation).max(0.0).sqrt() * own
        };
        let steps = step.clamp(-path::REACH, path::REACH).to_f64().unwrap_or_default();
        let trend = (listing.drift - listing.carry) * steps / STEPS_A_YEAR;
        trend + listing.volatility * moved / STEPS_A_YEAR.sqrt()
    }

    /// What is on offer at one side of a quote, new at each step: round lots of a stock, some
    /// hundred thousand units of a currency, some tens of futures.
    fn size(&self, listing: &Listing, step: i64, salt: u64) -> Decimal {
        let (unit, least, most) = match listing.sec_type {
            SecType::Stock => (100, 2, 40),
            SecType::Cash => (250_000, 1, 20),
            SecType::Future => (1, 5, 60),
        };
        let units = least + path::draw(self.seed, listing.con_id, step, salt) % (most - least + 1);
        let increment = listing.size_increment;
        let increments = (Decimal::from(units * unit) / increment).floor();
        increments.max(Decimal::ONE) * increment
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
        let universe = Universe::parse(BUILT_IN).unwrap();
        Market::new(universe, Hours::Always, seed, anchor)
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
            assert_eq!(market.price(listing, market.anchor()), listing.price);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_prices_and_another_seed_others() {
        let (a, b, c) = (market(5), market(5), market(6));
        let spy = a.universe().get(756_733).unwrap();
        let prices = |market: &Market| {
            (0..50).map(|hour| market.price(spy, market.instant(hour * 14_400))).collect::<Vec<_>>()
        };
        assert_eq!(prices(&a), prices(&b));
        assert_ne!(prices(&a), prices(&c));
    }

    const CORRELATED: &str = r#"
        [[contract]]
        con_id = 1
        symbol = "UP"
        sec_type = "STK"
        currency = "USD"
        exchanges = ["SMART"]
        primary_exchange = "NYSE"
        long_name = "UP"
        min_tick = "0.01"
        price = "500.00"
        volatility = 0.2
        drift = 0.3
        factor = "common"
        correlation = 0.8
        spread = "0.01"
        size_increment = "1"

        [[contract]]
        con_id = 2
        symbol = "DOWN"
        sec_type = "STK"
        currency = "USD"
        exchanges = ["SMART"]
        primary_exchange = "NYSE"
        long_name = "DOWN"
        min_tick = "0.01"
        price = "500.00"
        volatility = 0.3
        factor = "common"
        correlation = -0.5
        spread = "0.01"
        size_increment = "1"
    "#;

    /// Mean of the products of two series about their means.
    fn covariance(a: &[f64], b: &[f64]) -> f64 {
        let count = f64::from(u32::try_from(a.len()).unwrap());
        let mean = |series: &[f64]| series.iter().sum::<f64>() / count;
        let (mean_a, mean_b) = (mean(a), mean(b));
        a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum::<f64>() / count
    }

    #[test]
    fn returns_have_the_volatility_the_drift_and_the_correlation_asked_for() {
        const DAYS: i32 = 20 * 365;
        const SEEDS: u64 = 20;
        const DAY_STEPS: i64 = 86_400_000 / STEP_MS;
        let universe = Universe::parse(CORRELATED).unwrap();
        let anchor = "2026-01-02T15:00:00Z".parse().unwrap();
        let (mut drifts, mut correlations, mut volatilities) = (0.0, 0.0, 0.0);
        for seed in 0..SEEDS {
            let market = Market::new(universe.clone(), Hours::Always, seed, anchor);
            let returns = |con_id| {
                let listing = market.universe().get(con_id).unwrap();
                let log = |day: i32| market.log_return(listing, i64::from(day) * DAY_STEPS);
                (0..DAYS).map(|day| log(day + 1) - log(day)).collect::<Vec<_>>()
            };
            let (up, down) = (returns(1), returns(2));
            drifts += up.iter().sum::<f64>() / 20.0;
            let (up_variance, down_variance) = (covariance(&up, &up), covariance(&down, &down));
            correlations += covariance(&up, &down) / (up_variance * down_variance).sqrt();
            volatilities += (down_variance * 365.0).sqrt();
        }
        let mean = |sum: f64| sum / 20.0;
        // One of 20 years has a deviation of 0.2 / sqrt(20), their mean over 20 seeds 0.01.
        assert!((mean(drifts) - 0.3).abs() < 0.03, "drift {}", mean(drifts));
        assert!((mean(correlations) + 0.4).abs() < 0.02, "correlation {}", mean(correlations));
        assert!((mean(volatilities) - 0.3).abs() < 0.01, "volatility {}", mean(volatilities));
    }

    #[test]
    fn a_quote_stands_while_the_exchange_rests_and_moves_while_it_trades() {
        let universe = Universe::parse(BUILT_IN).unwrap();
        let anchor: Timestamp = "2026-03-02T15:00:00Z".parse().unwrap();
        let market = Market::new(universe, Hours::Exchange, 5, anchor);
        let spy = market.universe().get(756_733).unwrap();
        let quote = |text: &str| market.quote(spy, text.parse().unwrap());
        // From eight in the evening on Friday to four in the morning on Monday.
        let last = quote("2026-03-07T00:59:59.999Z");
        for rest in ["2026-03-07T01:00:00Z", "2026-03-08T12:00:00Z", "2026-03-09T07:59:59Z"] {
            assert_eq!(quote(rest), last, "{rest}");
            assert!(!market.trades(spy, rest.parse().unwrap()), "{rest}");
        }
        assert_ne!(quote("2026-03-09T08:00:01Z"), last);
        assert!(market.trades(spy, "2026-03-09T08:00:00Z".parse().unwrap()));
    }

    #[test]
    fn sizes_are_whole_increments_and_new_at_each_step() {
        let market = market(5);
        for listing in market.universe().iter() {
            let sizes: std::collections::BTreeSet<_> =
                (0..50).map(|step| market.quote(listing, market.instant(step)).ask_size).collect();
            assert!(sizes.len() > 5, "{}: {sizes:?}", listing.symbol);
            let whole = |size: &Decimal| size % listing.size_increment == Decimal::ZERO;
            assert!(sizes.iter().all(|size| whole(size) && *size > Decimal::ZERO));
        }
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
