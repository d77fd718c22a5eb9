//! Reading a universe file, and everything that can be wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;

use super::chain::{IDS, LISTED_MAX, LISTED_MIN, Product};
use super::ticks::{self, Band, Rule};
use super::{BASE_CURRENCY, Listing, SMART, SecType};

/// More contracts than this is a mistake in the file: every one is priced when it is looked at.
const CONTRACTS_MAX: usize = 10_000;

/// More products or tables of increments than this is a mistake in the file.
const TABLES_MAX: usize = 200;

/// More bands than this is a mistake in the file: IB's longest tables have some twenty.
const BANDS_MAX: usize = 50;

/// A year moves a price by a factor of e at volatility 1; more than this is a typing error.
const VOLATILITY_MAX: f64 = 5.0;

/// The same for the mean of a year.
const DRIFT_MAX: f64 = 1.0;

/// Nothing is carried for more than its own price a year.
const CARRY_MAX: f64 = 1.0;

/// Larger prices and sizes are typing errors; the bound keeps products exact.
const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Finer ticks are below what a price on the wire can tell apart.
const DECIMALS_MAX: u32 = 8;

/// Why a universe was refused; every reason found.
#[derive(Debug, thiserror::Error)]
pub enum UniverseError {
    #[error("the universe is not valid TOML for contracts")]
    Syntax(#[source] toml::de::Error),
    #[error("the universe has problems:\n  {}", .0.join("\n  "))]
    Problems(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    contract: Vec<Spanned<Listing>>,
    #[serde(default)]
    future: Vec<Spanned<Product>>,
    #[serde(default)]
    market_rule: Vec<Spanned<Rule>>,
}

/// A universe in which every rule holds.
pub struct Checked {
    pub listings: Vec<Listing>,
    pub products: Vec<Product>,
    pub rules: BTreeMap<i32, Vec<Band>>,
}

/// Reads a universe file.
///
/// # Errors
///
/// The first mistake of form, or else all that is wrong with what it says.
pub fn read(text: &str) -> Result<Checked, UniverseError> {
    let file: File = toml::from_str(text).map_err(UniverseError::Syntax)?;
    let mut problems = Problems { text, found: Vec::new() };
    let counts = [
        ("contracts", file.contract.len() + file.future.len(), 1, CONTRACTS_MAX),
        ("futures", file.future.len(), 0, TABLES_MAX),
        ("market rules", file.market_rule.len(), 0, TABLES_MAX),
    ];
    for (what, count, least, most) in counts {
        if !(least..=most).contains(&count) {
            problems.found.push(format!("{count} {what}, not {least} to {most}"));
        }
    }
    for rule in &file.market_rule {
        problems.check_rule(rule);
    }
    for listing in &file.contract {
        problems.check_contract(listing, &file.market_rule);
    }
    for product in &file.future {
        problems.check_product(product, &file.market_rule);
    }
    problems.check_together(&file);
    if !problems.found.is_empty() {
        return Err(UniverseError::Problems(problems.found));
    }
    let rules: Vec<_> = file.market_rule.into_iter().map(Spanned::into_inner).collect();
    let mut listings: Vec<_> = file.contract.into_iter().map(Spanned::into_inner).collect();
    let mut products: Vec<_> = file.future.into_iter().map(Spanned::into_inner).collect();
    let shared = products.iter_mut().map(|product| &mut product.contract);
    let rules = ticks::assign(listings.iter_mut().chain(shared), &rules);
    Ok(Checked { listings, products, rules })
}

/// The currency that a pair values in the base currency, and whether it is quoted the other way
/// round.
pub fn values(listing: &Listing) -> Option<(&str, bool)> {
    match (listing.symbol.as_str(), listing.currency.as_str()) {
        _ if listing.sec_type != SecType::Cash => None,
        (BASE_CURRENCY, BASE_CURRENCY) => None,
        (currency, BASE_CURRENCY) => Some((currency, false)),
        (BASE_CURRENCY, currency) => Some((currency, true)),
        _ => None,
    }
}

/// The currencies that a trade in a contract moves.
pub fn currencies_of(listing: &Listing) -> Vec<&str> {
    match listing.sec_type {
        SecType::Stock | SecType::Future => vec![listing.currency.as_str()],
        SecType::Cash => vec![listing.symbol.as_str(), listing.currency.as_str()],
    }
}

/// A rule that a contract keeps or breaks: whether it holds, the field, and what was expected.
type Expectation = (bool, &'static str, &'static str);

/// Everything wrong with a file.
struct Problems<'t> {
    text: &'t str,
    found: Vec<String>,
}

impl Problems<'_> {
    /// The line of a table's field; of its header if the field is not there. A table ends where
    /// the next row of a list begins: its span is that of the header alone.
    fn line(&self, table: &Range<usize>, field: &str) -> usize {
        let number = |offset: usize| {
            1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
        };
        let mut offset = table.start;
        for line in self.text.get(table.start..).unwrap_or_default().split_inclusive('\n') {
            if offset > table.start && line.starts_with("[[") {
                break;
            }
            let rest = line.trim_start().strip_prefix(field).map(str::trim_start);
            if rest.is_some_and(|rest| rest.starts_with('=')) {
                return number(offset);
            }
            offset += line.len();
        }
        number(table.start)
    }

