//! Orders from placement to their end.

use ibapi::orders::{ExecutionFilter, Executions, OrderStatusKind, Orders, PlaceOrder};
use ibapi::subscriptions::SubscriptionItem;
use rungate::sim::Side;
use rust_decimal::Decimal;

use super::*;

async fn executions(client: &Client, filter: ExecutionFilter) -> Vec<Executions> {
    let mut subscription = client.executions(filter).await.unwrap();
    subscription.collect_to_end_within(DEADLINE).await.unwrap()
}

#[tokio::test]
async fn a_market_order_fills_at_the_ask_and_shows_in_positions_and_executions() {
    let simulator = start().await;
    simulator
        .faults()
        .set_price("SPY", "559.99".parse().unwrap(), "560.01".parse().unwrap())
        .unwrap();
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
    assert_eq!(truth.cash["USD"], "943998".parse().unwrap());
    assert_eq!(truth.net_liquidation, "999998".parse().unwrap(), "half the spread and a dollar");
}
