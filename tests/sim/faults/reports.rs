//! Reports on their way in.

use super::peer::{self, Peer, PlacedOrder, Seen, arm};
use super::*;

/// What a peer sees of ten shares that fill at once, while a fault stands.
async fn fill_under(fault: &str) -> Vec<Seen> {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, fault);
    peer.place(1, peer::at_market()).await;
    let seen = peer.settled().await;
    assert_eq!(simulator.truth().executions.len(), 1, "the broker has one fill: {seen:?}");
    seen
}

fn lines(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(Seen::line).collect()
}

fn of(seen: &[Seen], id: i32) -> Vec<&Seen> {
    seen.iter().filter(|seen| seen.id == id).collect()
}

/// Without a fault: acknowledged, filled, charged.
const USUAL: [&str; 7] = [
    "open PreSubmitted",
    "status PreSubmitted 0+10",
    "execution 10",
    "open Filled",
    "status Filled 10+0",
    "open Filled",
    "commission",
];

#[tokio::test]
async fn an_order_that_fills_may_have_no_status() {
    let seen = fill_under("drop-reports,frames=order-status").await;
    assert!(of(&seen, peer::STATUS).is_empty());
    assert_eq!((of(&seen, peer::EXECUTION).len(), of(&seen, peer::COMMISSION).len()), (1, 1));
    let seen = fill_under("drop-reports,frames=execution+commission").await;
    assert!(of(&seen, peer::EXECUTION).is_empty() && of(&seen, peer::COMMISSION).is_empty());
    assert_eq!(fill_under("drop-reports").await, [], "all of them");
}

#[tokio::test]
async fn a_client_without_a_status_waits_in_vain_for_a_fill() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    arm(&simulator, "drop-reports,frames=order-status+open-order");
    let mut updates = client.order_update_stream().await.unwrap();
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        match item {
            SubscriptionItem::Data(OrderUpdate::ExecutionData(fill)) => {
                assert_eq!(fill.execution.shares, 1.0);
                return;
            }
            SubscriptionItem::Data(OrderUpdate::OrderStatus(_)) => panic!("{item:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn frames_come_twice() {
    let seen = fill_under("duplicate-reports,frames=order-status+execution,copies=2").await;
    assert_eq!(of(&seen, peer::EXECUTION).len(), 3);
    assert_eq!(of(&seen, peer::STATUS).len(), 6);
    assert_eq!(of(&seen, peer::COMMISSION).len(), 1);
    let ids: std::collections::BTreeSet<_> =
        of(&seen, peer::EXECUTION).iter().map(|seen| seen.inner(3).text(2)).collect();
    assert_eq!(ids.len(), 1, "one execution under one id");
}

#[tokio::test]
async fn the_fill_comes_before_the_acknowledgement() {
    let seen = fill_under("reorder-reports").await;
    let mut reversed = USUAL.to_vec();
    reversed.reverse();
    assert_eq!(lines(&seen), reversed);
    let (one, again) =
        (fill_under("reorder-reports,into=random"), fill_under("reorder-reports,into=random"));
    let (one, again) = (lines(&one.await), lines(&again.await));
    assert_eq!(one, again, "the seed decides");
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(one), sorted(USUAL.map(str::to_owned).to_vec()), "and nothing is lost");
}

#[tokio::test]
async fn an_execution_comes_later_than_its_status() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, "delay-reports,frames=execution+commission,by=10m");
    peer.place(1, peer::at_market()).await;
    let story = peer.story().await;
    assert!(story.contains(&"status Filled 10+0".to_owned()), "{story:?}");
    assert!(!story.contains(&"execution 10".to_owned()), "{story:?}");
    simulator.advance(jiff::SignedDuration::from_mins(10)).unwrap();
    peer.until(peer::EXECUTION).await;
    peer.until(peer::COMMISSION).await;
}

#[tokio::test]
async fn references_are_blank_in_live_frames_and_lists() {
    for (fault, expected) in
        [("blank-order-ref", ""), ("blank-order-ref,instead=run-1.SPY-x", "run-1.SPY-x")]
    {
        let simulator = start().await;
        pin_spy(&simulator);
        let mut peer = Peer::start(&simulator, 7).await;
        arm(&simulator, fault);
        peer.place(1, peer::at_market()).await;
        peer.ask(peer::EXECUTIONS, Some(4)).await;
        peer.ask(peer::COMPLETED_ORDERS, None).await;
        let seen = peer.settled().await;
        let refs = seen.iter().filter_map(|seen| match seen.id {
            peer::OPEN_ORDER => Some(seen.inner(3).text(28)),
            peer::EXECUTION => Some(seen.inner(3).text(14)),
            101 => Some(seen.inner(2).text(28)),
            _ => None,
        });
        let refs: Vec<String> = refs.collect();
        assert_eq!(refs, vec![expected; 6], "{seen:?}");
        assert_eq!(simulator.truth().executions[0].order_ref, "run-1.SPY");
    }
}

