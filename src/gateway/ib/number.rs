//! Numbers across the border: the client's `f64` and our decimals.
//!
//! Prices, quantities and sums travel as decimal text or as doubles that were written from decimal
//! text. The shortest text that names a double is that decimal again, so nothing is rounded here.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The decimal behind a double. `None` for IB's unset marker (the largest double), infinities and
/// NaN, and for what no decimal can hold.
pub(super) fn decimal(wire: f64) -> Option<Decimal> {
    if !wire.is_finite() || wire == f64::MAX {
        return None;
    }
    // `{}` of a double never uses an exponent.
    format!("{wire}").parse::<Decimal>().ok().map(|value| value.normalize())
}

/// As [`decimal`], for a number without which its frame means nothing.
pub(super) fn required(wire: f64, what: &str) -> Result<Decimal, String> {
    decimal(wire).ok_or_else(|| format!("{what} is not a number"))
}

/// A price that can be traded on: more than zero. IB writes -1 and 0 where it has none
/// (<https://interactivebrokers.github.io/tws-api/tick_types.html>).
pub(super) fn price(wire: f64) -> Option<Decimal> {
    decimal(wire).filter(|price| *price > Decimal::ZERO)
}

/// The double that names exactly this decimal, if one does.
pub(super) fn double(value: Decimal, what: &str) -> Result<f64, String> {
    let wire = value.to_string().parse::<f64>().ok().or_else(|| value.to_f64());
    wire.filter(|wire| decimal(*wire) == Some(value.normalize()))
        .ok_or_else(|| format!("{what} {value} has more digits than the protocol can carry"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn doubles_carry_no_binary_noise_into_decimals() {
        assert_eq!(decimal(0.1 + 0.2), Some(dec("0.30000000000000004")));
        assert_eq!(decimal(593.37), Some(dec("593.37")));
        assert_eq!(decimal(1.08415), Some(dec("1.08415")));
        assert_eq!(decimal(-1_000_000.0).unwrap().to_string(), "-1000000");
    }

    #[test]
    fn markers_for_unset_are_absent() {
        for wire in [f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300] {
            assert_eq!(decimal(wire), None);
        }
    }

    #[test]
    fn no_price_is_not_a_price() {
        for wire in [-1.0, 0.0, -0.01, f64::NAN, f64::MAX] {
            assert_eq!(price(wire), None);
        }
        assert_eq!(price(0.0001), Some(dec("0.0001")));
    }

    #[test]
    fn a_decimal_that_no_double_names_is_refused() {
        assert_eq!(double(dec("123.4500"), "price").unwrap(), 123.45);
        assert!(double(dec("0.1234567890123456789012"), "price").is_err());
    }

    proptest::proptest! {
        #[test]
        fn money_survives_the_way_to_the_wire_and_back(
            units in -1_000_000_000_000_i64..1_000_000_000_000,
            scale in 0_u32..5,
        ) {
            let value = Decimal::new(units, scale);
            let wire = double(value, "value").unwrap();
            proptest::prop_assert_eq!(decimal(wire), Some(value.normalize()));
        }
    }
}
