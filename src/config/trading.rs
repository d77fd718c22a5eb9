//! The trading configuration: how much, with what limits, by which orders.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ConfigProblems;
use super::exact::{exact_decimal, kind};
use super::fields::{Fields, decimal_within, flag, whole_within, word};
use crate::domain::{MarketDataType, StrategyId, TimeInForce, TradingMode};

/// A configuration to begin with, as `config/common` would hold it: what `rungate dev` seeds.
pub const SAMPLE_CONFIG: &str = include_str!("../../data/sample-config.json");

/// The highest `limits.orders_per_run`. A run's plan, ledger and record stay far below the size
/// of one document, and nobody reads a plan of more lines.
pub const ORDERS_PER_RUN_MAX: u32 = 500;

/// The highest exposure, weight or gross multiple that can be meant: IB's portfolio margin goes
/// to about 6.7 times; beyond 20 it is a slip of the decimal point.
const MULTIPLE_MAX: Decimal = Decimal::from_parts(20, 0, 0, false, 0);

/// The highest sum of money that can be meant, 10^12; leaves room for every product within 28 digits.
const MONEY_MAX: Decimal = Decimal::from_parts(0xd4a5_1000, 0xe8, 0, false, 0);

/// The longest `limits.quote_age_seconds`: beyond an hour a price is history.
const QUOTE_AGE_MAX: u32 = 3_600;

/// The largest `orders.limit_offset_bps`: ten percent. IB refuses limits far from the market.
const LIMIT_OFFSET_BPS_MAX: Decimal = Decimal::ONE_THOUSAND;

/// The trading configuration of one mode, checked.
///
/// In documents: snake_case JSON, decimals as strings (or as numbers that JSON keeps exactly).
/// Serializes to the same shape, so that a record of it can be read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradingConfig {
    /// Which market data every run asks for first: `live`, `frozen`, `delayed` or
    /// `delayed-frozen`. Required.
    pub market_data_type: MarketDataType,
    /// How much of the account strategies may use.
    pub exposure: Exposure,
    /// What no plan may exceed.
    pub limits: Limits,
    /// By which orders.
    pub orders: OrderSettings,
    /// A line worth less, in base currency, is left out, unless it closes somebody's holding.
    /// Default 0.
    pub minimum_trade_value: Decimal,
    /// The same as a fraction of net liquidation: the larger of the two counts. Keeps prices that
    /// move by a little from causing trades. Default 0.
    pub minimum_trade_weight: Decimal,
    /// Whether the account may be short in a contract: books with negative targets are refused
    /// otherwise, and so are orders that would take the position below zero. Default `false`.
    pub allow_short: bool,
    /// Whether live orders may be sent. Only in `config/live`, where it is required; always
    /// `false` in paper mode.
    pub live_trading: bool,
}

/// How much of the account strategies may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Scales all strategies: 0 to 20. Required.
    pub overall: Decimal,
    /// Scales each strategy's weights: 0 to 20. A strategy without an entry does not trade; one
    /// with 0 is taken out of what its weights say. Quantities are not scaled. Required, may be
    /// empty.
    pub strategies: BTreeMap<StrategyId, Decimal>,
}

/// What no plan may exceed. A missing limit is an error, never "no limit".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest value of one order that increases risk, in base currency. Required.
    pub order_value: Decimal,
    /// Largest sum of absolute position values after a plan, as a multiple of net liquidation.
    /// Required.
    pub gross_exposure: Decimal,
    /// Oldest quote, in seconds since it reached us, that a trade may be based on: 1 to 3600.
    /// Required.
    pub quote_age_seconds: u32,
    /// Most orders of one plan that increase risk: 1 to 500. Required.
    pub orders_per_run: u32,
    /// Largest absolute weight of one target. Default 1.
    pub weight: Decimal,
    /// Largest sum of absolute weights of one target book. Default 1.
    pub book_gross_weight: Decimal,
}

/// Market or limit orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// At the market.
    Market,
    /// At the far side of the market, plus or minus `limit_offset_bps`.
    Limit,
}

