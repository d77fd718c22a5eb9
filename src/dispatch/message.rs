//! What the front door hands in, and what it gets back.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Something arrived: a message that reads, or one that can never work.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// One arrival of one message.
    Delivery(Delivery),
    /// Bytes that are not a message of ours. They go to quarantine as they are.
    Malformed {
        /// The body as it came.
        raw: Bytes,
        /// Its message id, where it had one.
        message_id: Option<String>,
        /// What is wrong with it, for a person.
        reason: String,
    },
}

/// By which way a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A Pub/Sub push.
    PubSub,
    /// `POST /{intent}` or `GET /{intent}`.
    Direct,
}

/// One arrival of one message: an intent's name and parameters, and where they came from.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which way it came.
    pub source: Source,
    /// The same on every redelivery. For direct requests the `Idempotency-Key`, or a fresh one.
    pub message_id: String,
    /// An explicit run key: the attribute `run-key`.
    pub run_key: Option<String>,
    /// The schedule slot's job: the attribute `job`.
    pub job: Option<String>,
    /// The intent's name as given; nobody has checked that it exists.
    pub intent: String,
    /// The payload without the field `intent`.
    pub parameters: Map<String, Value>,
    /// When Pub/Sub took the message.
    pub published_at: Option<Timestamp>,
    /// 1 on the first; only with a dead-letter policy does Pub/Sub count.
    pub attempt: u32,
    /// The message's attributes.
    pub attributes: BTreeMap<String, String>,
    /// The subscription's full name.
    pub subscription: Option<String>,
    /// The trace id of the request, 32 hexadecimal digits.
    pub trace: Option<String>,
    /// The body as it came, for quarantine.
    pub raw: Bytes,
}

/// The answer to an arrival. The front door turns it into a status code.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What the sender needs to know.
    pub kind: ReplyKind,
    /// The outcome as JSON: for people and direct callers; Pub/Sub ignores it.
    pub body: Value,
}

/// What to tell the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Done or refused: never deliver it again.
    Settled,
    /// It can never work, and it is safe in quarantine: never deliver it again.
    Quarantined,
    /// It can never work, and there is no quarantine: the subscription's dead-letter policy
    /// keeps it.
    Rejected,
    /// A later delivery may succeed.
    Failed,
    /// Another delivery of the same work, or of one that excludes it, is running.
    Busy {
        /// When to try again at the earliest.
        retry_after: Duration,
    },
}
