//! A line, and what it would do to the account.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::{ContractId, StrategyId};
use crate::portfolio::{Line, Plan, PlanInputs, unit_value, usable_price};

/// What an order does to the absolute size of the account's position in its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Takes it nearer to zero and never beyond, even if every own order of the same direction
    /// that works already fills first.
    Reduces,
    /// Anything else, and whatever can't be told.
    Increases,
}

/// One line of a plan with its consequences.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// What would be ordered.
    pub line: &'a Line,
    /// What it does to the account's position.
    pub effect: Effect,
    /// The account's position once the line and the own orders of its direction that already
    /// work are filled; `None` if that leaves the range of a decimal.
    pub position_after: Option<Decimal>,
}

/// What all rules may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) inputs: &'a PlanInputs,
    pub(super) switch: super::TradingSwitch,
    /// Lines of the plan that increase risk.
    pub(super) increasing: usize,
    /// Σ |position| × unit value once all is filled, in base currency; `None` if a price is
    /// missing for it.
    pub(super) gross_after: Option<Decimal>,
}

impl<'a> Proposal<'a> {
    pub(super) fn new(inputs: &PlanInputs, line: &'a Line) -> Self {
        let (position_after, effect) = match consequences(inputs, line) {
            Some((before, after)) => (Some(after), effect(before, after, line.signed_quantity())),
            None => (None, Effect::Increases),
        };
        Self { line, effect, position_after }
    }

    pub(super) fn reduces(&self) -> bool {
        self.effect == Effect::Reduces
    }
}

/// The account's position before and, at worst, after.
fn consequences(inputs: &PlanInputs, line: &Line) -> Option<(Decimal, Decimal)> {
    let id = line.instrument.id;
    let delta = line.signed_quantity();
    let before = inputs.position(id)?;
    let working = inputs.working.get(&id).into_iter().flat_map(|shares| shares.values());
    let same_way = working
        .filter(|share| !share.is_zero() && share.is_sign_negative() == delta.is_sign_negative())
        .try_fold(Decimal::ZERO, |sum, share| sum.checked_add(*share))?;
    let after = before.checked_add(same_way)?.checked_add(delta)?;
    Some((before, after))
}

fn effect(before: Decimal, after: Decimal, delta: Decimal) -> Effect {
    let toward_zero = !before.is_zero() && before.is_sign_negative() != delta.is_sign_negative();
    let beyond = !after.is_zero() && after.is_sign_negative() != before.is_sign_negative();
    match toward_zero && !beyond {
        true => Effect::Reduces,
        false => Effect::Increases,
    }
}

/// The account's gross exposure once a plan and all own working orders are filled: what the broker
/// says it is now, plus the change in each contract that the plan or a working order touches.
///
/// IB's gross position value leaves out futures and currency positions; of those, what this plan
/// adds is counted.
pub(super) fn gross_after(inputs: &PlanInputs, plan: &Plan) -> Option<Decimal> {
    let mut gross = inputs.account_values.gross_position_value;
    let mut moves = std::collections::BTreeMap::new();
    for (id, shares) in &inputs.working {
        add_all(&mut moves, *id, shares.iter())?;
    }
    for line in &plan.lines {
        let entry = moves.entry(line.instrument.id).or_insert(Decimal::ZERO);
        *entry = entry.checked_add(line.signed_quantity())?;
    }
    for (id, delta) in moves {
        let before = inputs.position(id)?;
        let growth = before.checked_add(delta)?.abs().checked_sub(before.abs())?;
        if growth.is_zero() {
            continue;
        }
        match unit(inputs, id) {
            Some(unit) => gross = gross.checked_add(growth.checked_mul(unit)?)?,
            // What shrinks without a price helps nobody: it is simply not counted.
            None if growth.is_sign_negative() => {}
            None => return None,
        }
    }
    Some(gross)
}

fn add_all<'a>(
    moves: &mut std::collections::BTreeMap<ContractId, Decimal>,
    id: ContractId,
    shares: impl Iterator<Item = (&'a StrategyId, &'a Decimal)>,
) -> Option<()> {
    for (_, share) in shares {
        let entry = moves.entry(id).or_insert(Decimal::ZERO);
        *entry = entry.checked_add(*share)?;
    }
    Some(())
}

fn unit(inputs: &PlanInputs, id: ContractId) -> Option<Decimal> {
    let contract = inputs.contracts.get(&id)?;
    let price = usable_price(inputs.quotes.get(&id), inputs.now, &inputs.config).ok()?;
    unit_value(contract, price, &inputs.account_values).ok()
}
