//! The gateway's link to IB: lost with and without a word, orders and reports meanwhile.

use super::peer::{self, Peer, PlacedOrder, arm};
use super::*;

/// The codes of the errors among what was seen.
fn codes(seen: &[peer::Seen]) -> Vec<i64> {
    seen.iter().filter(|seen| seen.id == peer::ERROR).map(|seen| seen.number(3)).collect()
}

#[tokio::test]
async fn orders_written_while_the_link_is_down_go_out_when_it_is_back() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    let id = arm(&simulator, "link-down,orders=queued");
    assert_eq!(codes(&peer.settled().await), [1100]);
    peer.place(1, peer::at_market()).await;
    assert_eq!(peer.story().await, [""; 0]);
    assert!(simulator.truth().orders.is_empty());
    simulator.faults().end(id);
    let story = peer.story().await;
    assert_eq!(story[0], "error 1102");
    assert!(story.contains(&"status Filled 10+0".to_owned()), "{story:?}");
}

#[tokio::test]
async fn orders_written_while_the_link_is_down_are_gone() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    let id = arm(&simulator, "link-down");
    peer.place(1, peer::at_market()).await;
    peer.cancel(1).await;
    peer.settled().await;
    simulator.faults().end(id);
    assert_eq!(peer.story().await, ["error 1102"]);
    assert!(simulator.truth().orders.is_empty());
}

#[tokio::test]
async fn fills_keep_arriving_while_the_link_is_said_to_be_down() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    arm(&simulator, "link-down,reports=delivered,for=1h");
    simulator.faults().set_price("SPY", dec("499.00"), dec("499.02")).unwrap();
    let story = peer.story().await;
    assert_eq!(story[..2], ["error 1100", "execution 10"], "{story:?}");
}

#[tokio::test]
async fn reports_wait_for_the_link_or_are_lost_with_it() {
    for (how, fills) in [("queued", true), ("lost", false)] {
        let simulator = start().await;
        pin_spy(&simulator);
        let mut peer = Peer::start(&simulator, 7).await;
        peer.place(1, peer::resting()).await;
        peer.settled().await;
        let id = arm(&simulator, &format!("link-down,reports={how}"));
        simulator.faults().set_price("SPY", dec("499.00"), dec("499.02")).unwrap();
        assert_eq!(peer.story().await, ["error 1100"]);
        simulator.faults().end(id);
        let story = peer.story().await;
        assert_eq!(story.contains(&"execution 10".to_owned()), fills, "{how}: {story:?}");
        assert_eq!(simulator.truth().executions.len(), 1);
    }
}

#[tokio::test]
async fn a_connection_made_while_the_link_is_down_hears_neither_notice() {
    let simulator = start().await;
    let id = arm(&simulator, "link-down,restored=unannounced");
    let (mut peer, seen) = Peer::try_start(&simulator, 7).await;
    assert_eq!(codes(&seen), [2104, 2106, 2158], "the start says nothing");
    peer.ask(peer::POSITIONS, None).await;
    peer.ask(peer::IDS, None).await;
    assert_eq!(peer.story().await, ["message 9"], "only what needs no server is answered");
    simulator.faults().end(id);
    assert_eq!(peer.story().await, [""; 0]);
}

#[tokio::test]
async fn after_lost_data_old_subscriptions_are_dead() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.quote(5, false).await;
    peer.settled().await;
    let id = arm(&simulator, "link-down,restored=data-lost");
    simulator.faults().end(id);
    assert_eq!(codes(&peer.settled().await), [1100, 1101]);
    simulator.faults().set_price("SPY", dec("570.00"), dec("570.02")).unwrap();
    assert_eq!(peer.story().await, [""; 0], "no tick");
    peer.quote(6, false).await;
    assert!(!peer.settled().await.is_empty(), "a new subscription is served");
}

#[tokio::test]
async fn a_modify_while_the_link_is_down_makes_a_second_order_under_the_same_id() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    let id = arm(&simulator, "link-down,orders=applied,second-perm-id=true");
    let changed = PlacedOrder { lmt_price: Some(501.0), ..peer::resting() };
    peer.place(1, changed).await;
    peer.settled().await;
    simulator.faults().end(id);
    peer.ask(peer::OPEN_ORDERS, None).await;
    let seen = peer.settled().await;
    let open: Vec<_> = seen
        .iter()
        .filter(|seen| seen.id == peer::OPEN_ORDER)
        .map(|seen| (seen.number(1), seen.inner(3).number(3)))
        .collect();
    let perm_ids: std::collections::BTreeSet<i64> = open.iter().map(|(_, perm)| *perm).collect();
    assert!(open.iter().all(|(order_id, _)| *order_id == 1), "{open:?}");
    assert_eq!(perm_ids.len(), 2, "{open:?}");
    // The cancel hits one of them.
    peer.cancel(1).await;
    peer.settled().await;
    let truth = simulator.truth();
    let statuses: Vec<_> = truth.orders.values().map(|order| order.status.as_str()).collect();
    assert_eq!(statuses, ["Submitted", "Cancelled"]);
}

#[tokio::test]
async fn a_lost_link_may_be_told_again_and_again() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    for code in [1100, 1100, 1101] {
        arm(&simulator, &format!("link-notice,code={code}"));
    }
    assert_eq!(codes(&peer.settled().await), [1100, 1100, 1101]);
    peer.ask(peer::POSITIONS, None).await;
    assert_eq!(peer.story().await, ["message 62"], "all is well behind the notices");
}
