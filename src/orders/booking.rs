//! Whose the fills are: from the ledger into the holdings of strategies, each once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
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
    /// Three rounds, each durable before the next, and each one wait for the store however many
    /// orders there are: first the holdings, by cumulative shares, so that a crash behind them
    /// books nothing twice; then the ledgers; and only then do the holdings forget the orders
    /// that can bring no more.
    ///
    /// An order that cannot be shared out keeps no other from being booked; its error is returned
    /// at the end.
    pub async fn book(&self, ledger: &Ledger, orders: &mut [Tracked]) -> Result<(), OrderError> {
        let (bookings, unshared) = bookings(orders);
        for (strategy, shares) in &bookings.shares {
            self.book_shares(strategy, shares).await?;
        }
        let marks = orders.iter_mut().filter_map(|order| {
            let filled = *bookings.filled.get(order.order_ref())?;
            Some(async move { ledger.append(order, &[Event::Attributed { filled }]).await })
        });
        join_all(marks).await.into_iter().collect::<Result<(), _>>()?;
        for (strategy, over) in settled(orders) {
            self.settle(&strategy, &over).await?;
        }
        unshared
    }

    /// Moves holdings between strategies that want opposite things. There is no order to say
    /// later that this was done, so its marks stay: booking it again moves nothing.
    pub async fn cross(&self, crossing: &Crossing) -> Result<(), OrderError> {
        for (strategy, quantity) in &crossing.contributions {
            let share = Share {
                order_ref: crossing.order_ref.clone(),
                instrument: crossing.instrument.clone(),
                quantity: *quantity,
            };
            self.book_shares(strategy, &[share]).await?;
        }
        Ok(())
    }

    async fn book_shares(&self, strategy: &StrategyId, shares: &[Share]) -> Result<(), OrderError> {
        self.change(strategy, |holdings| {
            let mut any = false;
            for Share { order_ref, instrument, quantity } in shares {
                any |= !holdings.book(order_ref, instrument, *quantity)?.is_zero();
            }
            Ok(any)
        })
        .await
    }

    async fn settle(&self, strategy: &StrategyId, orders: &[OrderRef]) -> Result<(), OrderError> {
        self.change(strategy, |holdings| {
            let mut any = false;
            for order_ref in orders {
                any |= holdings.settle(order_ref);
            }
            Ok(any)
        })
        .await
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

/// One strategy's cumulative share of one order.
#[derive(Debug)]
struct Share {
    order_ref: OrderRef,
    instrument: Instrument,
    quantity: Decimal,
}

/// What there is to book.
#[derive(Debug, Default)]
struct Bookings {
    /// By strategy, its shares of all orders.
    shares: BTreeMap<StrategyId, Vec<Share>>,
    /// By order, what it has filled, signed.
    filled: BTreeMap<OrderRef, Decimal>,
}

/// What orders have filled beyond what their ledgers say is booked, and the first error.
fn bookings(orders: &[Tracked]) -> (Bookings, Result<(), OrderError>) {
    let mut bookings = Bookings::default();
    let mut unshared = Ok(());
    for order in orders {
        let (line, filled) = (&order.spec().line, order.progress().attributable());
        if filled == order.progress().attributed().abs() {
            continue;
        }
        match line.shares(filled) {
            Ok(shares) => {
                for (strategy, quantity) in shares {
                    let (order_ref, instrument) = (line.order_ref.clone(), line.instrument.clone());
                    let share = Share { order_ref, instrument, quantity };
                    bookings.shares.entry(strategy).or_default().push(share);
                }
                bookings.filled.insert(line.order_ref.clone(), line.side.signed(filled));
            }
            Err(error) => unshared = unshared.and(Err(error.into())),
        }
    }
    (bookings, unshared)
}

/// By strategy, the orders that can bring no more.
fn settled(orders: &[Tracked]) -> BTreeMap<StrategyId, Vec<OrderRef>> {
    let mut over: BTreeMap<StrategyId, Vec<OrderRef>> = BTreeMap::new();
    for order in orders.iter().filter(|order| !order.progress().is_open()) {
        for strategy in order.spec().line.contributions.keys() {
            over.entry(strategy.clone()).or_default().push(order.order_ref().clone());
        }
    }
    over
}
