use super::*;
use crate::config::OrderKind;
use crate::portfolio::fixtures::{
    AGG, EUR, FUT, SPY, at, d, inputs, instrument, quote, strategy, units, weight,
};
use crate::portfolio::{QuoteProblem, SizingProblem, SkipReason};

fn of(parts: &[(&str, &str)]) -> BTreeMap<StrategyId, Decimal> {
    parts.iter().map(|(name, part)| (strategy(name), d(part))).collect()
}

fn orders(plan: &Plan) -> Vec<String> {
    plan.lines.iter().map(ToString::to_string).collect()
}

fn kept(plan: &Plan, name: &str) -> Option<KeptReason> {
    plan.kept.iter().find(|kept| kept.strategy == strategy(name)).map(|kept| kept.reason.clone())
}

// 1 000 000 x 0.9 x 0.6 x 0.6 / 500 = 648; x 0.4 / 100 = 2160.
#[test]
fn from_cash_a_book_becomes_purchases() {
    let inputs = inputs().with_book("balanced", &[(SPY, weight("0.6")), (AGG, weight("0.4"))]);
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["buy 648 SPY", "buy 2160 AGG"]);
    let line = &plan.lines[0];
    assert_eq!(line.order_ref, OrderRef::derive(&inputs.run_key, SPY));
    assert_eq!(line.instrument, instrument(SPY));
    assert_eq!(line.exchange, "SMART");
    assert_eq!(line.order_type, OrderType::Market);
    assert_eq!(line.time_in_force, TimeInForce::Day);
    assert_eq!(line.reference_price, Some(d("500")));
    assert_eq!(line.value, Some(d("324000")));
    assert_eq!(line.contributions, of(&[("balanced", "648")]));
    assert!(plan.leftovers.is_empty() && plan.skipped.is_empty());
}

#[test]
fn once_the_targets_are_held_nothing_is_left_to_do() {
    let inputs = inputs()
        .with_book("balanced", &[(SPY, weight("0.6")), (AGG, weight("0.4"))])
        .with_holding("balanced", SPY, "648")
        .with_holding("balanced", AGG, "2160");
    assert!(plan(&inputs).is_empty());
}

#[test]
fn what_works_already_is_not_ordered_again() {
    let inputs = inputs()
        .with_book("balanced", &[(SPY, weight("0.6"))])
        .with_holding("balanced", SPY, "100")
        .with_working("balanced", SPY, "500");
    assert_eq!(orders(&plan(&inputs)), ["buy 48 SPY"]);
}

#[test]
fn sells_go_before_buys() {
    let inputs =
        inputs().with_book("balanced", &[(AGG, weight("1"))]).with_holding("balanced", SPY, "648");
    assert_eq!(orders(&plan(&inputs)), ["sell 648 SPY", "buy 5400 AGG"]);
}

#[test]
fn what_a_fresh_book_does_not_name_goes_to_zero() {
    let inputs = inputs()
        .with_book("balanced", &[(AGG, units("10"))])
        .with_holding("balanced", AGG, "10")
        .with_holding("balanced", EUR, "2000");
    assert_eq!(orders(&plan(&inputs)), ["sell 2000 EUR.USD"]);
}

#[test]
fn a_flat_book_sells_all_that_its_strategy_holds_and_nothing_else() {
    let inputs = inputs()
        .with_book("balanced", &[])
        .with_holding("balanced", SPY, "648")
        .with_holding("tactical", SPY, "100")
        .with_position(SPY, "7")
        .with_position(AGG, "55");
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["sell 648 SPY"]);
    assert_eq!(plan.lines[0].contributions, of(&[("balanced", "-648")]));
    assert_eq!(kept(&plan, "tactical"), Some(KeptReason::Missing));
}

