//! Sessions, auctions and good-till times as a client sees them, on a clock that the test moves.

use ibapi::orders::{OrderUpdate, TimeInForce};
use jiff::Timestamp;
use rungate::sim::{Hours, TrueOrder};

use super::*;

/// An instant of March 2026, by the winter time of New York: the second is a Monday.
fn march(text: &str) -> Timestamp {
    format!("2026-03-{text}-05:00").parse().unwrap()
}

/// A simulator of an exchange with hours, whose clock stands at `at`, with SPY at 559.99 to 560.01.
async fn exchange(at: &str) -> Simulator {
    let options = Options {
        hours: Hours::Exchange,
        clock: Some(march(at)),
        speed: dec("0"),
        ..Options::loopback(1)
    };
    let simulator = Simulator::start(options).await.unwrap();
    pin_spy(&simulator);
    simulator
}

/// The next thing told of an order: a status with the quantity filled, or the code of a notice.
async fn next(updates: &mut Subscription<OrderUpdate>) -> String {
    loop {
        match within(updates.next()).await.expect("the stream goes on").unwrap() {
            SubscriptionItem::Data(OrderUpdate::OrderStatus(row)) => {
                return format!("{} {}", row.status, row.filled);
            }
            SubscriptionItem::Notice(notice) => return notice.code.to_string(),
            SubscriptionItem::Data(_) => {}
        }
    }
}

fn order(simulator: &Simulator, order_id: i32) -> TrueOrder {
    let orders = simulator.truth().orders;
    orders.into_values().find(|order| order.order_id == order_id).unwrap()
}

fn status(simulator: &Simulator, order_id: i32) -> String {
    order(simulator, order_id).status
}

#[tokio::test]
async fn an_order_before_the_opening_is_queued_with_a_warning_and_fills_at_the_opening() {
    let simulator = exchange("02T08:00").await;
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &spy(), &market(Action::Buy, 10.0)).await.unwrap();
    let warning = loop {
        if let SubscriptionItem::Notice(notice) = within(updates.next()).await.unwrap().unwrap() {
            break notice;
        }
    };
    assert_eq!(warning.code, 399);
    assert_eq!(
        warning.message,
        "Order Message:\nBUY 10 SPY ARCA\nWarning: Your order will not be placed at the exchange \
         until 2026-03-02 09:30:00 US/Eastern."
    );
    assert_eq!(next(&mut updates).await, "PreSubmitted 0");
    simulator.set_clock(march("02T09:29:59")).unwrap();
    assert!(simulator.truth().executions.is_empty());
    simulator.set_clock(march("02T09:31")).unwrap();
    assert_eq!(next(&mut updates).await, "Submitted 0");
    assert_eq!(next(&mut updates).await, "Filled 10");
    let outcome = client.wait_for_fill(1, DEADLINE).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "the warning ended nothing: {outcome:?}");
    assert_eq!(simulator.truth().executions[0].at, march("02T09:30"));
}

#[tokio::test]
async fn a_day_order_is_cancelled_at_the_end_of_its_session() {
    let simulator = exchange("02T12:00").await;
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &spy(), &limit(Action::Buy, 10.0, 500.0)).await.unwrap();
    let gtc = Order { tif: TimeInForce::GoodTillCanceled, ..limit(Action::Buy, 10.0, 500.0) };
    settle(&client).await;
    simulator.set_clock(march("02T16:00")).unwrap();
    assert_eq!(next(&mut updates).await, "Submitted 0");
    assert_eq!(next(&mut updates).await, "Cancelled 0");
    assert_eq!(next(&mut updates).await, "202");
    client.submit_order(2, &spy(), &gtc).await.unwrap();
    settle(&client).await;
    simulator.set_clock(march("04T12:00")).unwrap();
    assert_eq!(status(&simulator, 2), "Submitted", "good till cancelled");
}

#[tokio::test]
async fn only_a_limit_order_trades_before_the_opening_if_it_may() {
    let simulator = exchange("02T08:00").await;
    let client = connect(&simulator, CLIENT).await;
    let outside = |order: Order| Order { outside_rth: true, ..order };
    let (_, outcome) = trade(&client, &spy(), &outside(limit(Action::Buy, 10.0, 560.01))).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(7, &spy(), &outside(market(Action::Buy, 10.0))).await.unwrap();
    assert_eq!(next(&mut updates).await, "2109", "the attribute is ignored");
    assert_eq!(next(&mut updates).await, "399");
    assert_eq!(next(&mut updates).await, "PreSubmitted 0");
}

