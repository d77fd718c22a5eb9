//! The broker: orders, executions and books. Survives every connection, and with a state file
//! the simulator itself.
//!
//! It knows nothing of connections and frames: what happened comes back as [`Event`]s.

mod account;
pub mod books;
mod by_hand;
mod commission;
mod depth;
mod family;
mod index;
mod journal;
mod life;
mod margin;
mod matching;
pub mod order;
mod pricing;
mod profit;
pub mod terms;
mod timing;
mod valuation;
mod vet;
mod what_if;
mod wire_order;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use account::Rest;
use depth::Depth;
use index::Index;
use journal::Unsaved;
use order::{Order, Progress, Side, State};

pub use account::Account;
pub use commission::commission_currency;
pub use family::GENERATIONS_MAX;
pub use journal::{Changed, Changes};
pub use life::EXCHANGE_CLOSED;
pub use matching::Rules;
pub use valuation::Valuation;
pub use vet::{Refusal, Sender, vet};
pub use what_if::WhatIf;

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
    /// In the currency that the contract's commissions are charged in.
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
    #[serde(skip)]
    unsaved: Unsaved,
}

impl Broker {
    /// A broker whose accounts hold nothing but `cash` each.
    pub fn new(accounts: &[String], cash: Decimal) -> Self {
        Self {
            accounts: accounts.iter().map(|name| (name.clone(), Account::new(cash))).collect(),
            next_perm_id: FIRST_PERM_ID,
            orders: BTreeMap::new(),
            executions: Vec::new(),
            index: Index::default(),
            depth: Depth::default(),
            swept: None,
            unsaved: Unsaved::default(),
        }
    }

    /// Rebuilds what is not in the state file.
    pub fn index(&mut self) {
        self.index = Index::of(self.orders.values());
        for perm_id in self.index.open().clone() {
            self.touch(perm_id);
        }
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

    fn account_mut(&mut self, name: &str) -> Option<&mut Account> {
        let found = self.accounts.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, account)| account)
    }

    /// To be called whenever an order changed: its account must know what it has still to trade,
    /// and the state file how it stands.
    fn touch(&mut self, perm_id: i64) {
        self.unsaved.orders.insert(perm_id);
        let Some(order) = self.orders.get(&perm_id) else { return };
        let at_work = matches!(order.state, State::Queued | State::Working);
        let rest = at_work.then(|| Rest {
            con_id: order.con_id,
            side: order.side,
            quantity: order.remaining(),
        });
        let account = order.account.clone();
        if let Some(account) = self.account_mut(&account) {
            account.track(perm_id, rest);
        }
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
#[path = "flow_tests.rs"]
mod flow_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod random_tests;
