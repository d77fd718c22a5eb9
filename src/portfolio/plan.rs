//! The plan: orders that lead from holdings and working orders to the netted targets, and a name
//! for everything that was left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Size;
use super::attribution::{AttributionError, shares};
use super::book::Freshness;
use super::book_problem::BookProblems;
use super::inputs::{BookState, PlanInputs};
use super::left_alone::{Kept, KeptReason, Leftover, LeftoverReason, Skipped, Unsized};
use super::netting::{self, Change};
use super::resolution::ResolvedBook;
use super::sizing::target_quantity;
use crate::domain::{
    Contract, ContractId, Instrument, OrderRef, OrderType, Side, StrategyId, TimeInForce,
};

/// What a plan is for: decides how risk deals with a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// Leads to targets. Its lines belong together: all are sent or none.
    Allocation,
    /// Leads out. Each line stands for itself: one that can't go holds up no other.
    Close,
}

/// One order of a plan, all of it frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Our name for it, for ever.
    pub order_ref: OrderRef,
    /// Of what.
    pub instrument: Instrument,
    /// Where the order goes.
    pub exchange: String,
    /// Which way.
    pub side: Side,
    /// More than zero, in steps of [`Line::step`].
    pub quantity: Decimal,
    /// Market, or limit with its price.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// The smallest step of a quantity: fills are attributed in it.
    pub step: Decimal,
    /// What the decision rested on, in the contract's currency. Absent where there was no usable
    /// price and none was needed.
    pub reference_price: Option<Decimal>,
    /// Quantity at the reference price, in base currency, never negative.
    pub value: Option<Decimal>,
    /// Who wants how much of it, signed; sums to the signed quantity. Where strategies want
    /// opposite things, the smaller side is crossed inside the line.
    pub contributions: BTreeMap<StrategyId, Decimal>,
}

impl Line {
    /// The quantity with the sign of its side.
    pub fn signed_quantity(&self) -> Decimal {
        self.side.signed(self.quantity)
    }

    /// Whose the fills are, cumulative and signed: `filled` is the sum of the executions'
    /// quantities, which are never negative.
    pub fn shares(
        &self,
        filled: Decimal,
    ) -> Result<BTreeMap<StrategyId, Decimal>, AttributionError> {
        shares(&self.contributions, self.signed_quantity(), self.side.signed(filled), self.step)
    }
}

/// Strategies that want exactly opposite things: their holdings move, and no order is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossing {
    /// Marks the booking, as an order's reference would.
    pub order_ref: OrderRef,
    /// Of what.
    pub instrument: Instrument,
    /// Signed; sums to zero.
    pub contributions: BTreeMap<StrategyId, Decimal>,
}

/// What is to be done, and what is left alone with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is for.
    pub kind: PlanKind,
    /// Orders: sells first, then by contract id. One a contract.
    pub lines: Vec<Line>,
    /// Strategies that trade with each other, by contract id.
    pub crossings: Vec<Crossing>,
    /// Strategies left alone, by id.
    pub kept: Vec<Kept>,
    /// Parts left, by contract id, then strategy.
    pub leftovers: Vec<Leftover>,
    /// Contracts left alone, by id.
    pub skipped: Vec<Skipped>,
    /// Targets that could not be sized, by contract id, then strategy.
    pub unsized_targets: Vec<Unsized>,
}

impl Plan {
    pub(super) fn empty(kind: PlanKind) -> Self {
        Self {
            kind,
            lines: Vec::new(),
            crossings: Vec::new(),
            kept: Vec::new(),
            leftovers: Vec::new(),
            skipped: Vec::new(),
            unsized_targets: Vec::new(),
        }
    }

    pub(super) fn sorted(mut self) -> Self {
        // Sells free the money that buys need.
        self.lines.sort_by_key(|line| (line.side == Side::Buy, line.instrument.id));
        self.leftovers.sort_by(|a, b| (a.contract, &a.strategy).cmp(&(b.contract, &b.strategy)));
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.crossings.is_empty()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.side, self.quantity, self.instrument)?;
        if let OrderType::Limit { price } = self.order_type {
            write!(f, " at {price}")?;
        }
        Ok(())
    }
}

/// Works out the plan that follows the fresh target books.
///
/// Silence never trades: a strategy without a fresh, usable book keeps its holdings and is named
/// in [`Plan::kept`]; a contract that nobody claims or names is not looked at. What a strategy
/// with a fresh book holds and does not name goes to zero.
pub fn plan(inputs: &PlanInputs) -> Plan {
    let mut plan = Plan::empty(PlanKind::Allocation);
    let mut active = BTreeMap::new();
    for strategy in strategies(inputs) {
        match usable_book(inputs, &strategy) {
            Ok(book) => {
                active.insert(strategy, book);
            }
            Err(reason) => plan.kept.push(Kept { strategy, reason }),
        }
    }
    for (contract, wanting) in contracts(inputs, &active) {
        let Some(described) = netting::describe(inputs, contract, &wanting, &mut plan) else {
            continue;
        };
        let sized = wanting
            .iter()
            .map(|strategy| wanted(inputs, described, active.get(strategy).copied(), strategy))
            .collect();
        settle_sized(inputs, described, sized, &mut plan);
    }
    plan.sorted()
}

