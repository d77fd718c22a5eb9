//! Orders and cancels that a gateway refuses.

use ibapi::orders::{OcaType, TimeInForce};

use super::*;

#[tokio::test]
async fn each_bad_order_gets_the_code_that_ib_has_for_it() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let buy = |quantity| market(Action::Buy, quantity);
    let nothing = Contract::stock("NOSUCH").build();
    assert_eq!(refused(&client, &nothing, &buy(1.0)).await, 200);
    assert_eq!(refused(&client, &spy(), &buy(0.0)).await, 434);
    assert_eq!(refused(&client, &spy(), &buy(0.5)).await, 10_243);
    assert_eq!(refused(&client, &spy(), &limit(Action::Buy, 1.0, 500.005)).await, 110);
    assert_eq!(refused(&client, &spy(), &buy(1_000_000.0)).await, 201);
    let trailing = Order { order_type: "TRAIL".into(), aux_price: Some(1.0), ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &trailing).await, 387);
    let stop = Order { order_type: "STP".into(), ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &stop).await, 321, "a stop without its price");
    let stop = Order { aux_price: Some(500.001), ..stop };
    assert_eq!(refused(&client, &spy(), &stop).await, 110);
    let euro = Contract::forex("EUR", "USD").build();
    let on_close = Order { order_type: "MOC".into(), ..buy(1.0) };
    assert_eq!(refused(&client, &euro, &on_close).await, 387, "currencies have no auction");
    let on_close = Order { tif: TimeInForce::GoodTillCanceled, ..on_close };
    assert_eq!(refused(&client, &spy(), &on_close).await, 113);
    let on_open = Order { order_type: "MIDPRICE".into(), tif: TimeInForce::OnOpen, ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &on_open).await, 111);
    let unknown = Order { algo_strategy: "Twap".into(), ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &unknown).await, 439);
    let dated = Order { tif: TimeInForce::GoodTillDate, ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &dated).await, 321);
    let other = Order { account: "DU7654321".into(), ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &other).await, 321);
    let nowhere = Contract { exchange: "".into(), ..spy() };
    assert_eq!(refused(&client, &nowhere, &buy(1.0)).await, 321);
    let truth = simulator.truth();
    assert!(truth.orders.is_empty() && truth.executions.is_empty());
}

