//! Our publishing and our quarantine against Google's own Pub/Sub emulator, and the emulator's
//! redelivery, on which the tests of the whole service stand.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use rungate::dispatch::{Quarantine, Rejected, ReplyKind};
use rungate::pubsub::{Message, Publisher};

use crate::emulator::{DELIVERIES_MAX, Emulator, Endpoint, PROJECT, PushPolicy, subscription_name};

/// A delivery over loopback takes milliseconds; a redelivery of the emulator about a second.
const WITHIN: Duration = Duration::from_secs(30);

fn tick() -> Message {
    Message {
        data: Bytes::from_static(br#"{"dry_run":true}"#),
        attributes: BTreeMap::from([("intent".to_owned(), "allocation".to_owned())]),
        ordering_key: None,
    }
}

async fn publisher(emulator: &Emulator, topic: &str) -> Publisher {
    let topic = topic.parse().expect("a topic's short name");
    Publisher::connect(PROJECT, &topic, Some(emulator.host())).await.expect("a client")
}

#[tokio::test]
async fn what_is_published_arrives_as_a_push_with_its_data_and_attributes() {
    let Some(emulator) = Emulator::start().await else { return };
    let mut endpoint = Endpoint::start().await;
    emulator.topic("ticks").await;
    emulator.push_subscription("push", "ticks", endpoint.url(), PushPolicy::default()).await;

    let id = publisher(&emulator, "ticks").await.publish(tick(), WITHIN).await.unwrap();

    let push = endpoint.next(WITHIN).await;
    assert_eq!(push.path, "/push");
    assert_eq!(push.message_id(), id);
    assert_eq!(push.data(), tick().data);
    assert_eq!(push.attributes(), tick().attributes);
    assert_eq!(push.envelope["subscription"], subscription_name("push"));
    push.answer(204);
}

#[tokio::test]
async fn a_message_comes_again_until_it_is_acknowledged() {
    let Some(emulator) = Emulator::start().await else { return };
    let mut endpoint = Endpoint::start().await;
    emulator.topic("ticks").await;
    emulator.push_subscription("push", "ticks", endpoint.url(), PushPolicy::default()).await;
    let publisher = publisher(&emulator, "ticks").await;

    let id = publisher.publish(tick(), WITHIN).await.unwrap();
    let first = endpoint.next(WITHIN).await;
    assert_eq!(first.message_id(), id);
    first.answer(503);
    let second = endpoint.next(WITHIN).await;
    assert_eq!((second.message_id(), second.data()), (id.as_str(), tick().data.to_vec()));
    second.answer(204);

    // What is acknowledged stays away: the next push is the next message.
    let next = publisher.publish(tick(), WITHIN).await.unwrap();
    assert_ne!(next, id);
    let third = endpoint.next(WITHIN).await;
    assert_eq!(third.message_id(), next);
    third.answer(204);
}

#[tokio::test]
async fn a_message_that_is_never_acknowledged_becomes_a_dead_letter() {
    let Some(emulator) = Emulator::start().await else { return };
    let mut endpoint = Endpoint::start().await;
    emulator.topic("ticks").await;
    emulator.topic("dead").await;
    emulator.pull_subscription("dead", "dead").await;
    let policy = PushPolicy { dead_letter: Some("dead"), ..PushPolicy::default() };
    emulator.push_subscription("push", "ticks", endpoint.url(), policy).await;

    let id = publisher(&emulator, "ticks").await.publish(tick(), WITHIN).await.unwrap();
    for _ in 0..DELIVERIES_MAX {
        let push = endpoint.next(WITHIN).await;
        assert_eq!(push.message_id(), id);
        push.answer(400);
    }

    let dead = emulator.pull("dead", WITHIN).await;
    assert_eq!(dead.data, tick().data);
    assert_eq!(dead.attributes["intent"], "allocation");
    let attempts = &dead.attributes["CloudPubSubDeadLetterSourceDeliveryCount"];
    assert_eq!(attempts, &DELIVERIES_MAX.to_string());
}

#[tokio::test]
async fn what_can_never_work_lies_in_quarantine_with_its_reason() {
    let Some(emulator) = Emulator::start().await else { return };
    emulator.topic("quarantine").await;
    emulator.pull_subscription("quarantine", "quarantine").await;
    let settings = emulator.settings("ticks", Some("quarantine"));
    let quarantine = Quarantine::connect(&settings).await.unwrap();

    let raw = Bytes::from_static(b"{ not JSON");
    let rejected = Rejected {
        raw: &raw,
        reason: "the body is not JSON",
        message_id: Some("17"),
        subscription: None,
    };
    assert_eq!(quarantine.take(rejected).await, ReplyKind::Quarantined);

    let kept = emulator.pull("quarantine", WITHIN).await;
    assert_eq!(kept.data, raw);
    assert_eq!(kept.attributes["quarantine-reason"], "the body is not JSON");
    assert_eq!(kept.attributes["quarantine-message-id"], "17");
}

#[tokio::test]
async fn a_quarantine_topic_that_does_not_exist_asks_for_another_delivery() {
    let Some(emulator) = Emulator::start().await else { return };
    let settings = emulator.settings("ticks", Some("absent"));
    let quarantine = Quarantine::connect(&settings).await.unwrap();
    let raw = Bytes::from_static(b"x");
    let rejected = Rejected { raw: &raw, reason: "bad", message_id: None, subscription: None };
    assert_eq!(quarantine.take(rejected).await, ReplyKind::Failed);
}
