//! Publishing to Pub/Sub. The only file that knows Google's client; without the feature
//! `google-cloud` there is none, and connecting says so.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::config::{HostPort, TopicId};

/// How long finding credentials may take: a look at a file, or one request to the metadata server
/// of the machine.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The longest that one publish may take, whatever its caller allows. Google's client would go on
/// trying for 600 seconds (its default), which is longer than any delivery may work.
pub const PUBLISH_MAX: Duration = Duration::from_secs(60);

/// What is published. A message needs data or at least one attribute.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The payload, at most 10 MB (<https://cloud.google.com/pubsub/quotas>).
    pub data: Bytes,
    /// At most 100; a key of at most 256 bytes, a value of at most 1,024.
    pub attributes: BTreeMap<String, String>,
    /// Messages of one key reach an ordering subscription in order.
    pub ordering_key: Option<String>,
}

impl fmt::Debug for Message {
    /// Names the attributes and hides all values: a payload may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("data_bytes", &self.data.len())
            .field("attributes", &self.attributes.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A message did not reach its topic, as far as we know.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Compiled without Google's client.
    #[error("this build has no Pub/Sub client: build with --features google-cloud")]
    NoClient,
    /// No credentials, or a client that can't be made.
    #[error(
        "can't make a Pub/Sub client for {topic}; are there credentials \
         (`gcloud auth application-default login`)?"
    )]
    Connect {
        /// The topic's full name.
        topic: String,
        /// What Google's client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Pub/Sub said no, or could not be reached.
    #[error("{topic} did not take a message; does it exist, and may this account publish to it?")]
    Failed {
        /// The topic's full name.
        topic: String,
        /// What Google's client said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time. The message may have been published all the same.
    #[error("{topic} did not confirm a message within {after:?}; it may have been published")]
    Timeout {
        /// The topic's full name.
        topic: String,
        /// How long we waited.
        after: Duration,
    },
}

/// Publishes to one topic. Cheap to keep, meant to be kept: it pools its connections.
#[derive(Debug)]
pub struct Publisher {
    topic: String,
    client: client::Client,
}

impl Publisher {
    /// Prepares to publish to `topic` of `project`. With `emulator` it publishes there instead, in
    /// the clear and without credentials. Opens no connection yet.
    ///
    /// # Errors
    ///
    /// When this build has no client, and when there are no credentials.
    pub async fn connect(
        project: &str,
        topic: &TopicId,
        emulator: Option<&HostPort>,
    ) -> Result<Self, PublishError> {
        let topic = format!("projects/{project}/topics/{topic}");
        let connecting = client::Client::connect(&topic, emulator);
        match tokio::time::timeout(CONNECT_MAX, connecting).await {
            Ok(client) => Ok(Self { client: client?, topic }),
            Err(elapsed) => Err(PublishError::Connect { topic, source: elapsed.into() }),
        }
    }

    /// The topic's full name, `projects/P/topics/T`.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Publishes one message at once and waits until Pub/Sub has it, for at most `within` and
    /// never longer than [`PUBLISH_MAX`]. Returns the message id that Pub/Sub gave it.
    ///
    /// # Errors
    ///
    /// Each means that the message may be missing; none proves it. To publish again can make two
    /// messages of it, with two ids.
    pub async fn publish(
        &self,
        message: Message,
        within: Duration,
    ) -> Result<String, PublishError> {
        let after = within.min(PUBLISH_MAX);
        match tokio::time::timeout(after, self.client.publish(message)).await {
            Ok(Ok(id)) => Ok(id),
            Ok(Err(source)) => Err(PublishError::Failed { topic: self.topic.clone(), source }),
            Err(_elapsed) => Err(PublishError::Timeout { topic: self.topic.clone(), after }),
        }
    }
}

#[cfg(feature = "google-cloud")]
mod client {
    use google_cloud_auth::credentials::anonymous;
    use google_cloud_pubsub::client::Publisher as Google;
    use google_cloud_pubsub::model;
    use google_cloud_pubsub::retry_policy::RetryableErrors;

    use super::{HostPort, Message, PUBLISH_MAX, PublishError};

    #[derive(Debug)]
    pub(super) struct Client(Google);

    impl Client {
        pub(super) async fn connect(
            topic: &str,
            emulator: Option<&HostPort>,
        ) -> Result<Self, PublishError> {
            use google_cloud_gax::retry_policy::RetryPolicyExt as _;
            let mut builder = Google::builder(topic)
                // Each message is awaited by itself: waiting to fill a batch only adds delay.
                .set_message_count_threshold(1)
                // After this nobody waits any more; a later success would only surprise.
                .with_retry_policy(RetryableErrors.with_time_limit(PUBLISH_MAX));
            if let Some(host) = emulator {
                builder = builder
                    .with_endpoint(format!("http://{host}"))
                    .with_credentials(anonymous::Builder::new().build());
            }
            match builder.build().await {
                Ok(google) => Ok(Self(google)),
                Err(source) => {
                    Err(PublishError::Connect { topic: topic.to_owned(), source: source.into() })
                }
            }
        }

        pub(super) async fn publish(
            &self,
            message: Message,
        ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
            let mut wire =
                model::Message::new().set_data(message.data).set_attributes(message.attributes);
            if let Some(key) = &message.ordering_key {
                wire = wire.set_ordering_key(key);
            }
            let published = self.0.publish(wire).await;
            if let (Err(_), Some(key)) = (&published, message.ordering_key) {
                // The client refuses everything of a key after one failure. Our caller has the
                // error in hand and decides what comes next, so nothing can overtake unnoticed.
                self.0.resume_publish(key);
            }
            published.map_err(Into::into)
        }
    }
}

#[cfg(not(feature = "google-cloud"))]
mod client {
    use super::{HostPort, Message, PublishError};

    /// There is none.
    #[derive(Debug)]
    pub(super) enum Client {}

    impl Client {
        pub(super) async fn connect(
            _topic: &str,
            _emulator: Option<&HostPort>,
        ) -> Result<Self, PublishError> {
            Err(PublishError::NoClient)
        }

        pub(super) async fn publish(
            &self,
            _message: Message,
        ) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_neither_its_payload_nor_its_values() {
        let message = Message {
            data: Bytes::from_static(b"secret payload"),
            attributes: BTreeMap::from([("intent".to_owned(), "secret value".to_owned())]),
            ordering_key: Some("secret key".to_owned()),
        };
        let shown = format!("{message:?}");
        assert!(shown.contains("14") && shown.contains("intent"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[cfg(not(feature = "google-cloud"))]
    #[tokio::test]
    async fn a_build_without_the_client_says_how_to_get_it() {
        let topic = "ticks".parse().unwrap();
        let error = Publisher::connect("p", &topic, None).await.expect_err("there is no client");
        assert!(error.to_string().contains("--features google-cloud"), "{error}");
    }

    #[cfg(feature = "google-cloud")]
    #[tokio::test]
    async fn a_publish_to_nobody_ends_at_its_deadline() {
        // A listener that never accepts: the connection opens and nothing ever answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = silent.local_addr().unwrap().to_string().parse().unwrap();
        let topic = "ticks".parse().unwrap();
        let publisher = Publisher::connect("p", &topic, Some(&host)).await.unwrap();
        let message = Message { data: Bytes::from_static(b"x"), ..Message::default() };
        let within = Duration::from_millis(200);
        let error = publisher.publish(message, within).await.expect_err("nobody answers");
        assert!(
            matches!(&error, PublishError::Timeout { topic, after }
                if topic == "projects/p/topics/ticks" && *after == within),
            "{error:?}"
        );
    }
}
