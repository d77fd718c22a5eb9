//! Many strategies, one line a contract.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::inputs::PlanInputs;
use super::left_alone::{Leftover, LeftoverReason, SkipReason, Skipped, Unsized};
use super::plan::{Crossing, Line, Plan};
use super::pricing::{order_type, unit_value, usable_price};
use super::sizing::{SizingProblem, step, toward_zero};
use crate::domain::{Contract, ContractId, OrderRef, Side, StrategyId};

/// What one strategy wants to hold of the contract at hand.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) strategy: StrategyId,
    /// Units, signed, in steps of the contract.
    pub(super) wanted: Decimal,
}

/// The contracts in which a strategy holds something or has something working.
pub(super) fn stakes(inputs: &PlanInputs, strategy: &StrategyId) -> BTreeSet<ContractId> {
    let held = inputs.holdings.get(strategy).into_iter().flatten();
    let held = held.filter(|(_, quantity)| !quantity.is_zero()).map(|(id, _)| *id);
    let working = inputs.working.iter();
    let working = working.filter(|(_, shares)| shares.contains_key(strategy)).map(|(id, _)| *id);
    held.chain(working).collect()
}

/// The contract's description, if it may be traded now; otherwise the plan learns why not.
pub(super) fn describe<'a>(
    inputs: &'a PlanInputs,
    contract: ContractId,
    strategies: &BTreeSet<StrategyId>,
    plan: &mut Plan,
) -> Option<&'a Contract> {
    if let Some(why) = inputs.locked.get(&contract) {
        plan.skipped.push(Skipped {
            contract,
            strategies: strategies.clone(),
            reason: SkipReason::Locked { why: why.clone() },
        });
        return None;
    }
    let described = inputs.contracts.get(&contract);
    if described.is_none() {
        let problem =
            SizingProblem::Contract { problem: "the broker's description is missing".to_owned() };
        fail(plan, contract, strategies.iter(), &problem);
    }
    described
}

/// Nets the changes of one contract into a line, a crossing, or a reason for neither.
pub(super) fn settle(
    inputs: &PlanInputs,
    contract: &Contract,
    changes: Vec<Change>,
    plan: &mut Plan,
) {
    let id = contract.instrument.id;
    match net(inputs, contract, &changes, plan) {
        Ok(Some(outcome)) => match outcome {
            Outcome::Line(line) => plan.lines.push(line),
            Outcome::Crossing(crossing) => plan.crossings.push(crossing),
            Outcome::Skipped(skipped) => plan.skipped.push(skipped),
        },
        Ok(None) => {}
        Err(problem) => fail(plan, id, changes.iter().map(|change| &change.strategy), &problem),
    }
}

fn fail<'a>(
    plan: &mut Plan,
    contract: ContractId,
    strategies: impl Iterator<Item = &'a StrategyId>,
    problem: &SizingProblem,
) {
    plan.unsized_targets.extend(strategies.map(|strategy| Unsized {
        contract,
        strategy: strategy.clone(),
        problem: problem.clone(),
    }));
}

enum Outcome {
    Line(Line),
    Crossing(Crossing),
    Skipped(Skipped),
}

fn net(
    inputs: &PlanInputs,
    contract: &Contract,
    changes: &[Change],
    plan: &mut Plan,
) -> Result<Option<Outcome>, SizingProblem> {
    let id = contract.instrument.id;
    let step = step(contract, &inputs.config)?;
    let mut contributions = BTreeMap::new();
    let mut closes = false;
    for change in changes {
        let (contribution, leftover) =
            contribution(inputs, id, change, step).ok_or(SizingProblem::Overflow)?;
        plan.leftovers.extend(leftover);
        if !contribution.is_zero() {
            closes |= change.wanted.is_zero();
            contributions.insert(change.strategy.clone(), contribution);
        }
    }
    let net = contributions
        .values()
        .try_fold(Decimal::ZERO, |sum, part| sum.checked_add(*part))
        .ok_or(SizingProblem::Overflow)?
        .normalize();
    if contributions.is_empty() {
        return Ok(None);
    }
    if net.is_zero() {
        return Ok(Some(Outcome::Crossing(Crossing {
            order_ref: OrderRef::derive(&inputs.run_key, id),
            instrument: contract.instrument.clone(),
            contributions,
        })));
    }
    let line = line(inputs, contract, net, contributions)?;
    Ok(Some(match too_small(inputs, contract, &line, closes)? {
        None => Outcome::Line(line),
        Some(reason) => Outcome::Skipped(Skipped {
            contract: id,
            strategies: line.contributions.into_keys().collect(),
            reason,
        }),
    }))
}

