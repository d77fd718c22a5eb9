use serde_json::{Value, json};

use super::*;
use crate::domain::{ContractId, SecType};
use crate::portfolio::fixtures::{AGG, SPY, at, config, contract, d, now, strategy};
use crate::portfolio::{Resolution, ResolvedBook};
use std::collections::BTreeMap;

fn message(targets: Value) -> BookMessage {
    serde_json::from_value(json!({
        "strategy": "balanced",
        "as_of": "2026-03-09T14:00:00Z",
        "valid_until": "2026-03-10T14:00:00Z",
        "targets": targets,
    }))
    .unwrap()
}

fn sixty_forty() -> BookMessage {
    message(json!([
        {"contract": {"symbol": "SPY"}, "weight": 0.6},
        {"contract": {"symbol": "AGG"}, "weight": "0.4"},
    ]))
}

fn admit(message: BookMessage, stored: Option<&TargetBook>) -> Result<TargetBook, BookProblems> {
    TargetBook::admit(message, Admission { now: now(), config: &config(), stored })
}

fn problems(message: BookMessage) -> Vec<String> {
    admit(message, None).unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_book_with_weights_is_admitted() {
    let book = admit(sixty_forty(), None).unwrap();
    assert_eq!(book.targets()[0].size, Size::Weight(d("0.6")));
    assert_eq!(book.freshness(now()), Freshness::Fresh);
    assert!(!book.is_flat());
}

#[test]
fn the_document_of_a_book_reads_back_and_shows_decimals_as_strings() {
    let book = admit(sixty_forty(), None).unwrap();
    let document = serde_json::to_value(&book).unwrap();
    assert_eq!(document["targets"][1]["weight"], "0.4");
    assert_eq!(document["flat"], false);
    assert_eq!(serde_json::from_value::<TargetBook>(document).unwrap(), book);
}

#[test]
fn a_damaged_document_does_not_read_as_a_book() {
    let mut document = serde_json::to_value(admit(sixty_forty(), None).unwrap()).unwrap();
    document["targets"][0]["quantity"] = json!("5");
    assert!(serde_json::from_value::<TargetBook>(document).is_err());
}

#[test]
fn nothing_must_be_said_aloud() {
    assert_eq!(problems(message(json!([]))), ["no targets: to hold nothing, say \"flat\": true"]);
    let flat = BookMessage { flat: true, ..message(json!([])) };
    let book = admit(flat, None).unwrap();
    assert!(book.is_flat());
    let document = serde_json::to_value(&book).unwrap();
    assert_eq!(serde_json::from_value::<TargetBook>(document).unwrap(), book);
    let both = BookMessage { flat: true, ..sixty_forty() };
    assert_eq!(problems(both), ["flat is true, and yet there are 2 targets"]);
}

#[test]
fn every_reason_is_listed() {
    let mut bad = message(json!([
        {"contract": {"symbol": "SPY"}, "weight": "1.2"},
        {"contract": {"symbol": "SPY"}, "weight": "-0.1"},
        {"contract": {"symbol": "AGG"}},
        {"contract": {"symbol": "QQQ"}, "weight": "0.1", "quantity": "3"},
        {"contract": {}, "quantity": "1"},
    ]));
    bad.as_of = at("2026-03-09T15:00:00Z");
    bad.valid_until = at("2026-03-09T14:00:00Z");
    let expected = [
        "as_of 2026-03-09T15:00:00Z is in the future (now 2026-03-09T14:30:00Z)",
        "valid_until 2026-03-09T14:00:00Z is not after as_of 2026-03-09T15:00:00Z",
        "valid_until 2026-03-09T14:00:00Z is over (now 2026-03-09T14:30:00Z)",
        "SPY STK USD is named twice",
        "AGG STK USD: give either weight or quantity, and only one of them",
        "QQQ STK USD: give either weight or quantity, and only one of them",
        "target 5 names neither symbol nor con_id",
        "SPY STK USD: weight 1.2 is beyond limits.weight 1",
        "SPY STK USD: -0.1 is short, and allow_short is false",
        "absolute weights sum to 1.3, beyond limits.book_gross_weight 1",
    ];
    assert_eq!(problems(bad), expected);
}

#[test]
fn weights_at_the_limit_are_within_it() {
    let at_limit = message(json!([{"contract": {"symbol": "SPY"}, "weight": "1"}]));
    assert!(admit(at_limit, None).is_ok());
    let beyond = message(json!([{"contract": {"symbol": "SPY"}, "weight": "1.0001"}]));
    assert_eq!(problems(beyond).len(), 2);
}

#[test]
fn short_targets_are_a_matter_of_configuration() {
    let short = || message(json!([{"contract": {"symbol": "SPY"}, "quantity": "-10"}]));
    assert_eq!(problems(short()), ["SPY STK USD: -10 is short, and allow_short is false"]);
    let mut config = config();
    config.allow_short = true;
    let admission = Admission { now: now(), config: &config, stored: None };
    assert!(TargetBook::admit(short(), admission).is_ok());
}

#[test]
fn a_small_skew_of_clocks_is_no_future() {
    let with = |as_of: &str| BookMessage { as_of: at(as_of), ..sixty_forty() };
    assert!(admit(with("2026-03-09T14:30:30Z"), None).is_ok());
    assert!(admit(with("2026-03-09T14:30:31Z"), None).is_err());
}

#[test]
fn too_many_targets_are_refused() {
    let many = |count: usize| -> BookMessage {
        let targets = (1..=count).map(|id| json!({"contract": {"con_id": id}, "quantity": 1}));
        message(Value::Array(targets.collect()))
    };
    assert!(admit(many(TARGETS_MAX), None).is_ok());
    assert_eq!(problems(many(TARGETS_MAX + 1)), ["101 targets, more than 100"]);
}

#[test]
fn a_newer_book_stands() {
    let stored = admit(sixty_forty(), None).unwrap();
    let older = BookMessage { as_of: at("2026-03-09T13:00:00Z"), ..sixty_forty() };
    let refused = admit(older, Some(&stored)).unwrap_err();
    assert!(matches!(refused.0[..], [BookProblem::Superseded { .. }]), "{refused}");

    let newer = BookMessage { as_of: at("2026-03-09T14:00:01Z"), ..sixty_forty() };
    assert!(admit(newer, Some(&stored)).is_ok());
}

#[test]
fn the_same_book_again_is_no_contradiction_but_another_of_the_same_instant_is() {
    let stored = admit(sixty_forty(), None).unwrap();
    assert_eq!(admit(sixty_forty(), Some(&stored)), Ok(stored.clone()));
    let other = message(json!([{"contract": {"symbol": "SPY"}, "weight": 1}]));
    let refused = admit(other, Some(&stored)).unwrap_err();
    assert!(matches!(refused.0[..], [BookProblem::Contradicts { .. }]), "{refused}");
}

#[test]
fn a_book_is_stale_from_its_last_instant_on() {
    let book = admit(sixty_forty(), None).unwrap();
    assert_eq!(book.freshness(at("2026-03-10T13:59:59Z")), Freshness::Fresh);
    assert_eq!(book.freshness(at("2026-03-10T14:00:00Z")), Freshness::Expired);
    assert_eq!(book.freshness(at("2026-03-09T13:00:00Z")), Freshness::NotYet);
}

#[test]
fn unknown_fields_are_no_book() {
    let typo = json!({"strategy": "a", "as_of": "2026-03-09T14:00:00Z", "valid_till": "x"});
    assert!(serde_json::from_value::<BookMessage>(typo).is_err());
    let target = json!({"contract": {"symbol": "SPY"}, "wieght": 1});
    assert!(serde_json::from_value::<TargetMessage>(target).is_err());
}

#[test]
fn a_weight_that_the_parser_rounded_is_refused() {
    let text = r#"{"contract": {"symbol": "SPY"}, "weight": 0.12345678901234567}"#;
    let error = serde_json::from_str::<TargetMessage>(text).unwrap_err().to_string();
    assert!(error.contains("write a string"), "{error}");
}

fn resolve(answers: [(&str, Resolution); 2]) -> Result<ResolvedBook, BookProblems> {
    let book = admit(sixty_forty(), None).unwrap();
    let answers = answers.map(|(symbol, answer)| (ContractQuery::stock(symbol), answer));
    ResolvedBook::new(&book, &BTreeMap::from(answers))
}

#[test]
fn a_resolved_book_is_keyed_by_contract() {
    let found = |id| Resolution::Found(contract(id));
    let book = resolve([("SPY", found(SPY)), ("AGG", found(AGG))]).unwrap();
    assert_eq!(book.strategy, strategy("balanced"));
    assert_eq!(book.targets[&SPY], Size::Weight(d("0.6")));
    assert_eq!(book.contracts(), [SPY, AGG].into_iter().collect());
}

#[test]
fn every_contract_that_can_not_be_identified_is_listed() {
    let refused =
        resolve([("SPY", Resolution::Unknown), ("AGG", Resolution::Ambiguous { matches: 3 })]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "SPY STK USD: unknown to the broker; \
         AGG STK USD: fits 3 contracts; add primary_exchange or con_id"
    );
    let refused =
        resolve([("SPY", Resolution::Found(contract(SPY))), ("QQQ", Resolution::Unknown)]);
    assert_eq!(refused.unwrap_err().to_string(), "AGG STK USD: was not looked up");
}

#[test]
fn an_answer_for_another_contract_is_refused() {
    let refused = resolve([
        ("SPY", Resolution::Found(contract(AGG))),
        ("AGG", Resolution::Found(contract(AGG))),
    ]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "SPY STK USD: the broker answered with AGG (43645865)"
    );
}

#[test]
fn two_names_of_one_contract_are_a_duplicate() {
    let by_id = message(json!([
        {"contract": {"symbol": "SPY"}, "weight": "0.5"},
        {"contract": {"con_id": SPY.0}, "weight": "0.5"},
    ]));
    let book = admit(by_id, None).unwrap();
    let resolved = BTreeMap::from([
        (ContractQuery::stock("SPY"), Resolution::Found(contract(SPY))),
        (ContractQuery::by_id(SPY), Resolution::Found(contract(SPY))),
    ]);
    let refused = ResolvedBook::new(&book, &resolved).unwrap_err();
    assert_eq!(refused.to_string(), "contract 756733 (756733) is named twice");
}

#[test]
fn a_kind_of_contract_that_is_not_traded_is_refused() {
    let mut option = contract(SPY);
    option.instrument.sec_type = SecType::Other("OPT".to_owned());
    let refused =
        resolve([("SPY", Resolution::Found(option)), ("AGG", Resolution::Found(contract(AGG)))]);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "SPY STK USD: contracts of type OPT are not traded"
    );
}

#[test]
fn an_id_that_disagrees_is_a_mismatch() {
    let query = ContractQuery::by_id(ContractId(5));
    let book = admit(message(json!([{"contract": {"con_id": 5}, "quantity": 1}])), None).unwrap();
    let resolved = BTreeMap::from([(query, Resolution::Found(contract(SPY)))]);
    let refused = ResolvedBook::new(&book, &resolved).unwrap_err();
    assert!(matches!(refused.0[..], [BookProblem::Mismatch { .. }]), "{refused}");
}
