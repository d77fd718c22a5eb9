//! The wrapper that Pub/Sub posts, field for field
//! (<https://docs.cloud.google.com/pubsub/docs/push>).
//!
//! Google sends both spellings of a field; others, and older emulators, send one. Names that we
//! don't know are ignored: Google adds some now and then.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::malformed::Malformed;

#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    pub(super) message: Message,
    pub(super) subscription: Option<String>,
    /// Only with a dead-letter policy, and never from the emulator.
    #[serde(rename = "deliveryAttempt")]
    delivery_attempt: Option<u32>,
    #[serde(rename = "delivery_attempt")]
    delivery_attempt_snake: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(rename = "messageId")]
    id: Option<String>,
    #[serde(rename = "message_id")]
    id_snake: Option<String>,
    #[serde(rename = "publishTime")]
    publish_time: Option<String>,
    #[serde(rename = "publish_time")]
    publish_time_snake: Option<String>,
    /// Absent where only attributes were published.
    pub(super) data: Option<String>,
    pub(super) attributes: Option<BTreeMap<String, String>>,
}

impl Envelope {
    pub(super) fn attempt(&self) -> Result<Option<u32>, Malformed> {
        agree("delivery attempt", self.delivery_attempt, self.delivery_attempt_snake)
    }
}

impl Message {
    pub(super) fn id(&self) -> Result<Option<&str>, Malformed> {
        let id = agree("id", self.id.as_deref(), self.id_snake.as_deref())?;
        Ok(id.filter(|id| !id.is_empty()))
    }

    pub(super) fn publish_time(&self) -> Result<Option<&str>, Malformed> {
        agree("publish time", self.publish_time.as_deref(), self.publish_time_snake.as_deref())
    }
}

fn agree<T: PartialEq>(
    what: &'static str,
    one: Option<T>,
    other: Option<T>,
) -> Result<Option<T>, Malformed> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Malformed::TwoSpellings(what)),
        (one, other) => Ok(one.or(other)),
    }
}
