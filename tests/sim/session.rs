//! Handshake, ids, accounts, time.

use super::robustness::Raw;
use super::*;

#[tokio::test]
async fn a_client_learns_its_account_its_next_id_and_the_time() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.server_version(), 226);
    assert_eq!(client.handshake_managed_accounts(), ["DU1234567"]);
    assert_eq!(client.next_order_id(), 1);
    assert!(client.time_zone().is_some(), "the zone of the handshake is understood");
    assert_eq!(within(client.managed_accounts()).await.unwrap(), ["DU1234567"]);
    let seconds = within(client.server_time()).await.unwrap().unix_timestamp();
    let millis = within(client.server_time_millis()).await.unwrap().unix_timestamp();
    assert!((millis - seconds).abs() <= 1, "{seconds} {millis}");
    assert_eq!(within(client.family_codes()).await.unwrap().len(), 1);
    within(client.user_info()).await.unwrap();
}

#[tokio::test]
async fn a_client_id_in_use_is_refused_and_its_owner_does_not_notice() {
    let simulator = start().await;
    let first = connect(&simulator, CLIENT).await;
    let second = connect_to(&simulator.addr().to_string(), CLIENT).await;
    assert!(matches!(second, Err(Error::ClientIdInUse { client_id: CLIENT })));
    settle(&first).await;
    connect(&simulator, CLIENT + 1).await;
}

#[tokio::test]
async fn a_client_id_is_free_as_soon_as_its_connection_is_gone() {
    let simulator = start().await;
    let mut first = Raw::started(&simulator, 7).await;
    first.close().await;
    connect(&simulator, 7).await;
}

#[tokio::test]
async fn the_next_id_is_above_all_ids_of_that_client_also_after_a_reconnect() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(41, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 42);
    // A refused order uses its id up as well.
    client.submit_order(50, &spy(), &limit(Action::Buy, 1.0, 1.005)).await.unwrap();
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 51);
    client.disconnect().await;

    let mut raw = Raw::started(&simulator, CLIENT).await;
    assert_eq!(raw.next_id, 51);
    raw.close().await;
    assert_eq!(connect(&simulator, 8).await.next_order_id(), 1);
}

#[tokio::test]
async fn the_oldest_version_is_spoken_and_an_older_one_is_refused() {
    let simulator = start().await;
    let mut oldest = Raw::connect(&simulator).await;
    assert!(oldest.hello("v213").await.unwrap().starts_with("213\0"));
    let mut newer = Raw::connect(&simulator).await;
    assert!(newer.hello("v100..300").await.unwrap().starts_with("226\0"));
    let mut older = Raw::connect(&simulator).await;
    assert_eq!(older.hello("v100..212").await, None, "closed without an answer");
}

#[tokio::test]
async fn two_clients_see_each_others_orders_only_where_they_should() {
    let simulator = start().await;
    pin_spy(&simulator);
    let (a, b) = (connect(&simulator, 1).await, connect(&simulator, 2).await);
    a.submit_order(5, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    settle(&a).await;
    let mut own = b.open_orders().await.unwrap();
    assert!(own.collect_to_end_within(DEADLINE).await.unwrap().is_empty());
    let mut all = b.all_open_orders().await.unwrap();
    let rows = all.collect_to_end_within(DEADLINE).await.unwrap();
    let [Orders::OrderData(order), Orders::OrderStatus(status)] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!((order.order_id, order.order.client_id, status.client_id), (5, 1, 1));
}

#[tokio::test]
async fn only_client_zero_may_bind_orders_entered_by_hand() {
    let simulator = start().await;
    let (zero, other) = (connect(&simulator, 0).await, connect(&simulator, 1).await);
    let mut bound = zero.auto_open_orders(true).await.unwrap();
    assert!(bound.collect_to_end_within(DEADLINE).await.unwrap().is_empty());
    // The error has no id, so it reaches no stream but that of the notices.
    let mut notices = other.notice_stream().unwrap();
    let _refused = other.auto_open_orders(true).await.unwrap();
    while within(notices.next()).await.unwrap().code != 327 {}
}