#[test]
fn strategies_are_netted_into_one_line() {
    // tactical: 1 000 000 x 0.9 x 0.4 x 0.5 / 500 = 360.
    let inputs = inputs()
        .with_book("balanced", &[(SPY, units("100"))])
        .with_book("tactical", &[(SPY, weight("0.5"))])
        .with_holding("balanced", SPY, "300");
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["buy 160 SPY"]);
    assert_eq!(plan.lines[0].contributions, of(&[("balanced", "-200"), ("tactical", "360")]));
}

#[test]
fn what_offsets_exactly_is_crossed_without_an_order() {
    let inputs = inputs()
        .with_book("balanced", &[(SPY, units("60"))])
        .with_book("tactical", &[(SPY, units("40"))])
        .with_holding("balanced", SPY, "100");
    let plan = plan(&inputs);
    assert!(plan.lines.is_empty());
    let crossing = &plan.crossings[0];
    assert_eq!(crossing.contributions, of(&[("balanced", "-40"), ("tactical", "40")]));
    assert_eq!(crossing.order_ref, OrderRef::derive(&inputs.run_key, SPY));
}

#[test]
fn silence_keeps_what_is_held_and_is_named() {
    let (as_of, valid_until) = (at("2026-03-06T14:30:00Z"), at("2026-03-07T14:30:00Z"));
    let base = inputs().with_holding("balanced", SPY, "648").with_holding("stranger", AGG, "5");
    let malformed = BookState::Malformed { reason: "SPY: unknown to the broker".to_owned() };
    let table = [
        (BookState::Missing, KeptReason::Missing),
        (BookState::Stale { as_of, valid_until }, KeptReason::Stale { as_of, valid_until }),
        (malformed, KeptReason::Malformed { reason: "SPY: unknown to the broker".to_owned() }),
    ];
    for (state, reason) in table {
        let mut inputs = base.clone();
        inputs.books.insert(strategy("balanced"), state);
        let plan = plan(&inputs);
        assert!(plan.is_empty(), "{plan:?}");
        assert_eq!(kept(&plan, "balanced"), Some(reason));
        assert_eq!(kept(&plan, "tactical"), Some(KeptReason::Missing));
        assert_eq!(kept(&plan, "stranger"), Some(KeptReason::Missing));
    }
}

#[test]
fn a_book_that_ended_between_reading_and_planning_moves_nothing() {
    let mut inputs = inputs().with_book("balanced", &[(SPY, weight("0.6"))]);
    inputs.now = at("2026-03-09T15:30:00Z");
    assert!(matches!(kept(&plan(&inputs), "balanced"), Some(KeptReason::Stale { .. })));
    inputs.now = at("2026-03-09T12:00:00Z");
    assert!(matches!(kept(&plan(&inputs), "balanced"), Some(KeptReason::Future { .. })));
}

#[test]
fn a_strategy_without_an_exposure_keeps_what_it_holds() {
    let inputs = inputs().with_book("stranger", &[]).with_holding("stranger", SPY, "5");
    let plan = plan(&inputs);
    assert!(plan.is_empty());
    assert_eq!(kept(&plan, "stranger"), Some(KeptReason::NoExposure));
}

#[test]
fn limits_that_were_tightened_stop_a_book_that_was_admitted_before() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, weight("0.6")), (AGG, weight("0.4"))])
        .with_holding("balanced", SPY, "648");
    inputs.config.limits.weight = d("0.5");
    let plan = plan(&inputs);
    assert!(plan.is_empty());
    assert!(matches!(kept(&plan, "balanced"), Some(KeptReason::BeyondLimits { .. })));
}

#[test]
fn a_run_for_some_strategies_leaves_the_others_alone() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, units("10"))])
        .with_book("tactical", &[(SPY, units("20"))]);
    inputs.only = Some(BTreeSet::from([strategy("tactical")]));
    let plan = plan(&inputs);
    assert_eq!(plan.lines[0].contributions, of(&[("tactical", "20")]));
    assert_eq!(kept(&plan, "balanced"), Some(KeptReason::NotSelected));
}