    fn add(&mut self, table: &Range<usize>, field: &str, name: &str, expected: &str) {
        let line = self.line(table, field);
        self.found.push(format!("line {line}: {name}: {field} {expected}"));
    }

    fn expect(&mut self, table: &Range<usize>, name: &str, rules: &[Expectation]) {
        for (_, field, expected) in rules.iter().filter(|(holds, ..)| !holds) {
            self.add(table, field, name, expected);
        }
    }

    fn check_rule(&mut self, rule: &Spanned<Rule>) {
        let (span, rule) = (rule.span(), rule.get_ref());
        let bands = &rule.bands;
        let positive =
            |band: &Band| band.increment > Decimal::ZERO && band.increment.scale() <= DECIMALS_MAX;
        let first = bands.first().is_some_and(|band| band.from.is_zero());
        self.expect(
            &span,
            &format!("market rule {}", rule.id),
            &[
                (rule.id > 0, "id", "is not positive"),
                (bands.len() <= BANDS_MAX, "bands", "has more than 50 entries"),
                (first, "bands", "does not begin with a band from 0"),
                (bands.is_sorted_by(|a, b| a.from < b.from), "bands", "is not ascending"),
                (bands.iter().all(positive), "bands", "has an increment that is no price step"),
            ],
        );
    }

    fn check_contract(&mut self, listing: &Spanned<Listing>, rules: &[Spanned<Rule>]) {
        let (span, listing) = (listing.span(), listing.get_ref());
        let name = listing.local_symbol();
        let name = if name.is_empty() { listing.symbol.clone() } else { name };
        self.check_listing(&span, &name, listing, rules);
        let future = listing.sec_type == SecType::Future;
        let dated = listing.last_trade_date.is_some();
        let month = listing.contract_month.len() == 6
            && listing.contract_month.bytes().all(|byte| byte.is_ascii_digit());
        self.expect(
            &span,
            &name,
            &[
                (dated == future, "last_trade_date", "belongs to every future and nothing else"),
                (month == future, "contract_month", "(YYYYMM) belongs to every future alone"),
                (
                    listing.exchange_symbol.is_empty() != future,
                    "local_symbol",
                    "belongs to every future and nothing else",
                ),
            ],
        );
    }

