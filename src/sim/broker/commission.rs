//! What a fill costs, by IB's public fixed schedules.
//!
//! US stocks and ETFs: USD 0.005 a share, at least 1.00 an order, at most 1 percent of the trade
//! value (<https://www.interactivebrokers.com/en/pricing/commissions-stocks.php>). Currencies:
//! 0.20 basis points of the trade value, at least USD 2.00
//! (<https://www.interactivebrokers.com/en/pricing/commissions-spot-currencies.php>).

use rust_decimal::Decimal;

use crate::sim::universe::SecType;

const PER_SHARE: Decimal = Decimal::from_parts(5, 0, 0, false, 3);
const STOCK_MIN: Decimal = Decimal::ONE;
const STOCK_MAX_OF_VALUE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// IB's own part of a US futures contract; exchange and regulatory fees come on top
/// (<https://www.interactivebrokers.com/en/pricing/commissions-futures.php>).
const PER_FUTURE: Decimal = Decimal::from_parts(85, 0, 0, false, 2);

const CURRENCY_OF_VALUE: Decimal = Decimal::from_parts(2, 0, 0, false, 5);
const CURRENCY_MIN: Decimal = Decimal::TWO;

/// Commissions are booked to a hundredth of a cent.
const DECIMALS: u32 = 4;

/// The commission of one whole fill in the base currency. `value` is price times quantity in the
/// base currency, not negative.
pub fn commission(sec_type: SecType, quantity: Decimal, value: Decimal) -> Option<Decimal> {
    let amount = match sec_type {
        SecType::Stock => {
            let most = value.checked_mul(STOCK_MAX_OF_VALUE)?;
            quantity.checked_mul(PER_SHARE)?.max(STOCK_MIN).min(most)
        }
        SecType::Future => quantity.checked_mul(PER_FUTURE)?,
        SecType::Cash => value.checked_mul(CURRENCY_OF_VALUE)?.max(CURRENCY_MIN),
    };
    Some(amount.round_dp(DECIMALS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sec_type: SecType, quantity: i64, value: i64) -> String {
        let amount = commission(sec_type, Decimal::from(quantity), Decimal::from(value)).unwrap();
        amount.normalize().to_string()
    }

    #[test]
    fn stocks_pay_by_the_share_between_a_dollar_and_one_percent() {
        assert_eq!(of(SecType::Stock, 1000, 100_000), "5");
        assert_eq!(of(SecType::Stock, 10, 5_000), "1");
        assert_eq!(of(SecType::Stock, 1, 20), "0.2");
    }

    #[test]
    fn currencies_pay_by_value_and_at_least_two_dollars() {
        assert_eq!(of(SecType::Cash, 20_000, 22_000), "2");
        assert_eq!(of(SecType::Cash, 1_000_000, 1_100_000), "22");
    }
}
