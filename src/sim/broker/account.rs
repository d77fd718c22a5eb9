//! One account of the login: its books, its day, and what its working orders may still trade.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::books::{Booking, Books, TooLarge};
use super::commission::commission_currency;
use super::journal::UnsavedAccount;
use super::margin::Working;
use super::order::Side;
use super::profit::Day;
use super::valuation::{self, Appraisal, Part, Valuation};
use crate::sim::market::Market;

/// What an order at work has still to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    pub con_id: i32,
    pub side: Side,
    /// Positive.
    pub quantity: Decimal,
}

/// One account of the login.
#[derive(Debug, Serialize, Deserialize)]
pub struct Account {
    pub books: Books,
    pub day: Day,
    /// By permId.
    #[serde(skip)]
    rests: HashMap<i64, Rest>,
    /// The sum of `rests`, by contract id.
    #[serde(skip)]
    working: BTreeMap<i32, Working>,
    #[serde(skip)]
    appraisal: RefCell<Appraisal>,
    #[serde(skip)]
    pub unsaved: UnsavedAccount,
}

impl Account {
    /// An account with nothing but `cash` in the base currency, before its first day.
    pub fn new(cash: Decimal) -> Self {
        Self {
            books: Books::new(cash),
            day: Day { until: Timestamp::MIN, equity: cash },
            rests: HashMap::new(),
            working: BTreeMap::new(),
            appraisal: RefCell::default(),
            unsaved: UnsavedAccount::default(),
        }
    }

    /// Books a fill, as [`Books::book`] does.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], and then nothing changed.
    pub fn book(&mut self, fill: &Booking<'_>) -> Result<Option<Decimal>, TooLarge> {
        let realized = self.books.book(fill)?;
        let appraisal = self.appraisal.get_mut();
        let listing = fill.listing;
        self.unsaved.cash = true;
        self.unsaved.contracts.insert(listing.con_id);
        appraisal.touch(Part::Contract(listing.con_id));
        for currency in [&listing.currency, &listing.symbol, commission_currency(listing)] {
            if self.books.cash.contains_key(currency) {
                appraisal.touch(Part::Balance(currency.to_owned()));
            }
        }
        Ok(realized)
    }

    /// Says what an order has still to trade; `None` when it does not work, or no more.
    pub fn track(&mut self, perm_id: i64, rest: Option<Rest>) {
        let before = match rest {
            Some(rest) => self.rests.insert(perm_id, rest),
            None => self.rests.remove(&perm_id),
        };
        let taken = before.map(|rest| Rest { quantity: -rest.quantity, ..rest });
        for rest in taken.into_iter().chain(rest) {
            let working = self.working.entry(rest.con_id).or_default();
            *working = working.with(rest.side, rest.quantity);
            if working.is_empty() {
                self.working.remove(&rest.con_id);
            }
            self.appraisal.get_mut().touch(Part::Contract(rest.con_id));
        }
    }

    /// What all of it is worth at the mid of the quotes. `None` when an amount is too large.
    pub fn value(&self, market: &Market, at: Timestamp) -> Option<Valuation> {
        self.appraisal.borrow_mut().look(&self.books, &self.working, market, at)
    }

    pub fn forget_values(&mut self) {
        self.appraisal.get_mut().forget();
    }

    /// What all of it would be worth after `fill`, without the order `replaced` if it works.
    /// `None` when an amount is too large.
    pub fn value_after(
        &self,
        fill: &Booking<'_>,
        replaced: Option<i64>,
        market: &Market,
        at: Timestamp,
    ) -> Option<Valuation> {
        let mut value = self.value(market, at)?;
        let change = self.books.change(fill).ok()?;
        let known = self.appraisal.borrow();
        let mut replace = |part: Part, new: Valuation| -> Option<()> {
            value = value.minus(&known.part(&part))?.plus(&new)?;
            Some(())
        };
        for (currency, amount) in change.cash {
            let new = valuation::balance(market, currency, amount, at)?;
            replace(Part::Balance(currency.to_owned()), new)?;
        }
        let con_id = fill.listing.con_id;
        let mut working = self.working.get(&con_id).copied().unwrap_or_default();
        if let Some(rest) = replaced.and_then(|perm_id| self.rests.get(&perm_id)) {
            working = working.with(rest.side, -rest.quantity);
        }
        let position = change.position.unwrap_or_default();
        let new = valuation::contract(market, con_id, &position, working, at)?;
        replace(Part::Contract(con_id), new)?;
        Some(value)
    }

    /// What its working orders have still to trade, by contract id.
    #[cfg(test)]
    pub fn working(&self) -> &BTreeMap<i32, Working> {
        &self.working
    }
}
