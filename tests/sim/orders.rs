//! Orders from placement to their end.

use ibapi::orders::{
    ExecutionFilter, Executions, OrderStatusKind, OrderUpdate, Orders, TimeInForce,
};
use rungate::sim::Side;
use rust_decimal::Decimal;

use super::*;

async fn executions(client: &Client, filter: ExecutionFilter) -> Vec<Executions> {
    let mut subscription = client.executions(filter).await.unwrap();
    subscription.collect_to_end_within(DEADLINE).await.unwrap()
}

async fn open_orders(client: &Client) -> Vec<Orders> {
    let mut subscription = client.open_orders().await.unwrap();
    subscription.collect_to_end_within(DEADLINE).await.unwrap()
}

/// Reads updates until the order has `status`.
async fn until(updates: &mut Subscription<OrderUpdate>, order_id: i32, status: OrderStatusKind) {
    loop {
        let item = within(updates.next()).await.expect("the stream goes on").unwrap();
        if let SubscriptionItem::Data(OrderUpdate::OrderStatus(row)) = item
            && (row.order_id, &row.status) == (order_id, &status)
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_market_order_fills_at_the_ask_and_shows_in_positions_and_executions() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let order = Order { order_ref: "run-1.SPY".into(), ..market(Action::Buy, 100.0) };

    let (order_id, outcome) = trade(&client, &spy(), &order).await;
    let OrderOutcome::Filled(status) = outcome else { panic!("{outcome:?}") };
    assert_eq!(status.average_fill_price, Some(560.01));

    let held = positions(&client).await;
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].contract.contract_id, held[0].position), (756_733, 100.0));
    assert_eq!(held[0].average_cost, 560.02, "a dollar of commission on 100 shares");

    let rows = executions(&client, ExecutionFilter::default()).await;
    let [Executions::ExecutionData(fill), Executions::CommissionReport(fee)] = rows.as_slice()
    else {
        panic!("{rows:?}");
    };
    assert_eq!(fill.execution.order_reference, "run-1.SPY");
    assert_eq!((fill.execution.order_id, fill.execution.client_id), (order_id, CLIENT));
    assert_eq!((fill.execution.shares, fill.execution.price), (100.0, 560.01));
    assert_eq!(fee.execution_id, fill.execution.execution_id);
    assert_eq!((fee.commission, fee.realized_pnl), (1.0, None));

    let truth = simulator.truth();
    let order = truth.orders.values().next().unwrap();
    assert_eq!((order.order_ref.as_str(), order.status.as_str()), ("run-1.SPY", "Filled"));
    assert_eq!((order.side, order.filled), (Side::Buy, Decimal::from(100)));
    assert_eq!(truth.cash["USD"], dec("943998"));
    assert_eq!(truth.net_liquidation, dec("999998"), "half the spread and a dollar");
}

#[tokio::test]
async fn the_frames_of_a_fill_come_in_the_order_of_a_real_gateway() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &spy(), &market(Action::Buy, 10.0)).await.unwrap();
    let mut story = Vec::new();
    while story.len() < 7 {
        let SubscriptionItem::Data(update) = within(updates.next()).await.unwrap().unwrap() else {
            continue;
        };
        story.push(match update {
            OrderUpdate::OpenOrder(row) => {
                let fee = row.order_state.commission.map_or(String::new(), |fee| format!(" {fee}"));
                format!("open {}{fee}", row.order_state.status)
            }
            OrderUpdate::OrderStatus(row) => {
                format!("status {} {} of {}", row.status, row.filled, row.filled + row.remaining)
            }
            OrderUpdate::ExecutionData(row) => format!("execution {}", row.request_id),
            OrderUpdate::CommissionReport(row) => format!("commission {}", row.commission),
            OrderUpdate::OrderBound(_) => "bound".to_owned(),
        });
    }
    insta::assert_snapshot!(story.join("\n"), @r"
    open PreSubmitted
    status PreSubmitted 0 of 10
    execution -1
    open Filled
    status Filled 10 of 10
    open Filled 1
    commission 1
    ");
}

