//! A message as Pub/Sub would push it: for the local scheduler and for `trigger --push`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use rand::RngExt as _;
use serde_json::{Map, Value, json};

/// The subscription that the envelope names. No such subscription exists anywhere.
const SUBSCRIPTION: &str = "projects/local/subscriptions/rungate";

/// One published message. Every delivery of it carries the same id.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    message_id: String,
    published_at: Timestamp,
    attributes: BTreeMap<String, String>,
    data: Bytes,
}

impl Letter {
    /// Publishes `parameters` as a JSON payload, under a message id of its own.
    pub fn new(
        attributes: BTreeMap<String, String>,
        parameters: &Map<String, Value>,
        published_at: Timestamp,
    ) -> Self {
        // Pub/Sub's ids are decimal digits.
        let number: u64 = rand::rng().random();
        let data = Value::Object(parameters.clone()).to_string().into();
        Self { message_id: number.to_string(), published_at, attributes, data }
    }

    /// The same on every delivery.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// The wrapper that Pub/Sub posts, with both spellings of each field as Google sends them
    /// (<https://docs.cloud.google.com/pubsub/docs/push>).
    pub fn envelope(&self, attempt: u32) -> Bytes {
        let envelope = json!({
            "message": {
                "attributes": self.attributes,
                "data": STANDARD.encode(&self.data),
                "messageId": self.message_id,
                "message_id": self.message_id,
                "publishTime": self.published_at,
                "publish_time": self.published_at,
            },
            "subscription": SUBSCRIPTION,
            "deliveryAttempt": attempt,
        });
        envelope.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;
    use crate::dispatch::Arrival;
    use crate::push::read_message;

    #[test]
    fn the_front_door_reads_what_a_letter_says() {
        let attributes = BTreeMap::from([("intent".to_owned(), "allocation".to_owned())]);
        let parameters = json!({ "dry_run": true }).as_object().unwrap().clone();
        let at: Timestamp = "2026-03-09T14:30:00Z".parse().unwrap();
        let letter = Letter::new(attributes, &parameters, at);
        let arrival = read_message(&HeaderMap::new(), letter.envelope(3));
        let Arrival::Delivery(delivery) = arrival else { panic!("{arrival:?}") };
        assert_eq!(delivery.message_id, letter.message_id());
        assert_eq!(delivery.intent, "allocation");
        assert_eq!(delivery.parameters, parameters);
        assert_eq!((delivery.published_at, delivery.attempt), (Some(at), 3));
    }
}
