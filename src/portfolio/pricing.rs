//! Which price a decision may rest on, and what a unit is worth.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::inputs::PlanInputs;
use super::sizing::SizingProblem;
use crate::config::{OrderKind, TradingConfig};
use crate::domain::{AccountValues, Contract, MarketDataType, OrderType, Quote, Side};

/// Why a quote can't carry a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum QuoteProblem {
    /// The gateway gave none.
    #[error("there is no quote")]
    Missing,
    /// Neither both sides of a market nor a last trade. The previous close is none of them: it
    /// arrives as fresh as a live price and is a day old.
    #[error("the quote has neither bid and ask nor a last price")]
    NoPrice,
    /// Older than `limits.quote_age_seconds`.
    #[error("the quote is {age_seconds} s old, limit {limit_seconds} s")]
    Stale {
        /// Since it reached us.
        age_seconds: i64,
        /// As configured.
        limit_seconds: u32,
    },
    /// Delayed or frozen data where the configuration asks for better.
    #[error("the quote is {got:?}, the configuration asks for {wanted:?}")]
    DataType {
        /// What came.
        got: MarketDataType,
        /// As configured.
        wanted: MarketDataType,
    },
}

/// The middle of a market that has two sides and is not crossed, else the last trade.
pub fn mid_or_last(quote: &Quote) -> Option<Decimal> {
    let positive = |price: &Option<Decimal>| price.filter(|price| *price > Decimal::ZERO);
    match (positive(&quote.bid), positive(&quote.ask)) {
        (Some(bid), Some(ask)) if bid <= ask => bid.checked_add(ask)?.checked_div(Decimal::TWO),
        _ => positive(&quote.last),
    }
}

/// The price that a decision at `now` may rest on, in the contract's currency.
pub fn usable_price(
    quote: Option<&Quote>,
    now: Timestamp,
    config: &TradingConfig,
) -> Result<Decimal, QuoteProblem> {
    let quote = quote.ok_or(QuoteProblem::Missing)?;
    let price = mid_or_last(quote).ok_or(QuoteProblem::NoPrice)?;
    let (got, wanted) = (quote.data_type, config.market_data_type);
    if !good_enough(got, wanted) {
        return Err(QuoteProblem::DataType { got, wanted });
    }
    let limit_seconds = config.limits.quote_age_seconds;
    let age = now.duration_since(quote.at);
    if age > SignedDuration::from_secs(i64::from(limit_seconds)) {
        return Err(QuoteProblem::Stale { age_seconds: age.as_secs(), limit_seconds });
    }
    Ok(price)
}

/// What IB may answer to each request without giving less than was asked for
/// (<https://interactivebrokers.github.io/tws-api/market_data_type.html>).
fn good_enough(got: MarketDataType, wanted: MarketDataType) -> bool {
    use MarketDataType::{Delayed, DelayedFrozen, Frozen, Live};
    match wanted {
        Live => got == Live,
        Frozen => matches!(got, Live | Frozen),
        Delayed => matches!(got, Live | Delayed),
        DelayedFrozen => true,
    }
}

/// Base currency per unit of a contract at a price: price × multiplier × exchange rate.
pub fn unit_value(
    contract: &Contract,
    price: Decimal,
    values: &AccountValues,
) -> Result<Decimal, SizingProblem> {
    let currency = &contract.instrument.currency;
    let rate = match values.exchange_rates.get(currency) {
        Some(rate) => *rate,
        None if *currency == values.base_currency => Decimal::ONE,
        None => return Err(SizingProblem::ExchangeRate { currency: currency.clone() }),
    };
    if rate <= Decimal::ZERO {
        return Err(SizingProblem::ExchangeRate { currency: currency.clone() });
    }
    if contract.multiplier <= Decimal::ZERO {
        let problem = format!("its multiplier is {}", contract.multiplier);
        return Err(SizingProblem::Contract { problem });
    }
    let unit = price.checked_mul(contract.multiplier).and_then(|value| value.checked_mul(rate));
    unit.filter(|unit| *unit > Decimal::ZERO).ok_or(SizingProblem::Overflow)
}

/// The order type that the configuration asks for, its limit price frozen.
///
/// A limit price is the far side of the market made worse by the configured offset, rounded to
/// the tick so that it is never worse than that: buys down, sells up. Without a usable price the
/// order goes at the market; risk lets that pass only for exits, which must stay possible.
pub(super) fn order_type(
    inputs: &PlanInputs,
    contract: &Contract,
    side: Side,
    reference: Option<Decimal>,
) -> Result<OrderType, SizingProblem> {
    let settings = &inputs.config.orders;
    let (OrderKind::Limit, Some(reference)) = (settings.kind, reference) else {
        return Ok(OrderType::Market);
    };
    let tick = contract.min_tick;
    if tick <= Decimal::ZERO {
        return Err(SizingProblem::Contract { problem: format!("its price step is {tick}") });
    }
    // A crossed or one-sided market: the reference is then the last trade.
    let quote = inputs.quotes.get(&contract.instrument.id);
    let sides = quote.and_then(|quote| Some((quote.bid?, quote.ask?)));
    let sides = sides.filter(|(bid, ask)| *bid > Decimal::ZERO && bid <= ask);
    let far = match (side, sides) {
        (Side::Buy, Some((_, ask))) => ask,
        (Side::Sell, Some((bid, _))) => bid,
        (_, None) => reference,
    };
    limit_price(far, side, tick, settings.limit_offset_bps)
        .map(|price| OrderType::Limit { price })
        .ok_or(SizingProblem::Overflow)
}

fn limit_price(far: Decimal, side: Side, tick: Decimal, bps: Decimal) -> Option<Decimal> {
    let offset = far.checked_mul(bps)?.checked_div(Decimal::from(10_000))?;
    let price = far.checked_add(side.signed(offset))?;
    let ticks = price.checked_div(tick)?;
    let whole = match side {
        Side::Buy => ticks.floor(),
        Side::Sell => ticks.ceil(),
    };
    // A price below one tick is none.
    whole.max(Decimal::ONE).checked_mul(tick).map(|price| price.normalize())
}

#[cfg(test)]
#[path = "pricing_tests.rs"]
mod tests;
