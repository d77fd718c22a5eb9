//! Contract details, symbol search, price increments.

use ibapi::market_data::TradingHours;
use ibapi::market_data::historical::BarSize;
use ibapi::market_data::realtime::TickTypes;

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
async fn a_search_for_a_product_names_its_index_and_that_it_has_futures() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let found = within(client.matching_symbols("mes")).await.unwrap();
    let [product] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(product.contract.symbol.to_string(), "MES");
    assert_eq!(product.contract.security_type, SecurityType::Index);
    assert_eq!(product.derivative_security_types, ["FUT"]);
    // Nearly every name has an A: sixteen are told.
    assert_eq!(within(client.matching_symbols("a")).await.unwrap().len(), 16);
}

#[tokio::test]
async fn a_smart_quote_names_a_map_of_its_exchanges() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let ticks = client.market_data(&spy()).snapshot_once(DEADLINE).await.unwrap();
    let map = ticks.iter().find_map(|tick| match tick {
        TickTypes::RequestParameters(parameters) => Some(parameters.bbo_exchange.clone()),
        _ => None,
    });
    let exchanges = within(client.smart_components(&map.unwrap())).await.unwrap();
    assert!(exchanges.iter().any(|row| (&*row.exchange, &*row.exchange_letter) == ("ARCA", "P")));
    assert_eq!(code(within(client.smart_components("nosuch")).await), 321);
}

#[tokio::test]
async fn an_unsupported_request_gets_an_error_under_its_id() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let spy = spy();
    let histogram = client.histogram_data(&spy, TradingHours::Regular, BarSize::Day);
    assert_eq!(code(within(histogram).await), 321);
    settle(&client).await;
}

/// `symbol` in whatever currency.
fn anywhere(symbol: &str) -> Contract {
    Contract { currency: "".into(), ..Contract::stock(symbol).build() }
}

#[tokio::test]
async fn a_description_that_fits_two_contracts_is_refused_where_one_is_needed() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let details = within(client.contract_details(&anywhere("SHOP"))).await.unwrap();
    let currencies: Vec<_> = details.iter().map(|row| row.contract.currency.to_string()).collect();
    assert_eq!(currencies, ["USD", "CAD"]);

    let order_id = client.next_order_id();
    client.submit_order(order_id, &anywhere("SHOP"), &market(Action::Buy, 1.0)).await.unwrap();
    let OrderOutcome::Rejected(notice) = client.wait_for_fill(order_id, DEADLINE).await.unwrap()
    else {
        panic!("an ambiguous order was taken");
    };
    assert_eq!(notice.code, 200);
    let ambiguous = "The contract description specified for SHOP is ambiguous.";
    assert_eq!(notice.message, ambiguous);
    let anywhere_at_all = anywhere("SHOP");
    let trades = HistoricalWhatToShow::Trades;
    let head = client.head_timestamp(&anywhere_at_all, trades, TradingHours::Regular);
    assert_eq!(code(within(head).await), 200);
    let mut ticks = client.market_data(&anywhere_at_all).subscribe().await.unwrap();
    assert_eq!(code(within(ticks.next()).await.unwrap()), 200);

    let toronto = Contract { currency: "CAD".into(), ..anywhere("SHOP") };
    let (_, outcome) = trade(&client, &toronto, &market(Action::Buy, 1.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
    let held = positions(&client).await;
    assert_eq!(held[0].contract.currency.to_string(), "CAD");
}

#[tokio::test]
async fn a_table_of_increments_rules_the_price_of_an_order() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let frankfurt = Contract { currency: "EUR".into(), ..anywhere("SAP") };
    let details = within(client.contract_details(&frankfurt)).await.unwrap().remove(0);
    assert_eq!((details.min_tick, details.price_magnifier), (0.0001, 1));
    let rule = within(client.market_rule(details.market_rule_ids[0].parse().unwrap())).await;
    let bands = rule.unwrap().price_increments;
    let band = bands.iter().rev().find(|band| band.low_edge <= 150.0).unwrap();
    assert_eq!((band.low_edge, band.increment), (100.0, 0.02));
    assert_eq!(refused(&client, &frankfurt, &limit(Action::Buy, 1.0, 150.01)).await, 110);
    let order_id = client.next_order_id();
    client.submit_order(order_id, &frankfurt, &limit(Action::Buy, 1.0, 150.02)).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().orders.values().any(|order| order.order_id == order_id));
}

#[tokio::test]
async fn a_price_in_pence_says_so_and_its_increments_are_in_pounds() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let london = Contract { currency: "GBP".into(), ..anywhere("VOD") };
    let details = within(client.contract_details(&london)).await.unwrap().remove(0);
    assert_eq!((details.price_magnifier, details.min_tick), (100, 0.000001));
    let ticks = client.market_data(&london).snapshot_once(DEADLINE).await.unwrap();
    let bid = Quote::from_ticks(&ticks).bid.unwrap();
    assert!((50.0..100.0).contains(&bid), "in pence: {bid}");
}

#[tokio::test]
async fn an_odd_lot_of_a_currency_is_changed_at_fxconv() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let convert = Contract { exchange: "FXCONV".into(), ..Contract::forex("EUR", "USD").build() };
    let (_, outcome) = trade(&client, &convert, &market(Action::Buy, 137.0)).await;
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
    assert_eq!(simulator.truth().cash["EUR"], dec("137"));
}

#[tokio::test]
async fn a_universe_file_is_refused_with_its_name_and_lines() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[[contract]]\ncon_id = 0\nsymbol = \"X\"\nsec_type = \"STK\"\n\
                currency = \"USD\"\nexchanges = [\"SMART\"]\nlong_name = \"X\"\n\
                min_tick = \"0.01\"\nprice = \"1.005\"\nvolatility = 0.2\nspread = \"0.01\"\n\
                size_increment = \"1\"\n";
    std::fs::write(file.path(), text).unwrap();
    let options = Options { universe: Some(file.path().to_owned()), ..Options::loopback(1) };
    let error = Simulator::start(options).await.unwrap_err();
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    for expected in ["line 2: X: con_id", "line 1: X: primary_exchange", "line 9: X: price"] {
        assert!(source.contains(expected), "{expected} not in\n{source}");
    }
}
