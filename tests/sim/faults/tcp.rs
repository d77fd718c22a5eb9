//! The connection: refused, mute, reset, cut, dribbling, frozen.

use super::peer::{self, Peer, arm};
use super::*;

#[tokio::test]
async fn so_many_connections_are_refused_and_the_next_is_served() {
    let simulator = start().await;
    arm(&simulator, "refuse-connections,times=2");
    for _ in 0..2 {
        let raw = Raw::connect(&simulator).await;
        assert_eq!(raw.end().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_handshake_stops_after_the_version() {
    let simulator = start().await;
    arm(&simulator, "mute-handshake,from=version,times=1");
    let mut raw = Raw::connect(&simulator).await;
    assert!(raw.hello("v213..226").await.unwrap().starts_with("226\0"));
    raw.send(&[0, 0, 0, 6, 0, 0, 1, 15, 8, 7]).await;
    assert!(tokio::time::timeout(QUIET, raw.frame()).await.is_err(), "nothing more comes");
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_connection_is_reset_after_its_first_bytes() {
    let simulator = start().await;
    arm(&simulator, "reset-after-bytes,bytes=4,times=1");
    let mut raw = Raw::connect(&simulator).await;
    raw.send(b"API\0").await;
    assert_eq!(raw.end().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_connection_ends_in_order_after_its_frames() {
    let simulator = start().await;
    arm(&simulator, "end-after-frames,frames=2");
    let (_peer, seen) = Peer::try_start(&simulator, 7).await;
    let ids: Vec<i32> = seen.iter().map(|seen| seen.id).collect();
    assert_eq!(ids, [15, 9], "accounts and next id, and then the end");
}

#[tokio::test]
async fn frames_that_come_a_byte_at_a_time_are_whole() {
    let simulator = start().await;
    pin_spy(&simulator);
    arm(&simulator, "dribble");
    let client = connect(&simulator, CLIENT).await;
    let (_, outcome) = trade(&client, &spy(), &market(Action::Buy, 10.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_frame_is_cut_in_half() {
    let simulator = start().await;
    let mut raw = Raw::connect(&simulator).await;
    arm(&simulator, "cut-frame,frames=1");
    raw.hello("v213..226").await.unwrap();
    raw.send(&[0, 0, 0, 6, 0, 0, 1, 15, 8, 7]).await;
    assert_eq!(raw.frame().await.unwrap()[..4], [0, 0, 0, 215], "managed accounts");
    let left = raw.end().await.unwrap();
    // The next id is 4 bytes of length and 6 of body.
    assert_eq!(left, 5, "half of the next frame");
}

#[tokio::test]
async fn a_frozen_order_is_worked_after_its_client_is_gone() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut old = Peer::start(&simulator, 7).await;
    let id = arm(&simulator, "freeze,connections=open");
    old.place(1, peer::at_market()).await;
    old.close().await;

    // The next connection is served. It sees no order, and the same id is free.
    let mut new = Peer::start(&simulator, 7).await;
    assert_eq!(new.next_id, 1);
    new.ask(peer::OPEN_ORDERS, None).await;
    assert_eq!(new.story().await, ["message 53"]);
    simulator.faults().end(id);
    let filled = new.until_line(|seen| seen.line() == "status Filled 10+0").await;
    assert_eq!(filled.number(1), 1, "the order that nobody waited for");
    assert_eq!(simulator.truth().executions.len(), 1);
}

#[tokio::test]
async fn of_the_orders_before_a_reset_only_the_first_are_applied() {
    let simulator = start().await;
    pin_spy(&simulator);
    arm(&simulator, "drop-after-orders,orders=3,applied=2");
    let mut peer = Peer::start(&simulator, 7).await;
    for order_id in 1..=3 {
        peer.place(order_id, peer::at_market()).await;
    }
    assert!(peer.end().await.is_err(), "reset, without a frame about any of them");
    assert_eq!(simulator.truth().executions.len(), 2);
    assert_eq!(Peer::start(&simulator, 7).await.next_id, 3, "the id of the lost one comes again");
}

#[tokio::test]
async fn requests_of_one_kind_are_swallowed_and_others_answered() {
    let simulator = start().await;
    arm(&simulator, "swallow-requests,requests=positions+completed-orders,times=2");
    let mut peer = Peer::start(&simulator, 7).await;
    peer.ask(peer::POSITIONS, None).await;
    peer.ask(peer::COMPLETED_ORDERS, None).await;
    peer.ask(peer::OPEN_ORDERS, None).await;
    assert_eq!(peer.story().await, ["message 53"]);
    peer.ask(peer::POSITIONS, None).await;
    assert_eq!(peer.story().await, ["message 62"]);
}

#[tokio::test]
async fn a_refused_request_gets_its_error_under_its_id() {
    let simulator = start().await;
    arm(&simulator, "refuse-requests,requests=executions+market-data,code=321");
    let mut peer = Peer::start(&simulator, 7).await;
    peer.ask(peer::EXECUTIONS, Some(5)).await;
    let [error] = peer.settled().await.try_into().unwrap();
    assert_eq!((error.number(1), error.number(3)), (5, 321));
}
