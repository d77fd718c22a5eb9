//! Bars from the seeded path, as far back as a fixed first day.
//!
//! Bars follow the hours of the exchange (09:30 to 16:00 in New York, 04:00 to 20:00 outside
//! regular hours, whole days for currencies) and skip weekends, although quotes never rest.
//! Pinned quotes leave history as it was.

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Span, Timestamp};
use rust_decimal::Decimal;

use super::contracts::only;
use super::{Call, Undecodable};
use crate::sim::market::{Market, around};
use crate::sim::messages::{
    HeadTimestamp, HeadTimestampRequest, HistoricalData, HistoricalDataBar, HistoricalDataEnd,
    HistoricalDataRequest,
};
use crate::sim::reports::{double, text};
use crate::sim::universe::{Listing, SecType};
use crate::sim::world::World;

/// No bars before this day.
const FIRST_DAY: Date = Date::constant(2010, 1, 4);

/// More bars than this are refused: IB's own limits are near.
const BARS_MAX: usize = 20_000;

/// Instants of a bar at which the path is read for its high and low.
const SAMPLES: i64 = 16;

/// IB refuses longer durations in days and asks for years.
const DAYS_MAX: i32 = 365;

/// Longer than the history.
const YEARS_MAX: i32 = 30;

/// Shares in the smallest volume of a bar.
const VOLUME_UNIT: u64 = 100;

/// Units in the largest volume of a bar.
const VOLUME_UNITS_MAX: u64 = 50_000;

/// The prices of a day that a quote shows.
#[derive(Clone, Copy, Debug)]
pub enum DayPrice {
    Open,
    High,
    Low,
    PreviousClose,
}

/// What bars are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    Trades,
    Midpoint,
    Bid,
    Ask,
    BidAsk,
}

/// A range of time and what the price did in it.
#[derive(Clone, Copy, Debug)]
struct Bar {
    start: Timestamp,
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    volume: Decimal,
}

/// How far back a request reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The last trading days.
    Days(usize),
    /// Everything after an instant.
    After(Timestamp),
}

/// A request understood.
struct Query<'a> {
    listing: &'a Listing,
    regular_hours: bool,
    end: Timestamp,
    reach: Reach,
    /// Seconds; absent for daily bars.
    bar_seconds: Option<i64>,
    show: Show,
}

pub fn bars(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: HistoricalDataRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    match answer(call.world, &request) {
        Ok((data, end)) => {
            call.answer(&data);
            call.answer(&end);
        }
        Err((code, text)) => call.error(req_id, code, text),
    }
    Ok(())
}

type Refused = (i32, String);

fn invalid(cause: &str) -> Refused {
    (321, format!("Error validating request.-'bT' : cause - {cause}"))
}

fn service_error(text: &str) -> Refused {
    (162, format!("Historical Market Data Service error message:{text}"))
}

fn answer(
    world: &World,
    request: &HistoricalDataRequest,
) -> Result<(HistoricalData, HistoricalDataEnd), Refused> {
    let wanted = request.contract.clone().unwrap_or_default();
    let listing = only(world, &wanted).map_err(|error| (200, error.to_string()))?;
    let query = understand(world, request, listing)?;
    let bars = collect(world, &query)?;
    let (Some(first), Some(_)) = (bars.first(), bars.last()) else {
        let exchange = wanted.exchange.unwrap_or_default();
        let text = format!("HMDS query returned no data: {}@{exchange}", listing.symbol);
        return Err(service_error(&text));
    };
    let epoch = request.format_date == Some(2);
    let req_id = request.req_id;
    let start_date_str = Some(world.zone.stamp(first.start));
    let end_date_str = Some(world.zone.stamp(query.end));
    let historical_data_bars = bars.iter().map(|bar| row(world, &query, bar, epoch)).collect();
    let data = HistoricalData { req_id, historical_data_bars };
    Ok((data, HistoricalDataEnd { req_id, start_date_str, end_date_str }))
}

