//! Whose the fills are: from the ledger into the holdings of strategies, each once.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Event, Ledger, OrderError, Tracked};
use crate::domain::{Instrument, OrderRef, StrategyId, TradingMode};
use crate::portfolio::{Crossing, Holdings};
use crate::store::{CollectionPath, DocPath, Query, Store, StoreError, Version};

/// How often a booking is tried again when another writer came first. The trading lease keeps
/// writers apart, so once is usual.
const BOOK_ATTEMPTS_MAX: usize = 5;

/// Keeps the holdings of one trading mode: `positions/{mode}/holdings/{strategy}`.
#[derive(Clone, Debug)]
pub struct Books {
    store: Arc<dyn Store>,
    mode: TradingMode,
}

impl Books {
    /// The books of one mode.
    pub fn new(store: Arc<dyn Store>, mode: TradingMode) -> Self {
        Self { store, mode }
    }

    /// What every strategy claims.
    pub async fn all(&self) -> Result<BTreeMap<StrategyId, Holdings>, OrderError> {
        let collection = CollectionPath::new(format!("positions/{}/holdings", self.mode))?;
        let documents = self.store.list(&Query::all(collection)).await?;
        let holdings = documents.iter().map(|document| document.parse::<Holdings>());
        Ok(holdings
            .map(|holdings| holdings.map(|holdings| (holdings.strategy.clone(), holdings)))
            .collect::<Result<_, StoreError>>()?)
    }

    /// Books what orders have filled beyond what is booked, and records that in their ledgers.
    ///
    /// A booking takes an order's cumulative share, so that a crash between the two writes books
    /// nothing twice. An order that can bring no more is forgotten by the holdings only after
    /// its ledger says that it is attributed.
    pub async fn book(&self, ledger: &Ledger, orders: &mut [Tracked]) -> Result<(), OrderError> {
        for order in orders {
            let filled = order.progress().filled();
            let line = order.spec().line.clone();
            if filled != order.progress().attributed().abs() {
                for (strategy, share) in line.shares(filled)? {
                    self.book_share(&strategy, &line.order_ref, &line.instrument, share).await?;
                }
                let filled = line.side.signed(filled);
                ledger.append(order, &[Event::Attributed { filled }]).await?;
            }
            if !order.progress().is_open() {
                for strategy in line.contributions.keys() {
                    self.settle(strategy, &line.order_ref).await?;
                }
            }
        }
        Ok(())
    }

    /// Moves holdings between strategies that want opposite things. There is no order to say
    /// later that this was done, so its marks stay: booking it again moves nothing.
    pub async fn cross(&self, crossing: &Crossing) -> Result<(), OrderError> {
        for (strategy, share) in &crossing.contributions {
            self.book_share(strategy, &crossing.order_ref, &crossing.instrument, *share).await?;
        }
        Ok(())
    }

    async fn book_share(
        &self,
        strategy: &StrategyId,
        order_ref: &OrderRef,
        instrument: &Instrument,
        share: Decimal,
    ) -> Result<(), OrderError> {
        self.change(strategy, |holdings| {
            let moved = holdings.book(order_ref, instrument, share)?;
            Ok(!moved.is_zero())
        })
        .await
    }

    async fn settle(&self, strategy: &StrategyId, order_ref: &OrderRef) -> Result<(), OrderError> {
        self.change(strategy, |holdings| Ok(holdings.settle(order_ref))).await
    }

    /// Applies `change`, which says whether there is anything to write.
    async fn change(
        &self,
        strategy: &StrategyId,
        change: impl Fn(&mut Holdings) -> Result<bool, OrderError>,
    ) -> Result<(), OrderError> {
        let path = DocPath::new(format!("positions/{}/holdings/{strategy}", self.mode))?;
        for _ in 0..BOOK_ATTEMPTS_MAX {
            let found = self.store.get(&path).await?;
            let (mut holdings, version): (Holdings, Option<Version>) = match found {
                Some(document) => (document.parse()?, Some(document.version)),
                None => (Holdings::new(strategy.clone()), None),
            };
            if !change(&mut holdings)? {
                return Ok(());
            }
            let body = serde_json::to_value(&holdings).map_err(|source| {
                StoreError::Unstorable { path: path.clone(), problem: source.to_string() }
            })?;
            let written = match &version {
                Some(version) => self.store.update(&path, version, &body).await,
                None => self.store.create(&path, &body).await,
            };
            match written {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(_) | StoreError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let action = format!("book into {path}");
        Err(StoreError::Unavailable { action, source: "other writers kept coming first".into() }
            .into())
    }
}
