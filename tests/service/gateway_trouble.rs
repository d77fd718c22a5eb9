//! A gateway that is away, slow, silent, or gone in the middle.

use hyper::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::http::envelope;
use crate::world::World;

fn two() -> Value {
    json!([{ "contract": { "symbol": "SPY" }, "weight": "0.4" },
           { "contract": { "symbol": "AGG" }, "weight": "0.4" }])
}

fn tick(message_id: &str) -> Value {
    envelope(message_id, &json!({ "intent": "allocation" }), &json!({}))
}

#[tokio::test]
async fn a_gateway_that_is_away_is_an_outcome_and_the_redelivery_trades() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", two()).await;
    world.simulator.faults().refuse_connections(true);
    world.simulator.faults().drop_connections();

    let answer = service.push(&tick("t")).await;
    assert_eq!((answer.status, answer.outcome()), (StatusCode::SERVICE_UNAVAILABLE, "failed"));
    assert!(world.orders().is_empty());

    world.simulator.faults().refuse_connections(false);
    let answer = service.push(&tick("t")).await;
    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    assert_eq!(world.orders().len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_first_order_leaves_one_order_each() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", two()).await;
    world.simulator.faults().drop_after_orders(1);

    let mut last = service.push(&tick("t")).await;
    for _ in 0..3 {
        if last.outcome() == "done" {
            break;
        }
        assert_eq!(last.status, StatusCode::SERVICE_UNAVAILABLE, "{}", last.body);
        last = service.push(&tick("t")).await;
    }

    assert_eq!(last.outcome(), "done", "{}", last.body);
    let orders = world.orders();
    let mut symbols: Vec<&str> =
        orders.iter().map(|order| order.contract.local_symbol.as_str()).collect();
    symbols.sort_unstable();
    // A line whose bytes were lost with the connection is parked, never sent under another id.
    assert!(symbols == ["AGG", "SPY"] || parked(&last) == 1, "{symbols:?} {}", last.body);
    assert_eq!(orders.len() + parked(&last), 2, "{}", last.body);
    service.stop().await;
}

#[tokio::test]
async fn an_order_that_nobody_answers_for_is_parked_and_locks_its_contract() {
    let world = World::new().await;
    let service = world.service().await;
    world
        .book(&service, "alpha", json!([{ "contract": { "symbol": "SPY" }, "weight": "0.4" }]))
        .await;
    world.simulator.faults().lose_orders(1);

    let answer = service.push(&tick("t")).await;

    assert_eq!((answer.status, parked(&answer)), (StatusCode::OK, 1), "{}", answer.body);
    assert!(world.orders().is_empty());
    let order = &world.documents("orders").await[0].body;
    assert_eq!((&order["status"], &order["open"]), (&json!("parked"), &json!(true)));
    // Nothing more is ordered on its contract; the rest goes on.
    world.book(&service, "alpha", two()).await;
    let answer = world.push(&service, "allocation", json!({})).await;
    assert_eq!(answer.body["summary"], "1 of 1 orders filled", "{}", answer.body);
    assert_eq!(world.position("SPY"), Decimal::ZERO);
    assert_ne!(world.position("AGG"), Decimal::ZERO);
    service.stop().await;
}

#[tokio::test]
async fn acknowledgements_that_come_late_are_found_by_asking() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", two()).await;
    world.simulator.faults().hold_acks(true);
    // Orders reach the broker and fill; no report comes back, but the lists tell.
    let answer = service.push(&tick("t")).await;
    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    assert_eq!(world.orders().len(), 2);
    assert_eq!(world.holdings("alpha").await.len(), 2);
    world.simulator.faults().hold_acks(false);
    let answer = world.push(&service, "reconcile", json!({})).await;
    assert_eq!(answer.body["summary"], "2 contracts, 0 open orders, 0 breaks", "{}", answer.body);
    service.stop().await;
}

