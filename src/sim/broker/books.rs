//! Cash by currency and positions: what the account holds, and what it is worth.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::order::Side;
use crate::sim::market::Market;
use crate::sim::universe::{BASE_CURRENCY, Listing, SecType};

/// Of the value of a stock position, long or short (Regulation T).
const STOCK_INITIAL: Decimal = Decimal::from_parts(50, 0, 0, false, 2);
const STOCK_MAINTENANCE: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

/// Of the value of a foreign currency balance, positive or negative.
const CURRENCY_MARGIN: Decimal = Decimal::from_parts(3, 0, 0, false, 2);

/// One contract held. Amounts are in the currency of the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Negative when short.
    pub quantity: Decimal,
    /// What the open quantity cost, commission included; has the sign of `quantity`.
    pub cost: Decimal,
    /// Of all that was closed, commission deducted.
    pub realized: Decimal,
}

impl Position {
    /// Cost a unit, commission included; zero when nothing is held.
    pub fn average_cost(&self) -> Decimal {
        self.cost.checked_div(self.quantity).unwrap_or_default()
    }
}

/// A fill that is to be booked.
#[derive(Clone, Copy, Debug)]
pub struct Booking<'a> {
    pub listing: &'a Listing,
    pub side: Side,
    /// Positive.
    pub quantity: Decimal,
    pub price: Decimal,
    /// In the base currency.
    pub commission: Decimal,
}

/// An amount left the range of the decimal type. Nothing was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large to be booked")]
pub struct TooLarge;

/// What the account is worth and what it must keep back, in the base currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Valuation {
    /// All cash, converted.
    pub cash: Decimal,
    /// Market value of all positions, converted; shorts count negative.
    pub stock_value: Decimal,
    /// Market value of all positions, shorts counting positive.
    pub gross: Decimal,
    pub unrealized: Decimal,
    pub realized: Decimal,
    pub initial_margin: Decimal,
    pub maintenance_margin: Decimal,
}

impl Valuation {
    /// Cash plus market value, always.
    pub fn net_liquidation(&self) -> Decimal {
        self.cash + self.stock_value
    }

    pub fn available_funds(&self) -> Decimal {
        self.net_liquidation() - self.initial_margin
    }

    pub fn excess_liquidity(&self) -> Decimal {
        self.net_liquidation() - self.maintenance_margin
    }
}

/// All that an account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    pub cash: BTreeMap<String, Decimal>,
    /// By contract id; a closed position stays with quantity zero for its realised result.
    pub positions: BTreeMap<i32, Position>,
}

impl Books {
    /// An account with nothing but `cash` in the base currency.
    pub fn new(cash: Decimal) -> Self {
        let cash = BTreeMap::from([(BASE_CURRENCY.to_owned(), cash)]);
        Self { cash, positions: BTreeMap::new() }
    }

    /// Books a fill. Returns the realised result, in the currency of the contract, if the fill
    /// closed anything.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], and then nothing changed.
    pub fn book(&mut self, fill: &Booking<'_>) -> Result<Option<Decimal>, TooLarge> {
        let quantity = fill.side.signed(fill.quantity);
        let value = quantity.checked_mul(fill.price).ok_or(TooLarge)?;
        let mut moves =
            vec![(fill.listing.currency.as_str(), -value), (BASE_CURRENCY, -fill.commission)];
        let mut position = None;
        match fill.listing.sec_type {
            SecType::Cash => moves.push((fill.listing.symbol.as_str(), quantity)),
            SecType::Stock | SecType::Future => {
                let before = self.positions.get(&fill.listing.con_id).cloned().unwrap_or_default();
                position = Some(moved(&before, quantity, fill).ok_or(TooLarge)?);
            }
        }
        let mut cash = self.cash.clone();
        for (currency, amount) in moves {
            let balance = cash.entry(currency.to_owned()).or_default();
            *balance = balance.checked_add(amount).ok_or(TooLarge)?;
        }
        self.cash = cash;
        Ok(position.and_then(|(after, realized)| {
            self.positions.insert(fill.listing.con_id, after);
            realized
        }))
    }

    /// Positions that are not zero.
    pub fn held(&self) -> impl Iterator<Item = (i32, &Position)> {
        let held = self.positions.iter().filter(|(_, position)| !position.quantity.is_zero());
        held.map(|(con_id, position)| (*con_id, position))
    }

    /// What all of it is worth at the mid of the quotes. `None` when an amount is too large.
    pub fn value(&self, market: &Market, at: Timestamp) -> Option<Valuation> {
        let mut sum = Valuation::default();
        for (currency, balance) in &self.cash {
            let converted = balance.checked_mul(market.rate(currency, at)?)?;
            sum.cash = sum.cash.checked_add(converted)?;
            if currency != BASE_CURRENCY {
                let margin = converted.abs().checked_mul(CURRENCY_MARGIN)?;
                sum.initial_margin = sum.initial_margin.checked_add(margin)?;
                sum.maintenance_margin = sum.maintenance_margin.checked_add(margin)?;
            }
        }
        for (con_id, position) in &self.positions {
            let listing = market.universe().get(*con_id)?;
            let rate = market.rate(&listing.currency, at)?;
            let value = position.quantity.checked_mul(market.quote(listing, at).mid())?;
            let converted = value.checked_mul(rate)?;
            sum.stock_value = sum.stock_value.checked_add(converted)?;
            sum.gross = sum.gross.checked_add(converted.abs())?;
            let unrealized = value.checked_sub(position.cost)?.checked_mul(rate)?;
            sum.unrealized = sum.unrealized.checked_add(unrealized)?;
            sum.realized = sum.realized.checked_add(position.realized.checked_mul(rate)?)?;
        }
        let stocks = |share: Decimal| sum.gross.checked_mul(share);
        sum.initial_margin = sum.initial_margin.checked_add(stocks(STOCK_INITIAL)?)?;
        sum.maintenance_margin = sum.maintenance_margin.checked_add(stocks(STOCK_MAINTENANCE)?)?;
        Some(sum)
    }
}

/// The position after `quantity` (signed) was added, and what was realised if some was closed.
fn moved(
    before: &Position,
    quantity: Decimal,
    fill: &Booking<'_>,
) -> Option<(Position, Option<Decimal>)> {
    let opposite = before.quantity.is_sign_negative() != quantity.is_sign_negative();
    let closing = !before.quantity.is_zero() && opposite;
    let closed = if closing { quantity.abs().min(before.quantity.abs()) } else { Decimal::ZERO };
    let closing_fee = fill.commission.checked_mul(closed)?.checked_div(quantity.abs())?;
    let opened = fill.side.signed(quantity.abs().checked_sub(closed)?);

    let mut after = before.clone();
    after.quantity = before.quantity.checked_add(quantity)?;
    let mut realized = None;
    if closing {
        let removed = if closed == before.quantity.abs() {
            before.cost
        } else {
            before.cost.checked_mul(closed)?.checked_div(before.quantity.abs())?
        };
        let proceeds = -fill.side.signed(closed).checked_mul(fill.price)?;
        let gain = proceeds.checked_sub(closing_fee)?.checked_sub(removed)?;
        after.cost = after.cost.checked_sub(removed)?;
        after.realized = after.realized.checked_add(gain)?;
        realized = Some(gain);
    }
    let opening_fee = fill.commission.checked_sub(closing_fee)?;
    let opening_cost = opened.checked_mul(fill.price)?.checked_add(opening_fee)?;
    if !opened.is_zero() {
        after.cost = after.cost.checked_add(opening_cost)?;
    }
    Some((after, realized))
}

#[cfg(test)]
#[path = "books_tests.rs"]
mod tests;
