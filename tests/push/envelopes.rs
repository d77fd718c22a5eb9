//! Bytes of every kind become a delivery, or a reason.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use hyper::HeaderMap;
use proptest::prelude::*;
use rungate::dispatch::{Arrival, Delivery, Source};
use rungate::push::read_message;
use serde_json::{Value, json};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
        headers.append(*name, value.parse().unwrap());
        headers
    })
}

fn read(pairs: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> Arrival {
    read_message(&headers(pairs), Bytes::copy_from_slice(body.as_ref()))
}

fn delivery(pairs: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> Delivery {
    match read(pairs, body) {
        Arrival::Delivery(delivery) => delivery,
        Arrival::Malformed { reason, .. } => panic!("{reason}"),
    }
}

fn malformed(pairs: &[(&'static str, &str)], body: impl AsRef<[u8]>) -> (Option<String>, String) {
    match read(pairs, body) {
        Arrival::Delivery(delivery) => panic!("{delivery:?}"),
        Arrival::Malformed { message_id, reason, .. } => (message_id, reason),
    }
}

fn wrap(payload: impl AsRef<[u8]>) -> Value {
    json!({ "message": { "messageId": "1", "data": STANDARD.encode(payload) } })
}

#[test]
fn a_wrapped_push_reads_in_full() {
    let raw = include_bytes!("../fixtures/wrapped.json");
    let found = delivery(&[("x-cloud-trace-context", "105445aa7843bc8bf206b12000100000/1")], raw);
    assert_eq!((found.source, &*found.message_id), (Source::PubSub, "11284093672012544"));
    assert_eq!(found.intent, "allocation");
    let parameters = json!({ "strategies": ["trend", "carry"], "dry_run": true });
    assert_eq!(Value::Object(found.parameters), parameters);
    assert_eq!(found.published_at, Some("2026-03-09T14:30:00.123Z".parse().unwrap()));
    assert_eq!((found.attempt, found.run_key), (3, None));
    assert_eq!(found.job.as_deref(), Some("rungate-allocation"));
    let attributes = [("job", "rungate-allocation"), ("origin", "cloud-scheduler")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found.attributes, BTreeMap::from(attributes));
    let subscription = "projects/example/subscriptions/rungate-push";
    assert_eq!(found.subscription.as_deref(), Some(subscription));
    assert_eq!(found.trace.as_deref(), Some("105445aa7843bc8bf206b12000100000"));
    assert_eq!(found.raw, &raw[..]);
}

#[test]
fn either_spelling_is_enough() {
    let camel = delivery(&[], include_bytes!("../fixtures/wrapped-camel.json"));
    let snake = delivery(&[], include_bytes!("../fixtures/wrapped-snake.json"));
    assert_eq!((&*camel.message_id, &*snake.message_id), ("21", "22"));
    for found in [camel, snake] {
        assert_eq!(found.published_at, Some("2026-03-09T14:30:00Z".parse().unwrap()));
        assert_eq!((found.attempt, &*found.intent), (2, "ping"));
    }
}

#[test]
fn what_the_emulator_leaves_out_is_not_missed() {
    let found = delivery(&[], include_bytes!("../fixtures/emulator.json"));
    assert_eq!((&*found.message_id, found.attempt), ("5", 1));
    assert_eq!((&*found.intent, found.run_key.as_deref()), ("summary", Some("summary-2026-03-09")));
    assert_eq!(found.subscription.as_deref(), Some("projects/test/subscriptions/push"));
}

#[test]
fn attributes_alone_are_a_message() {
    let found = delivery(&[], include_bytes!("../fixtures/attributes-only.json"));
    assert_eq!(
        (&*found.intent, found.run_key.as_deref()),
        ("reconcile", Some("reconcile-2026-03-09"))
    );
    assert!(found.parameters.is_empty() && found.published_at.is_none());
    let found = delivery(&[], include_bytes!("../fixtures/empty-data.json"));
    assert_eq!((&*found.intent, found.parameters.len()), ("ping", 0));
}

#[test]
fn an_unwrapped_push_has_its_rest_in_headers() {
    let raw = include_bytes!("../fixtures/unwrapped.json");
    let found = delivery(
        &[
            ("x-goog-pubsub-message-id", "77"),
            ("x-goog-pubsub-publish-time", "2026-03-09T14:30:00.5Z"),
            ("x-goog-pubsub-subscription-name", "projects/test/subscriptions/push"),
            ("x-goog-pubsub-delivery-attempt", "4"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("intent", "set-targets"),
            ("run-key", "targets-1"),
            ("job", "nightly"),
        ],
        raw,
    );
    assert_eq!((found.source, &*found.message_id), (Source::PubSub, "77"));
    assert_eq!((&*found.intent, found.attempt), ("set-targets", 4));
    assert_eq!(Value::Object(found.parameters), json!({ "strategy": "trend", "dry_run": true }));
    assert_eq!(found.published_at, Some("2026-03-09T14:30:00.5Z".parse().unwrap()));
    assert_eq!(
        (found.run_key.as_deref(), found.job.as_deref()),
        (Some("targets-1"), Some("nightly"))
    );
    assert_eq!(found.attributes.len(), 3);
    assert_eq!(found.raw, &raw[..]);
    let bare = [("x-goog-pubsub-message-id", "78")];
    assert_eq!(delivery(&bare, r#"{"intent":"ping"}"#).intent, "ping");
}

#[test]
fn an_intent_named_twice_must_be_the_same() {
    let both = |attribute: &str| {
        let mut envelope = wrap(r#"{"intent":"ping","a":1}"#);
        envelope["message"]["attributes"] = json!({ "intent": attribute });
        envelope.to_string()
    };
    let found = delivery(&[], both("ping"));
    assert_eq!((&*found.intent, Value::Object(found.parameters)), ("ping", json!({ "a": 1 })));
    let (id, reason) = malformed(&[], both("close-all"));
    assert_eq!(id.as_deref(), Some("1"));
    assert!(reason.contains("\"close-all\"") && reason.contains("\"ping\""), "{reason}");
}

#[test]
fn a_wrapper_that_does_not_read_says_why() {
    for (body, reason) in [
        ("", "not a Pub/Sub envelope"),
        ("not json", "not a Pub/Sub envelope"),
        ("\u{FEFF}{}", "not a Pub/Sub envelope"),
        ("[]", "not a Pub/Sub envelope"),
        ("{}", "missing field `message`"),
        (r#"{"intent":"ping"}"#, "missing field `message`"),
        (r#"{"message":null}"#, "invalid type: null"),
        (r#"{"message":{}}"#, "no id"),
        (r#"{"message":{"messageId":""}}"#, "no id"),
        (r#"{"message":{"messageId":"1","message_id":"2"}}"#, "its id twice"),
    ] {
        let (id, found) = malformed(&[], body);
        assert!(found.contains(reason), "{body}: {found}");
        assert_eq!(id, None, "{body}");
    }
    for deep in ["[", "{\"a\":"] {
        let deep = deep.repeat(200_000);
        for body in [format!("{{\"message\":{deep}"), format!("{{\"other\":{deep}"), deep] {
            let (_, found) = malformed(&[], body);
            assert!(found.contains("not a Pub/Sub envelope"), "{found}");
        }
    }
}

#[test]
fn a_message_that_does_not_read_keeps_its_id() {
    let message = |rest: &str| format!(r#"{{"message":{{"messageId":"9",{rest}}}}}"#);
    let data = |text: &str| message(&format!(r#""data":"{}""#, STANDARD.encode(text)));
    for (body, reason) in [
        (message(r#""data":"%%%""#), "not base64"),
        (message(r#""data":"e30_""#), "not base64"),
        (message(r#""data":7"#), "expected a string"),
        (message(r#""attributes":{"intent":7}"#), "expected a string"),
        (message(r#""publishTime":"yesterday""#), "\"yesterday\" is not a time"),
        (message(r#""attributes":{"intent":""}"#), "`intent` is empty"),
        (message(r#""attributes":{"intent":"ping","run-key":""}"#), "`run-key` is empty"),
        (message(r#""attributes":{"intent":"ping","job":""}"#), "`job` is empty"),
        (message(r#""data":"""#), "no intent"),
        (data("{}"), "no intent"),
        (data(r#"{"intent":""}"#), "no intent"),
        (data(r#"{"intent":null}"#), "not a text"),
        (data("[1]"), "expected a JSON object"),
        (data("\"ping\""), "expected a JSON object"),
        (data("{\"intent\":\"ping\"} x"), "trailing characters"),
        (
            data("{\"intent\":\"ping\",\"dry_run\":true,\"dry_run\":false}"),
            "\"dry_run\" is there twice",
        ),
        (data("{\"intent\":\"ping\",\"x\":1e999}"), "out of range"),
        (r#"{"message":{"messageId":"9"},"deliveryAttempt":-1}"#.to_owned(), "-1"),
    ] {
        let (id, found) = malformed(&[], &body);
        assert!(found.contains(reason), "{body}: {found}");
        assert_eq!(id.as_deref(), Some("9"), "{body}");
    }
    let (_, reason) = malformed(&[], wrap(b"\xff\xfe{}").to_string());
    assert!(reason.contains("not a JSON object"), "{reason}");
}

#[test]
fn an_unwrapped_push_that_does_not_read_says_why() {
    let id = ("x-goog-pubsub-message-id", "9");
    let (_, reason) = malformed(&[("x-goog-pubsub-message-id", "")], "{}");
    assert!(reason.contains("no id"), "{reason}");
    for (header, reason) in [
        (("x-goog-pubsub-publish-time", "x"), "not a time"),
        (("x-goog-pubsub-delivery-attempt", "x"), "not a number"),
        (("intent", "summary"), "two intents"),
    ] {
        let (found_id, found) = malformed(&[id, header], r#"{"intent":"ping"}"#);
        assert!(found.contains(reason), "{header:?}: {found}");
        assert_eq!(found_id.as_deref(), Some("9"));
    }
    let twice = [id, ("intent", "ping"), ("intent", "ping")];
    assert!(malformed(&twice, "").1.contains("`intent` is there twice"));
    let ids = [id, id];
    assert_eq!(malformed(&ids, "").0, None);
}

#[test]
fn a_reason_does_not_repeat_a_megabyte() {
    let long = "é".repeat(500_000);
    let body = json!({ "message": { "messageId": "1", "publishTime": long } }).to_string();
    let (_, reason) = malformed(&[], body);
    assert!(reason.len() < 1_100, "{}", reason.len());
}

/// JSON that is nearly an envelope: every field may be missing, or of any type.
fn nearly_envelopes() -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!({})),
        Just(json!([{}])),
        Just(json!("2026-03-09T14:30:00Z")),
        Just(json!(STANDARD.encode(r#"{"intent":"ping"}"#))),
        Just(json!({ "intent": "ping" })),
    ];
    let names = prop::sample::select(vec![
        "messageId",
        "message_id",
        "publishTime",
        "publish_time",
        "data",
        "attributes",
        "other",
    ]);
    let message = prop::collection::btree_map(names, odd.clone(), 0..7);
    (message, prop::option::of(odd.clone()), prop::option::of(odd)).prop_map(
        |(message, subscription, attempt)| {
            json!({ "message": message, "subscription": subscription, "deliveryAttempt": attempt })
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_get_a_delivery_or_a_reason(
        body in prop::collection::vec(any::<u8>(), 0..400),
        id in prop::option::of("[ -~]{0,20}"),
        intent in prop::option::of(prop::collection::vec(128_u8..=255, 0..10)),
    ) {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert("x-goog-pubsub-message-id", id.parse().unwrap());
        }
        if let Some(intent) = intent {
            headers.insert("intent", hyper::header::HeaderValue::from_bytes(&intent).unwrap());
        }
        match read_message(&headers, Bytes::from(body.clone())) {
            Arrival::Delivery(delivery) => {
                prop_assert!(!delivery.message_id.is_empty() && !delivery.intent.is_empty());
                prop_assert_eq!(&delivery.raw[..], &body);
            }
            Arrival::Malformed { raw, reason, .. } => {
                prop_assert!(!reason.is_empty());
                prop_assert_eq!(&raw[..], &body);
            }
        }
    }

    #[test]
    fn nearly_an_envelope_gets_a_delivery_or_a_reason(envelope in nearly_envelopes()) {
        match read(&[], envelope.to_string()) {
            Arrival::Delivery(delivery) => {
                prop_assert_eq!(&delivery.intent, "ping");
                prop_assert!(!delivery.message_id.is_empty());
            }
            Arrival::Malformed { reason, .. } => prop_assert!(!reason.is_empty()),
        }
    }

    #[test]
    fn padding_and_wrapping_make_no_difference(
        text in ".{0,40}", number in any::<i64>(), name in "[a-z_]{1,10}",
    ) {
        prop_assume!(name != "intent" && name != "n");
        let parameters = json!({ &*name: text, "n": [number] });
        let mut payload = parameters.clone();
        payload["intent"] = json!("ping");
        let payload = payload.to_string();
        let encode = |data: String| json!({ "message": { "messageId": "1", "data": data } });
        let padded = delivery(&[], encode(STANDARD.encode(&payload)).to_string());
        let bare = delivery(&[], encode(STANDARD_NO_PAD.encode(&payload)).to_string());
        let unwrapped = delivery(&[("x-goog-pubsub-message-id", "1")], &payload);
        for found in [padded, bare, unwrapped] {
            prop_assert_eq!(&found.intent, "ping");
            prop_assert_eq!(Value::Object(found.parameters), parameters.clone());
        }
    }
}
