//! Contracts: who they are, their details, the search for them, their price increments, and the
//! exchanges that a smart quote is made of.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::{Call, Undecodable};
use crate::sim::hours::Calendar;
use crate::sim::messages::{
    Contract, ContractData, ContractDataEnd, ContractDataRequest, ContractDescription,
    ContractDetails, MarketRule, MarketRuleRequest, MatchingSymbolsRequest, PriceIncrement,
    SmartComponent, SmartComponents, SmartComponentsRequest, SymbolSamples,
};
use crate::sim::reports::{self, double, text};
use crate::sim::universe::{Listing, SMART, SecType};
use crate::sim::world::World;

/// IB answers a symbol search with at most this many contracts.
const SAMPLES_MAX: usize = 16;

/// Digits of a month and of a day in a contract's expiry.
const MONTH_DIGITS: usize = 6;
const DAY_DIGITS: usize = 8;

/// The order types and times in force that the broker takes, in IB's abbreviations.
const STOCK_ORDERS: &str =
    "ALGO,AON,DAY,GAT,GTC,GTD,IOC,LMT,LOC,MIDPX,MKT,MOC,OPG,STP,STPLMT,WHATIF";
const OTHER_ORDERS: &str = "AON,DAY,GAT,GTC,GTD,IOC,LMT,MKT,STP,STPLMT,WHATIF";

/// The name under which quotes of US stocks refer to their exchanges.
const US_STOCKS_MAP: &str = "9c0001";

/// The exchanges of US stocks with their letters on the consolidated tape
/// (<https://www.ctaplan.com/publicdocs/ctaplan/CTS_Pillar_Output_Specification.pdf>).
const US_STOCKS_LETTERS: [(&str, &str); 5] =
    [("NYSE", "N"), ("NASDAQ", "Q"), ("ARCA", "P"), ("BATS", "Z"), ("IEX", "V")];

/// Why a description does not name one contract, as IB words it under code 200.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error("No security definition has been found for the request")]
    Unknown,
    #[error("The contract description specified for {0} is ambiguous.")]
    Ambiguous(String),
}

/// What a request says of a contract. What it leaves out fits anything.
struct Wanted {
    con_id: Option<i32>,
    symbol: Option<String>,
    local_symbol: Option<String>,
    sec_type: Option<String>,
    currency: Option<String>,
    exchange: Option<String>,
    primary_exchange: Option<String>,
    trading_class: Option<String>,
    multiplier: Option<Decimal>,
    expiry: Option<String>,
    include_expired: bool,
}

impl Wanted {
    fn of(contract: &Contract) -> Self {
        let field = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let expiry = field(&contract.last_trade_date_or_contract_month);
        Self {
            con_id: contract.con_id.filter(|con_id| *con_id != 0),
            symbol: field(&contract.symbol),
            local_symbol: field(&contract.local_symbol),
            sec_type: field(&contract.sec_type),
            currency: field(&contract.currency),
            exchange: field(&contract.exchange),
            primary_exchange: field(&contract.primary_exch),
            trading_class: field(&contract.trading_class),
            multiplier: contract
                .multiplier
                .and_then(Decimal::from_f64)
                .filter(|multiplier| !multiplier.is_zero()),
            expiry: expiry.or_else(|| field(&contract.last_trade_date)),
            include_expired: contract.include_expired == Some(true),
        }
    }

    /// The contracts with the id or a name of this description: there must be one of them.
    fn candidates<'w>(&self, world: &'w World) -> Vec<&'w Listing> {
        let universe = world.market.universe();
        match (self.con_id, self.local_symbol.as_ref().or(self.symbol.as_ref())) {
            (Some(con_id), _) => universe.get(con_id).into_iter().collect(),
            (None, Some(name)) => universe.named(name).collect(),
            (None, None) => Vec::new(),
        }
    }

    fn fits(&self, listing: &Listing) -> bool {
        let same = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == have)
        };
        let same_local = || same(&self.local_symbol, &listing.local_symbol());
        let same_class = || same(&self.trading_class, &listing.trading_class());
        same(&self.symbol, &listing.symbol)
            && same(&self.sec_type, listing.sec_type.as_str())
            && same(&self.currency, &listing.currency)
            && same(&self.primary_exchange, &listing.primary_exchange)
            && self.exchange.as_ref().is_none_or(|exchange| listing.trades_on(exchange))
            && (self.local_symbol.is_none() || same_local())
            && (self.trading_class.is_none() || same_class())
            && self.multiplier.is_none_or(|multiplier| multiplier == listing.multiplier)
            && self.expiry.as_ref().is_none_or(|expiry| expires(listing, expiry))
    }

    /// Whether it can be traded now, or the request includes what no longer can.
    fn is_listed(&self, world: &World, listing: &Listing) -> bool {
        let schedule = world.market.schedule();
        let since = listing.listed_since;
        let born = since.is_none_or(|since| since <= schedule.date(listing, world.now));
        born && (self.include_expired || !schedule.has_expired(listing, world.now))
    }
}

