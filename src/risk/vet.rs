//! A plan goes in whole; what may be sent comes out, with every answer on record.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::TradingSwitch;
use super::proposal::{Context, Effect, Proposal, gross_after};
use super::rules::{Finding, RULES, Rule, account, switch};
use super::verdict::{Subject, Verdict};
use crate::domain::{Account, StrategyId};
use crate::portfolio::{Crossing, Line, Plan, PlanInputs, PlanKind, SizingProblem, Unsized};

/// A line that passed every rule, for the account it was vetted for. Only [`vet`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approved {
    line: Line,
    account: Account,
    effect: Effect,
}

impl Approved {
    /// What may be ordered.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// In which account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What it does to the account's position: asked again of the switch before the send.
    pub fn effect(&self) -> Effect {
        self.effect
    }
}

/// A crossing that may be booked. Only [`vet`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ApprovedCrossing(Crossing);

impl ApprovedCrossing {
    /// Whose holdings move.
    pub fn crossing(&self) -> &Crossing {
        &self.0
    }

    /// By how much each moves, signed.
    pub fn contributions(&self) -> &BTreeMap<StrategyId, Decimal> {
        &self.0.contributions
    }
}

/// The result of vetting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vetted {
    /// What may be sent, in the plan's order.
    pub approved: Vec<Approved>,
    /// What may be booked without an order.
    pub crossings: Vec<ApprovedCrossing>,
    /// Every rule's answer about everything, passes included.
    pub verdicts: Vec<Verdict>,
}

impl Vetted {
    /// Every answer that is a refusal.
    pub fn breaches(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.passed)
    }

    /// Whether any rule refused anything.
    pub fn has_breaches(&self) -> bool {
        self.breaches().next().is_some()
    }
}

/// Asks every rule about every line, and about what the plan could not size.
///
/// The lines of an allocation belong together: half of a rebalancing is a position that nobody
/// asked for. So one breach refuses all of it, crossings included. The lines of a way out stand
/// each for itself: those without a breach are approved, so that exits are held up by nothing but
/// a switch that is off or an account that is not the right one.
pub fn vet(inputs: &PlanInputs, plan: &Plan, trading_switch: TradingSwitch) -> Vetted {
    let proposals: Vec<Proposal<'_>> =
        plan.lines.iter().map(|line| Proposal::new(inputs, line)).collect();
    let context = Context {
        inputs,
        switch: trading_switch,
        increasing: proposals.iter().filter(|proposal| !proposal.reduces()).count(),
        gross_after: gross_after(inputs, plan),
    };
    let mut vetted = Vetted { approved: Vec::new(), crossings: Vec::new(), verdicts: Vec::new() };
    for target in &plan.unsized_targets {
        vetted.verdicts.push(unsized_verdict(target));
    }
    for proposal in &proposals {
        let verdicts = line_verdicts(proposal, &context);
        if verdicts.iter().all(|verdict| verdict.passed) {
            vetted.approved.push(Approved {
                line: proposal.line.clone(),
                account: inputs.account_values.account.clone(),
                effect: proposal.effect,
            });
        }
        vetted.verdicts.extend(verdicts);
    }
    for crossing in &plan.crossings {
        let verdicts = crossing_verdicts(crossing, &context);
        if verdicts.iter().all(|verdict| verdict.passed) {
            vetted.crossings.push(ApprovedCrossing(crossing.clone()));
        }
        vetted.verdicts.extend(verdicts);
    }
    if plan.kind == PlanKind::Allocation && vetted.has_breaches() {
        vetted.approved.clear();
        vetted.crossings.clear();
    }
    vetted
}

fn line_verdicts(proposal: &Proposal<'_>, context: &Context<'_>) -> Vec<Verdict> {
    let line = proposal.line;
    let subject = Subject::Line {
        order_ref: line.order_ref.clone(),
        contract: line.instrument.id,
        what: line.to_string(),
    };
    RULES
        .iter()
        .map(|(rule, ask)| verdict(*rule, subject.clone(), ask(proposal, context)))
        .collect()
}

/// The account's positions don't move, so only the rules that ask whether anything may happen at
/// all have a say.
fn crossing_verdicts(crossing: &Crossing, context: &Context<'_>) -> Vec<Verdict> {
    let subject = Subject::Crossing {
        order_ref: crossing.order_ref.clone(),
        contract: crossing.instrument.id,
    };
    vec![
        verdict(Rule::Switch, subject.clone(), switch::permits(context, Effect::Reduces)),
        verdict(Rule::Account, subject, account::agrees(context)),
    ]
}

fn unsized_verdict(target: &Unsized) -> Verdict {
    let rule = match &target.problem {
        SizingProblem::Quote(_) => Rule::Quote,
        SizingProblem::Contract { .. }
        | SizingProblem::ExchangeRate { .. }
        | SizingProblem::NetLiquidation { .. }
        | SizingProblem::Overflow => Rule::Sizing,
    };
    let subject = Subject::Target { contract: target.contract, strategy: target.strategy.clone() };
    let limit = "all that sizing needs, fresh".to_owned();
    Verdict { rule, subject, value: target.problem.to_string(), limit, passed: false }
}

fn verdict(rule: Rule, subject: Subject, finding: Finding) -> Verdict {
    let Finding { value, limit, passed } = finding;
    Verdict { rule, subject, value, limit, passed }
}

#[cfg(test)]
#[path = "vet_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "vet_properties.rs"]
mod properties;
