//! The clock of the simulated world: set, stopped, sped up.

use jiff::{SignedDuration, Timestamp};
use rungate::sim::{ClockError, SimError};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A simulator whose clock stands at half past nine on a Monday in New York.
async fn standing() -> Simulator {
    let options = Options {
        clock: Some(at("2026-03-02T14:30:00Z")),
        speed: dec("0"),
        ..Options::loopback(1)
    };
    Simulator::start(options).await.unwrap()
}

async fn time(client: &Client) -> i64 {
    within(client.server_time_millis()).await.unwrap().unix_timestamp()
}

#[tokio::test]
async fn a_clock_that_stands_shows_one_time_until_it_is_moved() {
    let simulator = standing().await;
    let client = connect(&simulator, CLIENT).await;
    let start = at("2026-03-02T14:30:00Z");
    assert_eq!(time(&client).await, start.as_second());
    assert_eq!(simulator.now(), start);
    let day = SignedDuration::from_hours(24);
    assert_eq!(simulator.advance(day).unwrap(), start + day);
    assert_eq!(time(&client).await, (start + day).as_second());
    simulator.set_clock(start).unwrap();
    assert_eq!(simulator.now(), start, "back as well");
}

#[tokio::test]
async fn a_clock_with_a_speed_runs_ahead_of_real_time() {
    let simulator = standing().await;
    let client = connect(&simulator, CLIENT).await;
    let start = simulator.now();
    simulator.set_speed(dec("100000")).unwrap();
    within(async {
        while simulator.now() - start < SignedDuration::from_hours(10) {
            settle(&client).await;
        }
    })
    .await;
    simulator.set_speed(dec("0")).unwrap();
    assert_eq!(simulator.now(), simulator.now());
}

#[tokio::test]
async fn an_order_meets_the_prices_on_the_way_of_a_leap() {
    let simulator = standing().await;
    let client = connect(&simulator, CLIENT).await;
    let order = Order {
        tif: ibapi::orders::TimeInForce::GoodTillCanceled,
        ..limit(Action::Buy, 10.0, 555.0)
    };
    client.submit_order(1, &spy(), &order).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().executions.is_empty(), "560 at the start");
    let end = simulator.advance(SignedDuration::from_hours(24 * 120)).unwrap();
    let [fill] = simulator.truth().executions.try_into().unwrap();
    assert!(fill.price <= dec("555"), "{}", fill.price);
    assert!(fill.at < end && fill.at > at("2026-03-02T14:30:00Z"), "{}", fill.at);
}

#[tokio::test]
async fn executions_keep_their_stamps_when_the_clock_is_set_back() {
    let simulator = standing().await;
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    let before = simulator.truth().executions;
    simulator.set_clock(at("2026-03-02T09:00:00Z")).unwrap();
    assert_eq!(simulator.truth().executions, before);
    trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    assert!(simulator.truth().executions[1].at < before[0].at);
}

#[tokio::test]
async fn what_the_clock_cannot_do_is_refused() {
    let simulator = standing().await;
    let start = simulator.now();
    let refused = |result: Result<(), SimError>| match result {
        Err(SimError::Clock(error)) => error,
        other => panic!("{other:?}"),
    };
    let far = at("2030-01-01T00:00:00Z");
    assert!(matches!(refused(simulator.set_clock(far)), ClockError::TooFar { .. }));
    let old = at("1990-01-01T00:00:00Z");
    assert_eq!(refused(simulator.set_clock(old)), ClockError::OutOfRange(old));
    assert_eq!(refused(simulator.set_speed(dec("-1"))), ClockError::Speed(dec("-1")));
    let back = SignedDuration::from_secs(-1);
    assert_eq!(refused(simulator.advance(back).map(|_| ())), ClockError::Backward(back));
    assert_eq!(simulator.now(), start);
    let options = Options { speed: dec("100001"), ..Options::loopback(1) };
    assert!(matches!(Simulator::start(options).await, Err(SimError::Clock(_))));
}

#[tokio::test]
async fn prices_go_on_where_they_were_when_the_clock_is_moved_and_back() {
    let simulator = standing().await;
    let client = connect(&simulator, CLIENT).await;
    let quote = async || {
        let ticks = client.market_data(&spy()).snapshot_once(DEADLINE).await.unwrap();
        Quote::from_ticks(&ticks).bid.unwrap()
    };
    let first = quote().await;
    let hour = SignedDuration::from_hours(1);
    let later = simulator.advance(hour).unwrap();
    let second = quote().await;
    assert_ne!(first, second, "an hour moves the price of SPY at this seed");
    simulator.set_clock(later - hour).unwrap();
    assert_eq!(quote().await, first);
    simulator.set_clock(later).unwrap();
    assert_eq!(quote().await, second);
}
