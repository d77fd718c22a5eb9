//! `allocation`: from what strategies hold to what their fresh target books say.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::inputs::{Scope, gather};
use super::trading::{Frozen, act, dry_outcome, freeze, resume};
use super::{Context, IntentError};
use crate::config::TradingConfig;
use crate::domain::StrategyId;
use crate::orders::{Engine, Ledger};
use crate::portfolio::plan;
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
        let config = cx.prepare().await?;
        if self.dry_run {
            return self.rehearse(cx, config).await;
        }
        let engine = cx.engine().await?;
        let result = self.trade(cx, &engine, config).await;
        engine.release().await?;
        result
    }

    async fn trade(
        self,
        cx: &mut Context<'_>,
        engine: &Engine,
        config: TradingConfig,
    ) -> Result<Outcome, IntentError> {
        if let Some(frozen) = cx.run().plan::<Frozen>()? {
            return resume(cx, engine, frozen).await;
        }
        let open = engine.recover(cx.deadline()).await?;
        let scope = Scope { only: self.strategies, ..Scope::default() };
        let gathered = gather(cx, config, &open, scope).await?;
        let frozen = freeze(cx, &gathered, &plan(&gathered.inputs))?;
        act(cx, engine, frozen).await
    }

    /// Reads the open orders as they are on record, without taking charge of them.
    async fn rehearse(
        self,
        cx: &mut Context<'_>,
        config: TradingConfig,
    ) -> Result<Outcome, IntentError> {
        let services = cx.services();
        let ledger = Ledger::new(services.store.clone(), services.clock.clone(), 0);
        let open = ledger.open_orders().await?;
        let scope = Scope { only: self.strategies, ..Scope::default() };
        let gathered = gather(cx, config, &open, scope).await?;
        let plan = plan(&gathered.inputs);
        cx.note("plan", &plan);
        Ok(dry_outcome(&gathered, &plan))
    }
}