#[tokio::test]
async fn orders_on_the_close_fill_at_the_close_and_come_too_late_after_its_cut_off() {
    let simulator = exchange("02T12:00").await;
    let client = connect(&simulator, CLIENT).await;
    let on_close = Order { order_type: "MOC".into(), ..market(Action::Buy, 1000.0) };
    client.submit_order(1, &spy(), &on_close).await.unwrap();
    let capped = Order { order_type: "LOC".into(), ..limit(Action::Buy, 10.0, 550.0) };
    client.submit_order(2, &spy(), &capped).await.unwrap();
    settle(&client).await;
    assert_eq!(status(&simulator, 1), "PreSubmitted");
    simulator.set_clock(march("02T15:50")).unwrap();
    let mut late = client.place_order(3, &spy(), &on_close).await.unwrap();
    assert_eq!(code(within(late.next()).await.unwrap()), 201);
    let mut cancel = client.cancel_order(1, "").await.unwrap();
    assert_eq!(code(within(cancel.next()).await.unwrap()), 161, "too late for that as well");
    simulator.set_clock(march("02T16:00")).unwrap();
    assert_eq!((status(&simulator, 1), status(&simulator, 2)), {
        ("Filled".to_owned(), "Cancelled".to_owned())
    });
    let fill = &simulator.truth().executions[0];
    assert_eq!((fill.price, fill.shares), (dec("560"), dec("1000")), "whole, at the last price");
}

#[tokio::test]
async fn orders_on_the_open_fill_at_the_open_and_are_refused_during_the_session() {
    let simulator = exchange("02T09:00").await;
    let client = connect(&simulator, CLIENT).await;
    let on_open = Order { tif: TimeInForce::OnOpen, ..market(Action::Buy, 10.0) };
    let id = client.next_order_id();
    client.submit_order(id, &spy(), &on_open).await.unwrap();
    settle(&client).await;
    assert_eq!(status(&simulator, id), "PreSubmitted");
    simulator.set_clock(march("02T09:30")).unwrap();
    assert_eq!(status(&simulator, id), "Filled");
    assert_eq!(refused(&client, &spy(), &on_open).await, 201);
}

#[tokio::test]
async fn good_after_and_good_till_times_are_kept() {
    let simulator = exchange("02T12:00").await;
    let client = connect(&simulator, CLIENT).await;
    let later = Order {
        good_after_time: "20260302 13:00:00 US/Eastern".into(),
        ..market(Action::Buy, 10.0)
    };
    client.submit_order(1, &spy(), &later).await.unwrap();
    let till = Order {
        tif: TimeInForce::GoodTillDate,
        good_till_date: "20260303-15:00:00".into(),
        ..limit(Action::Buy, 10.0, 500.0)
    };
    client.submit_order(2, &spy(), &till).await.unwrap();
    settle(&client).await;
    simulator.set_clock(march("02T12:59")).unwrap();
    assert_eq!(status(&simulator, 1), "PreSubmitted");
    simulator.set_clock(march("02T13:00")).unwrap();
    assert_eq!(status(&simulator, 1), "Filled");
    simulator.set_clock(march("03T09:59")).unwrap();
    assert_eq!(status(&simulator, 2), "Submitted");
    simulator.set_clock(march("03T10:01")).unwrap();
    assert_eq!(status(&simulator, 2), "Cancelled");
}

#[tokio::test]
async fn where_the_market_never_closes_a_day_ends_at_midnight() {
    let options = Options { clock: Some(march("02T23:00")), ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.unwrap();
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let day = client.next_order_id();
    client.submit_order(day, &spy(), &limit(Action::Buy, 10.0, 500.0)).await.unwrap();
    let moc = client.next_order_id();
    let on_close = Order { order_type: "MOC".into(), ..market(Action::Buy, 10.0) };
    client.submit_order(moc, &spy(), &on_close).await.unwrap();
    settle(&client).await;
    assert_eq!(status(&simulator, moc), "PreSubmitted");
    simulator.set_clock(march("03T00:00")).unwrap();
    assert_eq!(status(&simulator, day), "Cancelled");
    assert_eq!(status(&simulator, moc), "Filled");
    let (_, outcome) = trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "the next day has begun: {outcome:?}");
}
