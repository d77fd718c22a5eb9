//! One delivery: its run claimed, run, recorded, answered.

mod key;
mod message;
mod quarantine;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

pub use crate::intents::IntentKind;
pub use key::{KeyError, run_key};
pub use message::{Arrival, Delivery, Reply, ReplyKind, Source};
pub use quarantine::{QUARANTINE_BUDGET, Quarantine, Rejected};

use crate::config::Budgets;
use crate::domain::RunKey;
use crate::intents::{Activity, Context, Intent, Services, chain};
use crate::runs::{Ask, Claim, Outcome, Run, Runs, Status};
use crate::store::{Store, StoreError};

/// Runs intents for deliveries, each once.
#[derive(Debug)]
pub struct Dispatcher {
    services: Arc<Services>,
    runs: Runs,
    quarantine: Quarantine,
    /// What an intent may take by its own clock.
    handler_budget: Duration,
    /// When the sender stops waiting, and with it whoever does not end by itself.
    ack_deadline: Duration,
    /// Runs that are being worked on.
    running: Mutex<BTreeSet<RunKey>>,
}

impl Dispatcher {
    /// Puts a dispatcher together. `owner` names this instance in the records.
    pub fn new(
        services: Arc<Services>,
        quarantine: Quarantine,
        owner: String,
        budgets: &Budgets,
    ) -> Self {
        let runs = Runs::new(services.store.clone(), services.clock.clone(), owner, budgets.lease);
        let Budgets { handler: handler_budget, ack_deadline, .. } = *budgets;
        let running = Mutex::default();
        Self { services, runs, quarantine, handler_budget, ack_deadline, running }
    }

    /// Where everything is recorded.
    pub fn store(&self) -> Arc<dyn Store> {
        self.services.store.clone()
    }

    /// Answers one arrival. What it starts is on record before it acts; an error or a crash on
    /// the way leaves the run to the next delivery.
    pub async fn arrive(&self, arrival: Arrival) -> Reply {
        match arrival {
            Arrival::Malformed { raw, message_id, reason } => {
                let rejected = Rejected {
                    raw: &raw,
                    reason: &reason,
                    message_id: message_id.as_deref(),
                    subscription: None,
                };
                self.reject(rejected).await
            }
            Arrival::Delivery(delivery) => {
                let span = tracing::info_span!(
                    "delivery",
                    message_id = %delivery.message_id,
                    attempt = delivery.attempt,
                    intent = %delivery.intent,
                    mode = %self.services.mode,
                    trace_id = delivery.trace.as_deref(),
                    run_key = tracing::field::Empty,
                    status = tracing::field::Empty,
                );
                self.deliver(&delivery).instrument(span).await
            }
        }
    }

    /// Gives up what is still being worked on, at the end of the process and after the gateway is
    /// closed: nothing of it can act any more, so the next delivery may continue at once.
    pub async fn abandon(&self) {
        let running: Vec<RunKey> = self.lock_running().iter().cloned().collect();
        for key in running {
            let lease = self.services.give_up_trading(&key).await.map_err(|error| chain(&error));
            let run = self.runs.abandon(&key).await.map_err(|error| chain(&error));
            match lease.and(run) {
                Ok(()) => tracing::warn!(run_key = %key, "left unfinished for the next delivery"),
                Err(error) => tracing::warn!(run_key = %key, error, "could not be given up"),
            }
        }
    }

