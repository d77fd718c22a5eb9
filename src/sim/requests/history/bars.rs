//! Bars: of the path of a contract, or of the bars that it replays.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::Refused;
use super::parse::{Query, Reach, Show, Size, service_error};
use super::sessions::{self, Session, period_start};
use crate::sim::market::around;
use crate::sim::messages::HistoricalDataBar;
use crate::sim::replay::Range;
use crate::sim::reports::{double, text};
use crate::sim::universe::{Listing, SecType};
use crate::sim::world::World;

/// More bars than this are refused: IB gives a few thousand.
const BARS_MAX: usize = 20_000;

/// Instants at which the path is read for high and low of a day.
const DAY_SAMPLES: i32 = 16;

/// The same for a shorter bar, of which there are many.
const SAMPLES: i32 = 6;

/// The least time: what ends a bar is the first instant of the next.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

/// Trades of a second in a stock: this many at most, of a hundred shares each.
const TRADES_MAX: u64 = 20;

/// Shares in one trade.
const TRADE_SHARES: i64 = 100;

/// What the price did from `start` on.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// The day that its session belongs to.
    pub date: Date,
    pub start: Timestamp,
    /// When it is complete.
    pub end: Timestamp,
    pub range: Range,
}

pub fn collect(world: &World, query: &Query<'_>) -> Result<Vec<Bar>, Refused> {
    let sessions = sessions::covered(world, query);
    match query.size {
        Size::Seconds(seconds) => intraday(world, query, &sessions, seconds),
        Size::Day | Size::Week | Size::Month => Ok(daily(world, query, &sessions)),
    }
}

fn intraday(
    world: &World,
    query: &Query<'_>,
    sessions: &[Session],
    seconds: i64,
) -> Result<Vec<Bar>, Refused> {
    let mut bars = Vec::new();
    for session in sessions {
        let mut from = match query.reach {
            Reach::After(first) if first > session.start => aligned(world, session, first, seconds),
            _ => session.start,
        };
        while from < session.end.min(query.end) {
            let next = aligned(world, session, from, seconds).max(from);
            let next = if next > from { next } else { after(from, seconds) }.min(session.end);
            if let Some(range) = range(world, query.listing, from, next, query.end) {
                bars.push(Bar { date: session.date, start: from, end: next, range });
            }
            if bars.len() > BARS_MAX {
                return Err(service_error("the request would return too many bars"));
            }
            from = next;
        }
    }
    Ok(bars)
}

