//! Each fault as a real client sees it.

use ibapi::orders::{OrderStatusKind, OrderUpdate};

use super::robustness::Raw;
use super::*;

/// What nothing happens in: long enough for a frame over loopback, which takes microseconds.
const QUIET: Duration = Duration::from_millis(300);

/// A client that does not try again by itself.
async fn once(simulator: &Simulator, client_id: i32) -> Client {
    let addr = simulator.addr().to_string();
    let client = Client::builder().address(addr).client_id(client_id).max_reconnect_attempts(0);
    within(client.connect()).await.unwrap()
}

/// Waits until the client saw its connection go.
async fn gone(updates: &mut Subscription<OrderUpdate>) {
    within(async { while let Some(Ok(_)) = updates.next().await {} }).await;
}

#[tokio::test]
async fn refused_connections_are_reset_and_later_ones_served() {
    let simulator = start().await;
    simulator.faults().refuse_connections(true);
    assert!(connect_to(&simulator.addr().to_string(), CLIENT).await.is_err());
    simulator.faults().refuse_connections(false);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_mute_gateway_swallows_requests_until_it_speaks_again() {
    let simulator = start().await;
    simulator.faults().mute(true);
    let client = connect(&simulator, CLIENT).await;
    assert!(tokio::time::timeout(QUIET, client.server_time()).await.is_err());
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert!(tokio::time::timeout(QUIET, client.server_time()).await.is_err());
    simulator.faults().mute(false);
    settle(&client).await;
    assert!(simulator.truth().orders.is_empty(), "what was swallowed is gone");
}

#[tokio::test]
async fn a_mute_handshake_says_nothing_and_keeps_the_connection() {
    let simulator = start().await;
    simulator.faults().mute_handshake(true);
    let mut raw = Raw::connect(&simulator).await;
    assert!(tokio::time::timeout(QUIET, raw.hello("v213..226")).await.is_err());
    simulator.faults().mute_handshake(false);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn dropped_connections_end_and_can_be_made_again() {
    let simulator = start().await;
    let client = once(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().drop_connections();
    gone(&mut updates).await;
    drop(client);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_reset_after_no_more_orders_is_a_reset_now() {
    let simulator = start().await;
    let client = once(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().drop_after_orders(0);
    gone(&mut updates).await;
    drop(client);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_drop_an_orderly_end() {
    let simulator = start().await;
    let raw = Raw::started(&simulator, 8).await;
    simulator.faults().drop_connections();
    assert!(raw.end().await.is_ok());
    let raw = Raw::started(&simulator, 9).await;
    simulator.faults().drop_after_orders(0);
    let error = raw.end().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_lost_order_is_nowhere_and_its_id_stays_free() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    simulator.faults().lose_orders(1);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().orders.is_empty());
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    let outcome = client.wait_for_fill(1, DEADLINE).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn orders_before_a_reset_are_applied_and_never_answered() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = once(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().drop_after_orders(2);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    client.submit_order(2, &spy(), &market(Action::Buy, 2.0)).await.unwrap();
    let mut frames = 0;
    within(async {
        while let Some(Ok(item)) = updates.next().await {
            frames += u32::from(matches!(item, SubscriptionItem::Data(_)));
        }
    })
    .await;
    assert_eq!(frames, 0, "no frame came back");
    assert_eq!(simulator.truth().executions.len(), 2);

    // The fault is over: the next connection is as any other, and nothing is replayed to it.
    drop(client);
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.next_order_id(), 3);
    assert_eq!(positions(&client).await[0].position, 3.0);
    trade(&client, &spy(), &market(Action::Sell, 3.0)).await;
}

#[tokio::test]
async fn withheld_frames_arrive_when_they_are_let_go() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().hold_acks(true);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    assert_eq!(simulator.truth().executions.len(), 1, "the order reached the broker");
    assert!(tokio::time::timeout(QUIET, updates.next()).await.is_err());
    simulator.faults().hold_acks(false);
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        if let SubscriptionItem::Data(OrderUpdate::OrderStatus(row)) = item
            && row.status == OrderStatusKind::Filled
        {
            return;
        }
    }
}

#[tokio::test]
async fn orders_work_unfilled_while_fills_are_held() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    simulator.faults().hold_fills(true);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    let status = |simulator: &Simulator| {
        simulator.truth().orders.into_values().next().map(|order| order.status)
    };
    assert_eq!(status(&simulator).as_deref(), Some("Submitted"));
    simulator.faults().hold_fills(false);
    assert_eq!(status(&simulator).as_deref(), Some("Filled"));
    let outcome = client.wait_for_fill(1, DEADLINE).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_read_only_gateway_refuses_orders_and_cancels() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(1, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    settle(&client).await;
    simulator.faults().read_only(true);
    let mut order = client.place_order(2, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert_eq!(code(within(order.next()).await.unwrap()), 321);
    let mut cancel = client.cancel_order(1, "").await.unwrap();
    assert_eq!(code(within(cancel.next()).await.unwrap()), 321);
    client.global_cancel().await.unwrap();
    settle(&client).await;
    let truth = simulator.truth();
    let statuses: Vec<_> = truth.orders.values().map(|order| order.status.as_str()).collect();
    assert_eq!(statuses, ["Submitted"]);
}

#[tokio::test]
async fn an_account_that_is_not_ready_says_so_and_has_nothing() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    simulator.faults().account_ready(false);
    let account = AccountId("DU1234567".into());
    let mut updates = client.account_updates(&account).await.unwrap();
    let rows = within(updates.next_batch(DEADLINE)).await.unwrap().unwrap();
    let value = |wanted: &str| {
        rows.iter().find_map(|row| match row {
            AccountUpdate::AccountValue(row) if row.key == wanted => Some(row.value.as_str()),
            _ => None,
        })
    };
    assert_eq!((value("AccountReady"), value("NetLiquidation")), (Some("false"), Some("0.00")));
    simulator.faults().account_ready(true);
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        let SubscriptionItem::Data(AccountUpdate::AccountValue(row)) = item else { continue };
        if row.key == "NetLiquidation" {
            assert_eq!(row.value, "1000000.00");
            return;
        }
    }
}

#[tokio::test]
async fn a_price_that_makes_no_sense_is_not_set() {
    let simulator = start().await;
    let faults = simulator.faults();
    assert!(faults.set_price("NOSUCH", dec("1"), dec("2")).is_err());
    assert!(faults.set_price("SPY", dec("2"), dec("1")).is_err());
    assert!(faults.set_price("SPY", dec("0"), dec("1")).is_err());
    faults.set_price("SPY", dec("1"), dec("2")).unwrap();
}
