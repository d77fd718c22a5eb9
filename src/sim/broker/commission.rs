//! What an order costs, by IB's public fixed schedules.
//!
//! Stocks and ETFs (<https://www.interactivebrokers.com/en/pricing/commissions-stocks.php>): in US
//! dollars 0.005 a share, at least 1.00 an order, at most 1 percent of the trade value; in Canadian
//! dollars 0.01 a share, at least 1.00, at most 0.5 percent; in euros and pounds 0.05 percent of
//! the trade value, at least 3.00. Other currencies pay as euros do, without a minimum: their
//! schedules are not modelled.
//!
//! Currencies (<https://www.interactivebrokers.com/en/pricing/commissions-spot-currencies.php>):
//! 0.20 basis points of the trade value, at least USD 2.00, charged in the base currency.
//!
//! Futures (<https://www.interactivebrokers.com/en/pricing/commissions-futures.php>): an amount a
//! contract by currency. It is IB's own part; the fees of exchanges and regulators are not
//! modelled.

use rust_decimal::Decimal;

use super::books::worth;
use super::matching::Rules;
use crate::sim::universe::{BASE_CURRENCY, Listing, SecType};

/// What an order pays on the whole.
#[derive(Clone, Copy, Debug)]
struct Tariff {
    per_share: Decimal,
    /// Of the trade value.
    of_value: Decimal,
    /// An order.
    least: Decimal,
    /// Of the trade value; zero for no limit.
    most_of_value: Decimal,
}

const US_STOCK: Tariff = Tariff {
    per_share: Decimal::from_parts(5, 0, 0, false, 3),
    of_value: Decimal::ZERO,
    least: Decimal::ONE,
    most_of_value: Decimal::from_parts(1, 0, 0, false, 2),
};

const CANADIAN_STOCK: Tariff = Tariff {
    per_share: Decimal::from_parts(1, 0, 0, false, 2),
    of_value: Decimal::ZERO,
    least: Decimal::ONE,
    most_of_value: Decimal::from_parts(5, 0, 0, false, 3),
};

const EUROPEAN_STOCK: Tariff = Tariff {
    per_share: Decimal::ZERO,
    of_value: Decimal::from_parts(5, 0, 0, false, 4),
    least: Decimal::from_parts(3, 0, 0, false, 0),
    most_of_value: Decimal::ZERO,
};

const OTHER_STOCK: Tariff = Tariff { least: Decimal::ZERO, ..EUROPEAN_STOCK };

/// In the base currency.
const CURRENCY: Tariff = Tariff {
    per_share: Decimal::ZERO,
    of_value: Decimal::from_parts(2, 0, 0, false, 5),
    least: Decimal::TWO,
    most_of_value: Decimal::ZERO,
};

/// A contract, by the currency of the product.
const FUTURES: &[(&str, Decimal)] = &[
    ("USD", Decimal::from_parts(85, 0, 0, false, 2)),
    ("EUR", Decimal::from_parts(65, 0, 0, false, 2)),
    ("GBP", Decimal::from_parts(60, 0, 0, false, 2)),
    ("CAD", Decimal::from_parts(85, 0, 0, false, 2)),
    ("CHF", Decimal::from_parts(95, 0, 0, false, 2)),
    ("AUD", Decimal::from_parts(95, 0, 0, false, 2)),
    ("JPY", Decimal::from_parts(85, 0, 0, false, 0)),
];

/// A contract of the small US futures named in [`MICRO_SYMBOLS`].
const MICRO_FUTURE: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

const MICRO_SYMBOLS: &[&str] = &["MES", "MNQ", "M2K", "MYM", "MCL", "MGC", "SIL"];

/// Commissions are booked to a hundredth of a cent.
const DECIMALS: u32 = 4;

/// How much of an order has traded: the sum of its quantities, and of quantity times price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    pub quantity: Decimal,
    pub value: Decimal,
}

/// The currency that the commission on a contract is charged in.
pub fn commission_currency(listing: &Listing) -> &str {
    match listing.sec_type {
        SecType::Stock | SecType::Future => &listing.currency,
        SecType::Cash => BASE_CURRENCY,
    }
}

/// What the fill that took an order from `before` to `after` costs: the commission of all that has
/// traded, less what was charged for it already. So the least commission of an order is paid once,
/// by its first fill. Never negative. `None` when an amount is too large.
pub fn commission_of_fill(
    listing: &Listing,
    before: Traded,
    after: Traded,
    rules: &Rules<'_>,
) -> Option<Decimal> {
    let rate = match listing.sec_type {
        SecType::Stock | SecType::Future => Decimal::ONE,
        SecType::Cash => rules.market.rate(&listing.currency, rules.at)?,
    };
    Some(commission(listing, before, after, rate)?.max(Decimal::ZERO))
}

/// `rate` turns the currency of the contract into the one that commissions are charged in.
fn commission(listing: &Listing, before: Traded, after: Traded, rate: Decimal) -> Option<Decimal> {
    let total = |traded: Traded| {
        let value = worth(listing, Decimal::ONE, traded.value)?.checked_mul(rate)?;
        total(listing, traded.quantity, value)
    };
    total(after)?.checked_sub(total(before)?)
}

