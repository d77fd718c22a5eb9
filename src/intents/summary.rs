//! `summary`: what the account and the strategies hold, and what is going on.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, IntentError};
use crate::orders::Books;
use crate::runs::Outcome;

/// Takes no parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {}

impl Summary {
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<Outcome, IntentError> {
        let mut attention = Vec::new();
        if cx.prepare_if_any().await?.is_none() {
            attention.push("there is no valid trading configuration".to_owned());
        }
        let gateway = cx.gateway();
        let account = gateway.account_values().await?;
        let positions = gateway.positions().await.known()?;
        let working = gateway.open_orders().await.known()?;
        let fills = gateway.executions().await.known()?;
        let books = Books::new(cx.store().clone(), cx.services().mode).all().await?;
        let holdings: BTreeMap<_, _> =
            books.into_iter().map(|(strategy, holdings)| (strategy, holdings.positions)).collect();
        let summary = format!(
            "net liquidation {} {}, {} positions, {} working orders, {} fills today",
            account.net_liquidation,
            account.base_currency,
            positions.len(),
            working.len(),
            fills.len(),
        );
        let details: Value = json!({
            "account": account,
            "positions": positions,
            "working_orders": working,
            "fills": fills,
            "holdings": holdings,
        });
        cx.note("summary", &details);
        Ok(Outcome::done(summary).with_details(details).with_attention(attention))
    }
}
