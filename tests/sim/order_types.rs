//! Order types, groups and partial fills as a client sees them.

use ibapi::contracts::TagValue;
use ibapi::orders::{OcaType, OrderStatus, OrderUpdate, TimeInForce};

use super::*;

/// More than any quote shows.
const MANY: f64 = 10_000.0;

fn agg() -> Contract {
    Contract::stock("AGG").build()
}

/// AGG at 97.99 to 98.01 from now on.
fn pin_agg(simulator: &Simulator) {
    simulator.faults().set_price("AGG", dec("97.99"), dec("98.01")).unwrap();
}

/// The statuses of one order, up to and with the last that counts as its end.
async fn statuses(updates: &mut Subscription<OrderUpdate>, order_id: i32) -> Vec<OrderStatus> {
    let mut seen = Vec::new();
    loop {
        let item = within(updates.next()).await.expect("the stream goes on").unwrap();
        if let SubscriptionItem::Data(OrderUpdate::OrderStatus(row)) = item
            && row.order_id == order_id
        {
            let ended =
                ["Filled", "Cancelled", "Inactive"].contains(&row.status.to_string().as_str());
            seen.push(row);
            if ended {
                return seen;
            }
        }
    }
}

fn told(rows: &[OrderStatus]) -> Vec<String> {
    let line = |row: &OrderStatus| format!("{} {}", row.status, row.why_held);
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect()
}

/// Where each order stands, by order id.
fn stands(simulator: &Simulator) -> Vec<String> {
    let mut orders: Vec<_> = simulator.truth().orders.into_values().collect();
    orders.sort_by_key(|order| order.order_id);
    orders.into_iter().map(|order| order.status).collect()
}

#[tokio::test]
async fn a_stop_is_held_for_its_trigger_and_then_submitted_and_filled() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    let stop =
        Order { order_type: "STP".into(), aux_price: Some(555.0), ..market(Action::Sell, 10.0) };
    client.submit_order(1, &spy(), &stop).await.unwrap();
    settle(&client).await;
    simulator.faults().set_price("SPY", dec("554.98"), dec("555.00")).unwrap();
    let rows = statuses(&mut updates, 1).await;
    assert_eq!(told(&rows), ["PreSubmitted trigger", "Submitted", "Filled"]);
    assert_eq!(rows[2].average_fill_price, Some(554.98));
}

#[tokio::test]
async fn a_stop_limit_rests_as_a_limit_order_once_triggered() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let stop = Order {
        order_type: "STP LMT".into(),
        aux_price: Some(565.0),
        ..limit(Action::Buy, 10.0, 565.5)
    };
    client.submit_order(1, &spy(), &stop).await.unwrap();
    settle(&client).await;
    simulator.faults().set_price("SPY", dec("566.00"), dec("566.02")).unwrap();
    assert_eq!(stands(&simulator), ["Submitted"]);
    simulator.faults().set_price("SPY", dec("564.00"), dec("564.02")).unwrap();
    assert_eq!(stands(&simulator), ["Filled"]);
    assert_eq!(simulator.truth().executions[0].price, dec("564.02"));
}

#[tokio::test]
async fn midprice_and_adaptive_fill_inside_the_quote() {
    let simulator = start().await;
    simulator.faults().set_price("SPY", dec("560.00"), dec("560.08")).unwrap();
    let client = connect(&simulator, CLIENT).await;
    let filled_at = |outcome: OrderOutcome| match outcome {
        OrderOutcome::Filled(status) => status.average_fill_price,
        other => panic!("{other:?}"),
    };
    let midprice = Order { order_type: "MIDPRICE".into(), ..market(Action::Buy, 1.0) };
    let (_, outcome) = trade(&client, &spy(), &midprice).await;
    assert_eq!(filled_at(outcome), Some(560.04));
    for (priority, price) in [("Urgent", 560.08), ("Normal", 560.04), ("Patient", 560.02)] {
        let adaptive = Order {
            algo_strategy: "Adaptive".into(),
            algo_params: vec![TagValue { tag: "adaptivePriority".into(), value: priority.into() }],
            ..market(Action::Buy, 1.0)
        };
        let (_, outcome) = trade(&client, &spy(), &adaptive).await;
        assert_eq!(filled_at(outcome), Some(price), "{priority}");
    }
}

#[tokio::test]
async fn a_large_order_fills_in_parts_and_says_how_much_is_left_after_each() {
    let simulator = start().await;
    pin_agg(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &agg(), &market(Action::Buy, MANY)).await.unwrap();
    let rows = statuses(&mut updates, 1).await;
    assert!(rows.iter().all(|row| row.filled + row.remaining == MANY), "{rows:?}");
    assert!(rows.iter().is_sorted_by_key(|row| row.filled));
    let statuses: Vec<_> = rows.iter().map(|row| row.status.to_string()).collect();
    assert_eq!(statuses.first().map(String::as_str), Some("PreSubmitted"));
    assert_eq!(statuses.last().map(String::as_str), Some("Filled"));
    let between = &statuses[1..statuses.len() - 1];
    assert!(between.iter().all(|status| status == "Submitted"), "{statuses:?}");
    let truth = simulator.truth();
    assert!(truth.executions.len() > 1, "no quote shows that much");
    let shares: rust_decimal::Decimal = truth.executions.iter().map(|fill| fill.shares).sum();
    assert_eq!(shares, dec("10000"));
    let fees: rust_decimal::Decimal = truth.executions.iter().map(|fill| fill.commission).sum();
    assert_eq!(fees, dec("50"), "half a cent a share");
}

