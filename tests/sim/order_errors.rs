//! Orders and cancels that a gateway refuses.

use ibapi::orders::TimeInForce;

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
    let stop = Order { order_type: "STP".into(), aux_price: Some(500.0), ..buy(1.0) };
    assert_eq!(refused(&client, &spy(), &stop).await, 387);
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
    assert_eq!(code(within(again.next()).await.unwrap()), 103);
    assert_eq!(simulator.truth().executions.len(), 1);
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
