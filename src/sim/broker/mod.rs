//! The broker: orders, executions and books. Survives every connection, and with a state file
//! the simulator itself.
//!
//! It knows nothing of connections and frames: what happened comes back as [`Event`]s.

pub mod books;
mod commission;
mod depth;
mod family;
mod index;
mod life;
mod matching;
pub mod order;
mod pricing;
pub mod terms;
mod timing;
mod vet;
mod wire_order;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use books::Books;
use depth::Depth;
use index::Index;
use order::{Order, Progress, Side};

pub use family::GENERATIONS_MAX;
pub use life::EXCHANGE_CLOSED;
pub use matching::{Rules, WhatIf};
pub use vet::{Refusal, Sender, vet};

/// The first permId. Any positive number would do; IB's have nine or ten digits.
const FIRST_PERM_ID: i64 = 1_000_000_001;

/// One fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Unique for ever.
    pub exec_id: String,
    pub perm_id: i64,
    pub account: String,
    pub client_id: i32,
    pub order_id: i32,
    pub order_ref: String,
    pub con_id: i32,
    pub exchange: String,
    pub side: Side,
    pub shares: Decimal,
    pub price: Decimal,
    /// Filled of this order so far, this fill included.
    pub cumulative: Decimal,
    pub average: Decimal,
    pub at: Timestamp,
    /// Whether the order was resting when it filled.
    pub resting: bool,
    /// In the base currency.
    pub commission: Decimal,
    /// In the currency of the contract; absent when the fill closed nothing.
    pub realized: Option<Decimal>,
}

/// What happened at the broker, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order was accepted, transmitted, or changed.
    Accepted {
        perm_id: i64,
        progress: Progress,
    },
    /// The order just sent goes to the exchange at its next opening.
    Queued {
        perm_id: i64,
        until: Timestamp,
    },
    /// `execution` is its place in [`Broker::executions`].
    Filled {
        perm_id: i64,
        progress: Progress,
        execution: usize,
    },
    Cancelled {
        perm_id: i64,
        progress: Progress,
    },
    /// An order that was accepted before had to be taken off.
    Rejected {
        perm_id: i64,
        progress: Progress,
        reason: &'static str,
    },
}

impl Event {
    /// The order that it happened to.
    pub fn perm_id(&self) -> i64 {
        match self {
            Self::Accepted { perm_id, .. }
            | Self::Queued { perm_id, .. }
            | Self::Filled { perm_id, .. }
            | Self::Cancelled { perm_id, .. }
            | Self::Rejected { perm_id, .. } => *perm_id,
        }
    }
}

/// Why a cancel was not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCancellable {
    Unknown,
    Ended(&'static str),
    /// In an auction that takes no more cancels. The permId.
    Locked(i64),
}

/// One account of the login.
#[derive(Debug, Serialize, Deserialize)]
pub struct Account {
    pub books: Books,
    /// What it was worth when the simulator first started.
    pub opening_equity: Decimal,
}

/// All that IB's servers know of the accounts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Broker {
    /// In the order of the login.
    accounts: Vec<(String, Account)>,
    next_perm_id: i64,
    orders: BTreeMap<i64, Order>,
    executions: Vec<Execution>,
    #[serde(skip)]
    index: Index,
    #[serde(skip)]
    depth: Depth,
    /// The instant of the last sweep.
    #[serde(skip)]
    swept: Option<Timestamp>,
}

impl Broker {
    /// A broker whose accounts hold nothing but `cash` each.
    pub fn new(accounts: &[String], cash: Decimal) -> Self {
        let account = || Account { books: Books::new(cash), opening_equity: cash };
        Self {
            accounts: accounts.iter().map(|name| (name.clone(), account())).collect(),
            next_perm_id: FIRST_PERM_ID,
            orders: BTreeMap::new(),
            executions: Vec::new(),
            index: Index::default(),
            depth: Depth::default(),
            swept: None,
        }
    }

    /// Rebuilds what is not in the state file.
    pub fn index(&mut self) {
        self.index = Index::of(self.orders.values());
    }

    /// Whether displayed sizes limit a fill. They do, unless switched off.
    pub fn limit_sizes(&mut self, on: bool) {
        self.depth.unlimited = !on;
    }

    /// The accounts of the login, in its order.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &Account)> {
        self.accounts.iter().map(|(name, account)| (name.as_str(), account))
    }

    /// The account of this name, or of an empty name: the first.
    pub fn account(&self, name: &str) -> Option<(&str, &Account)> {
        self.accounts().find(|(known, _)| name.is_empty() || *known == name)
    }

    /// Their names as IB lists them.
    pub fn account_list(&self) -> String {
        self.accounts().map(|(name, _)| name).collect::<Vec<_>>().join(",")
    }

    fn books_mut(&mut self, name: &str) -> Option<&mut Books> {
        let found = self.accounts.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, account)| &mut account.books)
    }

    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// All orders, by permId.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// Orders that can still fill, by permId.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.index.open().iter().filter_map(|perm_id| self.orders.get(perm_id))
    }

    /// Orders of an account that can still fill, on one side of a contract.
    pub fn open_on_side(&self, account: &str, con_id: i32, side: Side) -> usize {
        let orders = self.index.of_contract(con_id).filter_map(|perm_id| self.orders.get(&perm_id));
        orders.filter(|order| order.side == side && order.account == account).count()
    }

    pub fn order(&self, perm_id: i64) -> Option<&Order> {
        self.orders.get(&perm_id)
    }

    /// The order that a client knows under `order_id`.
    pub fn find(&self, client_id: i32, order_id: i32) -> Option<&Order> {
        let perm_id = self.index.named(client_id, order_id)?;
        self.orders.get(&perm_id)
    }
}

#[cfg(test)]
mod floor;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod random_tests;
