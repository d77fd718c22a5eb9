//! The main job: a push becomes filled orders, once.

use futures::future::join_all;
use hyper::{Method, StatusCode};
use rungate::portfolio::{Plan, PlanInputs, plan};
use rust_decimal::Decimal;
use serde_json::json;

use crate::http::{envelope, send};
use crate::world::World;

#[tokio::test]
async fn a_pushed_allocation_becomes_filled_orders_and_holdings() {
    let world = World::new().await;
    let service = world.service().await;
    let spy = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]);
    let agg = json!([{ "contract": { "symbol": "AGG" }, "weight": "0.5" },
                     { "contract": { "symbol": "SPY" }, "quantity": "10" }]);
    assert_eq!(world.book(&service, "alpha", spy).await.outcome(), "done");
    assert_eq!(world.book(&service, "beta", agg).await.outcome(), "done");

    let answer = world.push(&service, "allocation", json!({})).await;

    assert_eq!((answer.status, answer.outcome()), (StatusCode::OK, "done"), "{}", answer.body);
    assert_eq!(answer.body["summary"], "2 of 2 orders filled");
    // One order a contract, and what strategies hold is what the account holds.
    let orders = world.orders();
    assert_eq!(orders.len(), 2);
    assert!(orders.iter().all(|order| order.filled == order.quantity && order.status == "Filled"));
    let alpha = world.holdings("alpha").await;
    let beta = world.holdings("beta").await;
    assert_eq!(beta[1], ("SPY".to_owned(), Decimal::TEN));
    assert_eq!(alpha[0].1 + Decimal::TEN, world.position("SPY"));
    assert_eq!(beta[0].1, world.position("AGG"));

    // Nothing is left to do: the same books again trade nothing.
    let again = world.push(&service, "allocation", json!({})).await;
    assert_eq!(again.body["summary"], "nothing to trade", "{}", again.body);
    assert_eq!(world.orders().len(), 2);
    let reconciled = world.push(&service, "reconcile", json!({})).await;
    assert_eq!(reconciled.body["summary"], "2 contracts, 0 open orders, 0 breaks");
    service.stop().await;
}

#[tokio::test]
async fn fifty_deliveries_at_once_and_fifty_later_are_one_run_and_one_set_of_orders() {
    let world = World::new().await;
    let service = world.service().await;
    let spy = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]);
    world.book(&service, "alpha", spy).await;
    let message = envelope("tick-1", &json!({ "intent": "allocation" }), &json!({}));

    let at_once = join_all((0..50).map(|_| service.push(&message))).await;

    let done = at_once.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let busy =
        at_once.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).count();
    assert!(done >= 1 && done + busy == 50, "{done} done, {busy} busy");
    let later = join_all((0..50).map(|_| service.push(&message))).await;
    assert!(
        later.iter().all(|answer| answer.status == StatusCode::OK && answer.outcome() == "done")
    );
    assert!(later.iter().all(|answer| answer.body["replayed"] == json!(true)));

    assert_eq!(world.orders().len(), 1);
    let run = world.document("runs/allocation.tick-1").await;
    assert_eq!((&run["attempts"], &run["state"]), (&json!(1), &json!("ended")));
    service.stop().await;
}

#[tokio::test]
async fn the_activity_record_recomputes_the_plan() {
    let world = World::new().await;
    let service = world.service().await;
    let targets = json!([{ "contract": { "symbol": "QQQ" }, "weight": "0.7" }]);
    world.book(&service, "beta", targets).await;
    world.push(&service, "allocation", json!({})).await;

    let activities = world.documents("activity").await;
    let record = activities
        .iter()
        .map(|document| &document.body)
        .find(|body| body["intent"] == "allocation")
        .expect("an activity record");
    let inputs: PlanInputs = serde_json::from_value(record["inputs"].clone()).unwrap();
    let recorded: Plan = serde_json::from_value(record["plan"].clone()).unwrap();
    assert_eq!(plan(&inputs), recorded);
    assert_eq!(recorded.lines.len(), 1);
    let verdicts = record["verdicts"].as_array().unwrap();
    assert!(verdicts.iter().all(|verdict| verdict["passed"] == json!(true)) && verdicts.len() > 3);
    service.stop().await;
}

#[tokio::test]
async fn a_dry_run_shows_the_plan_and_sends_nothing() {
    let world = World::new().await;
    let service = world.service().await;
    world
        .book(&service, "alpha", json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]))
        .await;
    let answer = world.push(&service, "allocation", json!({ "dry_run": true })).await;
    assert_eq!(answer.body["summary"], "dry run: 1 orders would be sent");
    assert_eq!(answer.body["details"]["plan"]["lines"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.orders().len(), 0);
    service.stop().await;
}

#[tokio::test]
async fn close_all_flattens_what_strategies_hold_and_leaves_the_rest() {
    let world = World::new().await;
    let service = world.service().await;
    world
        .book(&service, "alpha", json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]))
        .await;
    world
        .book(&service, "beta", json!([{ "contract": { "symbol": "AGG" }, "weight": "0.5" }]))
        .await;
    world.push(&service, "allocation", json!({})).await;
    let mine = manual_order(&world, "SPY", 7).await;

    let answer = world.push(&service, "close-all", json!({ "strategies": ["alpha"] })).await;

    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    assert_eq!(world.holdings("alpha").await, []);
    assert_eq!(world.position("SPY"), mine, "what nobody claims is untouched");
    assert!(!world.holdings("beta").await.is_empty());
    let all = world.push(&service, "close-all", json!({})).await;
    assert_eq!(all.outcome(), "done", "{}", all.body);
    assert_eq!(world.position("AGG"), Decimal::ZERO);
    assert_eq!(world.position("SPY"), mine);
    service.stop().await;
}

#[tokio::test]
async fn read_only_intents_answer_a_get() {
    let world = World::new().await;
    let service = world.service().await;
    let get = |path: &'static str| send(service.addr, Method::GET, path, String::new());
    let ping = get("/ping").await.unwrap();
    assert_eq!(ping.outcome(), "done", "{}", ping.body);
    assert!(ping.body["details"]["broker_time"].is_string());
    let summary = get("/summary").await.unwrap();
    assert_eq!(summary.body["details"]["account"]["net_liquidation"], "1000000.00");
    assert_eq!(get("/allocation").await.unwrap().status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get("/nothing").await.unwrap().status, StatusCode::NOT_FOUND);
    service.stop().await;
}

/// Buys by hand, as another API client, and returns how much.
async fn manual_order(world: &World, symbol: &str, quantity: i64) -> Decimal {
    use ibapi::contracts::Contract;
    use ibapi::orders::{Action, order_builder};
    let addr = world.simulator.addr().to_string();
    let client = ibapi::Client::connect(&addr, 99).await.expect("a client");
    let contract = Contract::stock(symbol).build();
    let order = order_builder::market_order(Action::Buy, quantity as f64);
    let id = client.next_order_id();
    client.submit_order(id, &contract, &order).await.expect("an order");
    let outcome = client.wait_for_fill(id, std::time::Duration::from_secs(5)).await;
    outcome.expect("a fill");
    client.disconnect().await;
    Decimal::from(quantity)
}