/// The first instant not before `at` at which a bar of `seconds` begins: multiples of its length
/// from midnight, so that a session that opens at half past nine has its first full hour at ten.
pub fn aligned(world: &World, session: &Session, at: Timestamp, seconds: i64) -> Timestamp {
    let midnight = world.zone.instant(session.date, 0, 0).unwrap_or(session.start);
    let passed = at.as_millisecond().saturating_sub(midnight.as_millisecond());
    let length = seconds.saturating_mul(1000).max(1);
    let whole = passed.saturating_add(length - 1).div_euclid(length).saturating_mul(length);
    midnight.saturating_add(SignedDuration::from_millis(whole)).unwrap_or(at).max(session.start)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// One bar a day, or for the days of a week or a month together.
fn daily(world: &World, query: &Query<'_>, sessions: &[Session]) -> Vec<Bar> {
    let mut bars: Vec<(Date, Bar)> = Vec::new();
    for session in sessions {
        let Session { date, start, end } = *session;
        let Some(range) = range(world, query.listing, start, end, query.end) else { continue };
        let period = period_start(query.size, date);
        let day = Bar { date, start, end, range };
        match bars.last_mut() {
            // IB dates a week and a month by their last day of trading.
            Some((known, bar)) if *known == period => {
                *bar = Bar { range: bar.range.then(day.range), ..day };
            }
            _ => bars.push((period, day)),
        }
    }
    bars.into_iter().map(|(_, bar)| bar).collect()
}

/// What the price did from `from` to `planned`, as far as it is known at `end`.
pub fn range(
    world: &World,
    listing: &Listing,
    from: Timestamp,
    planned: Timestamp,
    end: Timestamp,
) -> Option<Range> {
    let to = planned.min(end);
    if let Some(bars) = world.market.replay().of(listing) {
        return bars.range(from, to);
    }
    let last = to.checked_sub(INSTANT).unwrap_or(to).max(from);
    let (open, close) = (world.market.price(listing, from), world.market.price(listing, last));
    let length = last.duration_since(from);
    let count = if length > SignedDuration::from_hours(2) { DAY_SAMPLES } else { SAMPLES };
    let samples = (1..count).map(|i| {
        let at = from.saturating_add(length / count * i).unwrap_or(from);
        world.market.price(listing, at)
    });
    let (high, low) = samples.fold((open.max(close), open.min(close)), |(high, low), price| {
        (high.max(price), low.min(price))
    });
    let volume = volume(world, listing, from, planned, to);
    Some(Range { open, high, low, close, volume })
}

/// So many trades a second, drawn for the whole bar.
fn volume(
    world: &World,
    listing: &Listing,
    from: Timestamp,
    planned: Timestamp,
    to: Timestamp,
) -> Decimal {
    let length = planned.duration_since(from).as_secs().unsigned_abs();
    let trades = world.market.draw(listing, world.market.step(from), length) % TRADES_MAX + 1;
    let seconds = to.duration_since(from).as_secs().max(1);
    let shares = match listing.sec_type {
        SecType::Stock => TRADE_SHARES,
        SecType::Future | SecType::Cash => 1,
    };
    let size = Decimal::from(shares.saturating_mul(seconds).saturating_mul(trades.cast_signed()));
    size.checked_mul(listing.size_increment).unwrap_or(size)
}

/// A bar as it goes to a client.
pub fn row(world: &World, query: &Query<'_>, bar: &Bar) -> HistoricalDataBar {
    let date = match (query.size, query.epoch) {
        (Size::Day | Size::Week | Size::Month, _) => bar.date.strftime("%Y%m%d").to_string(),
        (Size::Seconds(_), true) => bar.start.as_second().to_string(),
        (Size::Seconds(_), false) => world.zone.stamp(bar.start),
    };
    let [open, high, low, close] = shown(query.listing, query.show, &bar.range);
    let counted = query.show == Show::Trades;
    let Range { volume, .. } = bar.range;
    // Where nothing is counted IB sends -1.
    let none = || "-1".to_owned();
    HistoricalDataBar {
        date: Some(date),
        open: Some(double(open)),
        high: Some(double(high)),
        low: Some(double(low)),
        close: Some(double(close)),
        volume: Some(if counted { text(volume) } else { none() }),
        wap: Some(if counted { text(average(&bar.range)) } else { none() }),
        bar_count: Some(if counted { trades(volume) } else { -1 }),
    }
}

/// Nobody keeps the single trades: the mean of what is known of them.
pub fn average(range: &Range) -> Decimal {
    ((range.high + range.low + range.close) / Decimal::from(3)).round_dp(6)
}

/// The number of trades behind a volume; at least one, since the bar is there.
pub fn trades(volume: Decimal) -> i32 {
    let count = (volume / Decimal::from(TRADE_SHARES)).ceil().max(Decimal::ONE);
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Open, high, low, close of what is asked for.
pub fn shown(listing: &Listing, show: Show, range: &Range) -> [Decimal; 4] {
    let quoted = |price: Decimal| around(listing, price);
    let Range { open, high, low, close, .. } = *range;
    let each = |shown: fn((Decimal, Decimal)) -> Decimal| {
        [open, high, low, close].map(|price| shown(quoted(price)))
    };
    match show {
        Show::Trades | Show::Schedule => [open, high, low, close],
        Show::Midpoint => each(|(bid, ask)| (bid + ask) / Decimal::TWO),
        Show::Bid => each(|(bid, _)| bid),
        Show::Ask => each(|(_, ask)| ask),
        // Average bid, highest ask, lowest bid, average ask: IB's meaning of the four here.
        Show::BidAsk => [quoted(open).0, quoted(high).1, quoted(low).0, quoted(close).1],
    }
}
