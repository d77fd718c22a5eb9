//! The gateway and what it remembers: restarts, ids, dialogs, precautions, zone, language.

use super::peer::{self, Peer, PlacedOrder, arm};
use super::*;

#[tokio::test]
async fn a_restart_with_wiped_settings_starts_ids_again_while_orders_live_on() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(41, peer::resting()).await;
    peer.settled().await;
    arm(&simulator, "restart,settings=wiped");
    assert!(peer.end().await.is_ok(), "an orderly end");

    let mut peer = Peer::start(&simulator, 7).await;
    assert_eq!(peer.next_id, 1);
    peer.ask(peer::OPEN_ORDERS, None).await;
    assert_eq!(peer.story().await[0], "open Submitted", "the broker kept it");
    peer.cancel(41).await;
    let [error] = peer.settled().await.try_into().unwrap();
    assert_eq!(error.number(3), 10_147, "the gateway does not know its id any more");
}

#[tokio::test]
async fn a_hard_restart_refuses_for_a_while_and_keeps_its_ids() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(41, peer::resting()).await;
    peer.settled().await;
    let id = arm(&simulator, "restart,how=hard,refuse=1h");
    assert!(peer.end().await.is_err(), "a reset");
    assert!(Raw::connect(&simulator).await.end().await.is_err(), "refused");
    simulator.faults().end(id);
    assert_eq!(Peer::start(&simulator, 7).await.next_id, 42);
}

#[tokio::test]
async fn ids_that_were_used_are_issued_once_more() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    for order_id in [38_099, 38_100, 38_101] {
        peer.place(order_id, peer::at_market()).await;
    }
    peer.settled().await;
    arm(&simulator, "restart,settings=rolled-back,back=2");
    let mut peer = Peer::start(&simulator, 7).await;
    assert_eq!(peer.next_id, 38_100);
    arm(&simulator, "roll-back-ids,by=1");
    peer.ask(peer::IDS, None).await;
    assert_eq!(peer.until(9).await.number(1), 38_099);
}

#[tokio::test]
async fn a_forgotten_id_names_no_order_any_more() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    for order_id in [5, 6] {
        peer.place(order_id, peer::resting()).await;
    }
    peer.settled().await;
    arm(&simulator, "forget-ids");
    peer.cancel(5).await;
    assert_eq!(peer.story().await, ["error 10147"]);
    assert!(simulator.truth().orders.values().all(|order| order.status == "Submitted"));
}

#[tokio::test]
async fn a_strictly_read_only_gateway_ends_no_list() {
    let simulator = start().await;
    arm(&simulator, "read-only,strict=true");
    let mut peer = Peer::start(&simulator, 7).await;
    peer.ask(peer::OPEN_ORDERS, None).await;
    peer.ask(peer::COMPLETED_ORDERS, None).await;
    peer.place(1, peer::at_market()).await;
    let seen = peer.settled().await;
    assert_eq!(seen.len(), 3, "an error for each, and no end");
    for error in seen {
        assert_eq!((error.number(1), error.number(3)), (-1, 321));
    }
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(code(within(client.next_valid_order_id()).await), 321);
}

#[tokio::test]
async fn a_dialog_holds_the_first_order_and_swallows_the_others() {
    let simulator = start().await;
    pin_spy(&simulator);
    arm(&simulator, "dialog,click=100ms");
    let mut peer = Peer::start(&simulator, 7).await;
    for order_id in 1..=3 {
        peer.place(order_id, peer::at_market()).await;
    }
    assert_eq!(peer.story().await, [""; 0], "not a frame");
    assert!(simulator.truth().orders.is_empty());
    let filled = peer.until_line(|seen| seen.line() == "status Filled 10+0").await;
    assert_eq!(filled.number(1), 1, "after the click the first goes out");
    assert_eq!(simulator.truth().orders.len(), 1, "and only the first");
    peer.place(4, peer::at_market()).await;
    peer.settled().await;
    assert_eq!(simulator.truth().orders.len(), 2, "the dialog is gone");
}

#[tokio::test]
async fn a_dialog_that_nobody_clicks_holds_for_ever() {
    let simulator = start().await;
    let id = arm(&simulator, "dialog");
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(1, peer::at_market()).await;
    assert_eq!(peer.story().await, [""; 0]);
    simulator.faults().end(id);
    peer.settled().await;
    assert!(simulator.truth().orders.is_empty());
}

#[tokio::test]
async fn precautions_refuse_by_size_and_by_value() {
    let simulator = start().await;
    pin_spy(&simulator);
    arm(&simulator, "precaution,size=500,value=10000");
    let mut peer = Peer::start(&simulator, 7).await;
    let sized =
        |quantity: &str| PlacedOrder { total_quantity: Some(quantity.into()), ..peer::at_market() };
    peer.place(1, sized("501")).await;
    peer.place(2, sized("20")).await;
    assert_eq!(peer.story().await, ["error 383", "error 451"]);
    peer.place(3, sized("10")).await;
    peer.settled().await;
    assert_eq!(simulator.truth().executions.len(), 1, "5600 dollars are within the limit");
}

#[tokio::test]
async fn executions_are_stamped_in_the_zone_of_the_gateway() {
    for (zone, spelled) in
        [("UTC", "UTC"), ("Europe/Paris,spelled=MET", "MET"), ("Europe/Paris,spelled=", "")]
    {
        let simulator = start().await;
        pin_spy(&simulator);
        arm(&simulator, &format!("time-zone,zone={zone}"));
        let mut peer = Peer::start(&simulator, 7).await;
        peer.place(1, peer::at_market()).await;
        let stamp = peer.until(peer::EXECUTION).await.inner(3).text(3);
        let named = stamp.splitn(3, ' ').nth(2).unwrap_or_default();
        assert_eq!(named, spelled, "{stamp}");
    }
}

#[tokio::test]
async fn errors_come_in_the_language_of_the_gateway() {
    let simulator = start().await;
    pin_spy(&simulator);
    arm(&simulator, "language,language=zh");
    arm(&simulator, "order-errors,codes=399,when=before");
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(1, peer::at_market()).await;
    let text = peer.until(peer::ERROR).await.text(4);
    assert!(!text.contains("Warning:") && text.contains('\u{8b66}'), "{text}");
    let client = connect(&simulator, CLIENT).await;
    // A client that looks for the English word takes the remark for a refusal.
    assert_eq!(refused(&client, &spy(), &market(Action::Buy, 1.0)).await, 399);
    assert_eq!(simulator.truth().executions.len(), 2, "and both filled");
}
