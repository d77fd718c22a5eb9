//! Reading what is on record, page by page.

use std::path::Path;
use std::sync::Arc;

use super::app;
use super::exit::Misuse;
use crate::config::Settings;
use crate::domain::TradingMode;
use crate::orders::Tracked;
use crate::runs::RunRecord;
use crate::store::{CollectionPath, DocPath, Document, LIST_MAX, Query, Store, StoreError};

/// Pages read of one collection: years of runs and orders. Who has more looks with a tool of the
/// store's own.
const PAGES_MAX: usize = 200;

/// The trading mode that a command is about.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Whose {
    /// `paper` or `live` [default: the environment's TRADING_MODE]
    #[arg(long, value_name = "MODE")]
    mode: Option<TradingMode>,
}

impl Whose {
    /// The mode that is named, or that the environment names.
    pub fn named(self, settings: &Settings) -> Option<TradingMode> {
        self.mode.or(settings.trading_mode)
    }

    /// The same, required.
    pub fn mode(self, settings: &Settings) -> Result<TradingMode, Misuse> {
        self.named(settings).ok_or_else(|| {
            Misuse("say --mode paper or --mode live, or set TRADING_MODE".to_owned())
        })
    }
}

/// Opens a store to read it. A file that is not there is a wrong path, and creating it would hide
/// that.
pub(super) fn open_existing(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(path) = settings.store_url.strip_prefix("sqlite:")
        && path != ":memory:"
        && !path.is_empty()
        && !Path::new(path).exists()
    {
        let problem = format!(
            "STORE_URL: there are no records at {path:?}; `rungate dev` keeps its own at \
             sqlite:rungate-dev/rungate.db"
        );
        return Err(Misuse(problem).into());
    }
    app::open(settings)
}

/// Every document of a collection, by id.
pub(super) async fn all(
    store: &Arc<dyn Store>,
    collection: CollectionPath,
) -> Result<Vec<Document>, StoreError> {
    let mut query = Query::all(collection);
    let mut found = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = store.list(&query).await?;
        let full = page.len() >= LIST_MAX;
        query.after = page.last().map(|document| document.path.id().to_owned());
        found.extend(page);
        if !full {
            return Ok(found);
        }
    }
    let action = format!("list all of {}: more than {} documents", query.collection, found.len());
    Err(StoreError::Unavailable { action, source: "too many to show".into() })
}

/// The orders on record, the newest first.
pub(super) async fn orders(store: &Arc<dyn Store>) -> anyhow::Result<Vec<Tracked>> {
    let documents = all(store, CollectionPath::new("orders")?).await?;
    let mut orders = documents.iter().map(Tracked::from_document).collect::<Result<Vec<_>, _>>()?;
    orders.sort_by(|a, b| {
        let key = |order: &Tracked| (order.record().created_at, order.order_ref().clone());
        key(b).cmp(&key(a))
    });
    Ok(orders)
}

/// The runs on record, the newest first.
pub(super) async fn runs(store: &Arc<dyn Store>) -> anyhow::Result<Vec<RunRecord>> {
    let documents = all(store, CollectionPath::new("runs")?).await?;
    let mut runs =
        documents.iter().map(Document::parse::<RunRecord>).collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|a, b| (b.created_at, &b.run_key).cmp(&(a.created_at, &a.run_key)));
    Ok(runs)
}

/// One document, read as what it should be.
pub(super) async fn document<T: serde::de::DeserializeOwned>(
    store: &Arc<dyn Store>,
    path: &str,
) -> anyhow::Result<Option<T>> {
    let found = store.get(&DocPath::new(path)?).await?;
    Ok(found.as_ref().map(Document::parse).transpose()?)
}
