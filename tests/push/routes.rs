//! Paths, methods, statuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use rungate::dispatch::{Reply, ReplyKind, Source};
use rungate::push::{Authentication, BindError, Limits, Readiness, Server};
use serde_json::{Value, json};

use crate::house::{House, delivery, front, handle, malformed, recorded, request, settled, soon};

type Header<'a> = (&'a str, &'a str);

const WRAPPED: &str = include_str!("../fixtures/wrapped.json");

#[tokio::test]
async fn a_push_reaches_the_handler_by_both_paths() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle).await;
    for path in ["/", "/push", "/push?token=x"] {
        let answer = house.post(path, WRAPPED).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body, json!({ "outcome": "done" }));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let delivery = delivery(&mut arrivals);
        assert_eq!((delivery.source, &*delivery.intent), (Source::PubSub, "allocation"), "{path}");
        assert_eq!(delivery.raw, WRAPPED);
    }
}

#[tokio::test]
async fn a_direct_request_takes_the_same_road() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [("Idempotency-Key", "monday-1"), ("traceparent", &*parent)];
    let body = r#"{"dry_run":true,"intent":"allocation"}"#;
    let answer = house.send(request(Method::POST, "/allocation", &headers, body)).await;
    assert_eq!(answer.status, 200);
    let found = delivery(&mut arrivals);
    assert_eq!((found.source, &*found.intent), (Source::Direct, "allocation"));
    assert_eq!(Value::Object(found.parameters), json!({ "dry_run": true }));
    assert_eq!((&*found.message_id, found.attempt), ("monday-1", 1));
    assert_eq!((found.trace.as_deref(), &*found.raw), (Some(trace), body.as_bytes()));
    assert_eq!((found.run_key, found.published_at), (None, None));
}

#[tokio::test]
async fn a_direct_request_without_a_key_is_work_of_its_own() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle).await;
    let mut ids = Vec::new();
    for body in ["", "{}", " \n"] {
        assert_eq!(house.post("/allocation", body).await.status, 200, "{body:?}");
        let delivery = delivery(&mut arrivals);
        assert!(delivery.parameters.is_empty());
        let (name, digits) = delivery.message_id.split_at("direct-".len());
        assert_eq!((name, digits.len()), ("direct-", 32), "{}", delivery.message_id);
        assert!(!ids.contains(&delivery.message_id), "an id was given twice");
        ids.push(delivery.message_id);
    }
}

#[tokio::test]
async fn what_changes_nothing_may_be_got() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle).await;
    assert_eq!(house.get("/summary?account=a%20b&note=1+2%26&flag").await.status, 200);
    let found = delivery(&mut arrivals);
    assert_eq!(
        Value::Object(found.parameters),
        json!({ "account": "a b", "note": "1 2&", "flag": "" })
    );
    assert_eq!(house.get("/summary").await.status, 200);
    assert!(delivery(&mut arrivals).parameters.is_empty());
}

