//! What an account must keep back for what it holds and for what its working orders may make of
//! it.
//!
//! Stocks by Regulation T and FINRA rule 4210
//! (<https://www.finra.org/rules-guidance/rulebooks/finra-rules/4210>): half of the value to open
//! a position, a quarter to keep a long one, 30 percent to keep a short one. Futures an amount a
//! contract, as the universe has it. A foreign currency balance 3 percent of its value, positive or
//! negative. House margins, concentration and netting between contracts are not modelled.

use rust_decimal::Decimal;

use super::books::worth;
use super::order::Side;
use crate::sim::universe::{BASE_CURRENCY, Listing, SecType};

const STOCK_INITIAL: Decimal = Decimal::from_parts(50, 0, 0, false, 2);
const STOCK_MAINTENANCE: Decimal = Decimal::from_parts(25, 0, 0, false, 2);
const SHORT_MAINTENANCE: Decimal = Decimal::from_parts(30, 0, 0, false, 2);

/// Of the value of a foreign currency balance.
pub const CURRENCY_MARGIN: Decimal = Decimal::from_parts(3, 0, 0, false, 2);

/// In the currency of the contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    pub initial: Decimal,
    pub maintenance: Decimal,
}

/// What must be kept back for `quantity` (negative when short) of a contract at `price`. Nothing
/// for a currency pair: the balances that it moves need margin, not the pair.
pub fn margin(listing: &Listing, quantity: Decimal, price: Decimal) -> Option<Margin> {
    match listing.sec_type {
        SecType::Cash => Some(Margin::default()),
        SecType::Stock => {
            let value = worth(listing, quantity.abs(), price)?;
            let short = quantity.is_sign_negative();
            let maintenance = if short { SHORT_MAINTENANCE } else { STOCK_MAINTENANCE };
            Some(Margin {
                initial: value.checked_mul(STOCK_INITIAL)?,
                maintenance: value.checked_mul(maintenance)?,
            })
        }
        SecType::Future => {
            let amount =
                |named: Option<Decimal>| quantity.abs().checked_mul(named.unwrap_or_default());
            Some(Margin {
                initial: amount(listing.initial_margin)?,
                maintenance: amount(listing.maintenance_margin)?,
            })
        }
    }
}

/// What the working orders of one account and contract have still to trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Working {
    pub buy: Decimal,
    pub sell: Decimal,
}

impl Working {
    /// With `quantity` of one side added; a negative one is taken away.
    pub fn with(self, side: Side, quantity: Decimal) -> Self {
        match side {
            Side::Buy => Self { buy: self.buy.saturating_add(quantity), ..self },
            Side::Sell => Self { sell: self.sell.saturating_add(quantity), ..self },
        }
    }

    pub fn is_empty(&self) -> bool {
        self.buy.is_zero() && self.sell.is_zero()
    }

    /// The initial margin that a holding of `quantity` would need on top if all buys filled, or
    /// all sells, whichever is more; in the currency of the contract. Orders that only close
    /// something need none.
    pub fn reserve(&self, listing: &Listing, quantity: Decimal, price: Decimal) -> Option<Decimal> {
        if self.is_empty() {
            return Some(Decimal::ZERO);
        }
        if listing.sec_type == SecType::Cash {
            // A leg in the base currency needs no margin. Balances that the order would bring
            // back towards zero count all the same: IB, too, looks at an order by itself.
            let legs = [&listing.symbol, &listing.currency];
            let foreign = legs.iter().filter(|leg| leg.as_str() != BASE_CURRENCY).count();
            let value = worth(listing, self.buy.max(self.sell), price)?;
            return value.checked_mul(CURRENCY_MARGIN)?.checked_mul(Decimal::from(foreign));
        }
        let initial = |quantity| Some(margin(listing, quantity, price)?.initial);
        let bought = initial(quantity.checked_add(self.buy)?)?;
        let sold = initial(quantity.checked_sub(self.sell)?)?;
        let more = bought.max(sold).checked_sub(initial(quantity)?)?;
        Some(more.max(Decimal::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::universe::{BUILT_IN, Universe};

    fn listing(sec_type: SecType) -> Listing {
        let universe = Universe::parse(BUILT_IN).unwrap();
        let mut listing = universe.get(756_733).unwrap().clone();
        listing.sec_type = sec_type;
        listing
    }

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn stocks_need_half_to_open_and_more_to_stay_short_than_long() {
        let stock = listing(SecType::Stock);
        let of = |quantity: i64| margin(&stock, quantity.into(), Decimal::TEN).unwrap();
        assert_eq!((of(100).initial, of(100).maintenance), (dec("500"), dec("250")));
        assert_eq!((of(-100).initial, of(-100).maintenance), (dec("500"), dec("300")));
    }

    #[test]
    fn futures_need_what_the_universe_names_a_contract() {
        let mut named = listing(SecType::Future);
        named.multiplier = dec("50");
        named.initial_margin = Some(dec("15000"));
        named.maintenance_margin = Some(dec("13000"));
        let two = margin(&named, dec("-2"), dec("5000")).unwrap();
        assert_eq!((two.initial, two.maintenance), (dec("30000"), dec("26000")));
    }

    #[test]
    fn working_orders_reserve_what_the_worse_side_would_need() {
        let stock = listing(SecType::Stock);
        let reserve = |held: &str, buy: &str, sell: &str| {
            let working = Working { buy: dec(buy), sell: dec(sell) };
            working.reserve(&stock, dec(held), Decimal::TEN).unwrap().normalize().to_string()
        };
        assert_eq!(reserve("0", "100", "0"), "500");
        assert_eq!(reserve("0", "100", "40"), "500");
        assert_eq!(reserve("100", "0", "100"), "0", "closing needs nothing");
        assert_eq!(reserve("100", "0", "250"), "250", "what would turn the position does");
        assert_eq!(reserve("-100", "150", "0"), "0");
    }

    #[test]
    fn a_currency_order_reserves_for_its_foreign_legs() {
        let pair = |symbol: &str, currency: &str| {
            let mut pair = listing(SecType::Cash);
            pair.symbol = symbol.to_owned();
            pair.currency = currency.to_owned();
            pair
        };
        let working = Working { buy: dec("1000"), sell: Decimal::ZERO };
        let of = |pair: &Listing| working.reserve(pair, Decimal::ZERO, dec("1.1")).unwrap();
        assert_eq!(of(&pair("EUR", "USD")), dec("33"));
        assert_eq!(of(&pair("EUR", "GBP")), dec("66"));
    }
}
