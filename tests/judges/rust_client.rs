//! The Rust client `ibapi` against the program. What it asks of the simulator in depth is in
//! `tests/sim`, in one process with it; here it is the program's options, its handshake and both
//! ends of its versions that count.

use std::future::Future;
use std::time::Duration;

use ibapi::accounts::{AccountSummaryResult, PositionUpdate};
use ibapi::contracts::Contract;
use ibapi::market_data::historical::BarTimestamp;
use ibapi::orders::{
    Action, ExecutionFilter, Executions, Order, OrderOutcome, Orders, order_builder,
};
use ibapi::prelude::*;

use crate::gateway::{Gateway, PROTOBUF};

/// Far more than any answer takes.
const DEADLINE: Duration = Duration::from_secs(20);

const CLIENT: i32 = 31;

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("it took longer than the deadline")
}

async fn connect(gateway: &Gateway, client_id: i32) -> Result<Client, Error> {
    within(Client::builder().address(gateway.addr.as_str()).client_id(client_id).connect()).await
}

fn spy() -> Contract {
    Contract::stock("SPY").build()
}

/// Places an order under the client's next id and waits for its end.
async fn trade(client: &Client, order: &Order) -> (i32, OrderOutcome) {
    let order_id = client.next_order_id();
    client.submit_order(order_id, &spy(), order).await.unwrap();
    (order_id, client.wait_for_fill(order_id, DEADLINE).await.unwrap())
}

async fn held(client: &Client) -> Vec<(i32, f64)> {
    let mut positions = client.positions().await.unwrap();
    let rows = within(positions.next_batch(DEADLINE)).await.unwrap().unwrap();
    let held = rows.into_iter().filter_map(|row| match row {
        PositionUpdate::Position(row) => Some((row.contract.contract_id, row.position)),
        PositionUpdate::PositionEnd => None,
    });
    held.collect()
}

#[tokio::test]
async fn the_rust_client_agrees_on_sessions() {
    for version in PROTOBUF {
        let gateway = Gateway::at_version(version, &[]).await;
        let client = connect(&gateway, CLIENT).await.unwrap();
        assert_eq!(client.server_version(), version);
        assert_eq!(client.handshake_managed_accounts(), ["DU1234567"]);
        assert!(client.time_zone().is_some(), "the zone of the handshake is understood");
        let seconds = within(client.server_time()).await.unwrap().unix_timestamp();
        let millis = within(client.server_time_millis()).await.unwrap().unix_timestamp();
        assert!((millis - seconds).abs() <= 1, "{seconds} {millis}");
        let second = connect(&gateway, CLIENT).await;
        assert!(matches!(second, Err(Error::ClientIdInUse { client_id: CLIENT })));
        let other = connect(&gateway, CLIENT + 1).await.unwrap();
        assert_eq!(within(other.next_valid_order_id()).await.unwrap(), 1);
        within(client.server_time()).await.expect("the first client did not notice");
    }
}

#[tokio::test]
async fn the_rust_client_agrees_on_contracts_and_prices() {
    for version in PROTOBUF {
        let gateway = Gateway::at_version(version, &[]).await;
        let client = connect(&gateway, CLIENT).await.unwrap();
        let spy = spy();
        let details = within(client.contract_details(&spy)).await.unwrap();
        assert_eq!(details[0].contract.contract_id, 756_733);
        let unknown = within(client.contract_details(&Contract::stock("NOSUCH").build())).await;
        assert!(matches!(unknown, Err(Error::Notice(notice)) if notice.code == 200));

        let ticks = client.market_data(&spy).snapshot_once(DEADLINE).await.unwrap();
        let quote = Quote::from_ticks(&ticks);
        let (bid, ask) = quote.bid.zip(quote.ask).expect("a quote");
        assert!(500.0 < bid && bid < ask && ask < 620.0, "{bid} {ask}");

        let bars = client
            .historical_data(&spy, HistoricalBarSize::Day)
            .what_to_show(HistoricalWhatToShow::Trades)
            .duration(5.days());
        let history = within(bars.fetch()).await.unwrap();
        assert_eq!(history.bars.len(), 5);
        assert!(history.bars.iter().all(|bar| matches!(bar.date, BarTimestamp::Date(_))));
    }
}

#[tokio::test]
async fn the_rust_client_agrees_on_orders_and_the_account() {
    for version in PROTOBUF {
        let gateway = Gateway::at_version(version, &[]).await;
        let client = connect(&gateway, CLIENT).await.unwrap();
        let state = within(client.order(&spy()).buy(1000).market().analyze()).await.unwrap();
        assert_eq!(state.commission, Some(5.0));
        assert!(held(&client).await.is_empty(), "a what-if does nothing");

        let buy =
            Order { order_ref: "judge".into(), ..order_builder::market_order(Action::Buy, 100.0) };
        let (order_id, outcome) = trade(&client, &buy).await;
        assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
        assert_eq!(held(&client).await, [(756_733, 100.0)]);
        let mut executions = client.executions(ExecutionFilter::default()).await.unwrap();
        let rows = executions.collect_to_end_within(DEADLINE).await.unwrap();
        let [Executions::ExecutionData(fill), Executions::CommissionReport(fee)] = rows.as_slice()
        else {
            panic!("{rows:?}");
        };
        assert_eq!((fill.execution.order_id, fill.execution.shares), (order_id, 100.0));
        assert_eq!(fill.execution.order_reference, "judge");
        assert_eq!((&fee.execution_id, fee.commission), (&fill.execution.execution_id, 1.0));

        let group = AccountGroup("All".into());
        let mut summary = client.account_summary(&group, &["GrossPositionValue"]).await.unwrap();
        let rows = within(summary.next_batch(DEADLINE)).await.unwrap().unwrap();
        let [AccountSummaryResult::Summary(row), AccountSummaryResult::End] = rows.as_slice()
        else {
            panic!("{rows:?}");
        };
        let value: f64 = row.value.parse().unwrap();
        assert!((50_000.0..62_000.0).contains(&value), "{value}");
    }
}

#[tokio::test]
async fn the_rust_client_agrees_on_resting_and_refused_orders() {
    for version in PROTOBUF {
        let gateway = Gateway::at_version(version, &[]).await;
        let client = connect(&gateway, CLIENT).await.unwrap();
        let low = order_builder::limit_order(Action::Buy, 10.0, 400.0);
        let order_id = client.next_order_id();
        client.submit_order(order_id, &spy(), &low).await.unwrap();
        // Until the order's own frames are through: the client gives them to an open list too.
        within(client.server_time()).await.unwrap();
        let mut open = client.open_orders().await.unwrap();
        let rows = open.collect_to_end_within(DEADLINE).await.unwrap();
        let [Orders::OrderData(row), Orders::OrderStatus(_)] = rows.as_slice() else {
            panic!("{rows:?}");
        };
        assert_eq!((row.order_id, row.order.limit_price), (order_id, Some(400.0)));
        let _cancel = client.cancel_order(order_id, "").await.unwrap();
        let outcome = client.wait_for_fill(order_id, DEADLINE).await.unwrap();
        assert!(matches!(&outcome, OrderOutcome::Ended(status) if status.filled == 0.0));

        let odd = order_builder::limit_order(Action::Buy, 10.0, 400.001);
        let (_, outcome) = trade(&client, &odd).await;
        assert!(matches!(&outcome, OrderOutcome::Rejected(notice) if notice.code == 110));
    }
}
