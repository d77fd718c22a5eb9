//! The way out: flatten what strategies hold, whatever their books say.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::inputs::PlanInputs;
use super::netting::{self, Change};
use super::plan::{Plan, PlanKind};
use crate::domain::{ContractId, StrategyId};

/// What to close; absent means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseFilter {
    /// Only what these strategies hold.
    #[serde(default)]
    pub strategies: Option<BTreeSet<StrategyId>>,
    /// Only these contracts.
    #[serde(default)]
    pub contracts: Option<BTreeSet<ContractId>>,
}

impl CloseFilter {
    fn takes(&self, strategy: &StrategyId, contract: ContractId) -> bool {
        self.strategies.as_ref().is_none_or(|some| some.contains(strategy))
            && self.contracts.as_ref().is_none_or(|some| some.contains(&contract))
    }
}

/// Works out the plan that takes strategies to zero. Books, exposure and `only` play no part; what
/// nobody claims stays. Locked contracts stay and are named, and so is what an own order that
/// still works makes unsafe: cancel own orders first.
pub fn close_plan(inputs: &PlanInputs, filter: &CloseFilter) -> Plan {
    let mut plan = Plan::empty(PlanKind::Close);
    for (contract, strategies) in stakes(inputs, filter) {
        if let Some(described) = netting::describe(inputs, contract, &strategies, &mut plan) {
            let changes = strategies
                .into_iter()
                .map(|strategy| Change { strategy, wanted: Decimal::ZERO })
                .collect();
            netting::settle(inputs, described, changes, &mut plan);
        }
    }
    plan.sorted()
}

fn stakes(inputs: &PlanInputs, filter: &CloseFilter) -> BTreeMap<ContractId, BTreeSet<StrategyId>> {
    let working = inputs.working.values().flat_map(|shares| shares.keys());
    let strategies: BTreeSet<&StrategyId> = inputs.holdings.keys().chain(working).collect();
    let mut stakes: BTreeMap<ContractId, BTreeSet<StrategyId>> = BTreeMap::new();
    for strategy in strategies {
        for contract in netting::stakes(inputs, strategy) {
            if filter.takes(strategy, contract) {
                stakes.entry(contract).or_default().insert(strategy.clone());
            }
        }
    }
    stakes
}

#[cfg(test)]
#[path = "close_tests.rs"]
mod tests;