#[tokio::test]
async fn what_works_at_the_deadline_is_followed_by_reconcile() {
    let world = World::new().await;
    let service = world.service().await;
    world
        .book(&service, "alpha", json!([{ "contract": { "symbol": "SPY" }, "weight": "0.4" }]))
        .await;
    world.simulator.faults().hold_fills(true);

    let answer = service.push(&tick("t")).await;
    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    assert!(answer.body["summary"].as_str().unwrap().contains("1 working"), "{}", answer.body);
    // What works counts: the next run orders nothing on top of it.
    let answer = world.push(&service, "allocation", json!({})).await;
    assert_eq!(answer.body["summary"], "nothing to trade", "{}", answer.body);

    world.simulator.faults().hold_fills(false);
    let answer = world.push(&service, "reconcile", json!({})).await;
    assert_eq!(answer.body["summary"], "1 contracts, 0 open orders, 0 breaks", "{}", answer.body);
    assert_eq!(world.holdings("alpha").await[0].1, world.position("SPY"));
    assert_eq!(world.orders().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn close_all_cancels_what_works_before_it_flattens() {
    let world = World::new().await;
    let service = world.service().await;
    let agg = json!([{ "contract": { "symbol": "AGG" }, "weight": "0.4" }]);
    world.book(&service, "alpha", agg).await;
    service.push(&tick("t1")).await;
    world.simulator.faults().hold_fills(true);
    world.book(&service, "alpha", two()).await;
    let working = service.push(&tick("t2")).await;
    assert!(working.body["summary"].as_str().unwrap().contains("1 working"), "{}", working.body);

    let answer = world.push(&service, "close-all", json!({})).await;

    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    let orders = world.orders();
    let of = |symbol: &str, status: &str| {
        let fits = |order: &&rungate::sim::TrueOrder| {
            order.contract.local_symbol == symbol && order.status == status
        };
        orders.iter().filter(fits).count()
    };
    assert_eq!((of("SPY", "Cancelled"), of("AGG", "Filled")), (1, 1), "{orders:?}");
    // The way out works at the broker; once it fills, nothing is left.
    world.simulator.faults().fill_whole(true);
    world.simulator.faults().hold_fills(false);
    world.push(&service, "reconcile", json!({})).await;
    assert_eq!(world.position("SPY"), Decimal::ZERO);
    assert_eq!(world.position("AGG"), Decimal::ZERO);
    assert_eq!(world.holdings("alpha").await, []);
    assert_eq!(world.orders().len(), 3);
    service.stop().await;
}

#[tokio::test]
async fn a_mute_gateway_never_hangs_a_message() {
    let world = World::new().await;
    let service = world.service().await;
    world.book(&service, "alpha", two()).await;
    world.simulator.faults().mute(true);
    let answer = service.push(&tick("t")).await;
    assert_eq!((answer.status, answer.outcome()), (StatusCode::SERVICE_UNAVAILABLE, "failed"));
    world.simulator.faults().mute(false);
    let answer = service.push(&tick("t")).await;
    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    assert_eq!(world.orders().len(), 2);
    service.stop().await;
}

fn parked(answer: &crate::http::Answer) -> usize {
    answer.attention().iter().filter(|line| line.contains("is parked")).count()
}

#[tokio::test]
async fn a_parked_order_that_surfaces_after_all_is_booked_and_left_to_a_person() {
    let world = World::new().await;
    let service = world.service().await;
    let spy = json!([{ "contract": { "symbol": "SPY" }, "quantity": "10" }]);
    world.book(&service, "alpha", spy).await;
    world.simulator.faults().lose_orders(1);
    service.push(&tick("t")).await;
    let order = world.documents("orders").await[0].body.clone();
    assert_eq!(order["status"], "parked");
    // The lost bytes come out of a relay after all, as another connection would send them.
    let ticket = (&order["spec"]["line"]["order_ref"], &order["events"][0]["order_id"]);
    service.stop().await;
    resend(&world, ticket.0.as_str().unwrap(), ticket.1.as_i64().unwrap()).await;
    assert_eq!(world.position("SPY"), Decimal::TEN);

    let service = world.service().await;
    let answer = world.push(&service, "reconcile", json!({})).await;

    assert_eq!(parked(&answer), 1, "{}", answer.body);
    assert_eq!(world.holdings("alpha").await, [("SPY".to_owned(), Decimal::TEN)]);
    let again = world.push(&service, "allocation", json!({})).await;
    assert_eq!(again.body["summary"], "nothing to trade", "{}", again.body);
    assert_eq!(world.orders().len(), 1);
    service.stop().await;
}

/// Sends ten SPY under our client id, order id and reference.
async fn resend(world: &World, order_ref: &str, order_id: i64) {
    use ibapi::contracts::Contract;
    use ibapi::orders::{Action, order_builder};
    let addr = world.simulator.addr().to_string();
    let client = ibapi::Client::connect(&addr, crate::world::CLIENT_ID).await.expect("a client");
    let mut order = order_builder::market_order(Action::Buy, 10.0);
    order.order_ref = order_ref.to_owned();
    let id = i32::try_from(order_id).expect("an order id");
    client.submit_order(id, &Contract::stock("SPY").build(), &order).await.expect("an order");
    let filled = client.wait_for_fill(id, std::time::Duration::from_secs(5)).await;
    filled.expect("a fill");
    client.disconnect().await;
}

#[tokio::test]
async fn an_order_that_ib_refuses_ends_as_rejected_and_is_not_tried_again() {
    let world = World::new().await;
    let service = world.service().await;
    let mut config = world.document("config/common").await;
    config["exposure"]["overall"] = json!("10");
    config["limits"]["gross_exposure"] = json!("20");
    config["limits"]["order_value"] = json!("100000000");
    world.seed("config/common", &config).await;
    // Five times the account: more than its margin allows.
    world
        .book(&service, "alpha", json!([{ "contract": { "symbol": "SPY" }, "weight": "1" }]))
        .await;

    let answer = service.push(&tick("t")).await;

    assert_eq!(answer.outcome(), "done", "{}", answer.body);
    assert_eq!(answer.body["summary"], "0 of 1 orders filled");
    assert!(answer.attention().iter().any(|line| line.contains("is rejected")), "{}", answer.body);
    assert_eq!(world.holdings("alpha").await, []);
    let order = &world.documents("orders").await[0].body;
    assert_eq!((&order["status"], &order["open"]), (&json!("rejected"), &json!(false)));
    let events = order["events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["code"] == json!(201)), "{events:?}");
    let replayed = service.push(&tick("t")).await;
    assert_eq!(replayed.body["replayed"], json!(true));
    service.stop().await;
}
