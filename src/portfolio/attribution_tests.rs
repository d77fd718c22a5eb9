use proptest::prelude::*;

use super::*;
use crate::portfolio::fixtures::{d, strategy};

fn of(parts: &[(&str, &str)]) -> BTreeMap<StrategyId, Decimal> {
    parts.iter().map(|(name, part)| (strategy(name), d(part))).collect()
}

fn shares_of(parts: &[(&str, &str)], filled: &str) -> BTreeMap<StrategyId, Decimal> {
    let contributions = of(parts);
    let ordered = contributions.values().sum();
    shares(&contributions, ordered, d(filled), Decimal::ONE).unwrap()
}

#[test]
fn a_partial_fill_is_divided_pro_rata() {
    let filled = shares_of(&[("a", "60"), ("b", "40")], "50");
    assert_eq!(filled, of(&[("a", "30"), ("b", "20")]));
}

#[test]
fn the_odd_unit_goes_to_the_highest_average_and_ties_to_the_first_name() {
    // Exact shares of 1: 0.6 and 0.4.
    assert_eq!(shares_of(&[("a", "40"), ("b", "60")], "1"), of(&[("a", "0"), ("b", "1")]));
    assert_eq!(shares_of(&[("a", "50"), ("b", "50")], "1"), of(&[("a", "1"), ("b", "0")]));
    assert_eq!(shares_of(&[("a", "50"), ("b", "50")], "2"), of(&[("a", "1"), ("b", "1")]));
}

#[test]
fn sales_are_divided_like_purchases() {
    let filled = shares_of(&[("a", "-60"), ("b", "-40")], "-50");
    assert_eq!(filled, of(&[("a", "-30"), ("b", "-20")]));
}

#[test]
fn an_opposite_contribution_is_crossed_as_the_order_fills() {
    // a buys 100, of which b sells it 40; 60 are ordered.
    let parts = [("a", "100"), ("b", "-40")];
    assert_eq!(shares_of(&parts, "0"), of(&[("a", "0"), ("b", "0")]));
    assert_eq!(shares_of(&parts, "30"), of(&[("a", "50"), ("b", "-20")]));
    assert_eq!(shares_of(&parts, "60"), of(&parts));
}

#[test]
fn a_fraction_of_a_step_is_attributed_too() {
    let filled = shares_of(&[("a", "2"), ("b", "1")], "0.5");
    assert_eq!(filled, of(&[("a", "0.5"), ("b", "0")]));
    assert_eq!(shares_of(&[("a", "1"), ("b", "2")], "1.5"), of(&[("a", "0.5"), ("b", "1")]));
}

// Largest remainders would give c 2 of 10 and 1 of 11.
#[test]
fn a_later_fill_takes_nothing_back() {
    let parts = [("a", "6"), ("b", "6"), ("c", "2")];
    let mut before = shares_of(&parts, "0");
    for filled in 1..=14 {
        let now = shares_of(&parts, &filled.to_string());
        for (name, share) in &now {
            assert!(*share >= before[name], "{filled}: {now:?} after {before:?}");
        }
        before = now;
    }
}

#[test]
fn a_fractional_fill_takes_nothing_back_either() {
    let parts = [("a", "34"), ("b", "33"), ("c", "33")];
    let before = shares_of(&parts, "2");
    let after = shares_of(&parts, "2.9");
    assert_eq!(before, of(&[("a", "1"), ("b", "1"), ("c", "0")]));
    assert_eq!(after, of(&[("a", "1"), ("b", "1"), ("c", "0.9")]));
}

#[test]
fn a_record_that_contradicts_itself_is_refused() {
    let parts = of(&[("a", "60"), ("b", "40")]);
    let ask = |ordered: &str, filled: &str, step: &str| {
        shares(&parts, d(ordered), d(filled), d(step)).unwrap_err()
    };
    assert!(matches!(ask("90", "10", "1"), AttributionError::Sum { .. }));
    assert!(matches!(ask("100", "-10", "1"), AttributionError::Fill { .. }));
    assert!(matches!(ask("100", "101", "1"), AttributionError::Fill { .. }));
    assert!(matches!(ask("100", "10", "0"), AttributionError::Step(_)));
}

#[test]
fn numbers_beyond_the_range_are_named() {
    let contributions = BTreeMap::from([(strategy("a"), Decimal::MAX)]);
    let result = shares(&contributions, Decimal::MAX, Decimal::TEN, Decimal::ONE);
    assert_eq!(result, Err(AttributionError::Overflow));
}

/// Contributions in steps of 10^-scale that don't sum to zero.
fn orders() -> impl Strategy<Value = (Vec<i64>, u32)> {
    (prop::collection::vec(-5_000i64..=5_000, 1..6), 0u32..=3)
        .prop_filter("an order of nothing is none", |(parts, _)| parts.iter().sum::<i64>() != 0)
}

proptest! {
    #[test]
    fn shares_sum_to_the_fill_and_never_move_back(
        (parts, scale) in orders(),
        fills in prop::collection::vec(0u32..=10_000, 1..8),
    ) {
        let contributions: BTreeMap<StrategyId, Decimal> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| (strategy(&format!("s{index}")), Decimal::new(*part, scale)))
            .collect();
        let ordered: Decimal = contributions.values().sum();
        let step = Decimal::new(1, scale);
        let mut fills = fills;
        fills.sort_unstable();
        let mut before: BTreeMap<StrategyId, Decimal> =
            contributions.keys().map(|id| (id.clone(), Decimal::ZERO)).collect();
        for fill in fills {
            // Not in steps on purpose: fills may be finer than orders.
            let filled = ordered * Decimal::new(fill.into(), 4);
            let now = shares(&contributions, ordered, filled, step).unwrap();
            prop_assert_eq!(now.values().sum::<Decimal>(), filled);
            for (id, share) in &now {
                let part = contributions[id];
                prop_assert!(share.abs() <= part.abs());
                prop_assert!(share.abs() >= before[id].abs(), "{} moved back", id);
                prop_assert!(share.is_zero() || share.is_sign_negative() == part.is_sign_negative());
            }
            before = now;
        }
        let full = shares(&contributions, ordered, ordered, step).unwrap();
        prop_assert_eq!(full, contributions);
    }
}