/// By which orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderSettings {
    /// `market` or `limit`. Default `market`.
    #[serde(rename = "type")]
    pub kind: OrderKind,
    /// How far a limit price may be worse than the far side of the market (the ask for buys, the
    /// bid for sells), in hundredths of a percent: 0 to 1000. Required for limit orders, else
    /// default 0.
    pub limit_offset_bps: Decimal,
    /// `day`, `good-till-cancelled` or `immediate-or-cancel`. Default `day`.
    pub time_in_force: TimeInForce,
    /// Trade stocks and ETFs in whole units whatever finer step the contract has: the API refuses
    /// fractional quantities of many (error 10243,
    /// <https://interactivebrokers.github.io/tws-api/message_codes.html>). Default `true`.
    pub whole_shares: bool,
}

impl TradingConfig {
    /// Merges `config/common` with `config/{mode}` (objects key by key, the mode's value wins) and
    /// checks the result. Every problem is listed; nothing is guessed: without any document, or
    /// without a limit, there is no configuration and nothing trades.
    pub fn from_documents(
        common: Option<&Value>,
        mode_doc: Option<&Value>,
        mode: TradingMode,
    ) -> Result<Self, ConfigProblems> {
        let mut problems = ConfigProblems::default();
        let mode_name = format!("config/{mode}");
        if common.is_none() && mode_doc.is_none() {
            problems.add(
                format!("config/common and {mode_name}"),
                "neither document exists; `rungate config sample` prints one to start from",
            );
            return Err(problems);
        }
        let mut merged = object("config/common", common, &mut problems);
        if merged.remove("live_trading").is_some() {
            problems.add("config/common.live_trading", "belongs into config/live only");
        }
        merge(&mut merged, object(&mode_name, mode_doc, &mut problems));
        let config = read(&merged, mode, &mut problems);
        config.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// [`SAMPLE_CONFIG`] as a document.
    pub fn sample_document() -> Value {
        serde_json::from_str(SAMPLE_CONFIG).unwrap_or(Value::Null)
    }
}

fn object(
    name: &str,
    document: Option<&Value>,
    problems: &mut ConfigProblems,
) -> Map<String, Value> {
    match document {
        None => Map::new(),
        Some(Value::Object(object)) => object.clone(),
        Some(other) => {
            problems.add(name, format!("must be an object, not {}", kind(other)));
            Map::new()
        }
    }
}

fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn read(
    merged: &Map<String, Value>,
    mode: TradingMode,
    problems: &mut ConfigProblems,
) -> Option<TradingConfig> {
    let mut root = Fields::root(merged);
    let market_data_type = root.required("market_data_type", word, problems);
    let exposure = read_exposure(root.section("exposure", problems), problems);
    let limits = read_limits(root.section("limits", problems), problems);
    let orders = read_orders(root.section("orders", problems), problems);
    let money = decimal_within(Decimal::ZERO, MONEY_MAX);
    let minimum_trade_value = root.optional("minimum_trade_value", Decimal::ZERO, money, problems);
    let fraction = decimal_within(Decimal::ZERO, Decimal::ONE);
    let minimum_trade_weight =
        root.optional("minimum_trade_weight", Decimal::ZERO, fraction, problems);
    let allow_short = root.optional("allow_short", false, flag, problems);
    let live_trading = read_live_trading(&mut root, mode, problems);
    root.finish(problems);
    Some(TradingConfig {
        market_data_type: market_data_type?,
        exposure: exposure?,
        limits: limits?,
        orders: orders?,
        minimum_trade_value: minimum_trade_value?,
        minimum_trade_weight: minimum_trade_weight?,
        allow_short: allow_short?,
        live_trading: live_trading?,
    })
}

/// Real money must be asked for by name, in the document of live mode. A missing key is not
/// `false`: the person who set up live mode has to have seen it.
fn read_live_trading(
    root: &mut Fields<'_>,
    mode: TradingMode,
    problems: &mut ConfigProblems,
) -> Option<bool> {
    match mode {
        TradingMode::Live => root.required("live_trading", flag, problems),
        TradingMode::Paper => {
            if root.take("live_trading").is_some() {
                problems.add("config/paper.live_trading", "belongs into config/live only");
            }
            Some(false)
        }
    }
}

fn read_exposure(mut fields: Fields<'_>, problems: &mut ConfigProblems) -> Option<Exposure> {
    let factor = decimal_within(Decimal::ZERO, MULTIPLE_MAX);
    let overall = fields.required("overall", &factor, problems);
    let path = fields.path_of("strategies");
    let strategies = match fields.take("strategies") {
        Some(Value::Object(entries)) => Some(entries),
        Some(other) => {
            problems.add(path.as_str(), format!("must be an object, not {}", kind(other)));
            None
        }
        None => {
            problems.add(path.as_str(), "is required (an empty object means that nobody trades)");
            None
        }
    };
    fields.finish(problems);
    let mut factors = BTreeMap::new();
    for (name, value) in strategies? {
        let at = format!("{path}.{name}");
        match (StrategyId::new(name.as_str()), factor(value)) {
            (Ok(id), Ok(number)) => {
                factors.insert(id, number);
            }
            (id, number) => {
                id.err().into_iter().for_each(|error| problems.add(&at, error.to_string()));
                number.err().into_iter().for_each(|error| problems.add(&at, error));
            }
        }
    }
    Some(Exposure { overall: overall?, strategies: factors })
}

fn read_limits(mut fields: Fields<'_>, problems: &mut ConfigProblems) -> Option<Limits> {
    let multiple = decimal_within(Decimal::ZERO, MULTIPLE_MAX);
    let money = decimal_within(Decimal::ZERO, MONEY_MAX);
    let order_value = fields.required("order_value", positive(money), problems);
    let gross_exposure = fields.required("gross_exposure", positive(&multiple), problems);
    let age = whole_within(1, QUOTE_AGE_MAX);
    let quote_age_seconds = fields.required("quote_age_seconds", age, problems);
    let orders = whole_within(1, ORDERS_PER_RUN_MAX);
    let orders_per_run = fields.required("orders_per_run", orders, problems);
    let weight = fields.optional("weight", Decimal::ONE, positive(&multiple), problems);
    let gross = fields.optional("book_gross_weight", Decimal::ONE, positive(&multiple), problems);
    fields.finish(problems);
    Some(Limits {
        order_value: order_value?,
        gross_exposure: gross_exposure?,
        quote_age_seconds: quote_age_seconds?,
        orders_per_run: orders_per_run?,
        weight: weight?,
        book_gross_weight: gross?,
    })
}

fn read_orders(mut fields: Fields<'_>, problems: &mut ConfigProblems) -> Option<OrderSettings> {
    let kind = fields.optional("type", OrderKind::Market, word, problems);
    let bps = decimal_within(Decimal::ZERO, LIMIT_OFFSET_BPS_MAX);
    let offset = match kind {
        Some(OrderKind::Limit) => fields.required("limit_offset_bps", bps, problems),
        Some(OrderKind::Market) | None => {
            fields.optional("limit_offset_bps", Decimal::ZERO, bps, problems)
        }
    };
    let time_in_force = fields.optional("time_in_force", TimeInForce::Day, word, problems);
    let whole_shares = fields.optional("whole_shares", true, flag, problems);
    fields.finish(problems);
    Some(OrderSettings {
        kind: kind?,
        limit_offset_bps: offset?,
        time_in_force: time_in_force?,
        whole_shares: whole_shares?,
    })
}

/// A limit of 0 would refuse everything; who wants that uses the trading switch.
fn positive(
    within: impl Fn(&Value) -> Result<Decimal, String>,
) -> impl Fn(&Value) -> Result<Decimal, String> {
    move |value| match exact_decimal(value) {
        Ok(number) if number <= Decimal::ZERO => Err(format!("{number} is not more than 0")),
        _ => within(value),
    }
}

#[cfg(test)]
#[path = "trading_tests.rs"]
mod tests;
