use super::*;
use crate::domain::{Account, MarketDataType, TradingMode};
use crate::portfolio::fixtures::{AGG, EUR, SPY, at, d, inputs, units, weight};
use crate::portfolio::{CloseFilter, close_plan, plan};

fn vetted(inputs: &PlanInputs) -> Vetted {
    vet(inputs, &plan(inputs), TradingSwitch::On)
}

fn breaches(vetted: &Vetted) -> Vec<Rule> {
    vetted.breaches().map(|verdict| verdict.rule).collect()
}

/// Buys 648 SPY and 2160 AGG, together 540 000 of a million.
fn sixty_forty() -> PlanInputs {
    inputs().with_book("balanced", &[(SPY, weight("0.6")), (AGG, weight("0.4"))])
}

#[test]
fn a_plan_within_all_limits_is_approved_line_by_line() {
    let inputs = sixty_forty();
    let vetted = vetted(&inputs);
    assert!(!vetted.has_breaches());
    assert_eq!(vetted.approved.len(), 2);
    assert_eq!(vetted.verdicts.len(), 2 * RULES.len());
    let approved = &vetted.approved[0];
    assert_eq!(approved.line(), &plan(&inputs).lines[0]);
    assert_eq!(approved.account(), &Account::new("DU1234567"));
    assert_eq!(approved.effect(), Effect::Increases);
}

#[test]
fn one_breach_refuses_the_whole_allocation() {
    let mut inputs = sixty_forty();
    // SPY is worth 324 000, AGG 216 000.
    inputs.config.limits.order_value = d("323999.99");
    let result = vetted(&inputs);
    assert_eq!(breaches(&result), [Rule::OrderValue]);
    assert!(result.approved.is_empty());
    assert_eq!(
        result.breaches().next().unwrap().to_string(),
        "buy 648 SPY: order-value: 324000 USD (allowed: 323999.99 USD)"
    );
    inputs.config.limits.order_value = d("324000");
    assert_eq!(vetted(&inputs).approved.len(), 2);
}

#[test]
fn gross_exposure_counts_what_is_held_what_works_and_what_is_planned() {
    let mut inputs = sixty_forty();
    inputs.config.limits.gross_exposure = d("0.54");
    assert!(!vetted(&inputs).has_breaches());
    inputs.config.limits.gross_exposure = d("0.5399");
    assert_eq!(breaches(&vetted(&inputs)), [Rule::GrossExposure, Rule::GrossExposure]);

    inputs.config.limits.gross_exposure = d("0.6");
    inputs.account_values.gross_position_value = d("60000");
    assert!(!vetted(&inputs).has_breaches());
    // An order of somebody who is kept this time: 1 x 500.
    let inputs = inputs.with_working("tactical", SPY, "1");
    assert_eq!(breaches(&vetted(&inputs)), [Rule::GrossExposure, Rule::GrossExposure]);
}

#[test]
fn what_is_sold_makes_room_for_what_is_bought() {
    // 1000 x 500 held; all of it goes, 5000 x 100 come.
    let mut inputs = inputs()
        .with_book("balanced", &[(AGG, units("5000"))])
        .with_holding("balanced", SPY, "1000");
    inputs.account_values.gross_position_value = d("500000");
    inputs.config.limits.gross_exposure = d("0.5");
    assert_eq!(vetted(&inputs).approved.len(), 2);
    let beyond = inputs.with_book("balanced", &[(AGG, units("5001"))]);
    assert_eq!(breaches(&vetted(&beyond)), [Rule::OrderValue, Rule::GrossExposure]);
}

#[test]
fn a_plan_that_leads_back_toward_the_limit_is_no_breach_of_it() {
    let mut inputs = inputs()
        .with_book("balanced", &[(AGG, units("1000"))])
        .with_holding("balanced", SPY, "3000");
    inputs.account_values.gross_position_value = d("1500000");
    inputs.config.limits.gross_exposure = d("0.05");
    assert_eq!(vetted(&inputs).approved.len(), 2);
}

