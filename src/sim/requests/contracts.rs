//! Contracts: details, search, price increments.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{Call, Undecodable};
use crate::sim::messages::{
    Contract, ContractData, ContractDataEnd, ContractDataRequest, ContractDescription,
    ContractDetails, MarketRule, MarketRuleRequest, MatchingSymbolsRequest, PriceIncrement,
    SymbolSamples,
};
use crate::sim::reports::{self, double, text};
use crate::sim::universe::{Listing, SecType, Universe};
use crate::sim::world::World;

/// IB's words for "no such contract".
pub const NOT_FOUND: &str = "No security definition has been found for the request";

/// IB answers a symbol search with at most this many contracts.
const SAMPLES_MAX: usize = 16;

/// Days in the trading hours of the details, as IB sends them.
const HOURS_DAYS: i32 = 5;

/// The first market rule id that is ours: for ticks whose rule at IB we do not know.
const OWN_RULES: i32 = 9000;

/// All contracts that fit what a request says. What it leaves out fits anything, but a contract
/// id, a symbol or a local symbol must be there.
pub fn fitting<'u>(universe: &'u Universe, wanted: &Contract) -> Vec<&'u Listing> {
    let con_id = wanted.con_id.filter(|con_id| *con_id != 0);
    let field = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let symbol = field(&wanted.symbol);
    let local_symbol = field(&wanted.local_symbol);
    if con_id.is_none() && symbol.is_none() && local_symbol.is_none() {
        return Vec::new();
    }
    let fits = |listing: &&Listing| {
        con_id.is_none_or(|con_id| con_id == listing.con_id)
            && symbol.as_ref().is_none_or(|symbol| *symbol == listing.symbol)
            && local_symbol.as_ref().is_none_or(|symbol| *symbol == listing.local_symbol())
            && field(&wanted.sec_type).is_none_or(|kind| kind == listing.sec_type.as_str())
            && field(&wanted.currency).is_none_or(|currency| currency == listing.currency)
            && field(&wanted.exchange).is_none_or(|exchange| listing.trades_on(&exchange))
            && field(&wanted.primary_exch)
                .is_none_or(|exchange| exchange == listing.primary_exchange)
    };
    universe.iter().filter(fits).collect()
}

pub fn details(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: ContractDataRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let wanted = request.contract.unwrap_or_default();
    let found = fitting(call.world.market.universe(), &wanted);
    if found.is_empty() {
        call.error(req_id, 200, NOT_FOUND);
        return Ok(());
    }
    let asked = wanted.exchange.unwrap_or_default();
    let rows: Vec<_> =
        found.iter().map(|listing| row(call.world, req_id, listing, &asked)).collect();
    for row in &rows {
        call.answer(row);
    }
    call.answer(&ContractDataEnd { req_id: Some(req_id) });
    Ok(())
}

fn row(world: &World, req_id: i32, listing: &Listing, asked: &str) -> ContractData {
    let first = listing.exchanges.first().map(String::as_str).unwrap_or_default();
    let exchange = if asked.is_empty() { first } else { asked };
    let mut contract = reports::contract(listing, exchange);
    contract.primary_exch =
        Some(listing.primary_exchange.clone()).filter(|exchange| !exchange.is_empty());
    ContractData {
        req_id: Some(req_id),
        contract: Some(contract),
        contract_details: Some(details_of(world, listing)),
    }
}

fn details_of(world: &World, listing: &Listing) -> ContractDetails {
    let rule = rule_id(world.market.universe(), listing.min_tick).to_string();
    let rules = vec![rule; listing.exchanges.len()].join(",");
    let hours = world.zone.hours(world.now, HOURS_DAYS, "0000", "2359");
    let increment = Some(text(listing.size_increment));
    let stock = listing.sec_type == SecType::Stock;
    ContractDetails {
        market_name: Some(listing.local_symbol()),
        min_tick: Some(text(listing.min_tick)),
        order_types: Some("DAY,GTC,IOC,LMT,MKT,WHATIF".to_owned()),
        valid_exchanges: Some(listing.exchanges.join(",")),
        price_magnifier: Some(1),
        long_name: Some(listing.long_name.clone()),
        time_zone_id: Some(world.zone.name().to_owned()),
        trading_hours: Some(hours.clone()),
        liquid_hours: Some(hours),
        market_rule_ids: Some(rules),
        stock_type: stock.then(|| listing.stock_type.clone()),
        min_size: increment.clone(),
        size_increment: increment.clone(),
        suggested_size_increment: increment,
        ..ContractDetails::default()
    }
}

pub fn matching_symbols(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: MatchingSymbolsRequest = call.decode()?;
    let pattern = request.pattern.unwrap_or_default().to_uppercase();
    let matches = |listing: &&Listing| {
        !pattern.is_empty()
            && (listing.symbol.starts_with(&pattern)
                || listing.long_name.to_uppercase().contains(&pattern))
    };
    let found = call.world.market.universe().iter().filter(matches).take(SAMPLES_MAX);
    let contract_descriptions = found
        .map(|listing| ContractDescription {
            contract: Some(Contract {
                con_id: Some(listing.con_id),
                symbol: Some(listing.symbol.clone()),
                sec_type: Some(listing.sec_type.as_str().to_owned()),
                primary_exch: Some(listing.primary_exchange.clone()),
                currency: Some(listing.currency.clone()),
                ..Contract::default()
            }),
            derivative_sec_types: Vec::new(),
        })
        .collect();
    call.answer(&SymbolSamples { req_id: request.req_id, contract_descriptions });
    Ok(())
}

/// Every tick of the universe is a rule of its own.
fn rule_id(universe: &Universe, tick: Decimal) -> i32 {
    // Rules of IB that are public through its API: US stocks, and currencies by their pip.
    let known = [(26, Decimal::new(1, 2)), (239, Decimal::new(5, 5)), (240, Decimal::new(5, 3))];
    if let Some((id, _)) = known.iter().find(|(_, known)| *known == tick) {
        return *id;
    }
    let ticks: BTreeSet<_> = universe.iter().map(|listing| listing.min_tick).collect();
    let place = ticks.iter().position(|other| *other == tick).unwrap_or_default();
    OWN_RULES.saturating_add(i32::try_from(place).unwrap_or_default())
}

pub fn market_rule(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: MarketRuleRequest = call.decode()?;
    let id = request.market_rule_id.unwrap_or_default();
    let universe = call.world.market.universe();
    let tick = universe.iter().map(|listing| listing.min_tick);
    let Some(tick) = tick.into_iter().find(|tick| rule_id(universe, *tick) == id) else {
        // The request has no id of its own, so the error cannot name it.
        let text = "Error validating request.-'cb' : cause - Invalid market rule id";
        call.error(-1, 321, text);
        return Ok(());
    };
    let increment = PriceIncrement { low_edge: Some(0.0), increment: Some(double(tick)) };
    call.answer(&MarketRule { market_rule_id: Some(id), price_increments: vec![increment] });
    Ok(())
}