/// Whether a contract expires in a month (`YYYYMM`, by its contract month) or on a day
/// (`YYYYMMDD`, with or without a time behind it).
fn expires(listing: &Listing, wanted: &str) -> bool {
    let Some(last) = listing.last_trade_date else { return false };
    if wanted.len() == MONTH_DIGITS {
        return wanted == listing.contract_month;
    }
    let day = wanted.get(..DAY_DIGITS).unwrap_or_default();
    day == last.strftime("%Y%m%d").to_string()
}

/// All contracts that fit what a request says, futures by their expiry. A contract id, a symbol
/// or a local symbol must be there.
pub fn fitting<'w>(world: &'w World, contract: &Contract) -> Vec<&'w Listing> {
    let wanted = Wanted::of(contract);
    let mut found = wanted.candidates(world);
    found.retain(|listing| wanted.fits(listing) && wanted.is_listed(world, listing));
    found.sort_by_key(|listing| (listing.last_trade_date, listing.con_id));
    found
}

/// The one contract that fits what a request says.
///
/// # Errors
///
/// When none fits, or several do.
pub fn only<'w>(world: &'w World, contract: &Contract) -> Result<&'w Listing, Unresolved> {
    match fitting(world, contract).as_slice() {
        [] => Err(Unresolved::Unknown),
        [listing] => Ok(listing),
        [listing, ..] => Err(Unresolved::Ambiguous(listing.symbol.clone())),
    }
}