/// The commission of an order that traded so much. `value` is in the currency of the commission.
fn total(listing: &Listing, quantity: Decimal, value: Decimal) -> Option<Decimal> {
    if quantity.is_zero() {
        return Some(Decimal::ZERO);
    }
    let amount = match listing.sec_type {
        SecType::Stock => stock_tariff(&listing.currency).of(quantity, value)?,
        SecType::Cash => CURRENCY.of(quantity, value)?,
        SecType::Future => quantity.checked_mul(per_future(listing))?,
    };
    Some(amount.round_dp(DECIMALS))
}

fn stock_tariff(currency: &str) -> &'static Tariff {
    match currency {
        "USD" => &US_STOCK,
        "CAD" => &CANADIAN_STOCK,
        "EUR" | "GBP" => &EUROPEAN_STOCK,
        _ => &OTHER_STOCK,
    }
}

fn per_future(listing: &Listing) -> Decimal {
    if MICRO_SYMBOLS.contains(&listing.symbol.as_str()) {
        return MICRO_FUTURE;
    }
    let known = FUTURES.iter().find(|(currency, _)| *currency == listing.currency);
    // A currency without a schedule pays the dollar amount.
    known.or(FUTURES.first()).map(|(_, amount)| *amount).unwrap_or_default()
}

impl Tariff {
    fn of(&self, quantity: Decimal, value: Decimal) -> Option<Decimal> {
        let by_share = quantity.checked_mul(self.per_share)?;
        let by_value = value.checked_mul(self.of_value)?;
        let amount = by_share.checked_add(by_value)?.max(self.least);
        if self.most_of_value.is_zero() {
            return Some(amount);
        }
        Some(amount.min(value.checked_mul(self.most_of_value)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::universe::{BUILT_IN, Universe};

    fn listing(sec_type: SecType, symbol: &str, currency: &str) -> Listing {
        let universe = Universe::parse(BUILT_IN).unwrap();
        let mut listing = universe.get(756_733).unwrap().clone();
        listing.sec_type = sec_type;
        listing.symbol = symbol.to_owned();
        listing.currency = currency.to_owned();
        listing
    }

    fn of(listing: &Listing, quantity: i64, value: i64) -> String {
        let traded = Traded { quantity: quantity.into(), value: value.into() };
        let amount = commission(listing, Traded::default(), traded, Decimal::ONE).unwrap();
        amount.normalize().to_string()
    }

    #[test]
    fn us_stocks_pay_by_the_share_between_a_dollar_and_one_percent() {
        let stock = listing(SecType::Stock, "SPY", "USD");
        assert_eq!(of(&stock, 1000, 100_000), "5");
        assert_eq!(of(&stock, 10, 5_000), "1");
        assert_eq!(of(&stock, 1, 20), "0.2");
    }

    #[test]
    fn stocks_elsewhere_pay_by_the_schedule_of_their_currency() {
        assert_eq!(of(&listing(SecType::Stock, "SAP", "EUR"), 100, 20_000), "10");
        assert_eq!(of(&listing(SecType::Stock, "SAP", "EUR"), 1, 200), "3");
        assert_eq!(of(&listing(SecType::Stock, "VOD", "GBP"), 100, 20_000), "10");
        assert_eq!(of(&listing(SecType::Stock, "RY", "CAD"), 1000, 100_000), "10");
        assert_eq!(of(&listing(SecType::Stock, "NESN", "CHF"), 10, 1_000), "0.5");
    }

    #[test]
    fn currencies_pay_by_value_and_at_least_two_dollars() {
        let pair = listing(SecType::Cash, "EUR", "USD");
        assert_eq!(of(&pair, 20_000, 22_000), "2");
        assert_eq!(of(&pair, 1_000_000, 1_100_000), "22");
        assert_eq!(commission_currency(&listing(SecType::Cash, "EUR", "GBP")), "USD");
    }

    #[test]
    fn futures_pay_by_the_contract() {
        assert_eq!(of(&listing(SecType::Future, "ES", "USD"), 3, 900_000), "2.55");
        assert_eq!(of(&listing(SecType::Future, "MES", "USD"), 3, 90_000), "0.75");
        assert_eq!(of(&listing(SecType::Future, "DAX", "EUR"), 2, 900_000), "1.3");
    }

    #[test]
    fn the_least_commission_is_paid_once_an_order() {
        let stock = listing(SecType::Stock, "SPY", "USD");
        let traded = |quantity: i64| Traded {
            quantity: quantity.into(),
            value: Decimal::from(quantity) * Decimal::from(100),
        };
        let steps = [(0, 50, "1"), (50, 150, "0"), (150, 250, "0.25"), (250, 450, "1")];
        for (from, to, expected) in steps {
            let amount = commission(&stock, traded(from), traded(to), Decimal::ONE).unwrap();
            assert_eq!(amount.normalize().to_string(), expected, "{from} to {to}");
        }
    }
}
