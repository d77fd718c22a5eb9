//! Futures: the chain of a product, its names, its life and its end.

use jiff::{SignedDuration, Timestamp};
use rungate::sim::Hours;

use super::*;

/// 2 March 2026, ten o'clock in New York.
const MONDAY: &str = "2026-03-02T15:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A simulator that began, and stands, at `time`.
fn standing(time: &str, hours: Hours) -> Options {
    Options { clock: Some(at(time)), speed: dec("0"), hours, ..Options::loopback(1) }
}

async fn start_at(time: &str, hours: Hours) -> Simulator {
    Simulator::start(standing(time, hours)).await.unwrap()
}

/// A future of the E-mini S&P 500, described no further.
fn es() -> Contract {
    Contract {
        symbol: "ES".into(),
        security_type: SecurityType::Future,
        exchange: "CME".into(),
        currency: "USD".into(),
        ..Contract::default()
    }
}

fn es_of(expiry: &str) -> Contract {
    Contract { last_trade_date_or_contract_month: expiry.to_owned(), ..es() }
}

/// The local symbols of all contracts that fit.
async fn names(client: &Client, contract: &Contract) -> Vec<String> {
    let found = within(client.contract_details(contract)).await.unwrap();
    found.into_iter().map(|details| details.contract.local_symbol).collect()
}

#[tokio::test]
async fn a_product_is_answered_with_its_chain_nearest_first() {
    let simulator = start_at(MONDAY, Hours::Always).await;
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(names(&client, &es()).await, ["ESH6", "ESM6", "ESU6", "ESZ6", "ESH7"]);
    let chain = within(client.contract_details(&es())).await.unwrap();
    let june = &chain[1];
    assert_eq!(june.contract.last_trade_date_or_contract_month, "20260618");
    assert_eq!(june.contract.last_trade_date.unwrap().to_string(), "2026-06-18");
    assert_eq!((&*june.contract.multiplier, &*june.contract.trading_class), ("50", "ES"));
    assert_eq!((&*june.contract_month, &*june.real_expiration_date), ("202606", "20260618"));
    assert_eq!((june.under_contract_id, &*june.under_symbol), (11_004_968, "ES"));
    assert_eq!((june.min_tick, &*june.market_name), (0.25, "ES"));
    assert_eq!(june.contract.exchange.to_string(), "CME");
}

#[tokio::test]
async fn one_expiry_is_found_by_month_day_local_symbol_or_id() {
    let simulator = start_at(MONDAY, Hours::Always).await;
    let client = connect(&simulator, CLIENT).await;
    for contract in [es_of("202606"), es_of("20260618")] {
        assert_eq!(names(&client, &contract).await, ["ESM6"]);
    }
    let local = Contract { local_symbol: "ESM6".into(), symbol: "".into(), ..es() };
    let found = within(client.contract_details(&local)).await.unwrap();
    assert_eq!(found[0].contract.contract_id, 910_012_606);
    let by_id = Contract { contract_id: 910_012_606, symbol: "".into(), ..es() };
    assert_eq!(names(&client, &by_id).await, ["ESM6"]);
    for nothing in [es_of("202607"), es_of("20260619"), es_of("202706")] {
        assert_eq!(code(within(client.contract_details(&nothing)).await), 200, "{nothing:?}");
    }
    // The contract month of crude oil is the month after its last day of trading.
    let oil = Contract {
        symbol: "CL".into(),
        exchange: "NYMEX".into(),
        last_trade_date_or_contract_month: "202605".to_owned(),
        ..es()
    };
    let found = within(client.contract_details(&oil)).await.unwrap();
    assert_eq!(found[0].contract.last_trade_date_or_contract_month, "20260421");
}

