//! What can be asked, and what the answers say.

use rungate::domain::{ContractId, ContractQuery, Currency, MarketDataType, SecType};
use rungate::gateway::{Answer, GatewayError};
use rust_decimal::Decimal;

use super::Rig;

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn euro() -> ContractQuery {
    ContractQuery { sec_type: SecType::Cash, ..ContractQuery::stock("EUR") }
}

#[tokio::test]
async fn the_gateways_clock_agrees_with_ours() {
    let rig = Rig::start().await;
    let theirs = rig.gateway.server_time().await.unwrap();
    let ours = rungate::clock::Clock::system().now();
    assert!(ours.duration_since(theirs).as_secs().abs() <= 5, "{theirs} and {ours}");
}

#[tokio::test]
async fn a_contract_is_found_by_symbol_and_by_id() {
    let rig = Rig::start().await;
    let spy = rig.spy().await;
    assert_eq!(spy.instrument.symbol, "SPY");
    assert_eq!(spy.exchange, "SMART");
    assert_eq!(spy.min_tick, dec("0.01"));
    assert_eq!(spy.multiplier, Decimal::ONE);
    let query = ContractQuery::by_id(spy.instrument.id);
    assert_eq!(rig.gateway.contracts(&query).await.known().unwrap(), [spy]);
}

#[tokio::test]
async fn a_currency_pair_goes_to_its_own_venue() {
    let rig = Rig::start().await;
    let pairs = rig.gateway.contracts(&euro()).await.known().unwrap();
    let [pair] = pairs.as_slice() else { panic!("{pairs:?}") };
    assert_eq!(pair.exchange, "IDEALPRO");
    assert_eq!(pair.instrument.to_string(), "EUR.USD");
    let by_id = ContractQuery::by_id(pair.instrument.id);
    assert_eq!(rig.gateway.contracts(&by_id).await.known().unwrap(), pairs);
}

#[tokio::test]
async fn a_contract_that_nobody_knows_is_an_empty_answer() {
    let rig = Rig::start().await;
    for query in [ContractQuery::stock("NOSUCH"), ContractQuery::by_id(ContractId(1))] {
        assert!(matches!(rig.gateway.contracts(&query).await, Answer::Empty), "{query}");
    }
    let mistaken = ContractQuery {
        con_id: Some(rig.spy().await.instrument.id),
        ..ContractQuery::stock("QQQ")
    };
    assert!(matches!(rig.gateway.contracts(&mistaken).await, Answer::Empty));
}

#[tokio::test]
async fn a_quote_carries_its_prices_and_its_kind() {
    let rig = Rig::start().await;
    let spy = rig.spy().await;
    rig.sim.faults().set_price("SPY", dec("593.36"), dec("593.38")).unwrap();
    let quote = rig.gateway.quote(&spy).await.unwrap();
    assert_eq!((quote.bid, quote.ask), (Some(dec("593.36")), Some(dec("593.38"))));
    assert_eq!(quote.data_type, MarketDataType::Live);

    // Who may see live data gets it; this one is not subscribed to.
    rig.gateway.set_market_data_type(MarketDataType::Delayed).await.unwrap();
    assert_eq!(rig.gateway.quote(&spy).await.unwrap().data_type, MarketDataType::Live);
    let oracle = rig.stock("ORCL").await;
    rig.sim.faults().set_price("ORCL", dec("140.36"), dec("140.38")).unwrap();
    let quote = rig.gateway.quote(&oracle).await.unwrap();
    assert_eq!(quote.bid, Some(dec("140.36")));
    assert_eq!(quote.data_type, MarketDataType::Delayed);
}

#[tokio::test]
async fn a_quote_for_no_contract_is_refused_with_ibs_code() {
    let rig = Rig::start().await;
    let mut spy = rig.spy().await;
    spy.instrument.id = ContractId(1);
    let error = rig.gateway.quote(&spy).await.unwrap_err();
    assert!(matches!(error, GatewayError::Refused { code: 200, .. }), "{error}");
}

#[tokio::test]
async fn daily_bars_are_as_many_as_asked_for_oldest_first() {
    let rig = Rig::start().await;
    let bars = rig.gateway.daily_bars(&rig.spy().await, 5).await.unwrap();
    assert_eq!(bars.len(), 5);
    assert!(bars.windows(2).all(|pair| pair[0].start < pair[1].start), "{bars:?}");
    assert!(bars.iter().all(|bar| bar.low <= bar.open && bar.close <= bar.high), "{bars:?}");
    let pairs = rig.gateway.contracts(&euro()).await.known().unwrap();
    assert_eq!(rig.gateway.daily_bars(&pairs[0], 3).await.unwrap().len(), 3);
    assert!(rig.gateway.daily_bars(&pairs[0], 0).await.unwrap().is_empty());
}

#[tokio::test]
async fn more_than_a_year_of_bars_can_be_asked_for() {
    let rig = Rig::start().await;
    let bars = rig.gateway.daily_bars(&rig.spy().await, 400).await.unwrap();
    assert_eq!(bars.len(), 400);
}

#[tokio::test]
async fn the_account_download_gives_the_sums_of_the_books() {
    let rig = Rig::start().await;
    let values = rig.gateway.account_values().await.unwrap();
    assert_eq!(values.base_currency, Currency::usd());
    assert_eq!(values.net_liquidation, dec("1000000"));
    assert_eq!(values.cash[&Currency::usd()], dec("1000000"));
    assert_eq!(values.exchange_rates[&Currency::usd()], Decimal::ONE);
    assert!(values.gross_position_value.is_zero());
    // A second download is as complete as the first.
    assert_eq!(rig.gateway.account_values().await.unwrap(), values);
}

#[tokio::test]
async fn an_account_in_its_nightly_reset_is_not_ready() {
    let rig = Rig::start().await;
    rig.sim.faults().account_ready(false);
    let error = rig.gateway.account_values().await.unwrap_err();
    assert!(matches!(error, GatewayError::NotReady), "{error}");
    rig.sim.faults().account_ready(true);
    rig.gateway.account_values().await.unwrap();
}

#[tokio::test]
async fn a_fresh_account_has_nothing_and_says_so() {
    let rig = Rig::start().await;
    assert!(matches!(rig.gateway.positions().await, Answer::Empty));
    assert!(matches!(rig.gateway.open_orders().await, Answer::Empty));
    assert!(matches!(rig.gateway.completed_orders().await, Answer::Empty));
    assert!(matches!(rig.gateway.executions().await, Answer::Empty));
}