    fn check_product(&mut self, product: &Spanned<Product>, rules: &[Spanned<Rule>]) {
        let (span, product) = (product.span(), product.get_ref());
        let contract = &product.contract;
        let name = format!("future {}", contract.symbol);
        self.check_listing(&span, &name, contract, rules);
        let months = &product.months;
        let own_name = contract.last_trade_date.is_some()
            || !contract.contract_month.is_empty()
            || !contract.exchange_symbol.is_empty();
        self.expect(
            &span,
            &name,
            &[
                (contract.sec_type == SecType::Future, "sec_type", "is not FUT"),
                (contract.con_id % IDS == 0, "con_id", "is not a multiple of 10000"),
                (!months.is_empty(), "months", "is empty"),
                (months.iter().all(|month| (1..=12).contains(month)), "months", "is not in 1..=12"),
                (months.is_sorted_by(|a, b| a < b), "months", "is not ascending"),
                (
                    (LISTED_MIN..=LISTED_MAX).contains(&product.listed)
                        && product.listed <= months.len().saturating_mul(2),
                    "listed",
                    "is not 2 to twice the number of months",
                ),
                (product.carry.abs() <= CARRY_MAX, "carry", "is not in -1..=1"),
                (
                    !own_name,
                    "contract",
                    "has last_trade_date, contract_month or local_symbol, which follow from the \
                     expiry",
                ),
            ],
        );
    }

    fn check_listing(
        &mut self,
        span: &Range<usize>,
        name: &str,
        listing: &Listing,
        rules: &[Spanned<Rule>],
    ) {
        let stock = listing.sec_type == SecType::Stock;
        let future = listing.sec_type == SecType::Future;
        let price = listing.price;
        let spread = listing.spread;
        self.expect(
            span,
            name,
            &[
                (listing.con_id > 0, "con_id", "is not positive"),
                (listing.con_id <= i32::MAX - IDS, "con_id", "is more than 2147473647"),
                (!listing.symbol.trim().is_empty(), "symbol", "is empty"),
                (listing.currency.len() == 3, "currency", "is not three letters"),
                (
                    !stock || !listing.primary_exchange.is_empty(),
                    "primary_exchange",
                    "is needed for a stock",
                ),
                (!stock || listing.trades_on(SMART), "exchanges", "of a stock lacks SMART"),
                (!listing.exchanges.is_empty(), "exchanges", "is empty"),
                (!listing.long_name.is_empty(), "long_name", "is empty"),
                (price > Decimal::ZERO, "price", "is not positive"),
                (price <= AMOUNT_MAX, "price", "is more than a billion"),
                (
                    (0.0..=VOLATILITY_MAX).contains(&listing.volatility),
                    "volatility",
                    "is not in 0..=5",
                ),
                (listing.drift.abs() <= DRIFT_MAX, "drift", "is not in -1..=1"),
                (listing.correlation.abs() <= 1.0, "correlation", "is not in -1..=1"),
                (
                    listing.correlation == 0.0 || !listing.factor.is_empty(),
                    "factor",
                    "is needed for a correlation",
                ),
                (spread > Decimal::ZERO, "spread", "is not positive"),
                (spread < price, "spread", "is not below the price"),
                (listing.size_increment > Decimal::ZERO, "size_increment", "is not positive"),
                (listing.size_increment <= AMOUNT_MAX, "size_increment", "is more than a billion"),
                (
                    future || listing.multiplier == Decimal::ONE,
                    "multiplier",
                    "is not 1, and this is no future",
                ),
                (
                    listing.multiplier > Decimal::ZERO && listing.multiplier <= AMOUNT_MAX,
                    "multiplier",
                    "is not positive, or more than a billion",
                ),
                (
                    matches!(listing.price_magnifier, 1 | 10 | 100 | 1000),
                    "price_magnifier",
                    "is not 1, 10, 100 or 1000",
                ),
            ],
        );
        self.check_ticks(span, name, listing, rules);
        self.check_margin(span, name, listing);
    }

