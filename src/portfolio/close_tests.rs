use super::*;
use crate::portfolio::fixtures::{AGG, SPY, d, inputs, strategy, units};
use crate::portfolio::{LeftoverReason, PlanInputs};

fn held() -> PlanInputs {
    inputs()
        .with_holding("balanced", SPY, "100")
        .with_holding("balanced", AGG, "50")
        .with_holding("tactical", SPY, "20")
        .with_position(SPY, "7")
}

fn orders(inputs: &PlanInputs, filter: &CloseFilter) -> Vec<String> {
    close_plan(inputs, filter).lines.iter().map(ToString::to_string).collect()
}

#[test]
fn closing_all_sells_what_strategies_hold_and_leaves_the_rest() {
    let plan = close_plan(&held(), &CloseFilter::default());
    assert_eq!(plan.kind, PlanKind::Close);
    let lines: Vec<String> = plan.lines.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["sell 120 SPY", "sell 50 AGG"]);
    assert_eq!(plan.lines[0].contributions[&strategy("tactical")], d("-20"));
}

#[test]
fn books_and_exposure_play_no_part() {
    let mut inputs = held().with_book("balanced", &[(SPY, units("500"))]);
    inputs.config.exposure.strategies.clear();
    inputs.only = Some(BTreeSet::new());
    assert_eq!(orders(&inputs, &CloseFilter::default()).len(), 2);
}

#[test]
fn a_filter_narrows_by_strategy_and_by_contract() {
    let growth = CloseFilter {
        strategies: Some(BTreeSet::from([strategy("tactical")])),
        ..CloseFilter::default()
    };
    assert_eq!(orders(&held(), &growth), ["sell 20 SPY"]);
    let agg = CloseFilter { contracts: Some(BTreeSet::from([AGG])), ..CloseFilter::default() };
    assert_eq!(orders(&held(), &agg), ["sell 50 AGG"]);
}

#[test]
fn a_locked_contract_stays_and_the_others_go() {
    let mut inputs = held();
    inputs.locked.insert(SPY, "break".to_owned());
    let plan = close_plan(&inputs, &CloseFilter::default());
    assert_eq!(plan.lines.len(), 1);
    assert_eq!(plan.skipped[0].contract, SPY);
}

#[test]
fn short_holdings_are_bought_back() {
    let inputs = inputs().with_holding("balanced", SPY, "-30");
    assert_eq!(orders(&inputs, &CloseFilter::default()), ["buy 30 SPY"]);
}

#[test]
fn an_own_purchase_that_still_works_is_not_sold_before_it_fills() {
    let inputs = held().with_working("tactical", SPY, "30");
    let plan = close_plan(&inputs, &CloseFilter::default());
    let lines: Vec<String> = plan.lines.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["sell 120 SPY", "sell 50 AGG"]);
    assert_eq!(plan.leftovers[0].reason, LeftoverReason::WorkingOrder);
    assert_eq!(plan.leftovers[0].amount, d("-30"));
}

#[test]
fn opposite_holdings_are_crossed() {
    let inputs = inputs().with_claim("balanced", SPY, "10").with_claim("tactical", SPY, "-10");
    let plan = close_plan(&inputs, &CloseFilter::default());
    assert!(plan.lines.is_empty());
    assert_eq!(plan.crossings[0].contributions[&strategy("tactical")], d("10"));
}
