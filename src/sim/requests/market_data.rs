//! Quotes: snapshots and streams.

use super::contracts::{only, smart_map};
use super::{Call, Undecodable};
use crate::sim::client::{Client, Ticker};
use crate::sim::market::Quote;
use crate::sim::messages::{
    MarketDataRequest, MarketDataType, MarketDataTypeRequest, TickGeneric, TickPrice,
    TickReqParams, TickSize, TickSnapshotEnd, TickString,
};
use crate::sim::reports::{double, text};
use crate::sim::requests::history;
use crate::sim::universe::Listing;
use crate::sim::world::World;

/// IB's default number of market data lines.
const TICKERS_MAX: usize = 100;

/// A tick type, live and delayed.
#[derive(Clone, Copy)]
struct Tick(i32, i32);

const BID_SIZE: Tick = Tick(0, 69);
const BID: Tick = Tick(1, 66);
const ASK: Tick = Tick(2, 67);
const ASK_SIZE: Tick = Tick(3, 70);
const LAST: Tick = Tick(4, 68);
const LAST_SIZE: Tick = Tick(5, 71);
const HIGH: Tick = Tick(6, 72);
const LOW: Tick = Tick(7, 73);
const VOLUME: Tick = Tick(8, 74);
const CLOSE: Tick = Tick(9, 75);
const OPEN: Tick = Tick(14, 76);
const LAST_TIMESTAMP: Tick = Tick(45, 88);
const HALTED: Tick = Tick(49, 90);

impl Tick {
    fn id(self, delayed: bool) -> Option<i32> {
        Some(if delayed { self.1 } else { self.0 })
    }
}

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
    if wanted.exchange.unwrap_or_default().is_empty() {
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
    let once = request.snapshot == Some(true) || request.regulatory_snapshot == Some(true);
    call.with_client(|world, client| {
        let Some(listing) = world.market.universe().get(con_id) else { return };
        let ticker = begin(world, client, req_id, listing);
        if once {
            client.send(&TickSnapshotEnd { req_id: Some(req_id) });
        } else {
            client.subscriptions.tickers.insert(req_id, ticker);
        }
    });
    Ok(())
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
fn begin(world: &World, client: &mut Client, req_id: i32, listing: &Listing) -> Ticker {
    let kind = client.subscriptions.market_data_type;
    let delayed = kind >= 3;
    let id = Some(req_id);
    client.send(&TickReqParams {
        req_id: id,
        min_tick: Some(text(listing.min_tick)),
        bbo_exchange: smart_map(listing).map(str::to_owned),
        snapshot_permissions: Some(3),
        last_price_precision: None,
        last_size_precision: None,
    });
    client.send(&MarketDataType { req_id: id, market_data_type: Some(kind) });
    if delayed {
        let text = "Requested market data is not subscribed. Displaying delayed market data.";
        client.send(&world.error(req_id, 10_167, text));
    }
    let quote = world.market.quote(listing, world.now);
    let ticker = Ticker { con_id: listing.con_id, delayed, last: quote };
    send_prices(client, req_id, delayed, &quote);
    client.send(&TickString {
        req_id: id,
        tick_type: LAST_TIMESTAMP.id(delayed),
        value: Some(world.now.as_second().to_string()),
    });
    let (prices, volume) = history::day_prices(world, listing, world.now);
    for (tick, price) in prices {
        let tick = match tick {
            history::DayPrice::Open => OPEN,
            history::DayPrice::High => HIGH,
            history::DayPrice::Low => LOW,
            history::DayPrice::PreviousClose => CLOSE,
        };
        client.send(&TickPrice {
            req_id: id,
            tick_type: tick.id(delayed),
            price: Some(double(price)),
            size: None,
            attr_mask: Some(0),
        });
    }
    if let Some(volume) = volume {
        let size = Some(text(volume));
        client.send(&TickSize { req_id: id, tick_type: VOLUME.id(delayed), size });
    }
    let tick_type = HALTED.id(delayed);
    client.send(&TickGeneric { req_id: id, tick_type, value: Some(0.0) });
    ticker
}

/// Bid, ask and last, each with its size in the same tick and in a tick of its own, as IB does.
fn send_prices(client: &mut Client, req_id: i32, delayed: bool, quote: &Quote) {
    let sides = [
        (BID, BID_SIZE, quote.bid, quote.bid_size),
        (ASK, ASK_SIZE, quote.ask, quote.ask_size),
        (LAST, LAST_SIZE, quote.last, quote.last_size),
    ];
    for (price_tick, size_tick, price, size) in sides {
        client.send(&TickPrice {
            req_id: Some(req_id),
            tick_type: price_tick.id(delayed),
            price: Some(double(price)),
            size: Some(text(size)),
            attr_mask: Some(0),
        });
        client.send(&TickSize {
            req_id: Some(req_id),
            tick_type: size_tick.id(delayed),
            size: Some(text(size)),
        });
    }
}

/// Sends the new quote if its prices moved.
pub fn send_changes(client: &mut Client, req_id: i32, ticker: &Ticker, quote: &Quote) {
    let moved = (quote.bid, quote.ask) != (ticker.last.bid, ticker.last.ask);
    if moved {
        send_prices(client, req_id, ticker.delayed, quote);
    }
}
