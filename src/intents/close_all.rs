//! `close-all`: cancel own working orders, confirm it, flatten what strategies hold.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::inputs::Scope;
use super::trading::{Ground, Purpose, rehearse, trade, unknown_strategies};
use super::{Context, IntentError};
use crate::domain::{ContractId, StrategyId};
use crate::orders::{Engine, State, Tracked};
use crate::portfolio::{CloseFilter, Plan, PlanInputs, close_plan};
use crate::runs::Outcome;

/// How long to wait for cancels to be confirmed. IB confirms in a second or two; some it never
/// confirms (<https://github.com/erdewit/ib_insync/issues/623>), and then the contract is left
/// alone.
const CANCEL_WAIT: Duration = Duration::from_secs(60);

/// What to close; all that strategies hold if nothing is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseAll {
    /// Plan and vet; cancel and send nothing.
    #[serde(default)]
    dry_run: bool,
    /// Only what these strategies hold.
    #[serde(default)]
    strategies: Option<BTreeSet<StrategyId>>,
    /// Only these contracts, by IB's number.
    #[serde(default)]
    contracts: Option<BTreeSet<ContractId>>,
}

impl CloseAll {
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<Outcome, IntentError> {
        match self.dry_run {
            true => rehearse(cx, &self).await,
            false => trade(cx, &self).await,
        }
    }

    /// Own working orders that are to be cancelled, and the rest.
    fn split(&self, open: Vec<Tracked>) -> (Vec<Tracked>, Vec<Tracked>) {
        open.into_iter().partition(|order| order.state() == State::Working && self.covers(order))
    }

    fn covers(&self, order: &Tracked) -> bool {
        let line = &order.spec().line;
        let contract =
            self.contracts.as_ref().is_none_or(|some| some.contains(&line.instrument.id));
        let strategy = self
            .strategies
            .as_ref()
            .is_none_or(|some| line.contributions.keys().any(|one| some.contains(one)));
        contract && strategy
    }
}

impl Purpose for CloseAll {
    /// Positions mean nothing while orders work on them: those are cancelled first, and a contract
    /// whose cancel is not confirmed is left alone.
    async fn prepare_ground(
        &self,
        cx: &mut Context<'_>,
        engine: &Engine,
        open: Vec<Tracked>,
    ) -> Result<Ground, IntentError> {
        let (to_cancel, mut open) = self.split(open);
        let deadline = cx.deadline().min(Instant::now() + CANCEL_WAIT);
        let cancelled = engine.cancel(to_cancel, "close-all", deadline).await?;
        let mut scope = Scope::default();
        for order in cancelled.iter().filter(|order| !order.state().is_ended()) {
            let reason = format!("the cancel of order {} is not confirmed", order.order_ref());
            scope.locked.insert(order.spec().line.instrument.id, reason);
        }
        open.extend(cancelled.into_iter().filter(|order| order.progress().is_open()));
        Ok(Ground { open, scope })
    }

    /// As if the cancels had been confirmed.
    fn imagine_ground(&self, open: Vec<Tracked>) -> Ground {
        Ground { open: self.split(open).1, scope: Scope::default() }
    }

    fn unknown(&self, inputs: &PlanInputs) -> Vec<String> {
        let mut unknown = unknown_strategies(self.strategies.as_ref(), inputs);
        let Some(contracts) = &self.contracts else { return unknown };
        if contracts.is_empty() {
            unknown.push("contracts is empty: leave it out to mean all".to_owned());
        }
        let held = |id| inputs.holdings.values().any(|held| held.contains_key(id));
        unknown.extend(
            contracts
                .iter()
                .filter(|id| !held(*id) && !inputs.working.contains_key(*id))
                .map(|id| format!("no strategy holds contract {id}")),
        );
        unknown
    }

    fn plan(&self, inputs: &PlanInputs) -> Plan {
        let filter =
            CloseFilter { strategies: self.strategies.clone(), contracts: self.contracts.clone() };
        close_plan(inputs, &filter)
    }
}
