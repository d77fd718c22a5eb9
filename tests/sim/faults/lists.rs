//! Lists that lie: without an end, without rows, cut short, mixed.

use super::peer::{self, Peer, arm};
use super::*;

/// A peer with one order that rests and one that filled.
async fn traded(simulator: &Simulator) -> Peer {
    pin_spy(simulator);
    let mut peer = Peer::start(simulator, 7).await;
    peer.place(1, peer::resting()).await;
    peer.place(2, peer::at_market()).await;
    peer.settled().await;
    peer
}

#[tokio::test]
async fn a_list_without_its_end() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    for list in ["open-orders", "completed-orders", "executions", "positions"] {
        arm(&simulator, &format!("withhold-end,list={list},times=1"));
    }
    peer.ask(peer::ALL_OPEN_ORDERS, None).await;
    peer.ask(peer::COMPLETED_ORDERS, None).await;
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    peer.ask(peer::POSITIONS, None).await;
    let expected = [
        "open Submitted",
        "status Submitted 0+10",
        "message 101",
        "execution 10",
        "commission",
        "message 61",
    ];
    assert_eq!(peer.story().await, expected, "rows and no end");
    peer.ask(peer::ALL_OPEN_ORDERS, None).await;
    assert_eq!(peer.story().await.last().unwrap(), "message 53", "the next list has one");
}

#[tokio::test]
async fn an_end_without_rows_though_there_are_executions() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    arm(&simulator, "end-without-rows,list=executions");
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    assert_eq!(peer.story().await, ["message 55"]);
    assert_eq!(simulator.truth().executions.len(), 1);
}

#[tokio::test]
async fn a_list_is_cut_short_with_and_without_its_connection() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    let id = arm(&simulator, "truncate-list,list=executions,rows=1,then=end");
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    assert_eq!(peer.story().await, ["execution 10", "message 55"]);
    simulator.faults().end(id);
    let id = arm(&simulator, "truncate-list,list=executions,rows=1,then=silence");
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    assert_eq!(peer.story().await, ["execution 10"]);
    simulator.faults().end(id);
    arm(&simulator, "truncate-list,list=positions,rows=1,then=close");
    peer.ask(peer::POSITIONS, None).await;
    assert_eq!(peer.next().await.unwrap().line(), "message 61");
    assert!(peer.next().await.is_none(), "the connection ends before the list");
}

#[tokio::test]
async fn an_end_comes_later_than_its_rows() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    arm(&simulator, "late-end,list=account-summary,by=1h");
    peer.ask_summary("NetLiquidation").await;
    assert_eq!(peer.story().await, ["message 63"]);
    simulator.advance(jiff::SignedDuration::from_hours(1)).unwrap();
    peer.until(64).await;
}

#[tokio::test]
async fn two_lists_are_answered_as_one() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    arm(&simulator, "interleave-lists");
    peer.ask(peer::ALL_OPEN_ORDERS, None).await;
    peer.ask(peer::COMPLETED_ORDERS, None).await;
    let expected =
        ["message 101", "open Submitted", "message 102", "status Submitted 0+10", "message 53"];
    assert_eq!(peer.story().await, expected);
}

#[tokio::test]
async fn a_client_with_two_lists_in_flight_finds_no_open_order() {
    let simulator = start().await;
    pin_spy(&simulator);
    // The order is another client's: the list of one's own is empty, and its end ends both.
    let mut other = Peer::start(&simulator, 7).await;
    other.place(1, peer::resting()).await;
    other.settled().await;
    let client = connect(&simulator, CLIENT).await;
    arm(&simulator, "interleave-lists");
    let mut all = client.all_open_orders().await.unwrap();
    let mut own = client.open_orders().await.unwrap();
    let all = all.collect_to_end_within(DEADLINE).await.unwrap();
    assert!(own.collect_to_end_within(DEADLINE).await.is_ok());
    assert!(all.is_empty(), "no error, no order, and one is open: {all:?}");
    assert_eq!(simulator.truth().orders.len(), 1);
}

#[tokio::test]
async fn completed_orders_have_no_order_id() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    arm(&simulator, "unset-completed-ids");
    peer.ask(peer::COMPLETED_ORDERS, None).await;
    let completed = peer.until(101).await.inner(2);
    assert!(!completed.has(2), "{completed:?}");
    assert_eq!(completed.text(6), "0", "and the quantity is what was left");
    assert_eq!(completed.text(28), "run-1.SPY");
}

#[tokio::test]
async fn the_latest_executions_are_missing() {
    let simulator = start().await;
    let mut peer = traded(&simulator).await;
    arm(&simulator, "hide-executions,younger-than=2m");
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    assert_eq!(peer.story().await, ["message 55"]);
    simulator.advance(jiff::SignedDuration::from_mins(3)).unwrap();
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    peer.until(peer::EXECUTION).await;
}
