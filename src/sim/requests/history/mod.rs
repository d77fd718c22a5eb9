//! Bars of the seeded path, as far back as a fixed first day, or of the bars that are replayed.
//!
//! Bars follow the sessions of the exchange with its holidays and early closes, also when the
//! simulator's own markets never close: a strategy that reads daily bars sees the same days either
//! way. Pinned quotes leave history as it was.

mod bars;
mod pacing;
mod parse;
mod schedule;
mod sessions;
mod updates;

use rust_decimal::Decimal;

use super::contracts::only;
use super::{Call, Undecodable};
use crate::sim::messages::{
    HeadTimestamp, HeadTimestampRequest, HistoricalData, HistoricalDataBar, HistoricalDataEnd,
    HistoricalDataRequest,
};
use crate::sim::replay::Range;
use crate::sim::universe::{Listing, SecType};
use crate::sim::world::World;

use parse::{Query, Reach, Show, Size, service_error, understand};

pub use pacing::Pacing;
pub use updates::{BarStream, cancel_real_time, real_time, update};

/// IB keeps this many requests open for one client.
const STREAMS_MAX: usize = 50;

/// The prices of a day that a quote shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayPrice {
    Open,
    High,
    Low,
    PreviousClose,
}

/// Code and text of a refusal.
type Refused = (i32, String);

/// What a request is answered with.
enum Found {
    Bars(HistoricalData, HistoricalDataEnd, Option<BarStream>),
    Schedule(crate::sim::messages::HistoricalSchedule),
}

pub fn request(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: HistoricalDataRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    if let Err((code, text)) = pacing::check(call, &request) {
        call.error(req_id, code, text);
        return Ok(());
    }
    match answer(call.world, &request) {
        Ok(Found::Bars(data, end, stream)) => {
            if let Some(stream) = stream
                && let Err((code, text)) = open(call, req_id, stream)
            {
                call.error(req_id, code, text);
                return Ok(());
            }
            call.answer(&data);
            call.answer(&end);
        }
        Ok(Found::Schedule(schedule)) => call.answer(&schedule),
        Err((code, text)) => call.error(req_id, code, text),
    }
    Ok(())
}

/// Remembers a stream of bars under its request id.
fn open(call: &mut Call<'_>, req_id: i32, stream: BarStream) -> Result<(), Refused> {
    let Some(client) = call.world.clients.get_mut(&call.connection) else { return Ok(()) };
    let streams = &mut client.subscriptions.bars;
    if streams.contains_key(&req_id) {
        return Err((322, "Error processing request.-'bT' : cause - Duplicate ticker id".into()));
    }
    if streams.len() >= STREAMS_MAX {
        return Err(service_error("Historical data request pacing violation"));
    }
    streams.insert(req_id, stream);
    Ok(())
}

/// Ends a stream of bars. Silent for a request that was answered long ago.
pub fn cancel(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    if let Some(client) = call.world.clients.get_mut(&call.connection) {
        client.subscriptions.bars.remove(&req_id);
    }
    Ok(())
}

fn answer(world: &World, request: &HistoricalDataRequest) -> Result<Found, Refused> {
    let wanted = request.contract.clone().unwrap_or_default();
    let listing = only(world, &wanted).map_err(|error| (200, error.to_string()))?;
    let query = understand(world, request, listing)?;
    let req_id = request.req_id;
    if query.show == Show::Schedule {
        return Ok(Found::Schedule(schedule::answer(world, req_id, &query)));
    }
    let bars = bars::collect(world, &query)?;
    let Some(first) = bars.first() else {
        let exchange = wanted.exchange.unwrap_or_default();
        let (symbol, what) = (&listing.symbol, query.show.title());
        return Err(service_error(&format!(
            "HMDS query returned no data: {symbol}@{exchange} {what}"
        )));
    };
    let stream = (request.keep_up_to_date == Some(true)).then(|| BarStream::after(world, &query));
    let start_date_str = Some(world.zone.stamp(first.start));
    let end_date_str = Some(world.zone.stamp(query.end));
    let historical_data_bars: Vec<HistoricalDataBar> =
        bars.iter().map(|bar| bars::row(world, &query, bar)).collect();
    let data = HistoricalData { req_id, historical_data_bars };
    Ok(Found::Bars(data, HistoricalDataEnd { req_id, start_date_str, end_date_str }, stream))
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
    let shown = request.what_to_show.as_deref().unwrap_or_default();
    let head = parse::show(listing, shown)
        .and_then(|_| {
            let first = sessions::first(call.world, listing, regular_hours);
            first.ok_or_else(|| service_error("No head time stamp"))
        })
        .map(|first| match request.format_date {
            Some(2) => first.as_second().to_string(),
            _ => first.strftime("%Y%m%d-%H:%M:%S").to_string(),
        });
    match head {
        Ok(head) => {
            call.answer(&HeadTimestamp { req_id: Some(req_id), head_timestamp: Some(head) })
        }
        Err((code, text)) => call.error(req_id, code, text),
    }
    Ok(())
}

/// The last session and the one before, for the prices that go with a quote.
fn last_two(world: &World, listing: &Listing, end: jiff::Timestamp) -> Vec<bars::Bar> {
    let query = Query {
        listing,
        regular_hours: true,
        end,
        reach: Reach::Days(2),
        size: Size::Day,
        show: Show::Trades,
        epoch: false,
    };
    bars::collect(world, &query).unwrap_or_default()
}

/// Open, high and low of the last session at `at`, the close of the one before, and the volume of
/// the last session, which currencies do not have.
pub fn day_prices(
    world: &World,
    listing: &Listing,
    at: jiff::Timestamp,
) -> (Vec<(DayPrice, Decimal)>, Option<Decimal>) {
    let days = last_two(world, listing, at);
    let counted = |range: &Range| (listing.sec_type != SecType::Cash).then_some(range.volume);
    match days.as_slice() {
        [before, day] => {
            let prices = vec![
                (DayPrice::Open, day.range.open),
                (DayPrice::High, day.range.high),
                (DayPrice::Low, day.range.low),
                (DayPrice::PreviousClose, before.range.close),
            ];
            (prices, counted(&day.range))
        }
        _ => (Vec::new(), None),
    }
}