    fn lock_running(&self) -> MutexGuard<'_, BTreeSet<RunKey>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver(&self, delivery: &Delivery) -> Reply {
        let started = Instant::now();
        let understood = Intent::parse(&delivery.intent, &delivery.parameters)
            .map_err(|malformed| malformed.to_string())
            .and_then(|intent| {
                let key = run_key(delivery).map_err(|error| chain(&error))?;
                Ok((intent, key))
            });
        let (intent, key) = match understood {
            Ok(understood) => understood,
            Err(reason) => {
                let rejected = Rejected {
                    raw: &delivery.raw,
                    reason: &reason,
                    message_id: Some(&delivery.message_id),
                    subscription: delivery.subscription.as_deref(),
                };
                return self.reject(rejected).await;
            }
        };
        tracing::Span::current().record("run_key", key.as_str());
        let reply = match self.run_once(delivery, intent, &key).await {
            Ok(reply) => reply,
            Err(error) => {
                let outcome = Outcome::failed(chain(&error));
                reply_to(&key, &outcome, false)
            }
        };
        let status = reply.body.get("status").and_then(Value::as_str).unwrap_or("busy");
        tracing::Span::current().record("status", status);
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let summary = reply.body.get("summary").and_then(Value::as_str).unwrap_or_default();
        tracing::info!(elapsed_ms, summary, "delivery answered");
        reply
    }

    async fn reject(&self, rejected: Rejected<'_>) -> Reply {
        let outcome = Outcome::rejected(rejected.reason);
        Reply { kind: self.quarantine.take(rejected).await, body: json!(outcome) }
    }

    /// Claims the run and does it, or answers for it.
    async fn run_once(
        &self,
        delivery: &Delivery,
        intent: Intent,
        key: &RunKey,
    ) -> Result<Reply, StoreError> {
        let ask = Ask {
            run_key: key,
            intent: &delivery.intent,
            parameters: &delivery.parameters,
            message_id: &delivery.message_id,
        };
        match self.runs.claim(&ask).await? {
            Claim::Ours(run) => {
                self.lock_running().insert(key.clone());
                let reply = self.work(delivery, intent, *run).await;
                self.lock_running().remove(key);
                reply
            }
            Claim::Ended(outcome) => Ok(reply_to(key, &outcome, true)),
            Claim::Busy { retry_after } => {
                let summary = format!("run {key} is being worked on by another delivery");
                let body = json!({ "status": "busy", "run_key": key, "summary": summary });
                Ok(Reply { kind: ReplyKind::Busy { retry_after }, body })
            }
            Claim::Differs => {
                let summary = format!(
                    "run key {key} belongs to another intent or to other parameters; use a new one"
                );
                Ok(reply_to(key, &Outcome::refused(summary), false))
            }
        }
    }

    /// Runs the intent and records how it ended.
    async fn work(
        &self,
        delivery: &Delivery,
        intent: Intent,
        run: Run,
    ) -> Result<Reply, StoreError> {
        let key = run.key().clone();
        let mut activity = Activity::begin(self.services.clock.now(), &run, &delivery.message_id);
        let deadline = Instant::now() + self.handler_budget;
        let mut cx = Context::new(&self.services, run, &mut activity, deadline);
        let outcome = match intent.stale(delivery.published_at, &mut cx) {
            Some(refusal) => refusal,
            // Past its budget an intent stops by itself. This is for one that does not: leaving it
            // behind is as safe as a crash, and the lease lets nobody in for a while.
            None => match timeout(self.ack_deadline, intent.run(&mut cx)).await {
                Ok(outcome) => outcome,
                Err(_elapsed) => {
                    return Ok(reply_to(
                        &key,
                        &Outcome::failed("the intent did not end within its budget"),
                        false,
                    ));
                }
            },
        };
        let run = cx.into_run();
        let id =
            activity.finish(&*self.services.store, self.services.clock.now(), &outcome).await?;
        run.end(outcome.clone(), id).await?;
        Ok(reply_to(&key, &outcome, false))
    }
}

fn reply_to(key: &RunKey, outcome: &Outcome, replayed: bool) -> Reply {
    let kind = match outcome.status {
        Status::Done | Status::Refused => ReplyKind::Settled,
        Status::Failed => ReplyKind::Failed,
        Status::Rejected => ReplyKind::Rejected,
    };
    let mut body = json!(outcome);
    if let Some(object) = body.as_object_mut() {
        object.insert("run_key".to_owned(), json!(key));
        object.insert("replayed".to_owned(), json!(replayed));
    }
    Reply { kind, body }
}
