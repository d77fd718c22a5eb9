//! Where messages go that can never work: kept for a person, out of the way of those that can.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::ReplyKind;
use crate::config::PubSubSettings;
use crate::pubsub::{Message, PublishError, Publisher};

/// How long the quarantine may take to confirm. Far below every ack deadline, so that the sender
/// hears "deliver again" from us and not from its own clock.
pub const QUARANTINE_BUDGET: Duration = Duration::from_secs(5);

/// Pub/Sub's limit for the value of one attribute, in bytes
/// (<https://cloud.google.com/pubsub/quotas>).
const ATTRIBUTE_VALUE_MAX: usize = 1_024;

/// The attribute that says why.
const REASON: &str = "quarantine-reason";
/// The attribute with the id of the message that came.
const MESSAGE_ID: &str = "quarantine-message-id";
/// The attribute with the subscription that it came from.
const SUBSCRIPTION: &str = "quarantine-subscription";

/// The quarantine topic, or the knowledge that there is none.
#[derive(Debug)]
pub struct Quarantine(Option<Publisher>);

/// A message that can never work.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    /// The body as it came: exactly what was sent to us, envelope included.
    pub raw: &'a Bytes,
    /// Why it can never work, for a person.
    pub reason: &'a str,
    /// Its message id, where it had one.
    pub message_id: Option<&'a str>,
    /// The subscription it came from, where it said so.
    pub subscription: Option<&'a str>,
}

impl Quarantine {
    /// No quarantine: the subscription's dead-letter policy has to keep what can't work.
    pub fn none() -> Self {
        Self(None)
    }

    /// The topic that the settings name, or none. Publishes nothing yet.
    ///
    /// # Errors
    ///
    /// When a topic is named and no client for it can be made.
    pub async fn connect(settings: &PubSubSettings) -> Result<Self, PublishError> {
        let (Some(project), Some(topic)) = (&settings.project, &settings.quarantine) else {
            return Ok(Self::none());
        };
        Publisher::connect(project, topic, settings.emulator.as_ref()).await.map(Some).map(Self)
    }

    /// Puts a message into quarantine and says what its sender is to be told: that it is safe
    /// here, that nobody keeps it, or, when the topic did not confirm, to deliver it again.
    pub async fn take(&self, rejected: Rejected<'_>) -> ReplyKind {
        let Rejected { reason, message_id, subscription, raw } = rejected;
        let Some(publisher) = &self.0 else {
            tracing::error!(reason, message_id, subscription, bytes = raw.len(), "rejected");
            return ReplyKind::Rejected;
        };
        match publisher.publish(exhibit(rejected), QUARANTINE_BUDGET).await {
            Ok(quarantined_as) => {
                tracing::error!(
                    reason,
                    message_id,
                    subscription,
                    quarantined_as,
                    topic = publisher.topic(),
                    "rejected and quarantined"
                );
                ReplyKind::Quarantined
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(
                    reason,
                    message_id,
                    subscription,
                    %error,
                    cause,
                    "rejected, and the quarantine did not take it"
                );
                ReplyKind::Failed
            }
        }
    }
}

/// The message as the quarantine keeps it: the body byte for byte, what we know in attributes.
fn exhibit(rejected: Rejected<'_>) -> Message {
    let facts = [
        (REASON, Some(rejected.reason)),
        (MESSAGE_ID, rejected.message_id),
        (SUBSCRIPTION, rejected.subscription),
    ];
    let attributes: BTreeMap<String, String> = facts
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), cut(value?).to_owned())))
        .collect();
    Message { data: rejected.raw.clone(), attributes, ordering_key: None }
}

/// As much of `text` as an attribute holds, never half a character.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(ATTRIBUTE_VALUE_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected<'a>(raw: &'a Bytes, reason: &'a str) -> Rejected<'a> {
        Rejected { raw, reason, message_id: Some("7"), subscription: None }
    }

    #[test]
    fn the_exhibit_is_the_body_byte_for_byte_with_what_is_known() {
        let raw = Bytes::from_static(&[0xff, b'{', 0]);
        let message = exhibit(rejected(&raw, "not JSON"));
        assert_eq!(message.data, raw);
        let attributes: Vec<_> =
            message.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(attributes, [(MESSAGE_ID, "7"), (REASON, "not JSON")]);
    }

    #[test]
    fn a_long_reason_is_cut_to_what_an_attribute_holds_between_characters() {
        let raw = Bytes::new();
        let reason = format!("{}é", "x".repeat(ATTRIBUTE_VALUE_MAX - 1));
        let message = exhibit(rejected(&raw, &reason));
        assert_eq!(message.attributes[REASON], "x".repeat(ATTRIBUTE_VALUE_MAX - 1));
        assert_eq!(cut("é"), "é");
    }

    #[tokio::test]
    async fn without_a_quarantine_the_dead_letter_policy_has_to_keep_it() {
        let quarantine = Quarantine::connect(&PubSubSettings::default()).await.unwrap();
        let raw = Bytes::from_static(b"x");
        assert_eq!(quarantine.take(rejected(&raw, "bad")).await, ReplyKind::Rejected);
    }

    #[cfg(feature = "google-cloud")]
    #[tokio::test(start_paused = true)]
    async fn an_unreachable_quarantine_asks_for_another_delivery() {
        // Bound and closed again: nothing listens there.
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = gone.local_addr().unwrap().to_string().parse().unwrap();
        drop(gone);
        let settings = PubSubSettings {
            project: Some("p".to_owned()),
            quarantine: Some("quarantine".parse().unwrap()),
            emulator: Some(host),
            ..PubSubSettings::default()
        };
        let quarantine = Quarantine::connect(&settings).await.unwrap();
        let raw = Bytes::from_static(b"x");
        assert_eq!(quarantine.take(rejected(&raw, "bad")).await, ReplyKind::Failed);
    }
}
