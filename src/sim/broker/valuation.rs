//! What an account is worth, in the base currency.
//!
//! It is a sum over balances and contracts, and none of the parts depends on another. So the parts
//! are kept for as long as the prices stand still, and a fill or an order replaces only those that
//! it touches: an order costs the same however much the account holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::books::{Books, Position, worth};
use super::margin::{CURRENCY_MARGIN, Working, margin};
use crate::sim::market::Market;
use crate::sim::universe::{BASE_CURRENCY, SecType};

/// How many amounts a valuation has.
const AMOUNTS: usize = 12;

/// What the account is worth and what it must keep back, in the base currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Valuation {
    /// All cash, converted.
    pub cash: Decimal,
    /// Market value of all stocks, converted; shorts count negative.
    pub stock_value: Decimal,
    /// What open futures gained since they were opened, commissions apart.
    pub futures: Decimal,
    /// Market value of all stocks, shorts counting positive.
    pub gross: Decimal,
    /// Of open positions, less the commissions paid for them.
    pub unrealized: Decimal,
    /// Of closed positions, for ever.
    pub realized: Decimal,
    /// Of closed positions, since the day began.
    pub realized_today: Decimal,
    pub initial_margin: Decimal,
    pub maintenance_margin: Decimal,
    /// The parts of both margins that futures need.
    pub futures_initial: Decimal,
    pub futures_maintenance: Decimal,
    /// Initial margin that the working orders would need on top.
    pub reserved: Decimal,
}

impl Valuation {
    /// Cash, market value of stocks and gain of futures, always.
    pub fn net_liquidation(&self) -> Decimal {
        self.total_cash() + self.stock_value
    }

    /// Cash with the gain of open futures, as IB counts it.
    pub fn total_cash(&self) -> Decimal {
        self.cash + self.futures
    }

    pub fn available_funds(&self) -> Decimal {
        self.net_liquidation() - self.initial_margin
    }

    pub fn excess_liquidity(&self) -> Decimal {
        self.net_liquidation() - self.maintenance_margin
    }

    /// What positions and working orders need together.
    pub fn needed(&self) -> Decimal {
        self.initial_margin + self.reserved
    }

    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.zip(other, Decimal::checked_add)
    }

    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.zip(other, Decimal::checked_sub)
    }

    fn zip(
        &self,
        other: &Self,
        combine: impl Fn(Decimal, Decimal) -> Option<Decimal>,
    ) -> Option<Self> {
        let mut amounts = self.amounts();
        for (amount, other) in amounts.iter_mut().zip(other.amounts()) {
            *amount = combine(*amount, other)?;
        }
        Some(Self::of(amounts))
    }

    /// All amounts times `rate`.
    fn times(&self, rate: Decimal) -> Option<Self> {
        let mut amounts = self.amounts();
        for amount in &mut amounts {
            *amount = amount.checked_mul(rate)?;
        }
        Some(Self::of(amounts))
    }

    fn amounts(&self) -> [Decimal; AMOUNTS] {
        let Self { cash, stock_value, futures, gross, unrealized, realized, .. } = *self;
        let Self { realized_today, initial_margin, maintenance_margin, .. } = *self;
        let Self { futures_initial, futures_maintenance, reserved, .. } = *self;
        [
            cash,
            stock_value,
            futures,
            gross,
            unrealized,
            realized,
            realized_today,
            initial_margin,
            maintenance_margin,
            futures_initial,
            futures_maintenance,
            reserved,
        ]
    }

    fn of(amounts: [Decimal; AMOUNTS]) -> Self {
        let [cash, stock_value, futures, gross, unrealized, realized, rest @ ..] = amounts;
        let [realized_today, initial_margin, maintenance_margin, rest @ ..] = rest;
        let [futures_initial, futures_maintenance, reserved] = rest;
        Self {
            cash,
            stock_value,
            futures,
            gross,
            unrealized,
            realized,
            realized_today,
            initial_margin,
            maintenance_margin,
            futures_initial,
            futures_maintenance,
            reserved,
        }
    }
}