#[test]
fn a_strategy_that_was_asked_for_and_that_nobody_knows_is_named() {
    let mut inputs = inputs();
    inputs.only = Some(BTreeSet::from([strategy("grwoth")]));
    assert_eq!(kept(&plan(&inputs), "grwoth"), Some(KeptReason::Missing));
}

#[test]
fn a_book_under_another_name_is_not_followed() {
    let mut inputs = inputs().with_book("balanced", &[(SPY, units("10"))]);
    let state = inputs.books.remove(&strategy("balanced")).unwrap();
    inputs.books.insert(strategy("tactical"), state);
    assert!(matches!(kept(&plan(&inputs), "tactical"), Some(KeptReason::Malformed { .. })));
}

#[test]
fn a_locked_contract_is_left_alone_and_named() {
    let mut inputs = inputs().with_book("balanced", &[(SPY, units("10")), (AGG, units("10"))]);
    inputs.locked.insert(SPY, "order rg-1 is in doubt".to_owned());
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["buy 10 AGG"]);
    let [skipped] = &plan.skipped[..] else { panic!("{plan:?}") };
    assert_eq!(skipped.contract, SPY);
    assert_eq!(skipped.strategies, BTreeSet::from([strategy("balanced")]));
    assert_eq!(skipped.reason.to_string(), "locked: order rg-1 is in doubt");
}

#[test]
fn a_weight_without_a_fresh_price_is_not_sized() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, weight("0.6")), (AGG, weight("0.4"))])
        .with_book("tactical", &[(SPY, units("5"))]);
    inputs.quotes.get_mut(&SPY).unwrap().at = at("2026-03-09T14:28:59Z");
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["buy 2160 AGG"]);
    let [problem] = &plan.unsized_targets[..] else { panic!("{plan:?}") };
    assert_eq!((problem.contract, &problem.strategy), (SPY, &strategy("balanced")));
    let stale = QuoteProblem::Stale { age_seconds: 61, limit_seconds: 60 };
    assert_eq!(problem.problem, SizingProblem::Quote(stale));
}

#[test]
fn a_way_out_needs_no_price() {
    let mut inputs = inputs().with_book("balanced", &[]).with_holding("balanced", SPY, "648");
    inputs.config.orders.kind = OrderKind::Limit;
    inputs.quotes.clear();
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["sell 648 SPY"]);
    assert_eq!(plan.lines[0].order_type, OrderType::Market);
    assert_eq!((plan.lines[0].reference_price, plan.lines[0].value), (None, None));
}

#[test]
fn a_contract_without_description_is_not_sized() {
    let mut inputs = inputs().with_book("balanced", &[(SPY, units("10"))]);
    inputs.contracts.clear();
    let plan = plan(&inputs);
    assert!(plan.is_empty());
    assert!(matches!(plan.unsized_targets[0].problem, SizingProblem::Contract { .. }));
}

#[test]
fn limit_prices_are_frozen_in_the_line() {
    let mut inputs = inputs().with_book("balanced", &[(SPY, units("10"))]);
    inputs.config.orders.kind = OrderKind::Limit;
    inputs.quotes.insert(SPY, quote("499.98", "500.02"));
    // 500.02 x 1.001, down to the cent
    assert_eq!(orders(&plan(&inputs)), ["buy 10 SPY at 500.52"]);
}

#[test]
fn what_rounding_leaves_is_reported() {
    // 540 000 x 0.3333 / 500 = 359.964
    let inputs = inputs().with_book("balanced", &[(SPY, weight("0.3333"))]);
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["buy 359 SPY"]);
    let [leftover] = &plan.leftovers[..] else { panic!("{plan:?}") };
    assert_eq!((leftover.amount, leftover.reason), (d("0.964"), LeftoverReason::Rounding));
}

#[test]
fn an_odd_holding_is_sold_as_far_as_it_goes() {
    let inputs = inputs().with_book("balanced", &[]).with_holding("balanced", SPY, "10.5");
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["sell 10 SPY"]);
    let [leftover] = &plan.leftovers[..] else { panic!("{plan:?}") };
    assert_eq!((leftover.amount, leftover.reason), (d("-0.5"), LeftoverReason::OddHolding));
}