#[test]
fn exits_pass_every_cap() {
    let mut inputs = inputs().with_holding("balanced", SPY, "10000").with_book("balanced", &[]);
    inputs.account_values.gross_position_value = d("5000000");
    inputs.config.limits.order_value = d("1");
    inputs.config.limits.gross_exposure = d("0.01");
    inputs.quotes.clear();
    for switch in [TradingSwitch::On, TradingSwitch::ReduceOnly] {
        let vetted = vet(&inputs, &plan(&inputs), switch);
        assert_eq!(vetted.approved.len(), 1, "{switch}: {:?}", vetted.verdicts);
        assert_eq!(vetted.approved[0].effect(), Effect::Reduces);
    }
    assert_eq!(breaches(&vet(&inputs, &plan(&inputs), TradingSwitch::Off)), [Rule::Switch]);
}

#[test]
fn reduce_only_refuses_a_plan_that_also_buys() {
    let inputs =
        inputs().with_holding("balanced", SPY, "100").with_book("balanced", &[(AGG, units("100"))]);
    let vetted = vet(&inputs, &plan(&inputs), TradingSwitch::ReduceOnly);
    assert_eq!(breaches(&vetted), [Rule::Switch]);
    assert!(vetted.approved.is_empty());
}

#[test]
fn a_sale_beyond_the_position_is_no_exit() {
    let mut inputs = inputs()
        .with_claim("balanced", SPY, "100")
        .with_position(SPY, "60")
        .with_book("balanced", &[]);
    assert_eq!(breaches(&vetted(&inputs)), [Rule::Short]);
    let reduce_only = vet(&inputs, &plan(&inputs), TradingSwitch::ReduceOnly);
    assert_eq!(breaches(&reduce_only), [Rule::Switch, Rule::Short]);
    inputs.config.allow_short = true;
    let result = vetted(&inputs);
    assert_eq!(result.approved[0].effect(), Effect::Increases);
}

#[test]
fn working_sales_count_before_another_sale_is_called_an_exit() {
    // 100 there; a sale of 60 works for tactical already.
    let inputs = inputs()
        .with_holding("balanced", SPY, "41")
        .with_holding("tactical", SPY, "59")
        .with_working("tactical", SPY, "-60")
        .with_book("balanced", &[]);
    assert_eq!(breaches(&vetted(&inputs)), [Rule::Short]);
}

#[test]
fn a_quote_that_is_missing_stale_or_worse_than_asked_for_refuses() {
    let fresh = inputs().with_book("balanced", &[(SPY, units("10"))]);
    assert!(!vetted(&fresh).has_breaches());

    let mut missing = fresh.clone();
    missing.quotes.clear();
    assert_eq!(breaches(&vetted(&missing)), [Rule::OrderValue, Rule::GrossExposure, Rule::Quote]);

    let mut stale = fresh.clone();
    stale.quotes.get_mut(&SPY).unwrap().at = at("2026-03-09T14:28:00Z");
    assert!(breaches(&vetted(&stale)).contains(&Rule::Quote));

    let mut frozen = fresh;
    frozen.quotes.get_mut(&SPY).unwrap().data_type = MarketDataType::Frozen;
    assert!(breaches(&vetted(&frozen)).contains(&Rule::Quote));
}

#[test]
fn a_target_that_could_not_be_sized_refuses_the_rest_and_is_reported_once() {
    let mut inputs = sixty_forty();
    inputs.quotes.remove(&SPY);
    let result = vetted(&inputs);
    assert_eq!(breaches(&result), [Rule::Quote]);
    assert!(result.approved.is_empty());
    assert_eq!(
        result.breaches().next().unwrap().to_string(),
        "target of balanced in contract 756733: quote: there is no quote \
         (allowed: all that sizing needs, fresh)"
    );
    inputs.contracts.remove(&AGG);
    assert_eq!(breaches(&vetted(&inputs)), [Rule::Quote, Rule::Sizing]);
}

