//! Orders and cancels on their way out.

use super::peer::{self, Peer, PlacedOrder, arm};
use super::*;

async fn peer_at(simulator: &Simulator) -> Peer {
    pin_spy(simulator);
    Peer::start(simulator, 7).await
}

/// The statuses that the broker has.
fn statuses(simulator: &Simulator) -> Vec<String> {
    simulator.truth().orders.into_values().map(|order| order.status).collect()
}

#[tokio::test]
async fn an_order_is_lost_at_each_of_four_places() {
    for (place, next_id, executions) in
        [("unread", 1, 0), ("buffer", 1, 0), ("gateway", 2, 0), ("report", 2, 1)]
    {
        let simulator = start().await;
        let mut peer = peer_at(&simulator).await;
        arm(&simulator, &format!("lose-order,place={place},times=1"));
        peer.place(1, peer::at_market()).await;
        if place == "buffer" {
            peer.ask(peer::TIME, None).await;
            assert!(tokio::time::timeout(QUIET, peer.next()).await.is_err(), "nothing is read");
        } else {
            let seen = peer.story().await;
            assert_eq!(seen, [""; 0], "{place}: not a frame about it");
        }
        peer.close().await;
        assert_eq!(Peer::start(&simulator, 7).await.next_id, next_id, "{place}");
        assert_eq!(simulator.truth().executions.len(), executions, "{place}");
    }
}

#[tokio::test]
async fn only_the_order_that_is_named_is_lost() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "lose-order,place=unread,order-ref=run-*.QQQ");
    arm(&simulator, "lose-order,place=unread,order-id=2");
    let named = |name: &str| PlacedOrder { order_ref: Some(name.into()), ..peer::at_market() };
    peer.place(1, named("run-1.SPY")).await;
    peer.place(2, named("run-1.SPY")).await;
    peer.place(3, named("run-1.QQQ")).await;
    peer.settled().await;
    let truth = simulator.truth();
    assert_eq!(truth.orders.values().map(|order| order.order_id).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn so_many_of_each_handful_of_orders_are_dropped() {
    let lost = async |seed: u64| {
        let simulator = Simulator::start(Options::loopback(seed)).await.unwrap();
        let mut peer = peer_at(&simulator).await;
        arm(&simulator, "lose-some-orders,lost=2,of=5");
        for order_id in 1..=10 {
            peer.place(order_id, peer::at_market()).await;
        }
        peer.settled().await;
        let truth = simulator.truth();
        truth.orders.values().map(|order| order.order_id).collect::<Vec<_>>()
    };
    let arrived = lost(1).await;
    assert_eq!(arrived.len(), 6);
    assert_eq!(arrived.iter().filter(|id| **id <= 5).count(), 3, "two of the first five");
    assert_eq!(lost(1).await, arrived, "the seed decides which");
}

#[tokio::test]
async fn a_delayed_order_reaches_the_broker_later() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "delay-order,by=1h,times=1");
    peer.place(1, peer::at_market()).await;
    assert_eq!(peer.story().await, [""; 0]);
    simulator.advance(jiff::SignedDuration::from_hours(1)).unwrap();
    peer.until_line(|seen| seen.line() == "status Filled 10+0").await;
}

#[tokio::test]
async fn an_error_comes_before_an_order_that_fills() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    for error in [10_349, 404, 161, 10_147] {
        arm(&simulator, &format!("order-errors,codes={error},when=before,times=1"));
        assert_eq!(refused(&client, &spy(), &market(Action::Buy, 1.0)).await, error);
    }
    settle(&client).await;
    assert_eq!(statuses(&simulator), ["Filled"; 4], "this client took live orders for refused");
}

#[tokio::test]
async fn errors_come_after_the_first_reports() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "order-errors,codes=2109+399,when=after");
    peer.place(1, peer::resting()).await;
    let expected = ["open Submitted", "status Submitted 0+10", "error 2109", "error 399"];
    assert_eq!(peer.story().await, expected);
}

#[tokio::test]
async fn an_error_instead_of_all_reports_may_hide_a_live_order() {
    for (live, orders) in [(false, 0), (true, 1)] {
        let simulator = start().await;
        let mut peer = peer_at(&simulator).await;
        arm(&simulator, &format!("order-errors,codes=103,live={live}"));
        peer.place(1, peer::at_market()).await;
        assert_eq!(peer.story().await, ["error 103"]);
        assert_eq!(simulator.truth().orders.len(), orders);
        peer.ask(peer::IDS, None).await;
        assert_eq!(peer.until(9).await.number(1), 2, "the id is used");
    }
}

