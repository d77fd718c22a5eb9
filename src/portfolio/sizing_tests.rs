use proptest::prelude::*;

use super::*;
use crate::domain::StrategyId;
use crate::portfolio::fixtures::{
    AGG, EUR, FUT, SPY, contract, d, inputs, strategy, units, weight,
};

fn size(id: ContractId, size: Size) -> Result<Rounded, SizingProblem> {
    target_quantity(&inputs(), &strategy("balanced"), &contract(id), size)
}

fn rounded(quantity: &str, left_out: &str) -> Result<Rounded, SizingProblem> {
    Ok(Rounded { quantity: d(quantity), left_out: d(left_out) })
}

// The sample's exposure: 1 000 000 x 0.9 x 0.6 = 540 000 for a weight of 1.
#[test]
fn a_weight_becomes_units_by_the_formula() {
    // 540 000 x 0.7 / 500 = 756
    assert_eq!(size(SPY, weight("0.7")), rounded("756", "0"));
    // 540 000 x 0.3333 / 500 = 359.964
    assert_eq!(size(SPY, weight("0.3333")), rounded("359", "0.964"));
    // 540 000 x 0.5 / (5000 x 10 x 1.1) = 4.9090...
    assert_eq!(size(FUT, weight("0.5")).unwrap().quantity, d("4"));
    // 540 000 x 0.1 / 1.1 = 49 090.90...
    assert_eq!(size(EUR, weight("0.1")).unwrap().quantity, d("49090"));
}

#[test]
fn a_short_weight_rounds_toward_zero_too() {
    assert_eq!(size(SPY, weight("-0.3333")), rounded("-359", "-0.964"));
}

#[test]
fn a_quantity_is_taken_as_it_is() {
    assert_eq!(size(AGG, units("120")), rounded("120", "0"));
    assert_eq!(size(AGG, units("-7.9")), rounded("-7", "-0.9"));
}

#[test]
fn a_finer_step_is_used_where_the_configuration_lets_it() {
    let mut inputs = inputs();
    let mut spy = contract(SPY);
    spy.size_increment = d("0.01");
    let ask = |inputs: &PlanInputs| {
        target_quantity(inputs, &strategy("balanced"), &spy, weight("0.33333"))
    };
    // 540 000 x 0.33333 / 500 = 359.9964
    assert_eq!(ask(&inputs), rounded("359", "0.9964"));
    inputs.config.orders.whole_shares = false;
    assert_eq!(ask(&inputs), rounded("359.99", "0.0064"));
}

#[test]
fn nothing_needs_no_price() {
    let mut inputs = inputs();
    inputs.quotes.clear();
    let ask = |size| target_quantity(&inputs, &strategy("balanced"), &contract(SPY), size);
    assert_eq!(ask(weight("0")), rounded("0", "0"));
    assert_eq!(ask(units("5")), rounded("5", "0"));
    assert_eq!(ask(weight("0.1")), Err(SizingProblem::Quote(QuoteProblem::Missing)));
}

#[test]
fn a_strategy_without_exposure_gets_nothing() {
    let mut inputs = inputs();
    inputs.config.exposure.strategies.insert(strategy("balanced"), Decimal::ZERO);
    let sized = target_quantity(&inputs, &strategy("balanced"), &contract(SPY), weight("1"));
    assert_eq!(sized, rounded("0", "0"));
}

#[test]
fn weights_of_an_account_without_money_mean_nothing() {
    let mut inputs = inputs();
    inputs.account_values.net_liquidation = d("-5");
    let sized = target_quantity(&inputs, &strategy("balanced"), &contract(SPY), weight("1"));
    assert_eq!(sized, Err(SizingProblem::NetLiquidation { value: d("-5") }));
}

#[test]
fn numbers_beyond_the_range_are_named() {
    let mut inputs = inputs();
    inputs.account_values.net_liquidation = Decimal::MAX;
    inputs.config.exposure.overall = d("20");
    let sized = target_quantity(&inputs, &strategy("balanced"), &contract(SPY), weight("1"));
    assert_eq!(sized, Err(SizingProblem::Overflow));
}

#[test]
fn a_senseless_contract_is_named() {
    let mut spy = contract(SPY);
    spy.size_increment = Decimal::ZERO;
    let sized = target_quantity(&inputs(), &strategy("balanced"), &spy, units("1"));
    assert!(matches!(sized, Err(SizingProblem::Contract { .. })), "{sized:?}");
}

// The exact quotient, 29 digits and a half, is rounded up by the division.
#[test]
fn a_quotient_that_the_division_rounds_up_is_taken_back() {
    let budget = d("59999999999999999999999999999");
    let sized = by_value(budget, Decimal::TWO, Decimal::ONE).unwrap();
    assert_eq!(sized.quantity, d("29999999999999999999999999999"));
    let sized = by_value(-budget, Decimal::TWO, Decimal::ONE).unwrap();
    assert_eq!(sized.quantity, d("-29999999999999999999999999999"));
}

fn cents(low: i64, high: i64) -> impl Strategy<Value = Decimal> {
    (low..=high).prop_map(|cents| Decimal::new(cents, 2))
}

proptest! {
    #[test]
    fn no_target_is_worth_more_than_its_part_of_the_budget(
        net_liquidation in cents(1, 100_000_000_000),
        price in cents(1, 1_000_000),
        weight in (-20_000i64..=20_000).prop_map(|w| Decimal::new(w, 4)),
        scale in 0u32..=4,
    ) {
        let mut inputs = inputs();
        inputs.config.orders.whole_shares = false;
        inputs.account_values.net_liquidation = net_liquidation;
        let quote = inputs.quotes.get_mut(&SPY).unwrap();
        (quote.bid, quote.ask) = (Some(price), Some(price));
        let mut spy = contract(SPY);
        spy.size_increment = Decimal::new(1, scale);
        let name: StrategyId = strategy("balanced");
        let sized = target_quantity(&inputs, &name, &spy, Size::Weight(weight)).unwrap();

        let budget = (net_liquidation * d("0.9") * d("0.6") * weight).abs();
        prop_assert!(sized.quantity.abs() * price <= budget);
        // One step more would be too much.
        prop_assert!((sized.quantity.abs() + spy.size_increment) * price > budget);
        prop_assert!((sized.quantity % spy.size_increment).is_zero());
        prop_assert!(sized.quantity.is_zero()
            || sized.quantity.is_sign_negative() == weight.is_sign_negative());
    }
}
