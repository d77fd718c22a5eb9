//! An account, a market and a configuration with round numbers, for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{BookState, PlanInputs, ResolvedBook, Size};
use crate::config::TradingConfig;
use crate::domain::{
    Account, AccountValues, Contract, ContractId, Currency, Instrument, MarketDataType, Position,
    Quote, RunKey, SecType, StrategyId, TradingMode,
};

/// SPY, at 500.00.
pub(crate) const SPY: ContractId = ContractId(756_733);
/// AGG, at 100.00.
pub(crate) const AGG: ContractId = ContractId(43_645_865);
/// EUR.USD, at 1.10.
pub(crate) const EUR: ContractId = ContractId(12_087_792);
/// A future in euros, at 5000, multiplier 10.
pub(crate) const FUT: ContractId = ContractId(621_358_639);

pub(crate) fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-03-09T14:30:00Z")
}

pub(crate) fn strategy(name: &str) -> StrategyId {
    StrategyId::new(name).unwrap()
}

pub(crate) fn instrument(id: ContractId) -> Instrument {
    let (symbol, sec_type, currency) = match id {
        SPY => ("SPY", SecType::Stock, "USD"),
        AGG => ("AGG", SecType::Stock, "USD"),
        EUR => ("EUR", SecType::Cash, "USD"),
        _ => ("ESTX50", SecType::Future, "EUR"),
    };
    let currency = Currency::new(currency);
    Instrument { id, symbol: symbol.to_owned(), sec_type, currency }
}

pub(crate) fn contract(id: ContractId) -> Contract {
    let instrument = instrument(id);
    let (exchange, multiplier) = match instrument.sec_type {
        SecType::Cash => ("IDEALPRO", "1"),
        SecType::Future => ("EUREX", "10"),
        _ => ("SMART", "1"),
    };
    Contract {
        instrument,
        exchange: exchange.to_owned(),
        primary_exchange: None,
        multiplier: d(multiplier),
        min_tick: if id == EUR { d("0.00005") } else { d("0.01") },
        size_increment: Decimal::ONE,
        min_size: Decimal::ONE,
    }
}

pub(crate) fn quote(bid: &str, ask: &str) -> Quote {
    Quote {
        bid: Some(d(bid)),
        ask: Some(d(ask)),
        last: None,
        close: None,
        at: now(),
        data_type: MarketDataType::Delayed,
    }
}

/// The sample, without a minimum for trades.
pub(crate) fn config() -> TradingConfig {
    let sample = TradingConfig::sample_document();
    let mut config =
        TradingConfig::from_documents(Some(&sample), None, TradingMode::Paper).unwrap();
    config.minimum_trade_value = Decimal::ZERO;
    config.minimum_trade_weight = Decimal::ZERO;
    config
}

/// A million US dollars in a paper account, nothing held, nothing wanted.
pub(crate) fn inputs() -> PlanInputs {
    let all = [SPY, AGG, EUR, FUT];
    let prices =
        [("499.98", "500.02"), ("99.99", "100.01"), ("1.0999", "1.1001"), ("4999", "5001")];
    let quotes = all.into_iter().zip(prices).map(|(id, (bid, ask))| (id, quote(bid, ask)));
    PlanInputs {
        now: now(),
        mode: TradingMode::Paper,
        run_key: RunKey::new("allocation.2026-03-09T14:30:00Z").unwrap(),
        account_values: AccountValues {
            account: Account::new("DU1234567"),
            base_currency: Currency::usd(),
            net_liquidation: d("1000000"),
            gross_position_value: Decimal::ZERO,
            available_funds: d("1000000"),
            buying_power: d("4000000"),
            cash: BTreeMap::from([(Currency::usd(), d("1000000"))]),
            exchange_rates: BTreeMap::from([
                (Currency::usd(), Decimal::ONE),
                (Currency::new("EUR"), d("1.1")),
            ]),
        },
        books: BTreeMap::new(),
        only: None,
        holdings: BTreeMap::new(),
        working: BTreeMap::new(),
        locked: BTreeMap::new(),
        positions: Vec::new(),
        contracts: all.into_iter().map(|id| (id, contract(id))).collect(),
        quotes: quotes.collect(),
        config: config(),
    }
}

pub(crate) fn weight(text: &str) -> Size {
    Size::Weight(d(text))
}

pub(crate) fn units(text: &str) -> Size {
    Size::Quantity(d(text))
}

/// A book that is an hour old and good for another.
pub(crate) fn book(name: &str, targets: &[(ContractId, Size)]) -> ResolvedBook {
    ResolvedBook {
        strategy: strategy(name),
        as_of: at("2026-03-09T13:30:00Z"),
        valid_until: at("2026-03-09T15:30:00Z"),
        targets: targets.iter().copied().collect(),
    }
}

impl PlanInputs {
    pub(crate) fn with_book(mut self, name: &str, targets: &[(ContractId, Size)]) -> Self {
        self.books.insert(strategy(name), BookState::Fresh(book(name, targets)));
        self
    }

    /// Claimed by a strategy and there in the account.
    pub(crate) fn with_holding(self, name: &str, id: ContractId, quantity: &str) -> Self {
        self.with_claim(name, id, quantity).with_position(id, quantity)
    }

    /// Claimed by a strategy; whether the account has it is another matter.
    pub(crate) fn with_claim(mut self, name: &str, id: ContractId, quantity: &str) -> Self {
        self.holdings.entry(strategy(name)).or_default().insert(id, d(quantity));
        self
    }

    /// Held by the account, on top of what it holds already.
    pub(crate) fn with_position(mut self, id: ContractId, quantity: &str) -> Self {
        self.positions.push(Position {
            account: self.account_values.account.clone(),
            instrument: instrument(id),
            quantity: d(quantity),
            average_cost: Decimal::ONE,
        });
        self
    }

    pub(crate) fn with_working(mut self, name: &str, id: ContractId, quantity: &str) -> Self {
        self.working.entry(id).or_default().insert(strategy(name), d(quantity));
        self
    }
}
