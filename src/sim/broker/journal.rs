//! What changed at the broker since it was last written down, so that a long life is not written
//! anew for each order.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::books::Position;
use super::order::Order;
use super::profit::Day;
use super::{Broker, Execution};

/// What of the broker is not written down yet.
#[derive(Debug, Default)]
pub struct Unsaved {
    pub orders: BTreeSet<i64>,
    /// How many executions are written down.
    pub executions_saved: usize,
}

/// What of an account is not written down yet.
#[derive(Debug, Default)]
pub struct UnsavedAccount {
    pub cash: bool,
    pub contracts: BTreeSet<i32>,
    pub day: bool,
}

impl UnsavedAccount {
    fn is_empty(&self) -> bool {
        !self.cash && !self.day && self.contracts.is_empty()
    }
}

/// Changes, to be written.
#[derive(Debug, Serialize)]
pub struct Changes<'a> {
    next_perm_id: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    orders: Vec<&'a Order>,
    #[serde(skip_serializing_if = "<[Execution]>::is_empty")]
    executions: &'a [Execution],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<AccountChanges<'a>>,
}

#[derive(Debug, Serialize)]
struct AccountChanges<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cash: Option<&'a BTreeMap<String, Decimal>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    positions: BTreeMap<i32, &'a Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<Day>,
}

/// Changes, as they were read.
#[derive(Debug, Deserialize)]
pub struct Changed {
    next_perm_id: i64,
    #[serde(default)]
    orders: Vec<Order>,
    #[serde(default)]
    executions: Vec<Execution>,
    #[serde(default)]
    accounts: Vec<AccountChanged>,
}

#[derive(Debug, Deserialize)]
struct AccountChanged {
    name: String,
    cash: Option<BTreeMap<String, Decimal>>,
    #[serde(default)]
    positions: BTreeMap<i32, Position>,
    day: Option<Day>,
}

impl Broker {
    /// What changed since [`mark_saved`](Self::mark_saved).
    pub fn changes(&self) -> Changes<'_> {
        let changed = self.accounts.iter().filter(|(_, account)| !account.unsaved.is_empty());
        Changes {
            next_perm_id: self.next_perm_id,
            orders: self.unsaved.orders.iter().filter_map(|id| self.orders.get(id)).collect(),
            executions: self.executions.get(self.unsaved.executions_saved..).unwrap_or_default(),
            accounts: changed.map(|(name, account)| account.changes(name)).collect(),
        }
    }

    /// Whether there is anything to write down.
    pub fn has_changes(&self) -> bool {
        !self.unsaved.orders.is_empty()
            || self.unsaved.executions_saved < self.executions.len()
            || self.accounts.iter().any(|(_, account)| !account.unsaved.is_empty())
    }

    /// All changes so far are written down, or never will be.
    pub fn mark_saved(&mut self) {
        self.unsaved.orders.clear();
        self.unsaved.executions_saved = self.executions.len();
        for (_, account) in &mut self.accounts {
            account.unsaved = UnsavedAccount::default();
        }
    }

    /// Repeats changes that were written down. [`index`](Self::index) is due after the last.
    /// Accounts that the broker does not have are left out: the check of the file names them.
    pub fn apply(&mut self, changed: Changed) {
        self.next_perm_id = changed.next_perm_id;
        self.orders.extend(changed.orders.into_iter().map(|order| (order.perm_id, order)));
        self.executions.extend(changed.executions);
        for changed in changed.accounts {
            let Some(account) = self.account_mut(&changed.name) else { continue };
            account.books.cash = changed.cash.unwrap_or_else(|| account.books.cash.clone());
            account.books.positions.extend(changed.positions);
            account.day = changed.day.unwrap_or(account.day);
        }
    }
}

impl Account {
    fn changes<'a>(&'a self, name: &'a str) -> AccountChanges<'a> {
        let positions = self.unsaved.contracts.iter();
        let positions = positions.filter_map(|con_id| self.books.positions.get_key_value(con_id));
        AccountChanges {
            name,
            cash: self.unsaved.cash.then_some(&self.books.cash),
            positions: positions.map(|(con_id, position)| (*con_id, position)).collect(),
            day: self.unsaved.day.then_some(self.day),
        }
    }
}
