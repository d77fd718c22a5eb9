//! Profit and loss by the day.
//!
//! IB resets the realised result of account and positions once a day, and counts daily results
//! from the close of the day before (<https://interactivebrokers.github.io/tws-api/pnl.html>; TWS
//! lets its user choose the hour). Here a day is one of New York, midnight to midnight, and what
//! it began with is valued at the prices of that midnight.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Broker;
use super::account::Account;
use super::books::Position;
use super::matching::Rules;
use crate::sim::clock::Zone;
use crate::sim::market::Market;

/// What a position had brought in when the day began, in the currency of its contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Realised and unrealised together.
    pub result: Decimal,
    pub realized: Decimal,
}

impl Position {
    /// The result of what was closed since the day began.
    pub fn realized_today(&self) -> Option<Decimal> {
        self.realized.checked_sub(self.opening.realized)
    }

    /// The result since the day began, with `unrealized` now.
    pub fn daily(&self, unrealized: Decimal) -> Option<Decimal> {
        unrealized.checked_add(self.realized)?.checked_sub(self.opening.result)
    }
}

/// The day that daily results count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The first instant of the next day. A clock that is set back stays in this one.
    pub until: Timestamp,
    /// Net liquidation when it began, in the base currency.
    pub equity: Decimal,
}

impl Broker {
    /// Begins a new day for the accounts if there is one. Says whether anything changed.
    pub fn turn_day(&mut self, rules: &Rules<'_>) -> bool {
        let mut turned = false;
        for (_, account) in self.accounts.iter_mut() {
            if rules.at >= account.day.until {
                turned |= account.turn_day(rules.market, rules.at);
            }
        }
        turned
    }
}

impl Account {
    fn turn_day(&mut self, market: &Market, at: Timestamp) -> bool {
        let zone = Zone::exchange();
        let date = zone.date(at);
        let midnights = (zone.instant(date, 0, 0), zone.instant(date, 24, 0));
        let (Some(since), Some(until)) = midnights else { return false };
        for (con_id, position) in &mut self.books.positions {
            let Some(listing) = market.universe().get(*con_id) else { continue };
            let price = market.quote(listing, since).mid();
            let result = position
                .unrealized(listing, price)
                .and_then(|unrealized| unrealized.checked_add(position.realized));
            position.opening.realized = position.realized;
            position.opening.result = result.unwrap_or(position.opening.result);
        }
        self.forget_values();
        let equity = self.value(market, since).map(|value| value.net_liquidation());
        self.forget_values();
        self.unsaved.day = true;
        self.unsaved.contracts.extend(self.books.positions.keys());
        self.day = Day { until, equity: equity.unwrap_or(self.day.equity) };
        true
    }
}
