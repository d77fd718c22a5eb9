//! What can be traded: a TOML file, checked as a whole, and the futures that its products list
//! from the simulator's first start on.

mod chain;
mod check;
mod ticks;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

pub use check::UniverseError;
pub use ticks::{Band, round as round_to};

use super::clock::Zone;
use super::hours::Calendar;
use chain::Product;

/// The universe that comes with the program.
pub const BUILT_IN: &str = include_str!("../../../data/universe.toml");

/// The currency that accounts are kept in.
pub const BASE_CURRENCY: &str = "USD";

/// Where orders are routed when the client leaves that to IB.
pub const SMART: &str = "SMART";

/// The kinds of contract of this cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SecType {
    /// A stock or an exchange traded fund.
    #[serde(rename = "STK")]
    Stock,
    /// A futures contract.
    #[serde(rename = "FUT")]
    Future,
    /// A currency pair: `symbol` is bought with `currency`.
    #[serde(rename = "CASH")]
    Cash,
}

impl SecType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "STK",
            Self::Future => "FUT",
            Self::Cash => "CASH",
        }
    }
}

/// The market data of a contract that the login may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    #[default]
    Live,
    /// Nothing live, and delayed quotes for those who ask for them.
    Delayed,
    None,
}

/// One contract of the universe. Prices are in `currency`, `price_magnifier` to the unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// IB's contract id; positive and unique.
    pub con_id: i32,
    pub symbol: String,
    pub sec_type: SecType,
    pub currency: String,
    /// Where an order may be sent.
    pub exchanges: Vec<String>,
    /// The listing exchange; absent for currency pairs.
    #[serde(default)]
    pub primary_exchange: String,
    pub long_name: String,
    /// `COMMON`, `ETF`; absent for currency pairs.
    #[serde(default)]
    pub stock_type: String,
    /// The least difference between two limit prices at any price.
    pub min_tick: Decimal,
    /// The price at the simulator's first start.
    pub price: Decimal,
    /// Standard deviation of a year's logarithmic return: 0.2 is 20 percent.
    pub volatility: f64,
    /// Mean of a year's logarithmic return: 0.05 is 5 percent.
    #[serde(default)]
    pub drift: f64,
    /// What moves the price together with those of other contracts, such as `us-equity`.
    #[serde(default)]
    pub factor: String,
    /// How closely the price follows its factor, from -1 to 1.
    #[serde(default)]
    pub correlation: f64,
    /// Ask minus bid, rounded up to whole ticks.
    pub spread: Decimal,
    /// The least quantity, and the step between two quantities.
    pub size_increment: Decimal,
    /// Units of the underlying in one contract; 1 for everything but futures.
    #[serde(default = "one")]
    pub multiplier: Decimal,
    /// How many units of price make one of the currency: 100 for a price in pence.
    #[serde(default = "whole")]
    pub price_magnifier: i32,
    /// The last day that a future trades.
    #[serde(default)]
    pub last_trade_date: Option<Date>,
    /// `YYYYMM`, of futures.
    #[serde(default)]
    pub contract_month: String,
    /// What the exchange calls a future, as in `ESZ6`.
    #[serde(default, rename = "local_symbol")]
    exchange_symbol: String,
    /// Absent: the symbol.
    #[serde(default, rename = "trading_class")]
    class: String,
    /// IB's contract id of what a future is on; 0 for everything else.
    #[serde(default)]
    pub under_con_id: i32,
    /// What one contract of a future takes from the funds, in `currency`.
    #[serde(default)]
    pub initial_margin: Option<Decimal>,
    #[serde(default)]
    pub maintenance_margin: Option<Decimal>,
    /// Absent: that of US stocks, or of currency pairs.
    #[serde(default, rename = "calendar")]
    own_calendar: Option<Calendar>,
    /// The market data that the login may see.
    #[serde(default)]
    pub permission: Permission,
    /// The number of the table of price increments; absent: `min_tick` at any price.
    #[serde(default)]
    market_rule: Option<i32>,
    /// The table itself, in units of the currency. Filled by [`Universe::parse`].
    #[serde(skip)]
    bands: Vec<Band>,
    /// How much dearer a future is for every year until it expires, as a logarithm.
    #[serde(skip)]
    pub carry: f64,
    /// The product that a future belongs to.
    #[serde(skip)]
    product: Option<i32>,
    /// The first day on which a future of a product is to be had.
    #[serde(skip)]
    pub listed_since: Option<Date>,
}

fn one() -> Decimal {
    Decimal::ONE
}

fn whole() -> i32 {
    1
}

impl Listing {
    /// `EUR.USD` for a currency pair, `ESZ6` for a future, else the symbol.
    pub fn local_symbol(&self) -> String {
        match self.sec_type {
            SecType::Stock => self.symbol.clone(),
            SecType::Future => self.exchange_symbol.clone(),
            SecType::Cash => format!("{}.{}", self.symbol, self.currency),
        }
    }