pub fn details(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: ContractDataRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let wanted = request.contract.unwrap_or_default();
    let found = fitting(call.world, &wanted);
    if found.is_empty() {
        call.error(req_id, 200, Unresolved::Unknown.to_string());
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
    let rule = listing.market_rule().unwrap_or_default().to_string();
    let rules = vec![rule; listing.exchanges.len()].join(",");
    let schedule = world.market.schedule();
    let increment = Some(text(listing.size_increment));
    let magnifier = Decimal::from(listing.price_magnifier);
    let (stock, future) = (listing.sec_type == SecType::Stock, listing.sec_type == SecType::Future);
    let orders = if stock { STOCK_ORDERS } else { OTHER_ORDERS };
    ContractDetails {
        market_name: Some(listing.trading_class()),
        // In units of the currency, whatever the price is in.
        min_tick: Some(text(listing.min_tick.checked_div(magnifier).unwrap_or(listing.min_tick))),
        order_types: Some(orders.to_owned()),
        valid_exchanges: Some(listing.exchanges.join(",")),
        price_magnifier: Some(listing.price_magnifier),
        under_con_id: Some(listing.under_con_id).filter(|con_id| *con_id != 0),
        long_name: Some(listing.long_name.clone()),
        contract_month: future.then(|| listing.contract_month.clone()),
        time_zone_id: Some(schedule.zone_name(listing).to_owned()),
        trading_hours: Some(schedule.trading_text(listing, world.now)),
        liquid_hours: Some(schedule.liquid_text(listing, world.now)),
        under_symbol: future.then(|| listing.symbol.clone()),
        under_sec_type: future.then(|| "IND".to_owned()),
        market_rule_ids: Some(rules),
        real_expiration_date: listing
            .last_trade_date
            .map(|date| date.strftime("%Y%m%d").to_string()),
        stock_type: stock.then(|| listing.stock_type.clone()),
        min_size: increment.clone(),
        size_increment: increment.clone(),
        suggested_size_increment: increment,
        ..ContractDetails::default()
    }
}

/// Contracts whose symbol begins with the pattern, then those with the pattern in their name.
/// Futures are told by the kinds of contract that there are on a symbol.
pub fn matching_symbols(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: MatchingSymbolsRequest = call.decode()?;
    let pattern = request.pattern.unwrap_or_default().trim().to_uppercase();
    let universe = call.world.market.universe();
    let by_symbol = |listing: &Listing| listing.symbol.to_uppercase().starts_with(&pattern);
    let by_name = |listing: &Listing| listing.long_name.to_uppercase().contains(&pattern);
    let mut found: Vec<_> = universe
        .iter()
        .filter(|listing| !pattern.is_empty() && (by_symbol(listing) || by_name(listing)))
        .map(|listing| (sample_rank(listing, &pattern), listing))
        .collect();
    found.sort_by_key(|(rank, listing)| (*rank, listing.symbol.clone(), listing.con_id));
    let mut underlyings = BTreeSet::new();
    let contract_descriptions = found
        .into_iter()
        // Of a product the search names what it is on, once.
        .filter(|(_, listing)| match listing.sec_type {
            SecType::Future => underlyings.insert(listing.path_id()),
            SecType::Stock | SecType::Cash => true,
        })
        .take(SAMPLES_MAX)
        .map(|(_, listing)| sample(listing))
        .collect();
    call.answer(&SymbolSamples { req_id: request.req_id, contract_descriptions });
    Ok(())
}

/// The very symbol first, then symbols that begin like it, then names.
fn sample_rank(listing: &Listing, pattern: &str) -> u8 {
    match listing.symbol.to_uppercase() {
        symbol if symbol == pattern => 0,
        symbol if symbol.starts_with(pattern) => 1,
        _ => 2,
    }
}

/// A contract as the search names it: for a future the index that it is on, with the futures as
/// derivatives.
fn sample(listing: &Listing) -> ContractDescription {
    let future = listing.sec_type == SecType::Future;
    let exchange = listing.exchanges.first().cloned().unwrap_or_default();
    let (con_id, sec_type, primary) = if future {
        (listing.under_con_id, "IND", exchange)
    } else {
        (listing.con_id, listing.sec_type.as_str(), listing.primary_exchange.clone())
    };
    let contract = Contract {
        con_id: Some(con_id),
        symbol: Some(listing.symbol.clone()),
        sec_type: Some(sec_type.to_owned()),
        primary_exch: Some(primary),
        currency: Some(listing.currency.clone()),
        description: Some(listing.long_name.clone()),
        ..Contract::default()
    };
    let derivatives = if future { vec![SecType::Future.as_str().to_owned()] } else { Vec::new() };
    ContractDescription { contract: Some(contract), derivative_sec_types: derivatives }
}

pub fn market_rule(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: MarketRuleRequest = call.decode()?;
    let id = request.market_rule_id.unwrap_or_default();
    let Some(bands) = call.world.market.universe().rule(id) else {
        // The request has no id of its own, so the error cannot name it.
        let text = "Error validating request.-'cb' : cause - Invalid market rule id";
        call.error(-1, 321, text);
        return Ok(());
    };
    let increments = bands.iter().map(|band| PriceIncrement {
        low_edge: Some(double(band.from)),
        increment: Some(double(band.increment)),
    });
    let price_increments = increments.collect();
    call.answer(&MarketRule { market_rule_id: Some(id), price_increments });
    Ok(())
}

/// The map of a contract's smart quote, as its quotes name it; none where nothing is routed.
pub fn smart_map(listing: &Listing) -> Option<&'static str> {
    let us = listing.calendar() == Calendar::UsEquity && listing.trades_on(SMART);
    us.then_some(US_STOCKS_MAP)
}

pub fn smart_components(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: SmartComponentsRequest = call.decode()?;
    if request.bbo_exchange.as_deref() != Some(US_STOCKS_MAP) {
        let text = "Error validating request.-'b6' : cause - Invalid BBO exchange";
        call.error(request.req_id.unwrap_or_default(), 321, text);
        return Ok(());
    }
    let components = (0..).zip(US_STOCKS_LETTERS).map(|(bit, (exchange, letter))| SmartComponent {
        bit_number: Some(bit),
        exchange: Some(exchange.to_owned()),
        exchange_letter: Some(letter.to_owned()),
    });
    let smart_components = components.collect();
    call.answer(&SmartComponents { req_id: request.req_id, smart_components });
    Ok(())
}
