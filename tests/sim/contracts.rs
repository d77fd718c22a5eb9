//! Contract details, symbol search, price increments.

use super::*;

#[tokio::test]
async fn a_stock_is_found_by_symbol_and_by_contract_id() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let by_symbol = within(client.contract_details(&spy())).await.unwrap();
    let [details] = by_symbol.as_slice() else { panic!("{by_symbol:?}") };
    assert_eq!(details.contract.contract_id, 756_733);
    assert_eq!(details.contract.exchange.to_string(), "SMART");
    assert_eq!(details.contract.primary_exchange.to_string(), "ARCA");
    assert_eq!((details.min_tick, details.stock_type.as_str()), (0.01, "ETF"));
    assert_eq!((details.min_size, details.size_increment), (Some(1.0), Some(1.0)));
    assert_eq!(details.valid_exchanges.len(), details.market_rule_ids.len());

    let wanted = Contract { contract_id: 756_733, ..Contract::default() };
    let by_id = within(client.contract_details(&wanted)).await.unwrap();
    assert_eq!(by_id[0].contract.symbol.to_string(), "SPY");
}

#[tokio::test]
async fn a_currency_pair_has_its_own_names_and_tick() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let found = within(client.contract_details(&Contract::forex("EUR", "USD").build())).await;
    let details = &found.unwrap()[0];
    assert_eq!(details.contract.local_symbol, "EUR.USD");
    assert_eq!(details.min_tick, 0.00005);
    let rule: i32 = details.market_rule_ids[0].parse().unwrap();
    let rule = within(client.market_rule(rule)).await.unwrap();
    assert_eq!(rule.price_increments[0].increment, 0.00005);
}

#[tokio::test]
async fn several_contracts_that_fit_are_all_told_and_none_is_an_error() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let dollars = Contract {
        symbol: "USD".into(),
        security_type: SecurityType::ForexPair,
        exchange: "IDEALPRO".into(),
        currency: "".into(),
        ..Contract::default()
    };
    assert_eq!(within(client.contract_details(&dollars)).await.unwrap().len(), 3);
    let nothing = Contract::stock("NOSUCH").build();
    assert_eq!(code(within(client.contract_details(&nothing)).await), 200);
    assert_eq!(code(within(client.contract_details(&Contract::default())).await), 200);
}

#[tokio::test]
async fn symbols_are_found_by_their_beginning_and_by_name() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let apple = within(client.matching_symbols("appl")).await.unwrap();
    assert_eq!(apple.len(), 1);
    assert_eq!(apple[0].contract.symbol.to_string(), "AAPL");
    assert!(within(client.matching_symbols("zzzz")).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unsupported_request_gets_an_error_under_its_id() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(code(within(client.smart_components("9c")).await), 321);
    settle(&client).await;
}