#[tokio::test]
async fn the_rest_of_a_partly_filled_order_can_be_cancelled() {
    let simulator = start().await;
    pin_agg(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &agg(), &limit(Action::Buy, MANY, 98.01)).await.unwrap();
    settle(&client).await;
    simulator.faults().set_price("AGG", dec("99.00"), dec("99.02")).unwrap();
    let _cancel = client.cancel_order(1, "").await.unwrap();
    let rows = statuses(&mut updates, 1).await;
    let last = rows.last().unwrap();
    assert_eq!(last.status.to_string(), "Cancelled");
    assert!(last.filled > 0.0 && last.filled + last.remaining == MANY, "{last:?}");
    let order = simulator.truth().orders.into_values().next().unwrap();
    assert_eq!(order.filled.to_string(), last.filled.to_string());
}

#[tokio::test]
async fn a_fault_fills_orders_whole_whatever_is_displayed() {
    let simulator = start().await;
    pin_agg(&simulator);
    simulator.faults().fill_whole(true);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &agg(), &market(Action::Buy, MANY)).await;
    assert_eq!(simulator.truth().executions.len(), 1);
}

#[tokio::test]
async fn fill_or_kill_takes_all_or_nothing() {
    let simulator = start().await;
    pin_agg(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let kill = |quantity| Order { tif: TimeInForce::FillOrKill, ..market(Action::Buy, quantity) };
    let (_, outcome) = trade(&client, &agg(), &kill(MANY)).await;
    assert!(matches!(&outcome, OrderOutcome::Ended(status) if status.filled == 0.0), "{outcome:?}");
    let (_, outcome) = trade(&client, &agg(), &kill(10.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_bracket_is_a_group_whose_exits_cancel_each_other() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let entry = Order { transmit: false, ..limit(Action::Buy, 10.0, 560.01) };
    client.submit_order(1, &spy(), &entry).await.unwrap();
    let target = Order { parent_id: 1, transmit: false, ..limit(Action::Sell, 10.0, 570.0) };
    client.submit_order(2, &spy(), &target).await.unwrap();
    let stop = Order {
        parent_id: 1,
        order_type: "STP".into(),
        aux_price: Some(550.0),
        ..market(Action::Sell, 10.0)
    };
    client.submit_order(3, &spy(), &stop).await.unwrap();
    settle(&client).await;
    assert_eq!(stands(&simulator), ["Filled", "Submitted", "PreSubmitted"]);
    let mut open = client.open_orders().await.unwrap();
    let rows = open.collect_to_end_within(DEADLINE).await.unwrap();
    let exits: Vec<_> = rows
        .iter()
        .filter_map(|row| match row {
            Orders::OrderData(row) => Some(&row.order),
            Orders::OrderStatus(_) => None,
        })
        .collect();
    let parent = simulator.truth().orders.into_keys().next().unwrap();
    assert_eq!(exits.len(), 2);
    for exit in exits {
        assert_eq!((exit.parent_id, exit.oca_group.as_str()), (1, parent.to_string().as_str()));
        assert_eq!(exit.oca_type, OcaType::ReduceWithoutBlock);
    }
    simulator.faults().set_price("SPY", dec("570.00"), dec("570.02")).unwrap();
    assert_eq!(stands(&simulator), ["Filled", "Filled", "Cancelled"]);
}

#[tokio::test]
async fn orders_of_a_group_cancel_each_other() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let grouped = |price| Order {
        oca_group: "either".into(),
        oca_type: OcaType::CancelWithBlock,
        ..limit(Action::Buy, 10.0, price)
    };
    for (id, price) in [(1, 550.0), (2, 540.0), (3, 530.0)] {
        client.submit_order(id, &spy(), &grouped(price)).await.unwrap();
    }
    settle(&client).await;
    simulator.faults().set_price("SPY", dec("549.90"), dec("549.92")).unwrap();
    assert_eq!(stands(&simulator), ["Filled", "Cancelled", "Cancelled"]);
}

#[tokio::test]
async fn a_deactivated_order_is_inactive_until_it_is_sent_again() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let order = limit(Action::Buy, 10.0, 550.0);
    client.submit_order(1, &spy(), &order).await.unwrap();
    let asleep = Order { deactivate: true, ..order.clone() };
    client.submit_order(1, &spy(), &asleep).await.unwrap();
    settle(&client).await;
    assert_eq!(stands(&simulator), ["Inactive"]);
    simulator.faults().set_price("SPY", dec("549.90"), dec("549.92")).unwrap();
    assert_eq!(stands(&simulator), ["Inactive"], "it does not trade");
    client.submit_order(1, &spy(), &order).await.unwrap();
    settle(&client).await;
    assert_eq!(stands(&simulator), ["Filled"]);
}

#[tokio::test]
async fn a_rejected_change_is_followed_by_what_the_order_still_is() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(1, &spy(), &limit(Action::Buy, 10.0, 550.0)).await.unwrap();
    settle(&client).await;
    let mut updates = client.order_update_stream().await.unwrap();
    let too_many = limit(Action::Buy, 1_000_000.0, 550.0);
    client.submit_order(1, &spy(), &too_many).await.unwrap();
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        if let SubscriptionItem::Data(OrderUpdate::OrderStatus(row)) = item {
            assert_eq!((row.status.to_string(), row.remaining), ("Submitted".to_owned(), 10.0));
            break;
        }
    }
}
