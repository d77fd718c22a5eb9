//! What a message can ask for, one file each.

mod activity;
mod allocation;
mod close_all;
mod context;
mod contracts;
mod error;
mod inputs;
mod ping;
mod reconcile;
mod set_targets;
mod stored_book;
mod summary;
mod trading;

use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use activity::Activity;
pub use context::{Context, ContractCache, Services};
pub use error::{IntentError, Malformed, chain};
pub use stored_book::StoredBook;

use crate::runs::Outcome;

/// What may become of an order that is late: after an hour the market that it was meant for is
/// another one. A message that waits longer in Pub/Sub is refused, by name.
const TRADE_FRESH: Duration = Duration::from_secs(3_600);

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentKind {
    /// Changes nothing at the broker and no strategy's targets: `GET` is allowed.
    ReadOnly,
    /// May trade or change state: only `POST`.
    Acting,
}

/// One row of the table of intents.
#[derive(Clone, Copy, Debug)]
pub struct IntentRow {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it only reads.
    pub kind: IntentKind,
    /// What it does, in one sentence.
    pub what: &'static str,
}

/// Every intent there is.
pub const INTENTS: &[IntentRow] = &[
    IntentRow {
        name: "ping",
        kind: IntentKind::ReadOnly,
        what: "asks IB Gateway for the time and says how far our clock is from it",
    },
    IntentRow {
        name: "summary",
        kind: IntentKind::ReadOnly,
        what: "account, positions, working orders and today's fills, by strategy",
    },
    IntentRow {
        name: "reconcile",
        kind: IntentKind::Acting,
        what: "follows up open orders, books fills, compares holdings with the broker",
    },
    IntentRow {
        name: "set-targets",
        kind: IntentKind::Acting,
        what: "takes in one strategy's target book",
    },
    IntentRow {
        name: "allocation",
        kind: IntentKind::Acting,
        what: "trades from what strategies hold to what their fresh target books say",
    },
    IntentRow {
        name: "close-all",
        kind: IntentKind::Acting,
        what: "cancels own working orders and flattens what strategies hold",
    },
];

/// A message's work, understood.
#[derive(Clone, Debug)]
pub enum Intent {
    /// See [`INTENTS`].
    Ping(ping::Ping),
    /// See [`INTENTS`].
    Summary(summary::Summary),
    /// See [`INTENTS`].
    Reconcile(reconcile::Reconcile),
    /// See [`INTENTS`].
    SetTargets(set_targets::SetTargets),
    /// See [`INTENTS`].
    Allocation(allocation::Allocation),
    /// See [`INTENTS`].
    CloseAll(close_all::CloseAll),
}

impl Intent {
    /// Reads name and parameters; unknown ones are an error, never ignored.
    pub fn parse(name: &str, parameters: &Map<String, Value>) -> Result<Self, Malformed> {
        Ok(match name {
            "ping" => Self::Ping(read("ping", parameters)?),
            "summary" => Self::Summary(read("summary", parameters)?),
            "reconcile" => Self::Reconcile(read("reconcile", parameters)?),
            "set-targets" => Self::SetTargets(read("set-targets", parameters)?),
            "allocation" => Self::Allocation(read("allocation", parameters)?),
            "close-all" => Self::CloseAll(read("close-all", parameters)?),
            other => {
                let known: Vec<&str> = INTENTS.iter().map(|row| row.name).collect();
                return Err(Malformed::Unknown {
                    name: other.chars().take(80).collect(),
                    known: known.join(", "),
                });
            }
        })
    }

    /// What a name stands for, if it is one.
    pub fn kind_of(name: &str) -> Option<IntentKind> {
        INTENTS.iter().find(|row| row.name == name).map(|row| row.kind)
    }

    /// The refusal of a message that comes too late to be acted on. Work that has a plan is always
    /// continued: what it sent has to be settled.
    pub fn stale(&self, published_at: Option<Timestamp>, cx: &mut Context<'_>) -> Option<Outcome> {
        let fresh = match self {
            Self::Allocation(_) | Self::CloseAll(_) => TRADE_FRESH,
            // Reading and following up are as useful later; a book says itself how long it holds.
            Self::Ping(_) | Self::Summary(_) | Self::Reconcile(_) | Self::SetTargets(_) => {
                return None;
            }
        };
        let age = cx.now().duration_since(published_at?);
        let late = Duration::try_from(age).is_ok_and(|age| age > fresh);
        (late && cx.run().record().plan.is_null()).then(|| {
            let minutes = age.as_mins();
            Outcome::refused(format!(
                "the message is {minutes} minutes old; one that trades is good for an hour"
            ))
        })
    }

    /// Does the work. However it ends, there is an outcome.
    pub async fn run(self, cx: &mut Context<'_>) -> Outcome {
        let result = match self {
            Self::Ping(intent) => intent.run(cx).await,
            Self::Summary(intent) => intent.run(cx).await,
            Self::Reconcile(intent) => intent.run(cx).await,
            Self::SetTargets(intent) => intent.run(cx).await,
            Self::Allocation(intent) => intent.run(cx).await,
            Self::CloseAll(intent) => intent.run(cx).await,
        };
        result.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "intent ended with an error");
            error.outcome()
        })
    }
}

fn read<T: DeserializeOwned>(
    name: &'static str,
    parameters: &Map<String, Value>,
) -> Result<T, Malformed> {
    T::deserialize(Value::Object(parameters.clone()))
        .map_err(|source| Malformed::Parameters { name, source })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(name: &str, parameters: Value) -> Result<Intent, Malformed> {
        Intent::parse(name, parameters.as_object().unwrap())
    }

    #[test]
    fn every_row_of_the_table_parses_or_says_what_it_misses() {
        for row in INTENTS {
            let parsed = parse(row.name, json!({}));
            let unknown = matches!(parsed, Err(Malformed::Unknown { .. }));
            assert!(!unknown, "{} is in the table and not in the parser", row.name);
            assert_eq!(Intent::kind_of(row.name), Some(row.kind));
        }
    }

    #[test]
    fn unknown_names_and_parameters_are_refused_by_name() {
        let error = parse("allocate", json!({})).unwrap_err().to_string();
        assert!(error.contains("allocate") && error.contains("allocation"), "{error}");
        let error = parse("allocation", json!({ "dryrun": true })).unwrap_err().to_string();
        assert!(error.contains("dryrun"), "{error}");
        let error = parse("allocation", json!({ "dry_run": "yes" })).unwrap_err().to_string();
        assert!(error.contains("boolean"), "{error}");
    }
}