#[tokio::test]
async fn an_order_needs_one_expiry_and_gets_it_filled() {
    let simulator = start_at(MONDAY, Hours::Always).await;
    let client = connect(&simulator, CLIENT).await;
    let order = market(Action::Buy, 1.0);
    assert_eq!(refused(&client, &es(), &order).await, 200);
    let (_, outcome) = trade(&client, &es_of("202606"), &order).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
    let held = positions(&client).await;
    assert_eq!((&*held[0].contract.local_symbol, &*held[0].contract.multiplier), ("ESM6", "50"));
    assert_eq!(held[0].contract.last_trade_date_or_contract_month, "20260618");
}

#[tokio::test]
async fn an_expired_future_is_gone_unless_it_is_asked_for() {
    let simulator = start_at(MONDAY, Hours::Exchange).await;
    let client = connect(&simulator, CLIENT).await;
    // The last session ends at five in the afternoon of 20 March.
    simulator.set_clock(at("2026-03-20T20:59:59Z")).unwrap();
    assert_eq!(names(&client, &es_of("202603")).await, ["ESH6"]);
    simulator.advance(SignedDuration::from_secs(1)).unwrap();
    assert_eq!(code(within(client.contract_details(&es_of("202603"))).await), 200);
    assert_eq!(refused(&client, &es_of("202603"), &market(Action::Buy, 1.0)).await, 200);
    let included = Contract { include_expired: true, ..es_of("202603") };
    assert_eq!(names(&client, &included).await, ["ESH6"]);
    simulator.advance(SignedDuration::from_hours(24)).unwrap();
    assert_eq!(names(&client, &es()).await, ["ESM6", "ESU6", "ESZ6", "ESH7", "ESM7"]);
}

#[tokio::test]
async fn a_restart_lists_the_same_contracts() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("state.json"));
    let first = Options { state: state.clone(), ..standing(MONDAY, Hours::Always) };
    let simulator = Simulator::start(first).await.unwrap();
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &es_of("202606"), &market(Action::Buy, 1.0)).await;
    client.disconnect().await;
    simulator.stop().await;

    // Months later, with another chain and the same position.
    let later = Options { state, ..standing("2026-05-04T15:00:00Z", Hours::Always) };
    let simulator = Simulator::start(later).await.unwrap();
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(names(&client, &es()).await, ["ESM6", "ESU6", "ESZ6", "ESH7", "ESM7"]);
    assert_eq!(positions(&client).await[0].contract.contract_id, 910_012_606);
}

#[tokio::test]
async fn details_tell_the_hours_of_each_exchange() {
    let simulator = start_at("2026-11-25T15:00:00Z", Hours::Exchange).await;
    let client = connect(&simulator, CLIENT).await;
    let hours = async |contract: &Contract| {
        let details = within(client.contract_details(contract)).await.unwrap().remove(0);
        (details.time_zone_id, details.trading_hours, details.liquid_hours)
    };
    // The Wednesday before Thanksgiving.
    let (zone, trading, liquid) = hours(&spy()).await;
    assert_eq!(zone, "US/Eastern");
    assert_eq!(
        trading[..4],
        [
            "20261125:0400-20261125:2000",
            "20261126:CLOSED",
            "20261127:0400-20261127:1700",
            "20261128:CLOSED",
        ]
    );
    assert_eq!(liquid[2], "20261127:0930-20261127:1300");
    let (zone, trading, _) = hours(&es_of("202612")).await;
    assert_eq!(zone, "US/Central");
    assert_eq!(
        trading,
        [
            "20261124:1700-20261125:1600",
            "20261125:1700-20261126:1200",
            "20261126:1700-20261127:1215",
            "20261128:CLOSED",
            "20261129:1700-20261130:1600",
            "20261130:1700-20261201:1600",
        ]
    );
    let london = Contract { currency: "GBP".into(), ..Contract::stock("VOD").build() };
    let (zone, trading, _) = hours(&london).await;
    assert_eq!((&*zone, &*trading[0]), ("GB-Eire", "20261125:0800-20261125:1630"));
}
