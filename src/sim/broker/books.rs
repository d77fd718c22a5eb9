//! Cash by currency and positions: what an account holds.
//!
//! A stock is paid for in the currency of its contract. A currency pair moves two balances; the
//! "virtual position" that TWS shows for it is not kept. A future moves no cash for its notional:
//! the gain of what is closed goes to cash when it is closed, what is open is part of the net
//! liquidation. Every amount is exact: nothing is rounded but the share of a cost that a partial
//! closing takes off, and what that rounding leaves stays in the open position.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::commission::commission_currency;
use super::order::Side;
use super::profit::Opening;
use crate::sim::market::Market;
use crate::sim::universe::{BASE_CURRENCY, Listing, SecType};

/// Shares of a cost are cut here, so that a long life of partial closings adds no digits.
const SHARE_DECIMALS: u32 = 8;

/// A fill moves three balances at most: two legs of a pair, and the commission.
const MOVES_MAX: usize = 3;

/// One contract held. Amounts are in the currency of the contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Negative when short.
    pub quantity: Decimal,
    /// What the open quantity cost, multiplier and commission included; negative when short.
    pub cost: Decimal,
    /// The commission within `cost`.
    pub fees: Decimal,
    /// Of all that was ever closed, commission deducted.
    pub realized: Decimal,
    /// Where the day began.
    pub opening: Opening,
}

impl Position {
    /// Cost a unit, multiplier and commission included, as IB reports it; zero when nothing is
    /// held.
    pub fn average_cost(&self) -> Decimal {
        self.cost.checked_div(self.quantity).unwrap_or_default()
    }

    /// What the open quantity would gain at `price`, as IB reports it: less the commission paid.
    pub fn unrealized(&self, listing: &Listing, price: Decimal) -> Option<Decimal> {
        worth(listing, self.quantity, price)?.checked_sub(self.cost)
    }

    /// What it adds to the net liquidation at `price`: its value, or a future's gain.
    pub fn liquidation(&self, listing: &Listing, price: Decimal) -> Option<Decimal> {
        let worth = worth(listing, self.quantity, price)?;
        match listing.sec_type {
            SecType::Stock | SecType::Cash => Some(worth),
            // The commission left the cash balance already.
            SecType::Future => worth.checked_sub(self.cost.checked_sub(self.fees)?),
        }
    }
}

/// What `quantity` is worth at `price`, in the currency of the contract: prices may be in pence, and
/// a future is worth its multiplier.
pub fn worth(listing: &Listing, quantity: Decimal, price: Decimal) -> Option<Decimal> {
    quantity.checked_mul(price)?.checked_mul(listing.point_value())
}

/// A fill that is to be booked.
#[derive(Clone, Copy, Debug)]
pub struct Booking<'a> {
    pub listing: &'a Listing,
    pub side: Side,
    /// Positive.
    pub quantity: Decimal,
    pub price: Decimal,
    /// In the currency that the contract's commissions are charged in.
    pub commission: Decimal,
}

/// An amount left the range of the decimal type. Nothing was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large to be booked")]
pub struct TooLarge;

