//! What makes two deliveries the same work.
//!
//! An explicit run key; else, for a scheduled message, its job and the slot it falls in; else the
//! message id. Cloud Scheduler can fire one slot twice, with two message ids
//! (<https://cloud.google.com/scheduler/docs/overview>), and a message carries no scheduled time:
//! the slot is the publish time rounded down to the job's period.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Delivery;
use crate::domain::{InvalidName, RunKey};

/// The attribute that says how often a job runs.
const PERIOD: &str = "period";

/// The attribute with the time zone in which a job's days begin.
const ZONE: &str = "zone";

/// Where US markets and most schedules live.
const DEFAULT_ZONE: &str = "America/New_York";

/// A run key can't be made of what the message says.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key, the job or the message id has characters that a document id can't have.
    #[error("the message can't be told apart from others")]
    Name(#[from] InvalidName),
    /// An unknown period.
    #[error("attribute period {0:?} is none of \"minute\", \"hour\" and \"day\"")]
    Period(String),
    /// An unknown time zone.
    #[error("attribute zone {0:?} is not a time zone of the tz database")]
    Zone(String),
    /// A job without a publish time has no slot.
    #[error("attribute job needs the time at which Pub/Sub took the message, and there is none")]
    NoTime,
}

/// The run key of a delivery.
pub fn run_key(delivery: &Delivery) -> Result<RunKey, KeyError> {
    if let Some(key) = &delivery.run_key {
        return Ok(RunKey::new(key.clone())?);
    }
    let Some(job) = &delivery.job else {
        return Ok(RunKey::new(format!(
            "{}.{}",
            delivery.intent,
            file_name(&delivery.message_id)
        ))?);
    };
    let at = delivery.published_at.ok_or(KeyError::NoTime)?;
    let attribute = |name: &str| delivery.attributes.get(name).map(String::as_str);
    let slot = slot(at, attribute(PERIOD).unwrap_or("day"), attribute(ZONE))?;
    Ok(RunKey::new(format!("{job}.{}.{slot}", delivery.intent))?)
}

/// A message id as a part of a run key. Pub/Sub's are numbers and stay as they are; what a direct
/// caller chose may hold characters that no document id can, and is then named by its hash.
fn file_name(message_id: &str) -> String {
    use sha2::{Digest, Sha256};
    if RunKey::new(message_id).is_ok() {
        return message_id.to_owned();
    }
    let digest = Sha256::digest(message_id);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256-{hex}")
}

/// The slot of `at`, named by its start in local time.
fn slot(at: Timestamp, period: &str, zone: Option<&str>) -> Result<String, KeyError> {
    let zone = zone.unwrap_or(DEFAULT_ZONE);
    let zone = TimeZone::get(zone).map_err(|_unknown| KeyError::Zone(zone.to_owned()))?;
    let format = match period {
        "minute" => "%Y-%m-%dT%H:%M%z",
        "hour" => "%Y-%m-%dT%H%z",
        "day" => "%Y-%m-%d",
        other => return Err(KeyError::Period(other.to_owned())),
    };
    Ok(at.to_zoned_datetime(zone).strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use serde_json::Map;

    use super::*;
    use crate::dispatch::Source;

    fn delivery(message_id: &str, at: &str, attributes: &[(&str, &str)]) -> Delivery {
        let attributes: BTreeMap<String, String> =
            attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Delivery {
            source: Source::PubSub,
            message_id: message_id.to_owned(),
            run_key: attributes.get("run-key").cloned(),
            job: attributes.get("job").cloned(),
            intent: "allocation".to_owned(),
            parameters: Map::new(),
            published_at: at.parse().ok(),
            attempt: 1,
            attributes,
            subscription: None,
            trace: None,
            raw: Bytes::new(),
        }
    }

    fn key(message_id: &str, at: &str, attributes: &[(&str, &str)]) -> String {
        run_key(&delivery(message_id, at, attributes)).unwrap().to_string()
    }

    #[test]
    fn two_messages_of_one_slot_are_the_same_work() {
        let job = [("job", "rebalance")];
        let first = key("1", "2026-03-09T19:45:00Z", &job);
        assert_eq!(first, "rebalance.allocation.2026-03-09");
        assert_eq!(first, key("2", "2026-03-09T19:45:07Z", &job));
        // Evening in New York is already the next day in UTC.
        assert_eq!(first, key("3", "2026-03-10T03:59:59Z", &job));
        assert_ne!(first, key("4", "2026-03-10T04:00:00Z", &job));
    }

    #[test]
    fn the_hour_that_clocks_repeat_is_two_slots() {
        let job = [("job", "check"), ("period", "hour")];
        let before = key("1", "2026-11-01T05:30:00Z", &job);
        let after = key("2", "2026-11-01T06:30:00Z", &job);
        assert_eq!(before, "check.allocation.2026-11-01T01-0400");
        assert_eq!(after, "check.allocation.2026-11-01T01-0500");
    }

    #[test]
    fn without_a_job_each_message_is_its_own_work() {
        let at = "2026-03-09T19:45:00Z";
        assert_ne!(key("1", at, &[]), key("2", at, &[]));
        assert_eq!(key("1", at, &[("run-key", "mine")]), "mine");
        assert!(key("a/b", at, &[]).starts_with("allocation.sha256-"));
        assert_ne!(key("a/b", at, &[]), key("a/c", at, &[]));
    }

    #[test]
    fn what_makes_no_key_is_named() {
        let at = "2026-03-09T19:45:00Z";
        let error = |attributes: &[(&str, &str)], at: &str| {
            run_key(&delivery("1", at, attributes)).unwrap_err().to_string()
        };
        assert!(error(&[("job", "a"), ("period", "week")], at).contains("week"));
        assert!(error(&[("job", "a"), ("zone", "Mars/Base")], at).contains("Mars/Base"));
        assert!(error(&[("job", "a")], "never").contains("needs the time"));
        assert!(error(&[("run-key", "a/b")], at).contains("told apart"));
    }
}