fn understand<'a>(
    world: &World,
    request: &HistoricalDataRequest,
    listing: &'a Listing,
) -> Result<Query<'a>, Refused> {
    if request.keep_up_to_date == Some(true) {
        return Err(invalid("Bars that keep up to date are not supported by this simulator"));
    }
    let end = match request.end_date_time.as_deref().unwrap_or_default() {
        "" => world.now,
        text => {
            let end = world.zone.parse(text).ok_or_else(|| invalid("Invalid end date/time"))?;
            end.min(world.now)
        }
    };
    let duration = request.duration.as_deref().unwrap_or_default();
    let reach = reach(world, end, duration).ok_or_else(|| invalid("Invalid duration"))?;
    let size = request.bar_size_setting.as_deref().unwrap_or_default();
    let bar_seconds = bar_seconds(size).ok_or_else(|| {
        invalid("Historical data bar size setting is invalid or not supported by this simulator")
    })?;
    let show = match request.what_to_show.as_deref().unwrap_or_default() {
        "TRADES" | "ADJUSTED_LAST" if listing.sec_type == SecType::Cash => {
            return Err(service_error("No historical market data for this contract and type"));
        }
        "TRADES" | "ADJUSTED_LAST" => Show::Trades,
        "MIDPOINT" => Show::Midpoint,
        "BID" => Show::Bid,
        "ASK" => Show::Ask,
        "BID_ASK" => Show::BidAsk,
        _ => return Err(invalid("What to show is invalid or not supported by this simulator")),
    };
    let regular_hours = request.use_rth == Some(true);
    Ok(Query { listing, regular_hours, end, reach, bar_seconds, show })
}

/// `30 D`, `1 Y`; a bare number means seconds.
fn reach(world: &World, end: Timestamp, text: &str) -> Option<Reach> {
    let (count, unit) = text.trim().split_once(' ').unwrap_or((text.trim(), "S"));
    let count: i32 = count.parse().ok().filter(|count| *count > 0)?;
    let today = world.zone.date(end);
    let span = match unit.trim() {
        "S" => {
            let seconds = SignedDuration::from_secs(i64::from(count.min(86_400)));
            return Some(Reach::After(end.checked_sub(seconds).ok()?));
        }
        "D" if count <= DAYS_MAX => return usize::try_from(count).ok().map(Reach::Days),
        "W" if count <= YEARS_MAX * 52 => Span::new().weeks(count),
        "M" if count <= YEARS_MAX * 12 => Span::new().months(count),
        "Y" if count <= YEARS_MAX => Span::new().years(count),
        _ => return None,
    };
    let first = today.checked_sub(span).ok()?.tomorrow().ok()?;
    world.zone.instant(first, 0, 0).map(Reach::After)
}

/// Seconds of a bar; `Some(None)` for a day.
fn bar_seconds(size: &str) -> Option<Option<i64>> {
    let (count, unit) = size.trim().split_once(' ')?;
    let count: i64 = count.parse().ok()?;
    let allowed = |counts: &[i64], seconds: i64| counts.contains(&count).then_some(seconds * count);
    match unit {
        "sec" | "secs" => allowed(&[1, 5, 10, 15, 30], 1).map(Some),
        "min" | "mins" => allowed(&[1, 2, 3, 5, 10, 15, 20, 30], 60).map(Some),
        "hour" | "hours" => allowed(&[1, 2, 3, 4, 8], 3600).map(Some),
        "day" => allowed(&[1], 86_400).map(|_| None),
        _ => None,
    }
}