fn settle_sized(
    inputs: &PlanInputs,
    contract: &Contract,
    sized: Vec<Result<(Change, Option<Leftover>), Unsized>>,
    plan: &mut Plan,
) {
    let mut changes = Vec::new();
    let before = plan.unsized_targets.len();
    for result in sized {
        match result {
            Ok((change, leftover)) => {
                plan.leftovers.extend(leftover);
                changes.push(change);
            }
            Err(problem) => plan.unsized_targets.push(problem),
        }
    }
    // Without one of its targets the contract's net is unknown.
    if plan.unsized_targets.len() == before {
        netting::settle(inputs, contract, changes, plan);
    }
}

/// Everybody who is configured, holds something, has something to say, or was asked for.
fn strategies(inputs: &PlanInputs) -> BTreeSet<StrategyId> {
    let configured = inputs.config.exposure.strategies.keys();
    let holding = inputs.holdings.iter().filter(|(_, held)| !held.is_empty()).map(|(id, _)| id);
    let asked = inputs.only.iter().flatten();
    configured.chain(holding).chain(inputs.books.keys()).chain(asked).cloned().collect()
}

fn usable_book<'a>(
    inputs: &'a PlanInputs,
    strategy: &StrategyId,
) -> Result<&'a ResolvedBook, KeptReason> {
    if inputs.only.as_ref().is_some_and(|only| !only.contains(strategy)) {
        return Err(KeptReason::NotSelected);
    }
    let book = match inputs.books.get(strategy) {
        None | Some(BookState::Missing) => return Err(KeptReason::Missing),
        Some(BookState::Stale { as_of, valid_until }) => {
            return Err(KeptReason::Stale { as_of: *as_of, valid_until: *valid_until });
        }
        Some(BookState::Malformed { reason }) => {
            return Err(KeptReason::Malformed { reason: reason.clone() });
        }
        Some(BookState::Fresh(book)) => book,
    };
    let (as_of, valid_until) = (book.as_of, book.valid_until);
    match book.freshness(inputs.now) {
        Freshness::Fresh => {}
        Freshness::Expired => return Err(KeptReason::Stale { as_of, valid_until }),
        Freshness::NotYet => return Err(KeptReason::Future { as_of }),
    }
    if book.strategy != *strategy {
        let reason = format!("it is the book of {}", book.strategy);
        return Err(KeptReason::Malformed { reason });
    }
    if !inputs.config.exposure.strategies.contains_key(strategy) {
        return Err(KeptReason::NoExposure);
    }
    let problems = book.problems(&inputs.config);
    match problems.is_empty() {
        true => Ok(book),
        false => Err(KeptReason::BeyondLimits { problems: BookProblems(problems) }),
    }
}

/// Which active strategies have a stake in which contract: named in the book, held, or working.
fn contracts(
    inputs: &PlanInputs,
    active: &BTreeMap<StrategyId, &ResolvedBook>,
) -> BTreeMap<ContractId, BTreeSet<StrategyId>> {
    let mut stakes: BTreeMap<ContractId, BTreeSet<StrategyId>> = BTreeMap::new();
    for (strategy, book) in active {
        let held = netting::stakes(inputs, strategy);
        for contract in book.contracts().into_iter().chain(held) {
            stakes.entry(contract).or_default().insert(strategy.clone());
        }
    }
    stakes
}

/// What one strategy wants of one contract; not named in its book means none.
fn wanted(
    inputs: &PlanInputs,
    contract: &Contract,
    book: Option<&ResolvedBook>,
    strategy: &StrategyId,
) -> Result<(Change, Option<Leftover>), Unsized> {
    let id = contract.instrument.id;
    let size = book.and_then(|book| book.targets.get(&id).copied());
    let size = size.unwrap_or(Size::Quantity(Decimal::ZERO));
    let sized = target_quantity(inputs, strategy, contract, size).map_err(|problem| Unsized {
        contract: id,
        strategy: strategy.clone(),
        problem,
    })?;
    let leftover = (!sized.left_out.is_zero()).then(|| Leftover {
        contract: id,
        strategy: strategy.clone(),
        amount: sized.left_out,
        reason: LeftoverReason::Rounding,
    });
    Ok((Change { strategy: strategy.clone(), wanted: sized.quantity }, leftover))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "plan_properties.rs"]
mod properties;
