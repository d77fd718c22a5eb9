//! Target books, silence, and what happens to holdings.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::world::{World, book};

fn targets(symbol: &str, weight: &str) -> Value {
    json!([{ "contract": { "symbol": symbol }, "weight": weight }])
}

#[tokio::test]
async fn a_strategy_without_a_fresh_book_keeps_its_holdings() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", targets("SPY", "0.5")).await;
    world.book(&service, "beta", targets("AGG", "0.5")).await;
    world.push(&service, "allocation", json!({})).await;
    let before = world.holdings("alpha").await;
    // Alpha's book runs out; beta says something new.
    let mut stored = world.document("strategies/alpha/intent/latest").await;
    for copy in ["book", "resolved"] {
        stored[copy]["as_of"] = json!("2026-03-09T14:00:00Z");
        stored[copy]["valid_until"] = json!("2026-03-09T15:00:00Z");
    }
    world.seed("strategies/alpha/intent/latest", &stored).await;
    world.book(&service, "beta", targets("QQQ", "0.5")).await;

    let answer = world.push(&service, "allocation", json!({})).await;

    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    let kept = answer.attention().iter().any(|line| {
        line.starts_with("strategy alpha keeps its holdings: its target book of 2026-03-09")
    });
    assert!(kept, "{:?}", answer.attention());
    assert_eq!(world.holdings("alpha").await, before);
    assert_eq!(world.position("SPY"), before[0].1);
    assert_eq!(world.position("AGG"), Decimal::ZERO);
    service.stop().await;
}

#[tokio::test]
async fn only_an_explicit_flat_book_is_an_exit() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", targets("SPY", "0.5")).await;
    world.push(&service, "allocation", json!({})).await;
    let empty = world.book(&service, "alpha", json!([])).await;
    assert_eq!(empty.outcome(), "refused", "{}", empty.body);
    let mut flat = book("alpha", json!([]));
    flat["flat"] = json!(true);
    assert_eq!(world.push(&service, "set-targets", flat).await.outcome(), "done");
    world.push(&service, "allocation", json!({})).await;
    assert_eq!(world.holdings("alpha").await, []);
    assert_eq!(world.position("SPY"), Decimal::ZERO);
    service.stop().await;
}

#[tokio::test]
async fn a_book_that_can_not_be_meant_is_refused_with_every_reason() {
    let world = World::new().await;
    let service = world.service().await;
    let mut late = book("alpha", targets("SPY", "7"));
    late["valid_until"] = json!("2026-03-09T15:00:00Z");
    let answer = world.push(&service, "set-targets", late).await;
    assert_eq!(answer.outcome(), "refused");
    let reasons = answer.body["details"]["reasons"].to_string();
    // Over before it began, over by now, and beyond the limits of one weight and of all.
    assert_eq!(answer.body["details"]["reasons"].as_array().map(Vec::len), Some(4), "{reasons}");

    let unknown = json!([{ "contract": { "symbol": "NOSUCH" }, "weight": "0.1" },
                         { "contract": { "symbol": "SPY" }, "weight": "0.1" },
                         { "contract": { "con_id": 756733 }, "weight": "0.1" }]);
    let answer = world.book(&service, "alpha", unknown).await;
    assert_eq!(answer.outcome(), "refused", "{}", answer.body);
    let reasons = answer.body["details"]["reasons"].to_string();
    assert!(reasons.contains("NOSUCH"), "{reasons}");
    assert!(reasons.contains("756733"), "the same contract twice: {reasons}");
    assert_eq!(world.document("strategies/alpha/intent/latest").await, Value::Null);
    service.stop().await;
}

#[tokio::test]
async fn strategies_that_want_opposite_things_trade_with_each_other() {
    let world = World::new().await;
    let service = world.service().await;
    let shares = |count: &str| json!([{ "contract": { "symbol": "SPY" }, "quantity": count }]);
    world.book(&service, "alpha", shares("100")).await;
    world.push(&service, "allocation", json!({})).await;
    let mut flat = book("alpha", json!([]));
    flat["flat"] = json!(true);
    world.push(&service, "set-targets", flat).await;
    world.book(&service, "beta", shares("100")).await;

    let answer = world.push(&service, "allocation", json!({})).await;

    assert_eq!(answer.body["summary"], "nothing to trade", "{}", answer.body);
    assert_eq!(world.orders().len(), 1);
    assert_eq!(world.holdings("alpha").await, []);
    assert_eq!(world.holdings("beta").await, [("SPY".to_owned(), Decimal::from(100))]);
    service.stop().await;
}

#[tokio::test]
async fn a_position_that_left_under_a_claim_is_a_break_that_locks_its_contract() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", targets("SPY", "0.5")).await;
    world.push(&service, "allocation", json!({})).await;
    // The record claims more than the account holds, as after a sale by hand.
    let mut claimed = world.document("positions/paper/holdings/alpha").await;
    let held = claimed["positions"]["756733"]["quantity"].as_str().unwrap().to_owned();
    let more: Decimal = held.parse::<Decimal>().unwrap() + Decimal::from(50);
    claimed["positions"]["756733"]["quantity"] = json!(more.to_string());
    world.seed("positions/paper/holdings/alpha", &claimed).await;

    let answer = world.push(&service, "reconcile", json!({})).await;
    assert!(answer.attention()[0].starts_with("break: SPY"), "{}", answer.body);
    world.book(&service, "alpha", targets("SPY", "0.9")).await;
    let answer = world.push(&service, "allocation", json!({})).await;
    assert_eq!(answer.body["summary"], "nothing to trade", "{}", answer.body);
    assert!(answer.attention().iter().any(|line| line.contains("locked")), "{}", answer.body);
    assert_eq!(world.orders().len(), 1);
    service.stop().await;
}
