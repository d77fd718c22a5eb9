//! What can be traded: a TOML file, checked as a whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

/// The universe that comes with the program.
pub const BUILT_IN: &str = include_str!("../../data/universe.toml");

/// More contracts than this is a mistake in the file: every one is priced four times a second.
const CONTRACTS_MAX: usize = 10_000;

/// The currency that accounts are kept in.
pub const BASE_CURRENCY: &str = "USD";

/// A year moves a price by a factor of e at volatility 1; more than this is a typing error.
const VOLATILITY_MAX: f64 = 5.0;

/// Larger prices and sizes are typing errors; the bound keeps products exact.
const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Finer ticks are below what a price on the wire can tell apart.
const DECIMALS_MAX: u32 = 8;

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

/// One contract of the universe. Prices are in `currency`.
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
    /// The least difference between two limit prices.
    pub min_tick: Decimal,
    /// The price at the simulator's first start.
    pub price: Decimal,
    /// Standard deviation of a year's logarithmic return: 0.2 is 20 percent.
    pub volatility: f64,
    /// Ask minus bid, rounded up to whole ticks.
    pub spread: Decimal,
    /// The least quantity, and the step between two quantities.
    pub size_increment: Decimal,
    /// Units of the underlying in one contract; 1 for everything but futures.
    #[serde(default = "one")]
    pub multiplier: Decimal,
    /// What one contract of a future needs to be opened, in `currency`; 0 for a share of its
    /// notional.
    #[serde(default)]
    pub initial_margin: Decimal,
    /// What one contract of a future needs to be kept; 0 for a share of its notional.
    #[serde(default)]
    pub maintenance_margin: Decimal,
    /// The last day that a future trades.
    #[serde(default)]
    pub last_trade_date: Option<Date>,
}

fn one() -> Decimal {
    Decimal::ONE
}

impl Listing {
    /// `EUR.USD` for a currency pair, else the symbol.
    pub fn local_symbol(&self) -> String {
        match self.sec_type {
            SecType::Stock | SecType::Future => self.symbol.clone(),
            SecType::Cash => format!("{}.{}", self.symbol, self.currency),
        }
    }

    /// Whether an order or a request may name `exchange`.
    pub fn trades_on(&self, exchange: &str) -> bool {
        self.exchanges.iter().any(|known| known == exchange)
    }
}

/// All contracts, by contract id.
#[derive(Clone, Debug)]
pub struct Universe {
    listings: BTreeMap<i32, Listing>,
}

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
    contract: Vec<Listing>,
}

impl Universe {
    /// Reads and checks a universe.
    ///
    /// # Errors
    ///
    /// When the text is not TOML of the expected form, or any contract breaks a rule; all broken
    /// rules are named.
    pub fn parse(text: &str) -> Result<Self, UniverseError> {
        let file: File = toml::from_str(text).map_err(UniverseError::Syntax)?;
        let mut problems = Vec::new();
        if file.contract.is_empty() || file.contract.len() > CONTRACTS_MAX {
            problems.push(format!("{} contracts, not 1 to {CONTRACTS_MAX}", file.contract.len()));
        }
        for listing in &file.contract {
            problems.extend(problems_of(listing));
        }
        problems.extend(duplicates(&file.contract));
        problems.extend(missing_rates(&file.contract));
        if !problems.is_empty() {
            return Err(UniverseError::Problems(problems));
        }
        let listings = file.contract.into_iter().map(|listing| (listing.con_id, listing)).collect();
        Ok(Self { listings })
    }