#[tokio::test]
async fn an_exit_is_possible_when_nothing_more_can_be_afforded() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let (_, outcome) = trade(&client, &spy(), &market(Action::Buy, 3500.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "twice the equity is the limit");
    assert_eq!(refused(&client, &spy(), &market(Action::Buy, 100.0)).await, 201);
    // A third of the price is gone, and with it more than the margin.
    simulator.faults().set_price("SPY", dec("370.00"), dec("370.02")).unwrap();
    let (_, outcome) = trade(&client, &spy(), &market(Action::Sell, 1000.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn the_id_of_an_ended_order_cannot_be_used_again() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let (order_id, _) = trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    let mut again = client.place_order(order_id, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert_eq!(code(within(again.next()).await.unwrap()), 104, "it filled");
    client.submit_order(9, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    let _cancel = client.cancel_order(9, "").await.unwrap();
    settle(&client).await;
    for used in [9, 5] {
        let mut again = client.place_order(used, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
        let code = code(within(again.next()).await.unwrap());
        assert_eq!(code, 103, "{used}: cancelled, or below the highest id");
    }
    assert_eq!(simulator.truth().executions.len(), 1);
}

#[tokio::test]
async fn a_client_that_saw_orders_of_others_numbers_its_own_above_them() {
    let simulator = start().await;
    pin_spy(&simulator);
    let (other, client) = (connect(&simulator, 1).await, connect(&simulator, CLIENT).await);
    other.submit_order(900, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    settle(&other).await;
    trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    let mut all = client.all_open_orders().await.unwrap();
    all.collect_to_end_within(DEADLINE).await.unwrap();
    assert_eq!(refused(&client, &spy(), &market(Action::Buy, 1.0)).await, 103);
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 901);
    client.submit_order(901, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    let outcome = client.wait_for_fill(901, DEADLINE).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn what_cannot_be_changed_of_an_order_has_its_own_codes() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let algorithm = Order { algo_strategy: "Adaptive".into(), ..limit(Action::Buy, 1.0, 500.0) };
    client.submit_order(1, &spy(), &algorithm).await.unwrap();
    let grouped = Order {
        oca_group: "a".into(),
        oca_type: OcaType::ReduceWithBlock,
        ..limit(Action::Buy, 1.0, 500.0)
    };
    client.submit_order(2, &spy(), &grouped).await.unwrap();
    settle(&client).await;
    let plain = limit(Action::Buy, 2.0, 501.0);
    let on_close = Order { order_type: "LOC".into(), ..plain.clone() };
    let other = Order { oca_group: "b".into(), ..grouped.clone() };
    let cancels = Order { oca_type: OcaType::CancelWithBlock, ..grouped };
    let seller = limit(Action::Sell, 2.0, 600.0);
    for (id, changed, expected) in [
        (1, &plain, 440),
        (2, &on_close, 329),
        (2, &other, 10_326),
        (2, &cancels, 10_327),
        (2, &plain, 10_326),
        (1, &seller, 105),
    ] {
        let mut answers = client.place_order(id, &spy(), changed).await.unwrap();
        assert_eq!(code(within(answers.next()).await.unwrap()), expected);
    }
    assert!(simulator.truth().orders.values().all(|order| order.quantity == dec("1")));
}

#[tokio::test]
async fn one_side_of_a_contract_takes_twenty_orders_of_an_account() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    for _ in 0..20 {
        let id = client.next_order_id();
        client.submit_order(id, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    }
    assert_eq!(refused(&client, &spy(), &limit(Action::Buy, 1.0, 500.0)).await, 201);
    let (_, outcome) = trade(&client, &spy(), &market(Action::Sell, 1.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "the other side is free: {outcome:?}");
}

#[tokio::test]
async fn a_refused_change_leaves_the_order_as_it_was() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(1, &spy(), &limit(Action::Buy, 10.0, 500.0)).await.unwrap();
    settle(&client).await;
    let before = simulator.truth();
    let too_many = market(Action::Buy, 1_000_000.0);
    for changed in [limit(Action::Buy, 10.0, 500.001), limit(Action::Sell, 10.0, 500.0), too_many] {
        client.submit_order(1, &spy(), &changed).await.unwrap();
    }
    let apple = Contract::stock("AAPL").build();
    client.submit_order(1, &apple, &limit(Action::Buy, 10.0, 200.0)).await.unwrap();
    settle(&client).await;
    assert_eq!(simulator.truth().orders, before.orders);
}

#[tokio::test]
async fn a_cancel_that_cannot_be_says_why() {
    let simulator = start().await;
    pin_spy(&simulator);
    let (client, other) = (connect(&simulator, 1).await, connect(&simulator, 2).await);
    let mut unknown = client.cancel_order(77, "").await.unwrap();
    assert_eq!(code(within(unknown.next()).await.unwrap()), 10_147);
    let (filled, _) = trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    let mut late = client.cancel_order(filled, "").await.unwrap();
    assert_eq!(code(within(late.next()).await.unwrap()), 10_148);
    client.submit_order(5, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    settle(&client).await;
    let mut foreign = other.cancel_order(5, "").await.unwrap();
    assert_eq!(code(within(foreign.next()).await.unwrap()), 10_147, "only the owner may cancel");
}

#[tokio::test]
async fn a_child_without_a_live_parent_is_refused() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let child = |parent_id| Order { parent_id, ..market(Action::Sell, 1.0) };
    assert_eq!(refused(&client, &spy(), &child(70)).await, 135);
    let never = limit(Action::Buy, 1.0, 500.0);
    client.submit_order(80, &spy(), &never).await.unwrap();
    let _cancel = client.cancel_order(80, "").await.unwrap();
    client.submit_order(81, &spy(), &child(80)).await.unwrap();
    let outcome = client.wait_for_fill(81, DEADLINE).await.unwrap();
    assert!(matches!(&outcome, OrderOutcome::Rejected(why) if why.code == 201), "{outcome:?}");
    assert!(simulator.truth().executions.is_empty());
}
