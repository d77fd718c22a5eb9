//! `close-all`: cancel own working orders, confirm it, flatten what strategies hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::inputs::{Scope, gather, is_working};
use super::trading::{Frozen, act, dry_outcome, freeze, resume};
use super::{Context, IntentError};
use crate::config::TradingConfig;
use crate::domain::{ContractId, StrategyId};
use crate::orders::{Engine, Ledger, Tracked};
use crate::portfolio::{CloseFilter, close_plan};
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
        let config = cx.prepare().await?;
        if self.dry_run {
            return self.rehearse(cx, config).await;
        }
        let engine = cx.engine().await?;
        let result = self.close(cx, &engine, config).await;
        engine.release().await?;
        result
    }

    async fn close(
        self,
        cx: &mut Context<'_>,
        engine: &Engine,
        config: TradingConfig,
    ) -> Result<Outcome, IntentError> {
        if let Some(frozen) = cx.run().plan::<Frozen>()? {
            return resume(cx, engine, frozen).await;
        }
        let open = engine.recover(cx.deadline()).await?;
        let (to_cancel, mut open): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|order| is_working(order) && self.covers(order));
        let deadline = cx.deadline().min(Instant::now() + CANCEL_WAIT);
        let cancelled = engine.cancel(to_cancel, "close-all", deadline).await?;
        let unconfirmed: BTreeMap<ContractId, String> = cancelled
            .iter()
            .filter(|order| !order.state().is_ended())
            .map(|order| {
                let reason = format!("the cancel of order {} is not confirmed", order.order_ref());
                (order.spec().line.instrument.id, reason)
            })
            .collect();
        open.extend(cancelled.into_iter().filter(|order| order.progress().is_open()));
        let scope = Scope { locked: unconfirmed, ..Scope::default() };
        let gathered = gather(cx, config, &open, scope).await?;
        let plan = close_plan(&gathered.inputs, &self.filter());
        let frozen = freeze(cx, &gathered, &plan)?;
        act(cx, engine, frozen).await
    }

    async fn rehearse(
        self,
        cx: &mut Context<'_>,
        config: TradingConfig,
    ) -> Result<Outcome, IntentError> {
        let services = cx.services();
        let ledger = Ledger::new(services.store.clone(), services.clock.clone(), 0);
        let mut open = ledger.open_orders().await?;
        // As if their cancels had been confirmed.
        open.retain(|order| !(is_working(order) && self.covers(order)));
        let gathered = gather(cx, config, &open, Scope::default()).await?;
        let plan = close_plan(&gathered.inputs, &self.filter());
        cx.note("plan", &plan);
        Ok(dry_outcome(&gathered, &plan))
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

    fn filter(&self) -> CloseFilter {
        CloseFilter { strategies: self.strategies.clone(), contracts: self.contracts.clone() }
    }
}
