//! Market data, the clock and its zone.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::texts;
use crate::sim::SimError;
use crate::sim::clock::Zone;
use crate::sim::feeds;
use crate::sim::reports;
use crate::sim::world::World;

/// No market data during a competing live session.
pub const COMPETING: i32 = 10_197;

/// Farm notices: broken, and well again.
const FARMS: [(i32, i32, &str); 3] =
    [(2103, 2104, "usfarm"), (2105, 2106, "ushmds"), (2157, 2158, "secdefil")];

/// Fills what the market has reached.
pub fn sweep(world: &mut World) {
    let events = world.trade(|broker, rules| broker.sweep(rules));
    reports::report(world, &events);
}

/// Fixes the quote of a contract, by its local symbol.
///
/// # Errors
///
/// When the universe has no such contract.
pub fn set_price(
    world: &mut World,
    symbol: &str,
    bid: Decimal,
    ask: Decimal,
) -> Result<(), SimError> {
    let universe = world.market.universe();
    let found = universe.named(symbol).find(|listing| listing.local_symbol() == symbol);
    let Some(con_id) = found.map(|listing| listing.con_id) else {
        return Err(SimError::UnknownSymbol(symbol.to_owned()));
    };
    world.market.pin(con_id, bid, ask);
    sweep(world);
    feeds::quotes(world);
    Ok(())
}

pub fn pin(world: &mut World, symbol: &str, bid: Decimal, ask: Decimal) {
    if let Err(error) = set_price(world, symbol, bid, ask) {
        tracing::warn!(%error, "a fault could not pin a price");
    }
}

/// Another session takes the market data away.
pub fn lose_data(world: &mut World) {
    let text = texts::of(COMPETING);
    let mut clients = std::mem::take(&mut world.clients);
    for client in clients.values_mut() {
        for req_id in std::mem::take(&mut client.subscriptions.tickers).into_keys() {
            client.send(&world.error(req_id, COMPETING, text));
        }
    }
    world.clients = clients;
}

/// Tells everybody that the farms broke, or that they are well again.
pub fn flap(world: &mut World) {
    world.faults.farms_broken = !world.faults.farms_broken;
    for (broken, well, farm) in FARMS {
        let code = if world.faults.farms_broken { broken } else { well };
        let notice = world.error(-1, code, format!("{}:{farm}", texts::of(code)));
        for client in world.clients.values_mut() {
            client.send(&notice);
        }
    }
}

pub fn set_zone(world: &mut World, zone: &str, spelled: Option<&str>) {
    match Zone::spelled_as(zone, spelled) {
        Ok(zone) => world.zone = zone,
        Err(error) => tracing::warn!(%error, "a fault could not set the time zone"),
    }
}

pub fn reset_zone(world: &mut World) {
    world.zone = Zone::exchange();
}

pub fn set_clock(world: &mut World, to: Timestamp) {
    if let Err(error) = world.set_clock(to) {
        tracing::warn!(%error, "a fault could not set the clock");
    }
}

pub fn advance(world: &mut World, by: SignedDuration) {
    if let Err(error) = world.advance(by) {
        tracing::warn!(%error, "a fault could not move the clock");
    }
}
