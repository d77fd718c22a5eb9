//! `allocation`: from what strategies hold to what their fresh target books say.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::inputs::Scope;
use super::trading::{Ground, Purpose, rehearse, trade, unknown_strategies};
use super::{Context, IntentError};
use crate::domain::StrategyId;
use crate::orders::{Engine, Tracked};
use crate::portfolio::{Plan, PlanInputs, plan};
use crate::runs::Outcome;

/// What to allocate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocation {
    /// Plan and vet, and send nothing.
    #[serde(default)]
    dry_run: bool,
    /// Follow only these strategies' books.
    #[serde(default)]
    strategies: Option<BTreeSet<StrategyId>>,
}

impl Allocation {
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<Outcome, IntentError> {
        match self.dry_run {
            true => rehearse(cx, &self).await,
            false => trade(cx, &self).await,
        }
    }
}

impl Purpose for Allocation {
    async fn prepare_ground(
        &self,
        _cx: &mut Context<'_>,
        _engine: &Engine,
        open: Vec<Tracked>,
    ) -> Result<Ground, IntentError> {
        Ok(self.imagine_ground(open))
    }

    fn imagine_ground(&self, open: Vec<Tracked>) -> Ground {
        Ground { open, scope: Scope { only: self.strategies.clone(), ..Scope::default() } }
    }

    fn unknown(&self, inputs: &PlanInputs) -> Vec<String> {
        unknown_strategies(self.strategies.as_ref(), inputs)
    }

    fn plan(&self, inputs: &PlanInputs) -> Plan {
        plan(inputs)
    }
}
