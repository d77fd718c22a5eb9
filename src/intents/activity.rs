//! What a run saw and did: `activity/{time-ordered id}`. Enough to recompute its plan.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::RunKey;
use crate::runs::{Outcome, Run};
use crate::store::{DocPath, Store, StoreError};

/// The record of one attempt, while it is made.
#[derive(Debug)]
pub struct Activity {
    id: String,
    sections: Map<String, Value>,
}

impl Activity {
    /// Begins the record of this attempt of `run`.
    pub fn begin(now: Timestamp, run: &Run, message_id: &str) -> Self {
        let record = run.record();
        let mut sections = Map::new();
        for (name, value) in [
            ("run_key", json!(record.run_key)),
            ("intent", json!(record.intent)),
            ("parameters", json!(record.parameters)),
            ("attempt", json!(record.attempts)),
            ("message_id", json!(message_id)),
            ("started_at", json!(now)),
        ] {
            sections.insert(name.to_owned(), value);
        }
        Self { id: id_of(now, &record.run_key, record.attempts), sections }
    }

    /// Writes down one thing that was seen or decided, under its name.
    pub fn note(&mut self, name: &str, value: &impl Serialize) {
        // All that is noted are records of ours, with string keys: an error would be a bug, and
        // the note says so rather than be missing.
        let value = serde_json::to_value(value)
            .unwrap_or_else(|error| json!({ "not_recorded": error.to_string() }));
        self.sections.insert(name.to_owned(), value);
    }

    /// Stores the record, durably, and returns its id.
    pub async fn finish(
        mut self,
        store: &dyn Store,
        now: Timestamp,
        outcome: &Outcome,
    ) -> Result<String, StoreError> {
        self.note("ended_at", &now);
        self.note("outcome", outcome);
        let path = DocPath::new(format!("activity/{}", self.id))?;
        match store.create(&path, &Value::Object(self.sections)).await {
            // An attempt has one id: it is there because this very attempt has written it.
            Ok(_) | Err(StoreError::Exists(_)) => Ok(self.id),
            Err(error) => Err(error),
        }
    }
}

/// Sorts by time; the rest keeps attempts of one microsecond apart.
fn id_of(now: Timestamp, key: &RunKey, attempt: u32) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(key.as_str());
    let tag: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{tag}-{attempt}", now.strftime("%Y%m%dT%H%M%S%.6fZ"))
}
