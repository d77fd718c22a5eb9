use serde_json::json;

use super::*;

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn paper(common: &Value) -> Result<TradingConfig, ConfigProblems> {
    TradingConfig::from_documents(Some(common), None, TradingMode::Paper)
}

fn lines(problems: &ConfigProblems) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn the_sample_is_a_configuration() {
    let config = paper(&TradingConfig::sample_document()).unwrap();
    assert_eq!(config.limits.order_value, d("500000"));
    assert_eq!(config.exposure.strategies.len(), 2);
    assert!(!config.live_trading);
}

#[test]
fn a_record_of_a_configuration_reads_back() {
    let config = paper(&TradingConfig::sample_document()).unwrap();
    let record = serde_json::to_value(&config).unwrap();
    assert_eq!(serde_json::from_value::<TradingConfig>(record).unwrap(), config);
}

#[test]
fn without_any_document_there_is_no_configuration() {
    let problems = TradingConfig::from_documents(None, None, TradingMode::Paper).unwrap_err();
    assert!(problems.to_string().contains("config/common and config/paper"), "{problems}");
}

#[test]
fn the_mode_wins_key_by_key() {
    let over = json!({"limits": {"order_value": "7"}, "exposure": {"strategies": {"third": 1}}});
    let sample = TradingConfig::sample_document();
    let config =
        TradingConfig::from_documents(Some(&sample), Some(&over), TradingMode::Paper).unwrap();
    assert_eq!(config.limits.order_value, d("7"));
    assert_eq!(config.limits.gross_exposure, d("1.5"));
    assert_eq!(config.exposure.strategies.len(), 3);
}

#[test]
fn the_mode_document_alone_is_enough() {
    let sample = TradingConfig::sample_document();
    assert!(TradingConfig::from_documents(None, Some(&sample), TradingMode::Paper).is_ok());
}

#[test]
fn every_missing_requirement_is_listed() {
    let problems = paper(&json!({})).unwrap_err();
    let expected = [
        "market_data_type: is required",
        "exposure.overall: is required",
        "exposure.strategies: is required (an empty object means that nobody trades)",
        "limits.order_value: is required",
        "limits.gross_exposure: is required",
        "limits.quote_age_seconds: is required",
        "limits.orders_per_run: is required",
    ];
    assert_eq!(lines(&problems), expected);
}

#[test]
fn all_kinds_of_problems_are_reported_together() {
    let mut document = TradingConfig::sample_document();
    document["limits"]["order_vlaue"] = json!("5");
    document["limits"]["quote_age_seconds"] = json!(0);
    document["limits"]["gross_exposure"] = json!("-1");
    document["exposure"]["strategies"]["Not A Name"] = json!(true);
    document["orders"]["type"] = json!("stop");
    document["allow_short"] = json!("yes");
    document["colour"] = json!("red");
    let text = paper(&document).unwrap_err().to_string();
    for part in [
        "limits.order_vlaue: unknown key; did you mean \"order_value\"?",
        "limits.quote_age_seconds: 0 is not a whole number within 1 to 3600",
        "limits.gross_exposure: -1 is not more than 0",
        "exposure.strategies.Not A Name: strategy id",
        "exposure.strategies.Not A Name: must be a decimal, not true or false",
        "orders.type: unknown variant `stop`, expected `market` or `limit`",
        "allow_short: must be true or false, not a string",
        "colour: unknown key; known here: allow_short, exposure, ",
    ] {
        assert!(text.contains(part), "{part:?} is missing from:\n{text}");
    }
}

#[test]
fn limit_orders_need_an_offset() {
    let mut document = TradingConfig::sample_document();
    document["orders"] = json!({"type": "limit"});
    let problems = paper(&document).unwrap_err();
    assert_eq!(lines(&problems), ["orders.limit_offset_bps: is required"]);
}

#[test]
fn live_trading_is_asked_for_in_the_live_document_and_nowhere_else() {
    let sample = TradingConfig::sample_document();
    let live = |document: Value| {
        TradingConfig::from_documents(Some(&sample), Some(&document), TradingMode::Live)
    };
    assert!(live(json!({"live_trading": true})).unwrap().live_trading);
    assert!(!live(json!({"live_trading": false})).unwrap().live_trading);
    assert_eq!(lines(&live(json!({})).unwrap_err()), ["live_trading: is required"]);

    let mut common = sample.clone();
    common["live_trading"] = json!(true);
    let problems = TradingConfig::from_documents(Some(&common), None, TradingMode::Live);
    assert!(problems.unwrap_err().to_string().contains("config/common.live_trading"));

    let mode = json!({"live_trading": true});
    let problems = TradingConfig::from_documents(Some(&sample), Some(&mode), TradingMode::Paper);
    assert!(problems.unwrap_err().to_string().contains("config/paper.live_trading"));
}

#[test]
fn a_document_that_is_no_object_is_named() {
    let list = json!([]);
    let sample = TradingConfig::sample_document();
    let problems =
        TradingConfig::from_documents(Some(&sample), Some(&list), TradingMode::Paper).unwrap_err();
    assert_eq!(lines(&problems), ["config/paper: must be an object, not a list"]);
}

#[test]
fn null_is_not_a_way_to_drop_a_limit() {
    let over = json!({"limits": {"order_value": null}, "minimum_trade_value": null});
    let sample = TradingConfig::sample_document();
    let problems =
        TradingConfig::from_documents(Some(&sample), Some(&over), TradingMode::Paper).unwrap_err();
    assert_eq!(problems.iter().count(), 2, "{problems}");
}