fn is_trading_day(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Start and end of a day's bars.
fn session(
    world: &World,
    listing: &Listing,
    date: Date,
    regular_hours: bool,
) -> Option<(Timestamp, Timestamp)> {
    let at = |hour, minute| world.zone.instant(date, hour, minute);
    match (listing.sec_type, regular_hours) {
        (SecType::Cash, _) => Some((at(0, 0)?, at(24, 0)?)),
        (SecType::Stock | SecType::Future, true) => Some((at(9, 30)?, at(16, 0)?)),
        (SecType::Stock | SecType::Future, false) => Some((at(4, 0)?, at(20, 0)?)),
    }
}

/// The sessions that a query covers, in order; the last one may be unfinished.
fn sessions(world: &World, query: &Query<'_>) -> Vec<(Timestamp, Timestamp)> {
    let mut sessions = Vec::new();
    let mut date = world.zone.date(query.end);
    while date >= FIRST_DAY {
        let enough = match query.reach {
            Reach::Days(days) => sessions.len() >= days,
            Reach::After(first) => date < world.zone.date(first),
        };
        if enough {
            break;
        }
        if is_trading_day(date)
            && let Some((start, end)) = session(world, query.listing, date, query.regular_hours)
            && start < query.end
        {
            sessions.push((start, end.min(query.end)));
        }
        let Ok(before) = date.yesterday() else { break };
        date = before;
    }
    sessions.reverse();
    sessions
}

fn collect(world: &World, query: &Query<'_>) -> Result<Vec<Bar>, Refused> {
    let mut bars = Vec::new();
    for (start, end) in sessions(world, query) {
        let length = query.bar_seconds.map(SignedDuration::from_secs);
        let mut from = start;
        while from < end {
            let next = length.and_then(|length| from.checked_add(length).ok()).unwrap_or(end);
            let wanted = match (query.reach, length) {
                (Reach::After(first), Some(_)) => from >= first,
                _ => true,
            };
            if wanted {
                bars.push(bar(&world.market, query.listing, from, next.min(end)));
            }
            if bars.len() > BARS_MAX {
                return Err(service_error("the request would return too many bars"));
            }
            from = next;
        }
    }
    Ok(bars)
}

/// Reads the path from `start` up to, not including, `end`.
fn bar(market: &Market, listing: &Listing, start: Timestamp, end: Timestamp) -> Bar {
    let first = market.step(start);
    let last = market.step(end).saturating_sub(1).max(first);
    let (open, close) = (market.path_price(listing, first), market.path_price(listing, last));
    let between = last.saturating_sub(first);
    let samples = (1..SAMPLES)
        .map(|i| first.saturating_add(between.saturating_mul(i) / SAMPLES))
        .map(|step| market.path_price(listing, step));
    let (high, low) = samples.fold((open.max(close), open.min(close)), |(high, low), price| {
        (high.max(price), low.min(price))
    });
    let length = u64::try_from(between).unwrap_or_default();
    let units = market.draw(listing, first, length) % VOLUME_UNITS_MAX + 1;
    Bar { start, open, high, low, close, volume: Decimal::from(units * VOLUME_UNIT) }
}

fn row(world: &World, query: &Query<'_>, bar: &Bar, epoch: bool) -> HistoricalDataBar {
    let date = match (query.bar_seconds, epoch) {
        (None, _) => world.zone.date(bar.start).strftime("%Y%m%d").to_string(),
        (Some(_), true) => bar.start.as_second().to_string(),
        (Some(_), false) => world.zone.stamp(bar.start),
    };
    let quoted = |price: Decimal| around(query.listing, price);
    let shown = |price: Decimal| match query.show {
        Show::Trades | Show::BidAsk => price,
        Show::Midpoint => (quoted(price).0 + quoted(price).1) / Decimal::TWO,
        Show::Bid => quoted(price).0,
        Show::Ask => quoted(price).1,
    };
    // Average bid, highest ask, lowest bid, average ask: IB's meaning of the four here.
    let [open, high, low, close] = match query.show {
        Show::BidAsk => {
            [quoted(bar.open).0, quoted(bar.high).1, quoted(bar.low).0, quoted(bar.close).1]
        }
        _ => [bar.open, bar.high, bar.low, bar.close].map(shown),
    };
    let traded = query.show == Show::Trades;
    let average = (bar.high + bar.low + bar.close) / Decimal::from(3);
    // Where nothing is counted IB sends -1.
    let none = || "-1".to_owned();
    HistoricalDataBar {
        date: Some(date),
        open: Some(double(open)),
        high: Some(double(high)),
        low: Some(double(low)),
        close: Some(double(close)),
        volume: Some(if traded { text(bar.volume) } else { none() }),
        wap: Some(if traded { text(average.round_dp(6)) } else { none() }),
        bar_count: Some(if traded { 1 } else { -1 }),
    }
}

pub fn head_timestamp(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: HeadTimestampRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let wanted = request.contract.unwrap_or_default();
    let listing = match only(call.world, &wanted) {
        Ok(listing) => listing,
        Err(error) => {
            let text = error.to_string();
            call.error(req_id, 200, text);
            return Ok(());
        }
    };
    let regular_hours = request.use_rth == Some(true);
    let Some((first, _)) = session(call.world, listing, FIRST_DAY, regular_hours) else {
        let (code, text) = service_error("No head time stamp");
        call.error(req_id, code, text);
        return Ok(());
    };
    let head = match request.format_date {
        Some(2) => first.as_second().to_string(),
        _ => first.strftime("%Y%m%d-%H:%M:%S").to_string(),
    };
    call.answer(&HeadTimestamp { req_id: Some(req_id), head_timestamp: Some(head) });
    Ok(())
}

/// The last session and the one before, for the prices that go with a quote.
fn last_two(world: &World, listing: &Listing) -> Vec<Bar> {
    let query = Query {
        listing,
        regular_hours: true,
        end: world.now,
        reach: Reach::Days(2),
        bar_seconds: None,
        show: Show::Trades,
    };
    collect(world, &query).unwrap_or_default()
}

/// Open, high and low of the last session and the close of the one before.
pub fn day_prices(world: &World, listing: &Listing) -> Vec<(DayPrice, Decimal)> {
    match last_two(world, listing).as_slice() {
        [before, day] => vec![
            (DayPrice::Open, day.open),
            (DayPrice::High, day.high),
            (DayPrice::Low, day.low),
            (DayPrice::PreviousClose, before.close),
        ],
        _ => Vec::new(),
    }
}

/// Volume of the last session; nothing for currencies.
pub fn day_volume(world: &World, listing: &Listing) -> Option<Decimal> {
    let stock = listing.sec_type == SecType::Stock;
    last_two(world, listing).last().filter(|_| stock).map(|bar| bar.volume)
}
