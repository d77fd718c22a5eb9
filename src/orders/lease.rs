//! One run at a time trades an account: a lease in the store, with a fencing number.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::OrderError;
use crate::clock::Clock;
use crate::domain::{RunKey, TradingMode};
use crate::store::{DocPath, Document, Store, StoreError, Version};

/// Hands the right to trade to one run at a time.
#[derive(Clone, Debug)]
pub struct TradingLease {
    store: Arc<dyn Store>,
    clock: Clock,
    path: DocPath,
    lasts: Duration,
}

/// The document `leases/trading-{mode}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct LeaseRecord {
    run_key: RunKey,
    fence: u64,
    expires_at: Timestamp,
}

/// The right to trade, until it expires or is released.
#[derive(Debug)]
pub struct Held {
    lease: TradingLease,
    record: LeaseRecord,
    version: Version,
    uninterrupted: bool,
}

impl TradingLease {
    /// The lease of one trading mode. `lasts` is longer than any handler may take.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        mode: TradingMode,
        lasts: Duration,
    ) -> Result<Self, OrderError> {
        let path = DocPath::new(format!("leases/trading-{mode}"))?;
        Ok(Self { store, clock, path, lasts })
    }

    /// Ends the lease that `run` holds, for a process that ends, after it has made sure that the
    /// run can send nothing any more.
    pub async fn abandon(&self, run: &RunKey) -> Result<(), OrderError> {
        let Some(found) = self.store.get(&self.path).await? else { return Ok(()) };
        let held: LeaseRecord = found.parse()?;
        if held.run_key != *run || held.expires_at <= self.clock.now() {
            return Ok(());
        }
        let record = LeaseRecord { expires_at: self.clock.now(), ..held };
        match self.store.update(&self.path, &found.version, &json!(record)).await {
            // Somebody else has just taken it.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the lease for `run`: if it is free, has run out, or was left behind by an earlier
    /// attempt of the same run (which the claim on the run has already fenced off).
    pub async fn acquire(&self, run: &RunKey) -> Result<Held, OrderError> {
        let now = self.clock.now();
        let found = self.store.get(&self.path).await?;
        let current = found.as_ref().map(Document::parse::<LeaseRecord>).transpose()?;
        if let Some(current) = &current
            && current.expires_at > now
            && current.run_key != *run
        {
            let (holder, until) = (current.run_key.clone(), current.expires_at);
            return Err(OrderError::Busy { holder, until });
        }
        let uninterrupted = current.as_ref().is_some_and(|current| current.run_key == *run);
        let record = LeaseRecord {
            run_key: run.clone(),
            fence: current.map_or(1, |current| current.fence.saturating_add(1)),
            expires_at: later(now, self.lasts),
        };
        let body = json!(record);
        let written = match &found {
            Some(found) => self.store.update(&self.path, &found.version, &body).await,
            None => self.store.create(&self.path, &body).await,
        };
        match written {
            Ok(version) => Ok(Held { lease: self.clone(), record, version, uninterrupted }),
            // Somebody was faster: it is theirs for as long as it may last.
            Err(StoreError::Conflict(_) | StoreError::Exists(_)) => {
                Err(OrderError::Busy { holder: run.clone(), until: record.expires_at })
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Held {
    /// Rises with every holder; written into each ledger entry.
    pub fn fence(&self) -> u64 {
        self.record.fence
    }

    /// Whether the holder before was an earlier attempt of the same run: nobody else has traded
    /// since.
    pub fn uninterrupted(&self) -> bool {
        self.uninterrupted
    }

    /// Asks the store whether the lease is still ours, and fails if not.
    pub async fn check(&self) -> Result<(), OrderError> {
        let found = self.lease.store.get(&self.lease.path).await?;
        let ours = found.is_some_and(|found| found.version == self.version);
        let now = self.lease.clock.now();
        if ours && self.record.expires_at > now { Ok(()) } else { Err(OrderError::LeaseLost) }
    }

    /// Gives the lease back. If another took it meanwhile, there is nothing to give.
    pub async fn release(self) -> Result<(), OrderError> {
        let record = LeaseRecord { expires_at: self.lease.clock.now(), ..self.record };
        match self.lease.store.update(&self.lease.path, &self.version, &json!(record)).await {
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// `at` plus `wait`; the end of time if that is beyond it.
fn later(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;

    const LASTS: Duration = Duration::from_secs(60);

    fn lease() -> (TradingLease, Clock) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let lease = TradingLease::new(store, clock.clone(), TradingMode::Paper, LASTS).unwrap();
        (lease, clock)
    }

    fn run(key: &str) -> RunKey {
        RunKey::new(key).unwrap()
    }

    #[tokio::test]
    async fn one_run_at_a_time_and_each_holder_has_a_higher_number() {
        let (lease, clock) = lease();
        let first = lease.acquire(&run("a")).await.unwrap();
        let busy = lease.acquire(&run("b")).await.unwrap_err();
        assert!(matches!(busy, OrderError::Busy { ref holder, .. } if *holder == run("a")));
        // It runs out, and the first holder is told at its next check.
        clock.set(later(clock.now(), LASTS));
        assert!(matches!(first.check().await, Err(OrderError::LeaseLost)));
        let second = lease.acquire(&run("b")).await.unwrap();
        assert!(second.fence() > first.fence());
        assert!(matches!(first.check().await, Err(OrderError::LeaseLost)));
        second.check().await.unwrap();
        // What it no longer holds it can't give away.
        first.release().await.unwrap();
        second.check().await.unwrap();
        second.release().await.unwrap();
        lease.acquire(&run("c")).await.unwrap();
    }

    #[tokio::test]
    async fn a_run_that_comes_back_knows_whether_somebody_traded_meanwhile() {
        let (lease, _clock) = lease();
        let first = lease.acquire(&run("a")).await.unwrap();
        // A later attempt of the same run need not wait for the lease that a crash left behind.
        let again = lease.acquire(&run("a")).await.unwrap();
        assert!(again.uninterrupted() && again.fence() > first.fence());
        again.release().await.unwrap();
        let other = lease.acquire(&run("b")).await.unwrap();
        assert!(!other.uninterrupted());
        other.release().await.unwrap();
        assert!(!lease.acquire(&run("a")).await.unwrap().uninterrupted());
    }
}