/// One part of an account's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Balance(String),
    Contract(i32),
}

/// The value of a balance.
pub fn balance(
    market: &Market,
    currency: &str,
    amount: Decimal,
    at: Timestamp,
) -> Option<Valuation> {
    if currency == BASE_CURRENCY {
        return Some(Valuation { cash: amount, ..Valuation::default() });
    }
    let cash = amount.checked_mul(market.rate(currency, at)?)?;
    let needed = cash.abs().checked_mul(CURRENCY_MARGIN)?;
    let (initial_margin, maintenance_margin) = (needed, needed);
    Some(Valuation { cash, initial_margin, maintenance_margin, ..Valuation::default() })
}

/// The value of a position and of the working orders in its contract.
pub fn contract(
    market: &Market,
    con_id: i32,
    position: &Position,
    working: Working,
    at: Timestamp,
) -> Option<Valuation> {
    let listing = market.universe().get(con_id)?;
    let price = market.quote(listing, at).mid();
    let margin = margin(listing, position.quantity, price)?;
    let value = worth(listing, position.quantity, price)?;
    let mut part = Valuation {
        unrealized: position.unrealized(listing, price)?,
        realized: position.realized,
        realized_today: position.realized_today()?,
        initial_margin: margin.initial,
        maintenance_margin: margin.maintenance,
        reserved: working.reserve(listing, position.quantity, price)?,
        ..Valuation::default()
    };
    match listing.sec_type {
        SecType::Stock => {
            part.stock_value = value;
            part.gross = value.abs();
        }
        SecType::Future => {
            part.futures = position.liquidation(listing, price)?;
            part.futures_initial = margin.initial;
            part.futures_maintenance = margin.maintenance;
        }
        SecType::Cash => {}
    }
    if listing.currency == BASE_CURRENCY {
        return Some(part);
    }
    part.times(market.rate(&listing.currency, at)?)
}

/// The parts of an account's value at the prices of one step.
#[derive(Debug, Default)]
pub struct Appraisal {
    /// Step and version of the market; `None` before the first look.
    prices: Option<(i64, u64)>,
    parts: BTreeMap<Part, Valuation>,
    sum: Valuation,
    /// Parts that changed since they were valued.
    stale: BTreeSet<Part>,
}

impl Appraisal {
    /// Values `part` anew at the next look.
    pub fn touch(&mut self, part: Part) {
        self.stale.insert(part);
    }

    /// Values everything anew at the next look.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The value of one part as it was at the last look.
    pub fn part(&self, part: &Part) -> Valuation {
        self.parts.get(part).copied().unwrap_or_default()
    }

    /// The sum of all parts. `None` when an amount is too large.
    pub fn look(
        &mut self,
        books: &Books,
        working: &BTreeMap<i32, Working>,
        market: &Market,
        at: Timestamp,
    ) -> Option<Valuation> {
        let prices = Some((market.step(at), market.version()));
        if self.prices != prices {
            self.forget();
            let balances = books.cash.keys().map(|currency| Part::Balance(currency.clone()));
            let contracts = books.positions.keys().chain(working.keys());
            self.stale = balances.chain(contracts.map(|con_id| Part::Contract(*con_id))).collect();
        }
        // Until all parts are known, what is kept is of no use.
        self.prices = None;
        while let Some(part) = self.stale.pop_first() {
            let value = match &part {
                Part::Balance(currency) => {
                    let amount = books.cash.get(currency).copied().unwrap_or_default();
                    balance(market, currency, amount, at)?
                }
                Part::Contract(con_id) => {
                    let none = Position::default();
                    let position = books.positions.get(con_id).unwrap_or(&none);
                    let working = working.get(con_id).copied().unwrap_or_default();
                    contract(market, *con_id, position, working, at)?
                }
            };
            self.sum = self.sum.minus(&self.part(&part))?.plus(&value)?;
            self.parts.insert(part, value);
        }
        self.prices = prices;
        Some(self.sum)
    }
}