#[test]
fn orders_are_counted_up_to_their_limit() {
    let mut inputs = sixty_forty();
    inputs.config.limits.orders_per_run = 2;
    assert!(!vetted(&inputs).has_breaches());
    inputs.config.limits.orders_per_run = 1;
    assert_eq!(breaches(&vetted(&inputs)), [Rule::OrdersPerRun, Rule::OrdersPerRun]);
    // A way out in the same plan is neither counted nor refused.
    let inputs = inputs.with_holding("balanced", EUR, "1000");
    let refused = vetted(&inputs);
    assert_eq!(breaches(&refused), [Rule::OrdersPerRun, Rule::OrdersPerRun]);
    assert!(refused.breaches().all(|verdict| verdict.to_string().starts_with("buy")));
}

#[test]
fn mode_configuration_and_account_must_agree_whatever_is_traded() {
    let exit = inputs().with_holding("balanced", SPY, "10").with_book("balanced", &[]);
    let table = [
        (TradingMode::Paper, "DU1234567", false, true),
        (TradingMode::Paper, "DF1234567", false, true),
        (TradingMode::Paper, "U1234567", false, false),
        (TradingMode::Live, "U1234567", true, true),
        (TradingMode::Live, "U1234567", false, false),
        (TradingMode::Live, "DU1234567", true, false),
    ];
    for (mode, number, live_trading, approved) in table {
        let mut inputs = exit.clone();
        inputs.mode = mode;
        inputs.config.live_trading = live_trading;
        inputs.account_values.account = Account::new(number);
        inputs.positions.iter_mut().for_each(|row| row.account = Account::new(number));
        let vetted = vetted(&inputs);
        assert_eq!(vetted.approved.len() == 1, approved, "{mode} {number} {live_trading}");
        assert_eq!(breaches(&vetted).contains(&Rule::Account), !approved);
    }
}

#[test]
fn positions_of_another_account_make_no_exit() {
    let mut inputs = inputs().with_holding("balanced", SPY, "10").with_book("balanced", &[]);
    inputs.positions[0].account = Account::new("DU7654321");
    assert_eq!(breaches(&vetted(&inputs)), [Rule::Short]);
}

#[test]
fn a_way_out_stands_for_itself() {
    // SPY was sold beside us; AGG is as the ledger says.
    let inputs = inputs().with_claim("balanced", SPY, "100").with_holding("balanced", AGG, "50");
    let plan = close_plan(&inputs, &CloseFilter::default());
    let vetted = vet(&inputs, &plan, TradingSwitch::ReduceOnly);
    assert_eq!(breaches(&vetted), [Rule::Switch, Rule::Short]);
    let lines: Vec<String> =
        vetted.approved.iter().map(|approved| approved.line().to_string()).collect();
    assert_eq!(lines, ["sell 50 AGG"]);
}

#[test]
fn crossings_need_a_switch_that_is_not_off_and_the_right_account() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, units("60"))])
        .with_book("tactical", &[(SPY, units("40"))])
        .with_holding("balanced", SPY, "100");
    let crossings = |inputs: &PlanInputs, switch| vet(inputs, &plan(inputs), switch).crossings;
    assert_eq!(crossings(&inputs, TradingSwitch::ReduceOnly).len(), 1);
    assert!(crossings(&inputs, TradingSwitch::Off).is_empty());
    inputs.account_values.account = Account::new("U1234567");
    assert!(crossings(&inputs, TradingSwitch::On).is_empty());
}

#[test]
fn a_breach_elsewhere_holds_back_a_crossing_of_an_allocation() {
    let mut inputs = inputs()
        .with_book("balanced", &[(SPY, units("60")), (AGG, units("100"))])
        .with_book("tactical", &[(SPY, units("40"))])
        .with_holding("balanced", SPY, "100");
    inputs.config.limits.order_value = d("1");
    let vetted = vetted(&inputs);
    assert_eq!(breaches(&vetted), [Rule::OrderValue]);
    assert!(vetted.crossings.is_empty());
}