    pub fn get(&self, con_id: i32) -> Option<&Listing> {
        self.listings.get(&con_id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Listing> {
        self.listings.values()
    }

    /// The currency pair that turns `currency` into the base currency, and whether it is quoted
    /// the other way round.
    pub fn rate_pair(&self, currency: &str) -> Option<(&Listing, bool)> {
        self.iter().filter(|listing| listing.sec_type == SecType::Cash).find_map(|pair| {
            if pair.symbol == currency && pair.currency == BASE_CURRENCY {
                Some((pair, false))
            } else if pair.symbol == BASE_CURRENCY && pair.currency == currency {
                Some((pair, true))
            } else {
                None
            }
        })
    }

    /// Every currency that cash can be held in.
    pub fn currencies(&self) -> BTreeSet<&str> {
        self.iter().flat_map(currencies_of).chain([BASE_CURRENCY]).collect()
    }
}

fn currencies_of(listing: &Listing) -> Vec<&str> {
    match listing.sec_type {
        SecType::Stock | SecType::Future => vec![listing.currency.as_str()],
        SecType::Cash => vec![listing.symbol.as_str(), listing.currency.as_str()],
    }
}

fn problems_of(listing: &Listing) -> Vec<String> {
    let stock = listing.sec_type == SecType::Stock;
    let whole_ticks = |price: Decimal| {
        listing.min_tick > Decimal::ZERO
            && price.checked_rem(listing.min_tick) == Some(Decimal::ZERO)
    };
    let rules = [
        (listing.con_id > 0, "con_id is not positive"),
        (!listing.symbol.trim().is_empty(), "symbol is empty"),
        (listing.currency.len() == 3, "currency is not three letters"),
        (!stock || !listing.primary_exchange.is_empty(), "a stock needs a primary_exchange"),
        (!stock || listing.trades_on(SMART), "a stock must trade on SMART"),
        (!listing.exchanges.is_empty(), "exchanges is empty"),
        (!listing.long_name.is_empty(), "long_name is empty"),
        (listing.min_tick > Decimal::ZERO, "min_tick is not positive"),
        (listing.price > Decimal::ZERO, "price is not positive"),
        (whole_ticks(listing.price), "price is not a multiple of min_tick"),
        ((0.0..=VOLATILITY_MAX).contains(&listing.volatility), "volatility is not in 0..=5"),
        (listing.spread > Decimal::ZERO, "spread is not positive"),
        (listing.spread < listing.price, "spread is not below the price"),
        (listing.price <= AMOUNT_MAX, "price is more than a billion"),
        (listing.min_tick.scale() <= DECIMALS_MAX, "min_tick has more than 8 decimals"),
        (listing.size_increment > Decimal::ZERO, "size_increment is not positive"),
        (listing.size_increment <= AMOUNT_MAX, "size_increment is more than a billion"),
    ];
    let broken = rules.iter().filter(|(holds, _)| !holds);
    broken.map(|(_, rule)| format!("{} ({}): {rule}", listing.symbol, listing.con_id)).collect()
}

fn duplicates(listings: &[Listing]) -> Vec<String> {
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for listing in listings {
        if !ids.insert(listing.con_id) {
            problems.push(format!("con_id {} is used twice", listing.con_id));
        }
        let name = (listing.local_symbol(), listing.sec_type.as_str(), &listing.currency);
        if !names.insert(name) {
            problems.push(format!("{} is listed twice", listing.local_symbol()));
        }
    }
    problems
}

fn missing_rates(listings: &[Listing]) -> Vec<String> {
    let pair = |currency: &str| {
        listings.iter().any(|listing| {
            let sides = (listing.symbol.as_str(), listing.currency.as_str());
            listing.sec_type == SecType::Cash
                && (sides == (currency, BASE_CURRENCY) || sides == (BASE_CURRENCY, currency))
        })
    };
    let used: BTreeSet<_> = listings.iter().flat_map(currencies_of).collect();
    let missing = used.into_iter().filter(|currency| *currency != BASE_CURRENCY && !pair(currency));
    missing.map(|currency| format!("no pair turns {currency} into {BASE_CURRENCY}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_universe_is_valid_and_has_what_the_sample_needs() {
        let universe = Universe::parse(BUILT_IN).unwrap();
        let has = |symbol: &str| universe.iter().any(|listing| listing.symbol == symbol);
        for symbol in ["SPY", "VIXY", "AGG", "QQQ", "AAPL", "MSFT"] {
            assert!(has(symbol), "{symbol}");
        }
        let count = |kind| universe.iter().filter(|listing| listing.sec_type == kind).count();
        assert!(count(SecType::Stock) >= 20);
        assert_eq!(count(SecType::Cash), 6);
    }

    #[test]
    fn all_problems_of_a_universe_are_reported_together() {
        let contract = |con_id: i32, price: &str| {
            format!(
                "[[contract]]\ncon_id = {con_id}\nsymbol = \"X\"\nsec_type = \"STK\"\n\
                 currency = \"EUR\"\nexchanges = [\"SMART\"]\nprimary_exchange = \"IBIS\"\n\
                 long_name = \"X\"\nmin_tick = \"0.01\"\nprice = \"{price}\"\nvolatility = 0.2\n\
                 spread = \"0.01\"\nsize_increment = \"1\"\n"
            )
        };
        let text = contract(7, "-1") + &contract(7, "1.005");
        let Err(UniverseError::Problems(problems)) = Universe::parse(&text) else {
            panic!("accepted");
        };
        let all = problems.join("\n");
        for expected in [
            "price is not positive",
            "price is not a multiple",
            "con_id 7 is used twice",
            "X is listed twice",
            "no pair turns EUR into USD",
        ] {
            assert!(all.contains(expected), "{expected} not in\n{all}");
        }
        assert!(matches!(Universe::parse("contract = 3"), Err(UniverseError::Syntax(_))));
    }
}