#[tokio::test]
async fn a_limit_order_rests_until_the_market_reaches_it() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &spy(), &limit(Action::Buy, 10.0, 550.0)).await.unwrap();
    until(&mut updates, 1, OrderStatusKind::Submitted).await;
    assert!(simulator.truth().executions.is_empty());
    simulator.faults().set_price("SPY", dec("549.90"), dec("549.95")).unwrap();
    until(&mut updates, 1, OrderStatusKind::Filled).await;
    let truth = simulator.truth();
    assert_eq!(truth.executions[0].price, dec("549.95"), "never worse than the limit");
}

#[tokio::test]
async fn a_cancel_is_confirmed_by_status_and_by_202() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &spy(), &limit(Action::Sell, 10.0, 600.0)).await.unwrap();
    until(&mut updates, 1, OrderStatusKind::Submitted).await;
    let mut cancel = client.cancel_order(1, "").await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match within(cancel.next()).await.unwrap().unwrap() {
            SubscriptionItem::Data(_) => seen.push(0),
            SubscriptionItem::Notice(notice) => seen.push(notice.code),
        }
    }
    assert_eq!(seen, [0, 202]);
    until(&mut updates, 1, OrderStatusKind::Cancelled).await;
    assert!(open_orders(&client).await.is_empty());
}

#[tokio::test]
async fn the_same_id_on_a_working_order_changes_it() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let order = Order { order_ref: "keep".into(), ..limit(Action::Buy, 10.0, 550.0) };
    client.submit_order(1, &spy(), &order).await.unwrap();
    // The same again: nothing changes, and no second order is made.
    client.submit_order(1, &spy(), &order).await.unwrap();
    let order = Order { limit_price: Some(551.0), total_quantity: 20.0, ..order };
    client.submit_order(1, &spy(), &order).await.unwrap();
    settle(&client).await;
    let truth = simulator.truth();
    let order = truth.orders.values().next().unwrap();
    assert_eq!(truth.orders.len(), 1);
    assert_eq!((order.limit, order.quantity), (Some(dec("551")), Decimal::from(20)));
    assert_eq!(order.order_ref, "keep");
}

#[tokio::test]
async fn an_order_that_must_fill_at_once_is_cancelled_when_it_does_not() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let tif = TimeInForce::ImmediateOrCancel;
    let low = Order { tif: tif.clone(), ..limit(Action::Buy, 10.0, 550.0) };
    let (_, outcome) = trade(&client, &spy(), &low).await;
    assert!(matches!(&outcome, OrderOutcome::Ended(status) if status.filled == 0.0), "{outcome:?}");
    let high = Order { tif, ..limit(Action::Buy, 10.0, 570.0) };
    let (_, outcome) = trade(&client, &spy(), &high).await;
    let OrderOutcome::Filled(status) = outcome else { panic!("{outcome:?}") };
    assert_eq!(status.average_fill_price, Some(560.01), "at the quote, not at the limit");
}

#[tokio::test]
async fn an_order_is_held_until_it_or_its_child_is_transmitted() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let parent = Order { transmit: false, ..market(Action::Buy, 10.0) };
    client.submit_order(1, &spy(), &parent).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().executions.is_empty());
    let child = Order { parent_id: 1, ..limit(Action::Sell, 10.0, 570.0) };
    client.submit_order(2, &spy(), &child).await.unwrap();
    settle(&client).await;
    let statuses = |simulator: &Simulator| {
        simulator.truth().orders.into_values().map(|order| order.status).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&simulator), ["Filled", "Submitted"]);
    simulator.faults().set_price("SPY", dec("570.00"), dec("570.02")).unwrap();
    assert_eq!(statuses(&simulator), ["Filled", "Filled"]);
}

#[tokio::test]
async fn a_child_waits_for_its_parent_and_goes_with_it() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(1, &spy(), &limit(Action::Buy, 10.0, 500.0)).await.unwrap();
    let child = Order { parent_id: 1, ..market(Action::Sell, 10.0) };
    client.submit_order(2, &spy(), &child).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().executions.is_empty(), "a child never goes first");
    let _cancel = client.cancel_order(1, "").await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().orders.values().all(|order| order.status == "Cancelled"));
}

