//! Runs: one execution of one intent, claimed by one delivery at a time, remembered for ever.
//!
//! A run is claimed by creating `runs/{run key}` with a lease and a fencing number. Every write
//! names the version it replaces, so that whoever lost the lease can't write any more. A plan is
//! part of the record and is continued after a crash, never recomputed.

mod outcome;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::domain::RunKey;
use crate::store::{DocPath, Store, StoreError, Version};

pub use outcome::{Outcome, Status};

/// How often a claim is tried again when another delivery came first: each time the record says
/// who it was, so twice is usual.
const CLAIM_ATTEMPTS_MAX: usize = 4;

/// The longest that a busy sender is told to wait: the holder may finish long before its lease.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Message ids kept of the deliveries that asked for one run.
const MESSAGE_IDS_MAX: usize = 20;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Somebody works on it, or died doing so.
    Running,
    /// The last attempt failed; the next delivery continues.
    Failed,
    /// Over for good.
    Ended,
}

/// Who works on a run, until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The instance, for a reader of the record.
    pub owner: String,
    /// Rises with every claim.
    pub fence: u64,
    /// From then on another delivery may take over.
    pub expires_at: Timestamp,
}

/// The document `runs/{run key}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its name.
    pub run_key: RunKey,
    /// What was asked for.
    pub intent: String,
    /// With which parameters.
    pub parameters: Map<String, Value>,
    /// Where it stands.
    pub state: RunState,
    /// Who works on it.
    pub lease: Lease,
    /// The messages that asked for it, the latest last.
    pub message_ids: Vec<String>,
    /// How many deliveries worked on it.
    pub attempts: u32,
    /// When it was first claimed.
    pub created_at: Timestamp,
    /// When the last attempt ended.
    pub ended_at: Option<Timestamp>,
    /// What it decided, written before it acted.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub plan: Value,
    /// When the plan was written.
    pub planned_at: Option<Timestamp>,
    /// How the last attempt ended.
    pub outcome: Option<Outcome>,
    /// The activity record of the last attempt.
    pub activity: Option<String>,
}

/// What a delivery asks for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// What makes it the same work as another.
    pub run_key: &'a RunKey,
    /// The intent's name.
    pub intent: &'a str,
    /// Its parameters in canonical form.
    pub parameters: &'a Map<String, Value>,
    /// The message that asks.
    pub message_id: &'a str,
}

/// What a claim gave.
#[derive(Debug)]
pub enum Claim {
    /// The run is ours: new, or to be continued where its record says.
    Ours(Box<Run>),
    /// It is over: answer as before.
    Ended(Outcome),
    /// Another delivery works on it.
    Busy {
        /// When to ask again at the earliest.
        retry_after: Duration,
    },
    /// The key belongs to a run of something else.
    Differs,
}

/// Claims runs for one instance.
#[derive(Clone, Debug)]
pub struct Runs {
    store: Arc<dyn Store>,
    clock: Clock,
    owner: String,
    lease: Duration,
}

/// A run that we hold.
#[derive(Debug)]
pub struct Run {
    store: Arc<dyn Store>,
    clock: Clock,
    path: DocPath,
    record: RunRecord,
    version: Version,
}

impl Runs {
    /// Claims in the name of `owner`, each claim for `lease`: longer than any request may live.
    pub fn new(store: Arc<dyn Store>, clock: Clock, owner: String, lease: Duration) -> Self {
        Self { store, clock, owner, lease }
    }