#[tokio::test]
async fn the_first_frames_have_no_perm_id() {
    let seen = fill_under("zero-perm-id,frames=2").await;
    let perm_ids: Vec<bool> = seen
        .iter()
        .filter_map(|seen| match seen.id {
            peer::OPEN_ORDER => Some(seen.inner(3).number(3) == 0),
            peer::STATUS => Some(seen.number(6) == 0),
            peer::EXECUTION => Some(seen.inner(3).number(9) == 0),
            _ => None,
        })
        .collect();
    assert_eq!(perm_ids, [true, true, false, false, false, false]);
}

#[tokio::test]
async fn a_status_names_another_order_id() {
    let seen = fill_under("wrong-order-id,id=-2").await;
    assert!(of(&seen, peer::STATUS).iter().all(|seen| seen.number(1) == -2));
}

#[tokio::test]
async fn an_execution_is_corrected_under_a_higher_revision() {
    let seen = fill_under("correct-execution,price-by=-0.01,shares-by=-1").await;
    let [first, second] = of(&seen, peer::EXECUTION).try_into().unwrap();
    let (first, second) = (first.inner(3), second.inner(3));
    let (id, corrected) = (first.text(2), second.text(2));
    assert_eq!(id.strip_suffix(".01").unwrap(), corrected.strip_suffix(".02").unwrap());
    assert_eq!((second.text(7).as_str(), first.text(7).as_str()), ("9", "10"));
    assert!((first.double(8) - second.double(8) - 0.01).abs() < 1e-9);
}

#[tokio::test]
async fn a_fill_is_reported_again_under_another_id() {
    let seen = fill_under("phantom-execution,copies=2").await;
    let fills: Vec<Seen> = of(&seen, peer::EXECUTION).iter().map(|seen| seen.inner(3)).collect();
    let ids: std::collections::BTreeSet<_> = fills.iter().map(|fill| fill.text(2)).collect();
    assert_eq!(ids.len(), 3);
    assert!(fills.iter().all(|fill| fill.text(12) == "10"), "all with the same total");
}

#[tokio::test]
async fn a_commission_that_is_unset_is_a_huge_number() {
    let seen = fill_under("sentinel-values").await;
    let commission = of(&seen, peer::COMMISSION)[0].double(2);
    assert!(commission > 1e308, "{commission}");
}

#[tokio::test]
async fn a_status_nobody_knows() {
    let seen = fill_under("status-word,word=SomethingNew").await;
    assert!(of(&seen, peer::STATUS).iter().all(|seen| seen.text(2) == "SomethingNew"));
    assert!(of(&seen, peer::OPEN_ORDER).iter().all(|seen| seen.inner(4).text(1) == "SomethingNew"));
}

#[tokio::test]
async fn the_commission_comes_before_its_execution() {
    let story = lines(&fill_under("commission-first").await);
    let place = |wanted: &str| story.iter().position(|line| line == wanted).unwrap();
    assert!(place("commission") < place("execution 10"), "{story:?}");
}

#[tokio::test]
async fn the_last_status_after_a_partial_fill_says_nothing_was_filled() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, "empty-last-status");
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    let perm_id = simulator.truth().orders.into_keys().next().unwrap();
    simulator.faults().fill(perm_id, None, Some(dec("6"))).unwrap();
    peer.cancel(1).await;
    let story = peer.story().await;
    assert!(story.contains(&"status Submitted 6+4".to_owned()), "{story:?}");
    assert!(story.contains(&"status Cancelled 0+0".to_owned()), "{story:?}");
    assert!(!story.contains(&"status Cancelled 6+4".to_owned()), "{story:?}");
    peer.ask(peer::COMPLETED_ORDERS, None).await;
    assert_eq!(peer.until(101).await.inner(2).text(6), "4", "what was left");
}

#[tokio::test]
async fn a_what_if_begins_without_margins() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, "what-if-unset-first");
    peer.place(1, PlacedOrder { what_if: Some(true), ..peer::at_market() }).await;
    let seen = peer.settled().await;
    let margins: Vec<bool> = seen.iter().map(|seen| seen.inner(4).has(8)).collect();
    assert_eq!(margins, [false, true]);
}