/// What one strategy adds to the contract's order, in steps: target − holding − what its own
/// orders may still bring.
///
/// An own order that works in the other direction may be filled or may end: then only as much is
/// ordered as is right in both cases, and the rest waits until that order has ended.
fn contribution(
    inputs: &PlanInputs,
    contract: ContractId,
    change: &Change,
    step: Decimal,
) -> Option<(Decimal, Option<Leftover>)> {
    let strategy = &change.strategy;
    let working = inputs.working_for(strategy, contract);
    let if_ended = change.wanted.checked_sub(inputs.holding(strategy, contract))?;
    let if_filled = if_ended.checked_sub(working)?;
    let opposed = !working.is_zero()
        && !if_filled.is_zero()
        && if_filled.is_sign_negative() != working.is_sign_negative();
    let safe = match opposed {
        false => if_filled,
        true if if_ended.is_sign_negative() == if_filled.is_sign_negative() => if_ended,
        true => Decimal::ZERO,
    };
    let rounded = toward_zero(safe, step)?;
    let amount = if_filled.checked_sub(rounded.quantity)?;
    let reason = match opposed {
        true => LeftoverReason::WorkingOrder,
        false => LeftoverReason::OddHolding,
    };
    let leftover = (!amount.is_zero()).then(|| Leftover {
        contract,
        strategy: strategy.clone(),
        amount: amount.normalize(),
        reason,
    });
    Some((rounded.quantity, leftover))
}

fn line(
    inputs: &PlanInputs,
    contract: &Contract,
    net: Decimal,
    contributions: BTreeMap<StrategyId, Decimal>,
) -> Result<Line, SizingProblem> {
    let id = contract.instrument.id;
    let quote = inputs.quotes.get(&id);
    let side = Side::of(net);
    // Only what was sized by weight needed a price so far. Whether a line may go without one is
    // for risk to say.
    let reference_price = usable_price(quote, inputs.now, &inputs.config).ok();
    let value = reference_price
        .and_then(|price| unit_value(contract, price, &inputs.account_values).ok())
        .and_then(|unit| unit.checked_mul(net.abs()))
        .map(|value| value.normalize());
    Ok(Line {
        order_ref: OrderRef::derive(&inputs.run_key, id),
        instrument: contract.instrument.clone(),
        exchange: contract.exchange.clone(),
        side,
        quantity: net.abs(),
        order_type: order_type(inputs, contract, side, reference_price)?,
        time_in_force: inputs.config.orders.time_in_force,
        step: step(contract, &inputs.config)?,
        reference_price,
        value,
        contributions,
    })
}

/// A way out is never too small for us, only for the venue.
fn too_small(
    inputs: &PlanInputs,
    contract: &Contract,
    line: &Line,
    closes: bool,
) -> Result<Option<SkipReason>, SizingProblem> {
    if line.quantity < contract.min_size {
        let (quantity, minimum) = (line.quantity, contract.min_size);
        return Ok(Some(SkipReason::BelowMinimumSize { quantity, minimum }));
    }
    let share = inputs
        .account_values
        .net_liquidation
        .checked_mul(inputs.config.minimum_trade_weight)
        .ok_or(SizingProblem::Overflow)?;
    let minimum = inputs.config.minimum_trade_value.max(share);
    Ok(match line.value {
        Some(value) if value < minimum && !closes => {
            Some(SkipReason::BelowMinimumValue { value, minimum })
        }
        _ => None,
    })
}
