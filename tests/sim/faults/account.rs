//! Positions and account values.

use super::peer::{self, Peer, Seen, arm};
use super::*;

fn held(seen: &[Seen]) -> Vec<String> {
    seen.iter().filter(|seen| seen.id == 61).map(|seen| seen.text(3)).collect()
}

#[tokio::test]
async fn positions_lag_behind_fills() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(1, peer::at_market()).await;
    peer.settled().await;
    arm(&simulator, "lag-positions,by=10m");
    peer.place(2, peer::at_market()).await;
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    peer.ask(peer::POSITIONS, None).await;
    let seen = peer.settled().await;
    let fills = seen.iter().filter(|seen| seen.id == peer::EXECUTION && seen.number(1) == 4);
    assert_eq!(fills.count(), 2, "the executions know");
    assert_eq!(held(&seen), ["10"], "the positions do not yet");
    simulator.advance(jiff::SignedDuration::from_mins(10)).unwrap();
    assert_eq!(peer.until(61).await.text(3), "20", "and then they do, unasked");
}

#[tokio::test]
async fn account_values_come_in_changing_order() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    let mut orders = Vec::new();
    for fault in [None, Some("shuffle-account-rows"), Some("shuffle-account-rows")] {
        fault.map(|fault| arm(&simulator, fault));
        peer.ask_summary("$LEDGER:ALL").await;
        let seen = peer.settled().await;
        assert_eq!(seen.last().unwrap().id, 64, "the end stays the last");
        let rows = seen.iter().filter(|seen| seen.id == 63);
        orders.push(rows.map(|row| (row.text(3), row.text(5))).collect::<Vec<_>>());
        peer.ask(63, Some(9)).await;
    }
    let sorted = |index: usize| {
        let mut rows: Vec<_> = orders[index].clone();
        rows.sort();
        rows
    };
    assert!(orders[0] != orders[1] && orders[1] != orders[2], "{orders:?}");
    assert_eq!((sorted(0), sorted(1)), (sorted(1), sorted(2)), "nothing is lost");
}

#[tokio::test]
async fn some_tags_are_missing() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, "missing-tags,tags=NetLiquidation+AccountReady");
    peer.ask_summary("NetLiquidation,BuyingPower").await;
    let seen = peer.settled().await;
    let tags: Vec<_> = seen.iter().filter(|seen| seen.id == 63).map(|row| row.text(3)).collect();
    assert_eq!(tags, ["BuyingPower"]);
}
