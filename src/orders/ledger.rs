//! The write-ahead ledger: orders and their events in the store, under a fencing number.

use std::sync::Arc;

use futures::future::join_all;

use super::record::{OrderRecord, OrderSpec};
use super::{Entry, Event, OrderError, Progress, State};
use crate::clock::Clock;
use crate::domain::OrderRef;
use crate::store::{CollectionPath, DocPath, LIST_MAX, Query, Store, StoreError, Version};

/// How often a write is tried again when another writer came first. Only a person's command
/// writes beside the lease holder, so the second attempt succeeds.
const APPEND_ATTEMPTS_MAX: usize = 5;

/// The most events one order keeps: a large order in single-share fills, with room. Beyond it
/// the document would outgrow what the stores hold.
const EVENTS_MAX: usize = 2_500;

/// Reads and writes orders for one holder of the trading lease.
#[derive(Clone, Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    clock: Clock,
    fence: u64,
}

/// An order as it stands, and the version that our next write replaces.
#[derive(Clone, Debug)]
pub struct Tracked {
    record: OrderRecord,
    progress: Progress,
    version: Version,
}

impl Tracked {
    /// Reads an order's document.
    pub fn from_document(document: &crate::store::Document) -> Result<Self, OrderError> {
        let record: OrderRecord = document.parse()?;
        let progress = record.progress()?;
        Ok(Self { record, progress, version: document.version.clone() })
    }

    /// The frozen line.
    pub fn spec(&self) -> &OrderSpec {
        &self.record.spec
    }

    /// Its name.
    pub fn order_ref(&self) -> &OrderRef {
        self.record.spec.order_ref()
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.progress.state()
    }

    /// What its events add up to.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The whole document.
    pub fn record(&self) -> &OrderRecord {
        &self.record
    }
}

impl Ledger {
    /// A ledger for whoever holds the trading lease with number `fence`.
    pub fn new(store: Arc<dyn Store>, clock: Clock, fence: u64) -> Self {
        Self { store, clock, fence }
    }