#[tokio::test]
async fn a_refused_modify_leaves_the_order_with_its_old_terms() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "order-errors,codes=201,on=modify");
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    peer.place(1, PlacedOrder { lmt_price: Some(560.0), ..peer::resting() }).await;
    assert_eq!(peer.story().await, ["error 201"]);
    simulator.faults().set_price("SPY", dec("499.00"), dec("499.50")).unwrap();
    assert_eq!(simulator.truth().executions[0].price, dec("499.50"), "it lived on");
}

#[tokio::test]
async fn an_order_is_cancelled_by_the_broker() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "cancel-by-broker,times=1");
    peer.place(1, peer::resting()).await;
    let story = peer.story().await;
    assert_eq!(story[2..], ["status Cancelled 0+10", "error 202"], "{story:?}");
}

#[tokio::test]
async fn an_inactive_order_comes_to_life_and_fills() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "hold-inactive,revive=1h,times=1");
    peer.place(1, peer::at_market()).await;
    let seen = peer.settled().await;
    let status = seen.iter().find(|seen| seen.id == peer::STATUS).unwrap();
    assert_eq!((status.text(2), status.text(10)), ("Inactive".into(), "locate".into()));
    assert!(simulator.truth().executions.is_empty());
    peer.ask(peer::OPEN_ORDERS, None).await;
    assert_eq!(peer.story().await[0], "open Inactive", "in lists too");
    simulator.advance(jiff::SignedDuration::from_hours(1)).unwrap();
    peer.until_line(|seen| seen.line() == "status Filled 10+0").await;
}

#[tokio::test]
async fn an_inactive_order_that_is_cancelled_says_so_and_stays_dead() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "hold-inactive,revive=1h,times=1");
    peer.place(1, peer::at_market()).await;
    peer.settled().await;
    peer.cancel(1).await;
    assert_eq!(peer.story().await, ["status Cancelled 0+10", "error 202"]);
    simulator.advance(jiff::SignedDuration::from_hours(1)).unwrap();
    assert_eq!(peer.story().await, [""; 0], "nothing comes to life");
    assert_eq!(statuses(&simulator), ["Cancelled"]);
}

#[tokio::test]
async fn a_client_that_takes_inactive_for_the_end_misses_the_fill() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    arm(&simulator, "hold-inactive,revive=1h,times=1");
    let (_, outcome) = trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    assert!(matches!(outcome, OrderOutcome::Ended(_)), "{outcome:?}");
    simulator.advance(jiff::SignedDuration::from_hours(1)).unwrap();
    settle(&client).await;
    assert_eq!(statuses(&simulator), ["Filled"]);
}

#[tokio::test]
async fn a_cancel_is_answered_not_found_although_the_order_works() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    arm(&simulator, "cancel-answer,code=10147,times=1");
    peer.cancel(1).await;
    assert_eq!(peer.story().await, ["error 10147"]);
    assert_eq!(statuses(&simulator), ["Submitted"]);
    arm(&simulator, "cancel-answer,code=161,applied=true");
    peer.cancel(1).await;
    let story = peer.story().await;
    assert_eq!(story[..2], ["error 161", "status Cancelled 0+10"], "{story:?}");
}

#[tokio::test]
async fn a_swallowed_cancel_is_never_confirmed() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    arm(&simulator, "swallow-cancel");
    peer.cancel(1).await;
    assert_eq!(peer.story().await, [""; 0]);
    assert_eq!(statuses(&simulator), ["Submitted"]);
}

#[tokio::test]
async fn an_order_fills_while_its_cancel_is_on_the_way() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    arm(&simulator, "fill-on-cancel");
    peer.cancel(1).await;
    let story = peer.story().await;
    assert_eq!(story[..2], ["status PendingCancel 0+10", "execution 10"], "{story:?}");
    let last = [story[3].as_str(), story.last().unwrap()];
    assert_eq!(last, ["status Filled 10+0", "error 10148"], "{story:?}");
    assert_eq!(simulator.truth().executions[0].price, dec("500"), "at its limit");
}

#[tokio::test]
async fn a_refused_what_if_may_have_no_other_answer() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    arm(&simulator, "order-errors,codes=110");
    peer.place(1, PlacedOrder { what_if: Some(true), ..peer::at_market() }).await;
    assert_eq!(peer.story().await, ["error 110"]);
}

#[tokio::test]
async fn an_order_fills_whole_whatever_the_quote_displays() {
    let simulator = start().await;
    let mut peer = peer_at(&simulator).await;
    let large = || PlacedOrder { total_quantity: Some("3000".into()), ..peer::at_market() };
    let id = arm(&simulator, "fill-whole");
    peer.place(1, large()).await;
    peer.settled().await;
    assert_eq!(statuses(&simulator), ["Filled"]);
    assert_eq!(simulator.truth().executions.len(), 1);
    simulator.faults().end(id);
}