    /// `EUR.USD` for a currency pair, else what the file says, or the symbol.
    pub fn trading_class(&self) -> String {
        match self.sec_type {
            SecType::Cash => self.local_symbol(),
            SecType::Stock | SecType::Future if self.class.is_empty() => self.symbol.clone(),
            SecType::Stock | SecType::Future => self.class.clone(),
        }
    }

    /// Whether an order or a request may name `exchange`.
    pub fn trades_on(&self, exchange: &str) -> bool {
        self.exchanges.iter().any(|known| known == exchange)
    }

    /// The calendar that it trades by.
    pub fn calendar(&self) -> Calendar {
        self.own_calendar.unwrap_or(match self.sec_type {
            SecType::Stock => Calendar::UsEquity,
            SecType::Cash => Calendar::Forex,
            SecType::Future => Calendar::CmeEquity,
        })
    }

    /// Whose random path the price follows: futures on one product share one.
    pub fn path_id(&self) -> i32 {
        self.product.unwrap_or(self.con_id)
    }

    /// What one unit of price is worth in a position of one, in the currency: the multiplier,
    /// less the price magnifier.
    pub fn point_value(&self) -> Decimal {
        self.multiplier.checked_div(Decimal::from(self.price_magnifier)).unwrap_or(self.multiplier)
    }

    /// The least difference between two limit prices at `price`.
    pub fn tick_at(&self, price: Decimal) -> Decimal {
        ticks::at(&self.bands, Decimal::from(self.price_magnifier), price).unwrap_or(self.min_tick)
    }

    /// The number of its table of price increments.
    pub fn market_rule(&self) -> Option<i32> {
        self.market_rule
    }
}

/// All contracts, by contract id.
#[derive(Clone, Debug)]
pub struct Universe {
    listings: BTreeMap<i32, Listing>,
    /// Contract ids by symbol and by local symbol.
    names: BTreeMap<String, BTreeSet<i32>>,
    /// The pair that values a currency, and whether it is quoted the other way round.
    pairs: BTreeMap<String, (i32, bool)>,
    /// Price increments by rule number.
    rules: BTreeMap<i32, Vec<Band>>,
    products: Vec<Product>,
}

impl Universe {
    /// Reads and checks a universe. Its products list no future yet: see
    /// [`Universe::with_futures`].
    ///
    /// # Errors
    ///
    /// When the text is not TOML of the expected form, or any contract breaks a rule; all broken
    /// rules are named, with their lines.
    pub fn parse(text: &str) -> Result<Self, UniverseError> {
        let check::Checked { listings, products, rules } = check::read(text)?;
        let (names, pairs) = (BTreeMap::new(), BTreeMap::new());
        let mut universe = Self { listings: BTreeMap::new(), names, pairs, rules, products };
        listings.into_iter().for_each(|listing| universe.add(listing));
        Ok(universe)
    }

    /// Lists the futures of every product: those that can be traded at some time between two
    /// years before the simulator's first start and five years after it. The same start gives
    /// the same contracts.
    #[must_use]
    pub fn with_futures(mut self, first_start: Timestamp) -> Self {
        let today = Zone::exchange().date(first_start);
        for product in std::mem::take(&mut self.products) {
            product.futures(today).into_iter().for_each(|future| self.add(future));
            self.products.push(product);
        }
        self
    }

    fn add(&mut self, listing: Listing) {
        let con_id = listing.con_id;
        for name in [listing.symbol.clone(), listing.local_symbol()] {
            self.names.entry(name).or_default().insert(con_id);
        }
        if let Some((currency, inverse)) = check::values(&listing) {
            self.pairs.insert(currency.to_owned(), (con_id, inverse));
        }
        self.listings.insert(con_id, listing);
    }

    pub fn get(&self, con_id: i32) -> Option<&Listing> {
        self.listings.get(&con_id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Listing> {
        self.listings.values()
    }

    /// The contracts with this symbol or local symbol.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Listing> {
        self.names.get(name).into_iter().flatten().filter_map(|con_id| self.get(*con_id))
    }

    /// The price increments of a rule, in units of the currency.
    pub fn rule(&self, id: i32) -> Option<&[Band]> {
        self.rules.get(&id).map(Vec::as_slice)
    }

    /// The currency pair that turns `currency` into the base currency, and whether it is quoted
    /// the other way round.
    pub fn rate_pair(&self, currency: &str) -> Option<(&Listing, bool)> {
        let (con_id, inverse) = self.pairs.get(currency)?;
        Some((self.get(*con_id)?, *inverse))
    }

    /// Every currency that cash can be held in.
    pub fn currencies(&self) -> BTreeSet<&str> {
        self.iter().flat_map(check::currencies_of).chain([BASE_CURRENCY]).collect()
    }
}

#[cfg(test)]
#[path = "universe_tests.rs"]
mod tests;