#[test]
fn a_small_change_is_not_worth_an_order_but_a_way_out_always_is() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, units("12"))])
        .with_holding("balanced", SPY, "10")
        .with_holding("balanced", AGG, "3");
    inputs.config.minimum_trade_value = d("1000.01");
    let small = plan(&inputs);
    assert_eq!(orders(&small), ["sell 3 AGG"]);
    let minimum = SkipReason::BelowMinimumValue { value: d("1000"), minimum: d("1000.01") };
    assert_eq!(small.skipped[0].reason, minimum);

    inputs.config.minimum_trade_value = d("1000");
    assert_eq!(orders(&plan(&inputs)).len(), 2);
    // 1 000 000 x 0.002 = 2000
    inputs.config.minimum_trade_weight = d("0.002");
    assert_eq!(orders(&plan(&inputs)), ["sell 3 AGG"]);
}

#[test]
fn less_than_the_venue_takes_is_named() {
    let mut inputs = inputs().with_book("balanced", &[(EUR, units("500"))]);
    inputs.contracts.get_mut(&EUR).unwrap().min_size = d("1000");
    let plan = plan(&inputs);
    assert!(plan.is_empty());
    let reason = SkipReason::BelowMinimumSize { quantity: d("500"), minimum: d("1000") };
    assert_eq!(plan.skipped[0].reason, reason);
}

#[test]
fn against_a_working_order_only_what_is_right_either_way_is_ordered() {
    let base = inputs().with_holding("balanced", SPY, "100").with_working("balanced", SPY, "50");
    // If the purchase of 50 fills there are 150; if it ends, 100. To hold 40: sell 60 now.
    let sell = plan(&base.clone().with_book("balanced", &[(SPY, units("40"))]));
    assert_eq!(orders(&sell), ["sell 60 SPY"]);
    let [leftover] = &sell.leftovers[..] else { panic!("{sell:?}") };
    assert_eq!((leftover.amount, leftover.reason), (d("-50"), LeftoverReason::WorkingOrder));
    // To hold 120: nothing is right in both cases.
    let wait = plan(&base.with_book("balanced", &[(SPY, units("120"))]));
    assert!(wait.is_empty());
    assert_eq!(wait.leftovers[0].amount, d("-30"));
}

#[test]
fn numbers_beyond_the_range_are_named_and_never_panic() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, weight("1"))])
        .with_book("tactical", &[(AGG, Size::Quantity(Decimal::MAX))])
        .with_claim("tactical", AGG, &Decimal::MIN.to_string());
    inputs.account_values.net_liquidation = Decimal::MAX;
    inputs.config.exposure.overall = d("20");
    let plan = plan(&inputs);
    assert!(plan.is_empty());
    let problems: Vec<_> = plan.unsized_targets.iter().map(|found| &found.problem).collect();
    assert_eq!(problems, [&SizingProblem::Overflow, &SizingProblem::Overflow]);
}

#[test]
fn futures_are_sized_with_multiplier_and_rate() {
    // 540 000 x 0.5 / (5000 x 10 x 1.1) = 4.909
    let inputs = inputs().with_book("balanced", &[(FUT, weight("0.5"))]);
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["buy 4 ESTX50"]);
    assert_eq!(plan.lines[0].value, Some(d("220000")));
}

#[test]
fn a_line_says_whose_its_fills_are() {
    let inputs = inputs()
        .with_book("balanced", &[])
        .with_book("tactical", &[])
        .with_holding("balanced", SPY, "60")
        .with_holding("tactical", SPY, "40");
    let plan = plan(&inputs);
    assert_eq!(orders(&plan), ["sell 100 SPY"]);
    let shares = plan.lines[0].shares(d("50")).unwrap();
    assert_eq!(shares, of(&[("balanced", "-30"), ("tactical", "-20")]));
}
