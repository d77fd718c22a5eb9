//! Our own order ids: durable, rising, each for one line for ever.
//!
//! The gateway's next id rolls back after restarts and reissues ids of lost orders
//! (<https://github.com/QuantConnect/Lean.Brokerages.InteractiveBrokers/issues/242>), so it is a
//! lower bound for ours and nothing more.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::OrderError;
use crate::domain::{OrderId, TradingMode};
use crate::store::{DocPath, Store, StoreError};

/// The client library numbers its requests from here: order ids must stay below.
const ID_LIMIT: i32 = 1_500_000_000;

/// How often a reservation is tried again when another writer came first.
const RESERVE_ATTEMPTS_MAX: usize = 10;

/// Hands out order ids of one API client.
#[derive(Clone, Debug)]
pub struct OrderIds {
    store: Arc<dyn Store>,
    path: DocPath,
}

#[derive(Debug, Serialize, Deserialize)]
struct Counter {
    /// The smallest id never handed out.
    next: i32,
}

impl OrderIds {
    /// The ids of `client_id` in this mode: a paper gateway and a live one number apart.
    pub fn new(
        store: Arc<dyn Store>,
        mode: TradingMode,
        client_id: i32,
    ) -> Result<Self, OrderError> {
        let path = DocPath::new(format!("order_ids/{mode}-{client_id}"))?;
        Ok(Self { store, path })
    }

    /// Takes `count` ids in a row, all at least `floor`, and returns the first. They are ours
    /// whatever happens next: an id that is never sent is lost, not reused.
    pub async fn reserve(&self, count: usize, floor: OrderId) -> Result<OrderId, OrderError> {
        let count = i32::try_from(count).map_err(|_too_many| OrderError::IdsExhausted)?;
        for _ in 0..RESERVE_ATTEMPTS_MAX {
            let document = self.store.get(&self.path).await?;
            let next = match &document {
                Some(document) => document.parse::<Counter>()?.next,
                None => 1,
            };
            let first = next.max(floor.0).max(1);
            let after = first.checked_add(count).filter(|after| *after < ID_LIMIT);
            let after = after.ok_or(OrderError::IdsExhausted)?;
            let body = json!(Counter { next: after });
            let written = match document {
                Some(document) => self.store.update(&self.path, &document.version, &body).await,
                None => self.store.create(&self.path, &body).await,
            };
            match written {
                Ok(_) => return Ok(OrderId(first)),
                Err(StoreError::Conflict(_) | StoreError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let action = format!("reserve order ids in {}", self.path);
        Err(StoreError::Unavailable { action, source: "other writers kept coming first".into() }
            .into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures::future::join_all;

    use super::*;
    use crate::store::SqliteStore;

    fn ids() -> OrderIds {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        OrderIds::new(store, TradingMode::Paper, 10).unwrap()
    }

    #[tokio::test]
    async fn no_id_is_handed_out_twice() {
        let ids = ids();
        let reserve = || async { ids.reserve(3, OrderId(1)).await.unwrap().0 };
        let firsts = join_all((0..5).map(|_| reserve())).await;
        let all: BTreeSet<i32> = firsts.iter().flat_map(|first| *first..first + 3).collect();
        assert_eq!(all.len(), 15, "{firsts:?}");
    }

    #[tokio::test]
    async fn the_gateways_next_id_is_a_lower_bound_and_never_leads_back() {
        let ids = ids();
        assert_eq!(ids.reserve(2, OrderId(500)).await.unwrap(), OrderId(500));
        // The gateway lost its settings and starts again at 1.
        assert_eq!(ids.reserve(1, OrderId(1)).await.unwrap(), OrderId(502));
        assert_eq!(ids.reserve(1, OrderId(900)).await.unwrap(), OrderId(900));
        let last = ids.reserve(1, OrderId(ID_LIMIT)).await;
        assert!(matches!(last, Err(OrderError::IdsExhausted)));
    }
}
