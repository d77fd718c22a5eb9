//! Quotes: snapshots and streams.

mod ticks;
mod view;

use super::contracts::{only, smart_map};
use super::{Call, Undecodable};
use crate::sim::client::{Client, Ticker};
use crate::sim::market::Quote;
use crate::sim::messages::{
    MarketDataRequest, MarketDataType, MarketDataTypeRequest, TickReqParams, TickSnapshotEnd,
};
use crate::sim::reports::text;
use crate::sim::requests::history;
use crate::sim::universe::Listing;
use crate::sim::world::World;

use ticks::Line;

pub use view::{Seen, View};

/// IB's default number of market data lines.
const TICKERS_MAX: usize = 100;

/// No number of a generic tick is as large.
const GENERIC_MAX: u32 = 999;

pub fn set_type(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: MarketDataTypeRequest = call.decode()?;
    let wanted = request.market_data_type.unwrap_or(1);
    if !(1..=4).contains(&wanted) {
        // No request id: a notice, since a hard error would fail other requests.
        call.error(-1, 0, format!("Unknown market data type {wanted}"));
        return Ok(());
    }
    call.with_client(|_, client| client.subscriptions.market_data_type = wanted);
    Ok(())
}

pub fn subscribe(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: MarketDataRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let wanted = request.contract.unwrap_or_default();
    let con_id = match only(call.world, &wanted) {
        Ok(listing) => listing.con_id,
        Err(error) => {
            call.error(req_id, 200, error.to_string());
            return Ok(());
        }
    };
    let exchange = wanted.exchange.unwrap_or_default();
    if exchange.is_empty() {
        let text = "Error validating request.-'bQ' : cause - Please enter exchange";
        call.error(req_id, 321, text);
        return Ok(());
    }
    let client = call.world.clients.get(&call.connection);
    let tickers = client.map(|client| &client.subscriptions.tickers);
    if tickers.is_some_and(|tickers| tickers.contains_key(&req_id)) {
        call.error(req_id, 322, "Error processing request.-'bQ' : cause - Duplicate ticker id");
        return Ok(());
    }
    if tickers.is_some_and(|tickers| tickers.len() >= TICKERS_MAX) {
        call.error(req_id, 101, "Max number of tickers has been reached");
        return Ok(());
    }
    let regulatory = request.regulatory_snapshot == Some(true);
    let once = regulatory || request.snapshot == Some(true);
    let extras = match extras(request.generic_tick_list.as_deref().unwrap_or_default(), once) {
        Ok(extras) => extras,
        Err(text) => {
            call.error(req_id, 321, format!("Error validating request.-'bQ' : cause - {text}"));
            return Ok(());
        }
    };
    let kind = client.map_or(view::LIVE, |client| client.subscriptions.market_data_type);
    let Some(listing) = call.world.market.universe().get(con_id) else { return Ok(()) };
    let view = if regulatory { Ok(View::regulatory()) } else { View::of(listing, kind, &exchange) };
    let view = match view {
        Ok(view) => view,
        Err((code, text)) => {
            call.error(req_id, code, text);
            return Ok(());
        }
    };
    call.with_client(|world, client| {
        let Some(listing) = world.market.universe().get(con_id) else { return };
        let ticker = begin(world, client, req_id, listing, view);
        let delayed = view.delayed;
        tell_extras(&mut Line { client, req_id, delayed }, world, &ticker.seen, &extras);
        if once {
            client.send(&TickSnapshotEnd { req_id: Some(req_id) });
        } else {
            client.subscriptions.tickers.insert(req_id, ticker);
        }
    });
    Ok(())
}

/// The numbers of a list of generic ticks. IB sends what it has of them, and nothing in a
/// snapshot.
fn extras(list: &str, once: bool) -> Result<Vec<u32>, String> {
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    if once {
        return Err("Snapshot market data subscription is not applicable to generic ticks".into());
    }
    let mut numbers = Vec::new();
    for name in list.split(',').map(str::trim) {
        // A news source may stand behind its number; `mdoff` switches the usual ticks off.
        let number = name.split(':').next().unwrap_or_default();
        match number.parse() {
            Ok(number) if number <= GENERIC_MAX => numbers.push(number),
            _ if name == "mdoff" => {}
            _ => return Err(format!("Incorrect generic tick list of {list}.")),
        }
    }
    Ok(numbers)
}

/// The generic ticks that the simulator has numbers for.
fn tell_extras(line: &mut Line<'_>, world: &World, seen: &Seen, extras: &[u32]) {
    let Quote { last, last_size, .. } = seen.quote;
    for extra in extras {
        match extra {
            221 | 232 => line.price(ticks::MARK_PRICE, last),
            233 => {
                // Price, size, time in milliseconds, volume, average, and one maker or several.
                let at = world.now.as_millisecond();
                let text = format!("{last};{last_size};{at};{last_size};{last};true");
                line.text(ticks::TRADE_VOLUME, text);
            }
            // Above 2.5 there are shares to be had.
            236 => line.number(ticks::SHORTABLE, 3.0),
            _ => {}
        }
    }
}

pub fn cancel(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    let client = call.world.clients.get_mut(&call.connection);
    let known = client.and_then(|client| client.subscriptions.tickers.remove(&req_id)).is_some();
    if !known {
        call.error(req_id, 300, format!("Can't find EId with tickerId:{req_id}"));
    }
    Ok(())
}

/// Parameters, type, and one tick of every kind.
fn begin(world: &World, client: &mut Client, req_id: i32, listing: &Listing, view: View) -> Ticker {
    let id = Some(req_id);
    client.send(&TickReqParams {
        req_id: id,
        min_tick: Some(text(listing.min_tick)),
        bbo_exchange: smart_map(listing).map(str::to_owned),
        snapshot_permissions: Some(3),
        last_price_precision: None,
        last_size_precision: None,
    });
    let seen = view.look(world, listing);
    client.send(&MarketDataType { req_id: id, market_data_type: Some(seen.kind) });
    if view.delayed {
        let text = "Requested market data is not subscribed. Displaying delayed market data.";
        client.send(&world.error(req_id, 10_167, text));
    }
    let mut line = Line { client, req_id, delayed: view.delayed };
    line.quote(&seen);
    let at = view.instant(world.now);
    line.text(ticks::LAST_TIMESTAMP, at.as_second().to_string());
    let (prices, volume) = history::day_prices(world, listing, at);
    for (tick, price) in prices {
        line.price(tick.into(), price);
    }
    if let Some(volume) = volume {
        line.size(ticks::VOLUME, volume);
    }
    line.number(ticks::HALTED, 0.0);
    Ticker { con_id: listing.con_id, view, seen }
}

/// Tells a client what changed in the quotes that it streams, and in their type: live data turns
/// into frozen data when the market closes, for those who asked for that.
pub fn update(world: &World, client: &mut Client) {
    let mut tickers = std::mem::take(&mut client.subscriptions.tickers);
    for (req_id, ticker) in &mut tickers {
        let Some(listing) = world.market.universe().get(ticker.con_id) else { continue };
        let seen = ticker.view.look(world, listing);
        if seen.kind != ticker.seen.kind {
            let market_data_type = Some(seen.kind);
            client.send(&MarketDataType { req_id: Some(*req_id), market_data_type });
        }
        let mut line = Line { client, req_id: *req_id, delayed: ticker.view.delayed };
        line.changes(&ticker.seen, &seen);
        ticker.seen = seen;
    }
    client.subscriptions.tickers = tickers;
}
