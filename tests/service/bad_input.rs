//! What bad input gets: a clear answer, and nothing is traded.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::http::{envelope, send};
use crate::world::World;

#[tokio::test]
async fn what_can_never_work_is_rejected_with_its_reason_and_traded_by_nobody() {
    let world = World::new().await;
    let service = world.service().await;
    let with = |intent: &str, payload: Value| {
        envelope(&world.message_id(), &json!({ "intent": intent }), &payload).to_string()
    };
    let table = [
        ("not json", "{".to_owned()),
        ("no such intent", with("alocation", json!({}))),
        ("dryrun", with("allocation", json!({ "dryrun": true }))),
        ("boolean", with("allocation", json!({ "dry_run": 1 }))),
        ("base64", json!({ "message": { "messageId": "1", "data": "%%%" } }).to_string()),
        ("message id", json!({ "message": { "data": "e30=" } }).to_string()),
    ];
    for (what, body) in table {
        let answer = send(service.addr, Method::POST, "/push", body).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {}", answer.body);
        assert_eq!(answer.outcome(), "rejected", "{what}");
        assert!(answer.body["summary"].as_str().is_some_and(|text| !text.is_empty()), "{what}");
    }
    assert!(world.documents("runs").await.is_empty());
    assert!(world.orders().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn without_a_configuration_nothing_trades_and_every_problem_is_named() {
    let world = World::new().await;
    let service = world.service().await;
    let broken =
        json!({ "market_data_type": "delayd", "limts": {}, "exposure": { "overall": "2" } });
    world.seed("config/common", &broken).await;
    let answer = world.push(&service, "allocation", json!({})).await;
    assert_eq!((answer.status, answer.outcome()), (StatusCode::OK, "refused"));
    let reasons = answer.body["details"]["reasons"].to_string();
    for part in ["limts", "market_data_type", "exposure.strategies", "order_value"] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_switch_that_is_off_refuses_and_reduce_only_lets_out() {
    let world = World::new().await;
    let service = world.service().await;
    let spy = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]);
    world.book(&service, "alpha", spy.clone()).await;
    world.switch("off").await;
    let refused = world.push(&service, "allocation", json!({})).await;
    assert_eq!(refused.outcome(), "refused", "{}", refused.body);
    world.switch("reduce-only").await;
    let refused = world.push(&service, "allocation", json!({})).await;
    assert_eq!(refused.outcome(), "refused", "{}", refused.body);
    world.switch("on").await;
    assert_eq!(world.push(&service, "allocation", json!({})).await.outcome(), "done");
    world.switch("off").await;
    let refused = world.push(&service, "close-all", json!({})).await;
    assert_eq!(refused.outcome(), "refused", "{}", refused.body);
    world.switch("reduce-only").await;
    assert_eq!(world.push(&service, "close-all", json!({})).await.outcome(), "done");
    assert_eq!(world.holdings("alpha").await, []);
    assert_eq!(world.orders().len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn an_order_beyond_the_limit_refuses_the_whole_plan() {
    let world = World::new().await;
    let service = world.service().await;
    let mut config = world.document("config/common").await;
    config["limits"]["order_value"] = json!("1000");
    world.seed("config/common", &config).await;
    let two = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" },
                     { "contract": { "symbol": "AGG" }, "quantity": "1" }]);
    let mut small = config.clone();
    small["minimum_trade_value"] = json!("0");
    small["minimum_trade_weight"] = json!("0");
    world.seed("config/common", &small).await;
    world.book(&service, "alpha", two).await;
    let answer = world.push(&service, "allocation", json!({})).await;
    assert_eq!(answer.outcome(), "refused", "{}", answer.body);
    let reasons = answer.body["details"]["reasons"].to_string();
    assert!(reasons.contains("order-value") && reasons.contains("1000"), "{reasons}");
    assert!(world.orders().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn a_run_key_can_not_be_used_for_something_else() {
    let world = World::new().await;
    let service = world.service().await;
    let named = |intent: &str, payload: Value| {
        let attributes = json!({ "intent": intent, "run-key": "mine" });
        envelope(&world.message_id(), &attributes, &payload)
    };
    assert_eq!(service.push(&named("ping", json!({}))).await.outcome(), "done");
    let replayed = service.push(&named("ping", json!({}))).await;
    assert_eq!(replayed.body["replayed"], json!(true));
    let other = service.push(&named("summary", json!({}))).await;
    assert_eq!(other.outcome(), "refused", "{}", other.body);
    service.stop().await;
}

#[tokio::test]
async fn two_messages_of_one_slot_are_one_run_and_a_stale_one_is_refused() {
    let world = World::new().await;
    let service = world.service().await;
    let spy = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]);
    world.book(&service, "alpha", spy).await;
    let slot = |message_id: &str, published: &str| {
        let attributes = json!({ "intent": "allocation", "job": "daily" });
        let mut envelope = envelope(message_id, &attributes, &json!({}));
        envelope["message"]["publishTime"] = json!(published);
        envelope
    };
    let now = rungate::clock::Clock::system().now().to_string();
    let first = service.push(&slot("m1", &now)).await;
    assert_eq!(first.outcome(), "done", "{}", first.body);
    let second = service.push(&slot("m2", &now)).await;
    assert_eq!(second.body["replayed"], json!(true));
    assert_eq!(second.body["run_key"], first.body["run_key"]);
    let old = service.push(&slot("m3", "2026-03-09T19:45:00Z")).await;
    assert_eq!(old.outcome(), "refused", "{}", old.body);
    assert_eq!(world.orders().len(), 1);
    service.stop().await;
}
