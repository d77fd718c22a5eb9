//! `reconcile`: follow up open orders, book fills, compare holdings with the broker.

use serde::Deserialize;
use serde_json::json;

use super::inputs::working;
use super::trading::tell;
use super::{Context, IntentError};
use crate::domain::TradingMode;
use crate::orders::{Engine, State, Tracked};
use crate::portfolio::{LatestPortfolio, Reconciliation, reconcile};
use crate::runs::Outcome;
use crate::store::{DocPath, InvalidPath, StoreError};

/// Takes no parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {}

impl Reconcile {
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<Outcome, IntentError> {
        cx.prepare_if_any().await?;
        let engine = cx.engine().await?;
        let result = follow_up(cx, &engine).await;
        engine.release().await?;
        result
    }
}

async fn follow_up(cx: &mut Context<'_>, engine: &Engine) -> Result<Outcome, IntentError> {
    let open = engine.recover(cx.deadline()).await?;
    let account = cx.gateway().connected().await?.account;
    let positions = cx.gateway().positions().await.known()?;
    let holdings = engine.books().all().await?;
    let working = working(&open, &holdings);
    let portfolio = reconcile(&Reconciliation {
        at: cx.now(),
        account: &account,
        positions: &positions,
        holdings: &holdings,
        working: &working,
    });
    keep(cx, &portfolio).await?;
    let told: Vec<_> = open.iter().map(tell).collect();
    cx.note("portfolio", &portfolio);
    cx.note("orders", &told);
    for found in &portfolio.breaks {
        tracing::error!(contract = %found.instrument, "break, its contract is locked: {found}");
    }
    let in_doubt = open.iter().filter(|order| order.state() == State::InDoubt).count();
    let attention = attention(&open, &portfolio);
    let summary = format!(
        "{} contracts, {} open orders, {} breaks",
        portfolio.contracts.len(),
        open.len(),
        portfolio.breaks.len()
    );
    let outcome = match in_doubt {
        0 => Outcome::done(summary),
        _ => Outcome::failed(format!("{summary}; {in_doubt} orders are still in doubt")),
    };
    let details = json!({ "portfolio": portfolio, "orders": told });
    Ok(outcome.with_attention(attention).with_details(details))
}

fn attention(open: &[Tracked], portfolio: &LatestPortfolio) -> Vec<String> {
    let parked = open.iter().filter(|order| order.state() == State::Parked).map(|order| {
        let reason = order.progress().parked_because().unwrap_or("no reason on record");
        format!("order {} ({}) is parked: {reason}", order.order_ref(), order.spec().line)
    });
    let breaks = portfolio.breaks.iter().map(|found| format!("break: {found}"));
    parked.chain(breaks).collect()
}

/// Where the latest portfolio lives.
pub(super) fn portfolio_path(mode: TradingMode) -> Result<DocPath, InvalidPath> {
    DocPath::new(format!("positions/{mode}/portfolio/latest"))
}

async fn keep(cx: &Context<'_>, portfolio: &LatestPortfolio) -> Result<(), StoreError> {
    let path = portfolio_path(cx.services().mode)?;
    let body = serde_json::to_value(portfolio).map_err(|source| StoreError::Unstorable {
        path: path.clone(),
        problem: source.to_string(),
    })?;
    match cx.store().get(&path).await? {
        Some(found) => cx.store().update(&path, &found.version, &body).await?,
        None => cx.store().create(&path, &body).await?,
    };
    Ok(())
}