    /// Claims the run, or says why not.
    pub async fn claim(&self, ask: &Ask<'_>) -> Result<Claim, StoreError> {
        let path = path_of(ask.run_key)?;
        for _ in 0..CLAIM_ATTEMPTS_MAX {
            let Some(found) = self.store.get(&path).await? else {
                let record = self.first(ask);
                match self.store.create(&path, &to_json(&record, &path)?).await {
                    Ok(version) => return Ok(self.run(path, record, version)),
                    Err(StoreError::Exists(_)) => continue,
                    Err(error) => return Err(error),
                }
            };
            let record: RunRecord = found.parse()?;
            if let Some(answer) = self.settled(&record, ask) {
                return Ok(answer);
            }
            let record = self.continued(record, ask);
            match self.store.update(&path, &found.version, &to_json(&record, &path)?).await {
                Ok(version) => return Ok(self.run(path, record, version)),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Claim::Busy { retry_after: Duration::from_secs(1) })
    }

    /// Gives up a run that this instance holds and will not work on any more, so that the next
    /// delivery need not wait for the lease to run out. For a process that ends, after it has made
    /// sure that nothing of the run can act any more.
    pub async fn abandon(&self, key: &RunKey) -> Result<(), StoreError> {
        let path = path_of(key)?;
        let Some(found) = self.store.get(&path).await? else { return Ok(()) };
        let mut record: RunRecord = found.parse()?;
        if record.state != RunState::Running || record.lease.owner != self.owner {
            return Ok(());
        }
        record.lease.expires_at = self.clock.now();
        match self.store.update(&path, &found.version, &to_json(&record, &path)?).await {
            // It has just ended by itself.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The answer that the record gives by itself, if it does.
    fn settled(&self, record: &RunRecord, ask: &Ask<'_>) -> Option<Claim> {
        if record.intent != ask.intent || record.parameters != *ask.parameters {
            return Some(Claim::Differs);
        }
        if let (RunState::Ended, Some(outcome)) = (record.state, &record.outcome) {
            return Some(Claim::Ended(outcome.clone()));
        }
        let now = self.clock.now();
        (record.lease.expires_at > now).then(|| {
            let left = record.lease.expires_at.duration_since(now);
            let left = Duration::try_from(left).unwrap_or(RETRY_AFTER_MAX);
            Claim::Busy { retry_after: left.clamp(Duration::from_secs(1), RETRY_AFTER_MAX) }
        })
    }

    fn first(&self, ask: &Ask<'_>) -> RunRecord {
        RunRecord {
            run_key: ask.run_key.clone(),
            intent: ask.intent.to_owned(),
            parameters: ask.parameters.clone(),
            state: RunState::Running,
            lease: self.lease(1),
            message_ids: vec![ask.message_id.to_owned()],
            attempts: 1,
            created_at: self.clock.now(),
            ended_at: None,
            plan: Value::Null,
            planned_at: None,
            outcome: None,
            activity: None,
        }
    }

    fn continued(&self, mut record: RunRecord, ask: &Ask<'_>) -> RunRecord {
        if !record.message_ids.iter().any(|id| id == ask.message_id) {
            record.message_ids.push(ask.message_id.to_owned());
            let surplus = record.message_ids.len().saturating_sub(MESSAGE_IDS_MAX);
            record.message_ids.drain(..surplus);
        }
        record.state = RunState::Running;
        record.lease = self.lease(record.lease.fence.saturating_add(1));
        record.attempts = record.attempts.saturating_add(1);
        record
    }

    fn lease(&self, fence: u64) -> Lease {
        let expires_at = self.clock.now().checked_add(self.lease).unwrap_or(Timestamp::MAX);
        Lease { owner: self.owner.clone(), fence, expires_at }
    }

    fn run(&self, path: DocPath, record: RunRecord, version: Version) -> Claim {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Claim::Ours(Box::new(Run { store, clock, path, record, version }))
    }
}

impl Run {
    /// Its name.
    pub fn key(&self) -> &RunKey {
        &self.record.run_key
    }

    /// The record as it stands.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// What an earlier attempt decided, if it came that far.
    pub fn plan<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        if self.record.plan.is_null() {
            return Ok(None);
        }
        T::deserialize(&self.record.plan)
            .map(Some)
            .map_err(|source| StoreError::Unreadable { path: self.path.clone(), source })
    }

    /// Writes down what was decided, durably, before anything is done about it. A plan is written
    /// once.
    pub async fn keep_plan(&mut self, plan: &impl Serialize) -> Result<(), StoreError> {
        if !self.record.plan.is_null() {
            let problem = "it has a plan already".to_owned();
            return Err(StoreError::Unstorable { path: self.path.clone(), problem });
        }
        let mut record = self.record.clone();
        record.plan = serde_json::to_value(plan).map_err(|source| StoreError::Unstorable {
            path: self.path.clone(),
            problem: source.to_string(),
        })?;
        record.planned_at = Some(self.clock.now());
        self.write(record).await
    }

    /// Ends the attempt. A failed one leaves the run to the next delivery; any other end is for
    /// good.
    pub async fn end(mut self, outcome: Outcome, activity: String) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut record = self.record.clone();
        record.state = match outcome.status {
            Status::Failed => RunState::Failed,
            Status::Done | Status::Refused | Status::Rejected => RunState::Ended,
        };
        record.lease.expires_at = now;
        record.ended_at = Some(now);
        record.outcome = Some(outcome);
        record.activity = Some(activity);
        self.write(record).await
    }

    async fn write(&mut self, record: RunRecord) -> Result<(), StoreError> {
        let body = to_json(&record, &self.path)?;
        self.version = self.store.update(&self.path, &self.version, &body).await?;
        self.record = record;
        Ok(())
    }
}

fn path_of(key: &RunKey) -> Result<DocPath, StoreError> {
    Ok(DocPath::new(format!("runs/{key}"))?)
}

fn to_json(record: &RunRecord, path: &DocPath) -> Result<Value, StoreError> {
    serde_json::to_value(record).map_err(|source| StoreError::Unstorable {
        path: path.clone(),
        problem: source.to_string(),
    })
}