#[tokio::test]
async fn a_what_if_tells_margin_and_commission_and_changes_nothing() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let before = simulator.truth();
    let state = within(client.order(&spy()).buy(1000).market().analyze()).await.unwrap();
    assert_eq!(state.commission, Some(5.0));
    assert_eq!(state.initial_margin_change, Some(280_000.0));
    assert_eq!(state.equity_with_loan_after, Some(999_985.0));
    assert_eq!(simulator.truth(), before);
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 1, "no id was used");
    let too_much = within(client.order(&spy()).buy(1_000_000).market().analyze()).await.unwrap();
    let after = (too_much.initial_margin_after.unwrap(), too_much.equity_with_loan_after.unwrap());
    assert!(after.0 > after.1, "{after:?}");
}

#[tokio::test]
async fn a_global_cancel_takes_every_order_of_every_client() {
    let simulator = start().await;
    pin_spy(&simulator);
    let (a, b) = (connect(&simulator, 1).await, connect(&simulator, 2).await);
    let mut updates = a.order_update_stream().await.unwrap();
    a.submit_order(1, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    until(&mut updates, 1, OrderStatusKind::Submitted).await;
    b.submit_order(1, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    b.global_cancel().await.unwrap();
    until(&mut updates, 1, OrderStatusKind::Cancelled).await;
    assert!(simulator.truth().orders.values().all(|order| order.status == "Cancelled"));
}

#[tokio::test]
async fn completed_orders_tell_what_was_filled_and_what_was_not() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let order = Order { order_ref: "done".into(), ..market(Action::Buy, 10.0) };
    trade(&client, &spy(), &order).await;
    client.submit_order(2, &spy(), &limit(Action::Buy, 7.0, 500.0)).await.unwrap();
    let _cancel = client.cancel_order(2, "").await.unwrap();
    let mut completed = client.completed_orders(false).await.unwrap();
    let rows = completed.collect_to_end_within(DEADLINE).await.unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Orders::OrderData(row) => (
                row.order.order_ref.as_str(),
                row.order.total_quantity,
                row.order.filled_quantity,
                row.order_state.status.to_string(),
                row.order_state.completed_status.as_str(),
            ),
            Orders::OrderStatus(_) => panic!("{row:?}"),
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("done", 0.0, 10.0, "Filled".to_owned(), "Filled Size: 10"),
            ("", 7.0, 0.0, "Cancelled".to_owned(), "Cancelled by Trader"),
        ]
    );
}

/// A filter, from the one that lets everything through.
type Change = fn(&mut ExecutionFilter);

#[tokio::test]
async fn executions_can_be_filtered() {
    let simulator = start().await;
    let (a, b) = (connect(&simulator, 1).await, connect(&simulator, 2).await);
    let apple = Contract::stock("AAPL").build();
    trade(&a, &spy(), &market(Action::Buy, 1.0)).await;
    trade(&a, &apple, &market(Action::Buy, 2.0)).await;
    trade(&b, &apple, &market(Action::Sell, 3.0)).await;
    let shares = |rows: Vec<Executions>| {
        rows.into_iter()
            .filter_map(|row| match row {
                Executions::ExecutionData(row) => Some(row.execution.shares),
                Executions::CommissionReport(_) => None,
            })
            .collect::<Vec<_>>()
    };
    let filter = |change: Change| {
        let mut filter = ExecutionFilter::default();
        change(&mut filter);
        filter
    };
    let cases: [(Change, &[f64]); 6] = [
        (|_| (), &[1.0, 2.0, 3.0]),
        (|filter| filter.client_id = Some(0), &[1.0, 2.0, 3.0]),
        (|filter| filter.client_id = Some(2), &[3.0]),
        (|filter| filter.symbol = "AAPL".into(), &[2.0, 3.0]),
        (|filter| filter.side = Some(ExecutionFilterSide::Sell), &[3.0]),
        (|filter| filter.time = "20990101-00:00:00".into(), &[]),
    ];
    // Live executions of a's orders go to their own streams: ask as a third client.
    let c = connect(&simulator, 3).await;
    for (change, expected) in cases {
        assert_eq!(shares(executions(&c, filter(change)).await), expected);
    }
}
