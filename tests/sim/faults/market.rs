//! Market data and the clock.

use super::peer::{self, Peer, Seen, arm};
use super::*;

/// Message ids of prices and sizes.
const TICKS: [i32; 4] = [1, 2, 45, 46];

fn ticks(seen: &[Seen]) -> usize {
    seen.iter().filter(|seen| TICKS.contains(&seen.id)).count()
}

#[tokio::test]
async fn a_pinned_price_fills_what_it_reaches() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    pin_spy(&simulator);
    peer.place(1, peer::resting()).await;
    peer.settled().await;
    arm(&simulator, "pin-price,symbol=SPY,bid=499,ask=499.02");
    peer.until_line(|seen| seen.line() == "status Filled 10+0").await;
    let unknown = rungate::sim::parse_fault("pin-price,symbol=NOSUCH,bid=1,ask=2").unwrap();
    assert!(simulator.faults().arm(unknown).is_err());
}

#[tokio::test]
async fn ticks_have_prices_that_are_none() {
    for (value, is_that) in [
        ("minus-one", (|price| price == -1.0) as fn(f64) -> bool),
        ("zero", |price| price == 0.0),
        ("not-a-number", f64::is_nan),
    ] {
        let simulator = start().await;
        let mut peer = Peer::start(&simulator, 7).await;
        arm(&simulator, &format!("tick-values,value={value}"));
        peer.quote(5, true).await;
        let seen = peer.settled().await;
        let prices: Vec<f64> =
            seen.iter().filter(|seen| seen.id == 1).map(|seen| seen.double(3)).collect();
        assert!(!prices.is_empty() && prices.iter().all(|price| is_that(*price)), "{prices:?}");
    }
}

#[tokio::test]
async fn no_ticks_although_the_farms_are_well() {
    let simulator = start().await;
    arm(&simulator, "no-ticks");
    let (mut peer, seen) = Peer::try_start(&simulator, 7).await;
    assert!(seen.iter().any(|seen| seen.id == peer::ERROR && seen.number(3) == 2104));
    peer.quote(5, false).await;
    simulator.faults().set_price("SPY", dec("570.00"), dec("570.02")).unwrap();
    assert_eq!(ticks(&peer.settled().await), 0);
}

#[tokio::test]
async fn another_session_takes_the_market_data() {
    let simulator = start().await;
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.quote(5, false).await;
    peer.settled().await;
    let id = arm(&simulator, "competing-session");
    peer.quote(6, false).await;
    simulator.faults().set_price("SPY", dec("570.00"), dec("570.02")).unwrap();
    let seen = peer.settled().await;
    let errors: Vec<_> = seen.iter().map(|seen| (seen.number(1), seen.number(3))).collect();
    assert_eq!(errors, [(5, 10_197), (6, 10_197)]);
    simulator.faults().end(id);
    peer.quote(7, false).await;
    assert!(ticks(&peer.settled().await) > 0);
}

#[tokio::test]
async fn the_farms_break_and_are_well_again() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, "farm-flap,every=5s,times=2");
    let codes = |seen: Vec<Seen>| seen.iter().map(|seen| seen.number(3)).collect::<Vec<_>>();
    assert_eq!(codes(peer.settled().await), [2103, 2105, 2157]);
    simulator.advance(jiff::SignedDuration::from_secs(5)).unwrap();
    simulator.now();
    assert_eq!(codes(peer.settled().await), [2104, 2106, 2158]);
}

#[tokio::test]
async fn the_market_data_type_is_reset() {
    let simulator = start().await;
    let mut peer = Peer::start(&simulator, 7).await;
    let kind = async |peer: &mut Peer, req_id| {
        peer.quote(req_id, true).await;
        peer.until(58).await.number(2)
    };
    // Delayed data, as asked for.
    peer.ask(59, Some(3)).await;
    let asked = kind(&mut peer, 5).await;
    arm(&simulator, "reset-data-type");
    let reset = kind(&mut peer, 6).await;
    assert_eq!(reset, 1);
    assert!(asked == 3 || asked == 1, "what a client with live data gets: {asked}");
}

#[tokio::test]
async fn the_clock_jumps_over_midnight() {
    let clock = Some("2026-03-02T23:59:30-05:00".parse().unwrap());
    let options = Options { clock, ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.unwrap();
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    peer.place(1, peer::at_market()).await;
    peer.ask(peer::EXECUTIONS, Some(4)).await;
    let seen = peer.settled().await;
    assert!(seen.iter().any(|seen| seen.id == peer::EXECUTION && seen.number(1) == 4));
    arm(&simulator, "set-clock,to=2026-03-03T00:00:30-05:00");
    peer.ask(peer::EXECUTIONS, Some(5)).await;
    assert_eq!(peer.story().await, ["message 55"], "yesterday's fill is in no list of today");
    assert_eq!(simulator.truth().executions.len(), 1);
}

#[tokio::test]
async fn the_clock_jumps_ahead() {
    let simulator = start().await;
    let before = simulator.now();
    arm(&simulator, "advance-clock,by=1h");
    assert!(simulator.now().duration_since(before) >= jiff::SignedDuration::from_hours(1));
}

#[tokio::test]
async fn the_clock_jumps_over_the_hour_that_summer_time_skips() {
    let clock = Some("2026-03-08T01:59:59-05:00".parse().unwrap());
    let options = Options { clock, ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.unwrap();
    pin_spy(&simulator);
    let mut peer = Peer::start(&simulator, 7).await;
    arm(&simulator, "advance-clock,by=2s");
    peer.place(1, peer::at_market()).await;
    let stamp = peer.until(peer::EXECUTION).await.inner(3).text(3);
    assert!(stamp.starts_with("20260308 03:00:"), "{stamp}");
}