/// What a fill makes of the books.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The balances after it, of each currency that it moves.
    pub cash: Vec<(&'a str, Decimal)>,
    /// The position after it; absent for a currency pair.
    pub position: Option<Position>,
    /// The result of what it closed, in the currency of the contract.
    pub realized: Option<Decimal>,
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
        let change = self.change(fill)?;
        for (currency, balance) in change.cash {
            match self.cash.get_mut(currency) {
                Some(known) => *known = balance,
                None => drop(self.cash.insert(currency.to_owned(), balance)),
            }
        }
        if let Some(position) = change.position {
            self.positions.insert(fill.listing.con_id, position);
        }
        Ok(change.realized)
    }

    /// What a fill would make of the books.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]
    pub fn change<'a>(&self, fill: &Booking<'a>) -> Result<Change<'a>, TooLarge> {
        self.changed(fill).ok_or(TooLarge)
    }

    fn changed<'a>(&self, fill: &Booking<'a>) -> Option<Change<'a>> {
        let listing = fill.listing;
        let quantity = fill.side.signed(fill.quantity);
        let value = worth(listing, quantity, fill.price)?;
        let moved = match listing.sec_type {
            SecType::Cash => None,
            SecType::Stock | SecType::Future => {
                Some(moved(self.positions.get(&listing.con_id), fill)?)
            }
        };
        let gain = moved.as_ref().map(|moved| moved.gain).unwrap_or_default();
        let moves: [(&str, Decimal); MOVES_MAX] = match listing.sec_type {
            SecType::Cash => [(&listing.currency, -value), (&listing.symbol, quantity), fee(fill)],
            SecType::Stock => {
                [(&listing.currency, -value), fee(fill), (BASE_CURRENCY, Decimal::ZERO)]
            }
            SecType::Future => {
                [(&listing.currency, gain), fee(fill), (BASE_CURRENCY, Decimal::ZERO)]
            }
        };
        let mut cash: Vec<(&str, Decimal)> = Vec::with_capacity(MOVES_MAX);
        for (currency, amount) in moves.into_iter().filter(|(_, amount)| !amount.is_zero()) {
            match cash.iter_mut().find(|(known, _)| *known == currency) {
                Some((_, balance)) => *balance = balance.checked_add(amount)?,
                None => {
                    let balance = self.cash.get(currency).copied().unwrap_or_default();
                    cash.push((currency, balance.checked_add(amount)?));
                }
            }
        }
        let realized = moved.as_ref().and_then(|moved| moved.realized);
        Some(Change { cash, position: moved.map(|moved| moved.position), realized })
    }

    /// Positions that are not zero.
    pub fn held(&self) -> impl Iterator<Item = (i32, &Position)> {
        let held = self.positions.iter().filter(|(_, position)| !position.quantity.is_zero());
        held.map(|(con_id, position)| (*con_id, position))
    }

    /// Contracts and currencies in the books that are not in the universe.
    pub fn unknown_to(&self, market: &Market) -> Vec<String> {
        let universe = market.universe();
        let contracts = self.positions.keys().filter(|con_id| universe.get(**con_id).is_none());
        let contracts = contracts.map(|con_id| format!("a position in unknown contract {con_id}"));
        let known = universe.currencies();
        let cash = self.cash.keys().filter(|currency| !known.contains(currency.as_str()));
        contracts
            .chain(cash.map(|currency| format!("cash in unknown currency {currency}")))
            .collect()
    }
}

fn fee<'a>(fill: &Booking<'a>) -> (&'a str, Decimal) {
    (commission_currency(fill.listing), -fill.commission)
}

/// A position after a fill.
struct Moved {
    position: Position,
    /// What was closed gained, commissions apart.
    gain: Decimal,
    /// What was closed gained, as IB reports it: less the commissions of both its ends.
    realized: Option<Decimal>,
}

fn moved(before: Option<&Position>, fill: &Booking<'_>) -> Option<Moved> {
    let mut position = before.cloned().unwrap_or_default();
    let quantity = fill.side.signed(fill.quantity);
    let held = position.quantity;
    let opposite = held.is_sign_negative() != quantity.is_sign_negative();
    let closing = !held.is_zero() && opposite;
    let closed = if closing { fill.quantity.min(held.abs()) } else { Decimal::ZERO };
    let closing_fee = share(fill.commission, closed, fill.quantity)?;

    position.quantity = held.checked_add(quantity)?;
    let (mut gain, mut realized) = (Decimal::ZERO, None);
    if closing {
        let cost = share(position.cost, closed, held.abs())?;
        let fees = share(position.fees, closed, held.abs())?;
        let proceeds = -worth(fill.listing, fill.side.signed(closed), fill.price)?;
        gain = proceeds.checked_sub(cost)?.checked_add(fees)?;
        let result = proceeds.checked_sub(cost)?.checked_sub(closing_fee)?;
        position.cost = position.cost.checked_sub(cost)?;
        position.fees = position.fees.checked_sub(fees)?;
        position.realized = position.realized.checked_add(result)?;
        realized = Some(result);
    }
    let opened = fill.side.signed(fill.quantity.checked_sub(closed)?);
    if !opened.is_zero() {
        let opening_fee = fill.commission.checked_sub(closing_fee)?;
        let price = worth(fill.listing, opened, fill.price)?;
        position.cost = position.cost.checked_add(price)?.checked_add(opening_fee)?;
        position.fees = position.fees.checked_add(opening_fee)?;
    }
    Some(Moved { position, gain, realized })
}

/// The part of `amount` that falls to `part` of `whole`; all of it to all.
fn share(amount: Decimal, part: Decimal, whole: Decimal) -> Option<Decimal> {
    if part == whole {
        return Some(amount);
    }
    Some(amount.checked_mul(part)?.checked_div(whole)?.round_dp(SHARE_DECIMALS))
}

#[cfg(test)]
#[path = "books_tests.rs"]
mod tests;