    fn check_ticks(
        &mut self,
        span: &Range<usize>,
        name: &str,
        listing: &Listing,
        rules: &[Spanned<Rule>],
    ) {
        let tick = listing.min_tick;
        let positive = tick > Decimal::ZERO;
        self.expect(
            span,
            name,
            &[
                (positive, "min_tick", "is not positive"),
                (tick.scale() <= DECIMALS_MAX, "min_tick", "has more than 8 decimals"),
            ],
        );
        let mut at_price = tick;
        if let Some(id) = listing.market_rule {
            let Some(rule) = rules.iter().map(Spanned::get_ref).find(|rule| rule.id == id) else {
                self.add(span, "market_rule", name, "is none of this file");
                return;
            };
            let least = ticks::least(rule, listing.price_magnifier);
            let fits = least.is_some_and(|least| least == tick);
            self.expect(span, name, &[(fits, "min_tick", "is not the least of its market rule")]);
            let magnifier = Decimal::from(listing.price_magnifier);
            at_price = ticks::at(&rule.bands, magnifier, listing.price).unwrap_or(tick);
        }
        let whole = listing.price.checked_rem(at_price) == Some(Decimal::ZERO);
        self.expect(
            span,
            name,
            &[(!positive || whole, "price", "is not a multiple of min_tick at that price")],
        );
    }

    fn check_margin(&mut self, span: &Range<usize>, name: &str, listing: &Listing) {
        let future = listing.sec_type == SecType::Future;
        let (initial, maintenance) = (listing.initial_margin, listing.maintenance_margin);
        let within = |amount: Option<Decimal>| {
            amount.is_none_or(|amount| amount > Decimal::ZERO && amount <= AMOUNT_MAX)
        };
        self.expect(
            span,
            name,
            &[
                (
                    initial.is_some() == future,
                    "initial_margin",
                    "belongs to every future and nothing else",
                ),
                (
                    maintenance.is_some() == future,
                    "maintenance_margin",
                    "belongs to every future and nothing else",
                ),
                (within(initial), "initial_margin", "is not positive, or more than a billion"),
                (
                    within(maintenance) && maintenance <= initial,
                    "maintenance_margin",
                    "is not positive, or more than initial_margin",
                ),
            ],
        );
    }

    /// What contracts have to be to one another.
    fn check_together(&mut self, file: &File) {
        let contracts = file.contract.iter().map(|row| (row.span(), row.get_ref()));
        let products = file.future.iter().map(|row| (row.span(), &row.get_ref().contract));
        let mut ids = BTreeSet::new();
        let mut names = BTreeSet::new();
        let mut rules = BTreeSet::new();
        let bases: BTreeSet<_> =
            file.future.iter().map(|row| row.get_ref().contract.con_id).collect();
        for (span, listing) in contracts.clone().chain(products.clone()) {
            let name = match listing.local_symbol() {
                name if name.is_empty() => listing.trading_class(),
                name => name,
            };
            let own = bases.contains(&listing.con_id);
            let taken = bases.contains(&(listing.con_id - listing.con_id.rem_euclid(IDS))) && !own;
            if !ids.insert(listing.con_id) || taken {
                let id = listing.con_id;
                self.add(&span, "con_id", &name, &format!("{id} is used twice"));
            }
            let key = (name.clone(), listing.sec_type.as_str(), listing.currency.clone());
            if !names.insert(key) {
                self.add(&span, "symbol", &name, "is listed twice");
            }
        }
        for rule in &file.market_rule {
            if !rules.insert(rule.get_ref().id) {
                self.add(&rule.span(), "id", "market rule", "is used twice");
            }
        }
        let known: BTreeSet<_> = file
            .contract
            .iter()
            .filter_map(|row| values(row.get_ref()))
            .map(|pair| pair.0)
            .collect();
        let mut missing = BTreeSet::new();
        for (span, listing) in contracts.chain(products) {
            for currency in currencies_of(listing) {
                if currency != BASE_CURRENCY
                    && !known.contains(currency)
                    && missing.insert(currency)
                {
                    let text = format!("{currency} has no pair with {BASE_CURRENCY}");
                    self.add(&span, "currency", &listing.symbol, &text);
                }
            }
        }
    }
}