    /// Writes a line down before anything is sent; finds it if it was written down before.
    pub async fn open(&self, spec: OrderSpec) -> Result<Tracked, OrderError> {
        let path = path_of(spec.order_ref())?;
        let record = OrderRecord::new(spec, self.clock.now(), self.fence);
        match self.store.create(&path, &to_json(&record, &path)?).await {
            Ok(version) => {
                let progress = record.progress()?;
                Ok(Tracked { record, progress, version })
            }
            Err(StoreError::Exists(_)) => {
                let found = self.load(record.spec.order_ref()).await?;
                match found {
                    Some(tracked) if tracked.record.spec == record.spec => Ok(tracked),
                    Some(_) | None => Err(OrderError::Differs(record.spec.order_ref().clone())),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One order, or `None` if no such line was ever written down.
    pub async fn load(&self, order_ref: &OrderRef) -> Result<Option<Tracked>, OrderError> {
        let document = self.store.get(&path_of(order_ref)?).await?;
        document.as_ref().map(Tracked::from_document).transpose()
    }

    /// All orders that still need somebody.
    pub async fn open_orders(&self) -> Result<Vec<Tracked>, OrderError> {
        self.list(Query::all(collection()?).with("open", true)).await
    }

    /// All orders of one run.
    pub async fn orders_of(&self, run: &crate::domain::RunKey) -> Result<Vec<Tracked>, OrderError> {
        self.list(Query::all(collection()?).with("run_key", run.as_str())).await
    }

    async fn list(&self, query: Query) -> Result<Vec<Tracked>, OrderError> {
        let documents = self.store.list(&query).await?;
        // A cut-off list would hide an order in doubt: better to stop.
        if documents.len() >= LIST_MAX {
            return Err(StoreError::Unavailable {
                action: format!("list all orders: {LIST_MAX} or more match"),
                source: "too many open orders for one page".into(),
            }
            .into());
        }
        documents.iter().map(Tracked::from_document).collect()
    }

    /// Appends what of `events` is news, durably. An order that a newer lease holder has written
    /// to is not ours any more.
    pub async fn append(&self, order: &mut Tracked, events: &[Event]) -> Result<(), OrderError> {
        for _ in 0..APPEND_ATTEMPTS_MAX {
            match self.append_unchanged(order, events).await {
                Err(OrderError::Contended(order_ref)) => {
                    let reloaded = self.load(&order_ref).await?;
                    *order = reloaded.ok_or(OrderError::Differs(order_ref))?;
                }
                ended => return ended,
            }
        }
        Err(OrderError::Contended(order.order_ref().clone()))
    }

    /// Appends to an order as it was read, and to no other: what was decided from it may not hold
    /// for what it has become.
    pub(super) async fn append_unchanged(
        &self,
        order: &mut Tracked,
        events: &[Event],
    ) -> Result<(), OrderError> {
        let Some(record) = self.with_events(order, events)? else { return Ok(()) };
        let before = order.state();
        self.replace(order, record).await?;
        if before != State::Parked && order.state() == State::Parked {
            alert(order);
        }
        Ok(())
    }

    /// Fences off older writers: from here on they fail at their next write to these orders.
    pub async fn take_over(&self, orders: &mut [Tracked]) -> Result<(), OrderError> {
        let mut writes = Vec::new();
        for order in orders.iter_mut().filter(|order| order.record.fence < self.fence) {
            writes.push(self.fence_off(order));
        }
        join_all(writes).await.into_iter().collect()
    }

    async fn fence_off(&self, order: &mut Tracked) -> Result<(), OrderError> {
        for _ in 0..APPEND_ATTEMPTS_MAX {
            let record = OrderRecord { fence: self.fence, ..order.record.clone() };
            match self.replace(order, record).await {
                Err(OrderError::Contended(order_ref)) => {
                    let reloaded = self.load(&order_ref).await?;
                    *order = reloaded.ok_or(OrderError::Differs(order_ref))?;
                }
                ended => return ended,
            }
        }
        Err(OrderError::Contended(order.order_ref().clone()))
    }

    /// Writes `record` over the version that was read.
    async fn replace(&self, order: &mut Tracked, record: OrderRecord) -> Result<(), OrderError> {
        if order.record.fence > self.fence {
            return Err(OrderError::Fenced {
                order_ref: order.order_ref().clone(),
                ours: self.fence,
                theirs: order.record.fence,
            });
        }
        let path = path_of(order.order_ref())?;
        match self.store.update(&path, &order.version, &to_json(&record, &path)?).await {
            Ok(version) => {
                let progress = record.progress()?;
                *order = Tracked { record, progress, version };
                Ok(())
            }
            Err(StoreError::Conflict(_)) => Err(OrderError::Contended(order.order_ref().clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// The record with `events` appended, or `None` if none of them is news.
    fn with_events(
        &self,
        order: &Tracked,
        events: &[Event],
    ) -> Result<Option<OrderRecord>, OrderError> {
        let mut record = order.record.clone();
        if record.fence > self.fence {
            return Err(OrderError::Fenced {
                order_ref: order.order_ref().clone(),
                ours: self.fence,
                theirs: record.fence,
            });
        }
        let mut progress = order.progress.clone();
        for event in events {
            if !is_news(&progress, &record, event) {
                continue;
            }
            progress = progress.next(event).map_err(|source| record.illegal(source))?;
            let entry = Entry { at: self.clock.now(), fence: self.fence, event: event.clone() };
            record.events.push(entry);
        }
        if record.events.len() == order.record.events.len() {
            return Ok(None);
        }
        if record.events.len() > EVENTS_MAX {
            let path = path_of(order.order_ref())?;
            let problem = format!("it has more than {EVENTS_MAX} events");
            return Err(StoreError::Unstorable { path, problem }.into());
        }
        record.fence = self.fence;
        progress.state().as_str().clone_into(&mut record.status);
        record.open = progress.is_open();
        Ok(Some(record))
    }
}

/// Calls a person, once the parking is on record.
fn alert(order: &Tracked) {
    tracing::error!(
        order_ref = %order.order_ref(),
        run_key = %order.spec().run_key,
        line = %order.spec().line,
        reason = order.progress().parked_because(),
        "order parked: a person must decide, its contract is locked until then"
    );
}

/// Reports repeat; the ledger keeps each fact once.
fn is_news(progress: &Progress, record: &OrderRecord, event: &Event) -> bool {
    match event {
        Event::Acknowledged { perm_id, status } => {
            let numbered = perm_id.0 == 0 || progress.perm_ids().contains(perm_id);
            let last = record.events.iter().rev().find_map(|entry| match &entry.event {
                Event::Acknowledged { status, .. } => Some(status),
                _ => None,
            });
            !(numbered && last == Some(status))
        }
        Event::Executed(fill) => !progress.knows(&fill.execution_id),
        Event::Commissioned(commission) => {
            progress.commission(&commission.execution_id) != Some(commission)
                && progress
                    .commission(&commission.execution_id)
                    .is_none_or(|known| known.amount != commission.amount)
        }
        Event::Noticed { code, text } => {
            !progress.notices().iter().any(|known| known.0 == *code && known.1 == *text)
        }
        Event::Ended { .. } => !progress.state().is_ended(),
        Event::Parked { .. } => progress.state() != State::Parked,
        Event::Attributed { filled } => progress.attributed() != *filled,
        Event::Sending { .. }
        | Event::NotSent { .. }
        | Event::Withdrawn { .. }
        | Event::CancelRequested { .. }
        | Event::Resolved { .. } => true,
    }
}

fn collection() -> Result<CollectionPath, OrderError> {
    Ok(CollectionPath::new("orders")?)
}

fn path_of(order_ref: &OrderRef) -> Result<DocPath, OrderError> {
    Ok(collection()?.doc(order_ref.as_str())?)
}

fn to_json(record: &OrderRecord, path: &DocPath) -> Result<serde_json::Value, OrderError> {
    serde_json::to_value(record).map_err(|source| {
        StoreError::Unstorable { path: path.clone(), problem: source.to_string() }.into()
    })
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
