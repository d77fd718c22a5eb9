//! From weights to units.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Size;
use super::inputs::PlanInputs;
use super::pricing::{QuoteProblem, unit_value, usable_price};
use crate::config::TradingConfig;
use crate::domain::{Contract, ContractId, Currency, SecType, StrategyId};

/// Why a target could not be turned into units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum SizingProblem {
    /// The contract's description is missing or senseless.
    #[error("the contract can't be sized: {problem}")]
    Contract {
        /// What is wrong with it.
        problem: String,
    },
    /// There is no price to size by.
    #[error(transparent)]
    Quote(#[from] QuoteProblem),
    /// No rate from the contract's currency to the base currency.
    #[error("there is no exchange rate for {currency}")]
    ExchangeRate {
        /// The contract's.
        currency: Currency,
    },
    /// With nothing or less to divide, weights mean nothing.
    #[error("net liquidation is {value}: weights need more than 0")]
    NetLiquidation {
        /// In base currency.
        value: Decimal,
    },
    /// A number left the range of a decimal.
    #[error("a number became too large to compute with")]
    Overflow,
}

/// A quantity in steps of the contract, and what rounding left out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounded {
    pub(super) quantity: Decimal,
    pub(super) left_out: Decimal,
}

/// The step in which a contract is traded: its own, for stocks and ETFs at least 1 if the
/// configuration wants whole shares.
pub(super) fn step(contract: &Contract, config: &TradingConfig) -> Result<Decimal, SizingProblem> {
    let own = contract.size_increment;
    if own <= Decimal::ZERO {
        return Err(SizingProblem::Contract { problem: format!("its quantity step is {own}") });
    }
    let whole = config.orders.whole_shares && contract.instrument.sec_type == SecType::Stock;
    Ok(if whole { own.max(Decimal::ONE) } else { own })
}

/// Rounds toward zero to a multiple of `step`, which is more than 0.
pub(super) fn toward_zero(amount: Decimal, step: Decimal) -> Option<Rounded> {
    let left_out = amount.checked_rem(step)?;
    let quantity = amount.checked_sub(left_out)?;
    Some(Rounded { quantity: quantity.normalize(), left_out: left_out.normalize() })
}

/// The units that one target stands for:
///
/// net liquidation × `exposure.overall` × `exposure.strategies[s]` × weight ÷ (price × multiplier
/// × exchange rate), rounded toward zero. A quantity stands for itself, rounded the same way, and
/// needs no price; nor does zero.
pub(super) fn target_quantity(
    inputs: &PlanInputs,
    strategy: &StrategyId,
    contract: &Contract,
    size: Size,
) -> Result<Rounded, SizingProblem> {
    let step = step(contract, &inputs.config)?;
    match size {
        Size::Quantity(units) => toward_zero(units, step).ok_or(SizingProblem::Overflow),
        Size::Weight(weight) => {
            let id = contract.instrument.id;
            let factor = exposure(inputs, strategy, weight).ok_or(SizingProblem::Overflow)?;
            if factor.is_zero() {
                return Ok(Rounded { quantity: Decimal::ZERO, left_out: Decimal::ZERO });
            }
            let value = inputs.account_values.net_liquidation;
            if value <= Decimal::ZERO {
                return Err(SizingProblem::NetLiquidation { value });
            }
            let budget = value.checked_mul(factor).ok_or(SizingProblem::Overflow)?;
            by_value(budget, unit(inputs, id, contract)?, step).ok_or(SizingProblem::Overflow)
        }
    }
}

fn exposure(inputs: &PlanInputs, strategy: &StrategyId, weight: Decimal) -> Option<Decimal> {
    let exposure = &inputs.config.exposure;
    let own = exposure.strategies.get(strategy).copied().unwrap_or(Decimal::ZERO);
    exposure.overall.checked_mul(own)?.checked_mul(weight)
}

fn unit(
    inputs: &PlanInputs,
    id: ContractId,
    contract: &Contract,
) -> Result<Decimal, SizingProblem> {
    let price = usable_price(inputs.quotes.get(&id), inputs.now, &inputs.config)?;
    unit_value(contract, price, &inputs.account_values)
}

/// The most units, in steps, that are worth no more than `budget`, with its sign.
fn by_value(budget: Decimal, unit: Decimal, step: Decimal) -> Option<Rounded> {
    let raw = budget.checked_div(unit)?;
    let mut quantity = toward_zero(raw, step)?.quantity;
    // The quotient of a division that does not end is rounded to 28 digits, up as well as down.
    if quantity.abs().checked_mul(unit)? > budget.abs() {
        let back = if quantity.is_sign_negative() { -step } else { step };
        quantity = quantity.checked_sub(back)?;
    }
    let left_out = raw.checked_sub(quantity)?.normalize();
    Some(Rounded { quantity: quantity.normalize(), left_out })
}

#[cfg(test)]
#[path = "sizing_tests.rs"]
mod tests;