#[tokio::test]
async fn a_direct_request_that_does_not_read_names_the_reason() {
    let reply = Reply { kind: ReplyKind::Rejected, body: json!({ "error": "rejected" }) };
    let (handle, mut arrivals) = recorded(reply);
    let house = House::open(handle).await;
    let long = "k".repeat(129);
    let cases: [(&str, &[Header<'_>], &str, &str); 9] = [
        ("/allocation", &[], "not json", "not a JSON object"),
        ("/allocation", &[], "[]", "expected a JSON object"),
        ("/allocation", &[], r#"{"intent":"close-all"}"#, "two intents"),
        ("/allocation", &[], r#"{"intent":7}"#, "not a text"),
        ("/allocation", &[], r#"{"a":{"b":1,"b":2}}"#, "\"b\" is there twice"),
        ("/allocation?dry_run=true", &[], "", "into its body"),
        ("/allocation", &[("idempotency-key", "a b")], "", "Idempotency-Key"),
        ("/allocation", &[("idempotency-key", &long)], "", "Idempotency-Key"),
        ("/allocation", &[("idempotency-key", "a"), ("idempotency-key", "b")], "", "twice"),
    ];
    for (path, headers, body, expected) in cases {
        let body = body.to_owned();
        let answer = house.send(request(Method::POST, path, headers, body.clone())).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        let (_, reason) = malformed(&mut arrivals);
        assert!(reason.contains(expected), "{path} {body}: {reason}");
    }
    assert_eq!(house.get("/summary?a=1&a=2").await.status, 400);
    assert!(malformed(&mut arrivals).1.contains("\"a\" is there twice"));
}

#[tokio::test]
async fn wrong_paths_and_methods_are_told_so() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle).await;
    for path in ["/nothing", "/summary/", "/push/x", "/../push", "/%70ush"] {
        let answer = house.post(path, WRAPPED).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.error(), "there is nothing at this path");
    }
    for (method, path, allow) in [
        (Method::GET, "/", "POST"),
        (Method::PUT, "/push", "POST"),
        (Method::GET, "/allocation", "POST"),
        (Method::DELETE, "/summary", "GET, POST"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::POST, "/readyz", "GET, HEAD"),
    ] {
        let answer = house.send(request(method.clone(), path, &[], "")).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(answer.error(), format!("this path takes {allow}"));
    }
    assert!(arrivals.try_recv().is_err(), "none of them is a delivery");
}

#[tokio::test]
async fn the_handlers_reply_decides_the_status() {
    let busy = |retry_after| ReplyKind::Busy { retry_after };
    let cases = [
        (ReplyKind::Settled, 200, None),
        (ReplyKind::Quarantined, 200, None),
        (ReplyKind::Rejected, 400, None),
        (ReplyKind::Failed, 503, None),
        (busy(Duration::from_secs(30)), 503, Some("30")),
        (busy(Duration::from_millis(1_001)), 503, Some("2")),
        (busy(Duration::ZERO), 503, Some("1")),
    ];
    for (kind, status, retry_after) in cases {
        let body = json!({ "kind": format!("{kind:?}") });
        let (handle, _arrivals) = recorded(Reply { kind, body: body.clone() });
        let answer = House::open(handle).await.post("/push", WRAPPED).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (status, &body));
        assert_eq!(answer.header("retry-after"), retry_after, "{kind:?}");
    }
}

#[tokio::test]
async fn a_handler_that_panics_asks_for_another_delivery() {
    let house = House::open(handle(|_| async { panic!("as the test wants") })).await;
    for _ in 0..2 {
        let answer = house.post("/push", WRAPPED).await;
        assert_eq!(answer.status, 500);
        assert!(answer.error().contains("deliver again"));
    }
    assert_eq!(house.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn health_is_about_the_process_and_readiness_about_its_work() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle.clone()).await;
    assert_eq!(house.get("/healthz").await.body, json!({ "status": "up" }));
    let ready = house.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.body), (200, json!({ "gateway": "up" })));
    let head = house.send(request(Method::HEAD, "/readyz", &[], "")).await;
    assert_eq!((head.status.as_u16(), head.body), (200, Value::Null));

    let mut away = front(handle);
    away.ready = Arc::new(|| {
        let details = json!({ "gateway": "away" });
        Box::pin(async move { Readiness { ready: false, details } })
    });
    let house = House::with(away, Limits::default()).await;
    let ready = house.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.body), (503, json!({ "gateway": "away" })));
    assert_eq!(house.get("/healthz").await.status, 200);
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing_done() {
    let (handle, mut arrivals) = recorded(settled());
    let house = House::open(handle).await;
    for path in ["/allocation", "/push", "/nothing"] {
        let headers = [("origin", "https://example.com"), ("content-type", "text/plain")];
        let answer = house.send(request(Method::POST, path, &headers, "{}")).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert!(arrivals.try_recv().is_err());
    let ours = [("origin", "http://localhost:8080")];
    assert_eq!(house.send(request(Method::POST, "/allocation", &ours, "{}")).await.status, 200);
}

#[tokio::test]
async fn without_authentication_only_loopback_is_bound() {
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "[::ffff:192.0.2.1]:0"] {
        let addr: SocketAddr = addr.parse().unwrap();
        let error = soon(Server::bind(addr, Authentication::None)).await.unwrap_err();
        assert!(matches!(error, BindError::Exposed(there) if there == addr));
        assert!(error.to_string().contains("BIND_ADDR"), "{error}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (handle, _arrivals) = recorded(settled());
    let house = House::open(handle).await;
    let error = Server::bind(house.addr, Authentication::None).await.unwrap_err();
    assert!(matches!(error, BindError::Listen { addr, .. } if addr == house.addr));
    assert!(error.to_string().contains(&house.addr.to_string()));
}
