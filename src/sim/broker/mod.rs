//! The broker: orders, executions and books. Survives every connection, and with a state file
//! the simulator itself.
//!
//! It knows nothing of connections and frames: what happened comes back as [`Event`]s.

mod account;
pub mod books;
mod by_hand;
mod commission;
mod journal;
mod margin;
mod matching;
pub mod order;
mod profit;
mod valuation;
mod vet;
mod what_if;
mod wire_order;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use account::Rest;
use journal::Unsaved;
use order::{End, Order, Progress, Proposal, Side, State};

pub use account::Account;
pub use commission::commission_currency;
pub use journal::{Changed, Changes};
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
    /// A fill could not be booked: the order was taken off.
    Unbookable {
        perm_id: i64,
        progress: Progress,
    },
}

/// Why a cancel was not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCancellable {
    Unknown,
    Ended(&'static str),
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
    open: BTreeSet<i64>,
    /// permId by client id and order id.
    #[serde(skip)]
    names: HashMap<(i32, i32), i64>,
    /// Children by client id and order id of their parent.
    #[serde(skip)]
    children: HashMap<(i32, i32), Vec<i64>>,
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
            open: BTreeSet::new(),
            names: HashMap::new(),
            children: HashMap::new(),
            unsaved: Unsaved::default(),
        }
    }

    /// Rebuilds what is not in the state file.
    pub fn index(&mut self) {
        let open = self.orders.values().filter(|order| order.state.is_open());
        self.open = open.map(|order| order.perm_id).collect();
        self.children.clear();
        for order in self.orders.values() {
            if let Some(parent_id) = order.parent_id {
                self.children.entry((order.client_id, parent_id)).or_default().push(order.perm_id);
            }
        }
        let names = self.orders.values();
        self.names =
            names.map(|order| ((order.client_id, order.order_id), order.perm_id)).collect();
        for perm_id in self.open.clone() {
            self.touch(perm_id);
        }
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
        let at_work = order.state.is_open() && !matches!(order.state, State::Held | State::Waiting);
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
        self.open.iter().filter_map(|perm_id| self.orders.get(perm_id))
    }

    pub fn order(&self, perm_id: i64) -> Option<&Order> {
        self.orders.get(&perm_id)
    }

    /// The order that a client knows under `order_id`.
    pub fn find(&self, client_id: i32, order_id: i32) -> Option<&Order> {
        self.names.get(&(client_id, order_id)).and_then(|perm_id| self.orders.get(perm_id))
    }

    /// Accepts a new order and fills it if it can.
    pub fn place(&mut self, proposal: Proposal, rules: &Rules<'_>) -> Vec<Event> {
        let perm_id = self.next_perm_id;
        self.next_perm_id = self.next_perm_id.saturating_add(1);
        let family = proposal.parent_id.map(|parent| (proposal.client_id, parent));
        if let Some(family) = family {
            self.children.entry(family).or_default().push(perm_id);
        }
        let transmit = proposal.transmit;
        self.names.insert((proposal.client_id, proposal.order_id), perm_id);
        self.orders.insert(perm_id, Order::new(perm_id, proposal, State::Held));
        self.open.insert(perm_id);

        let mut events = Vec::new();
        if transmit {
            self.transmit_family(family, rules, &mut events);
            self.transmit(perm_id, rules, &mut events);
        } else {
            self.announce(perm_id, State::Held.status(), &mut events);
        }
        events
    }

    /// Changes an open order to new terms. The caller has checked that it is the same contract
    /// and side.
    pub fn modify(&mut self, perm_id: i64, proposal: Proposal, rules: &Rules<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(order) = self.orders.get_mut(&perm_id) else { return events };
        order.quantity = proposal.quantity;
        order.price = proposal.price;
        order.tif = proposal.tif;
        order.wire = proposal.wire;
        let family = order.parent_id.map(|parent| (order.client_id, parent));
        if order.state == State::Held && proposal.transmit {
            self.transmit_family(family, rules, &mut events);
            self.transmit(perm_id, rules, &mut events);
        } else {
            let status = order.state.status();
            self.announce(perm_id, status, &mut events);
            self.try_fill(perm_id, rules, &mut events);
        }
        events
    }

    /// Cancels an open order of `client_id`, and the children that wait for it.
    ///
    /// # Errors
    ///
    /// When the client has no such order, or it ended.
    pub fn cancel(
        &mut self,
        client_id: i32,
        order_id: i32,
        at: Timestamp,
    ) -> Result<Vec<Event>, NotCancellable> {
        let Some(order) = self.find(client_id, order_id) else {
            return Err(NotCancellable::Unknown);
        };
        if !order.state.is_open() {
            return Err(NotCancellable::Ended(order.state.status()));
        }
        let mut events = Vec::new();
        self.take_off(order.perm_id, at, "Cancelled by Trader", &mut events);
        Ok(events)
    }

    /// Cancels every open order of every client.
    pub fn cancel_all(&mut self, at: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        for perm_id in self.open.clone() {
            self.take_off(perm_id, at, "Cancelled by Trader", &mut events);
        }
        events
    }

    /// Cancels `perm_id` if it is open, then its children.
    fn take_off(&mut self, perm_id: i64, at: Timestamp, how: &str, events: &mut Vec<Event>) {
        let Some(order) = self.orders.get_mut(&perm_id).filter(|order| order.state.is_open())
        else {
            return;
        };
        order.state = State::Cancelled;
        order.end = Some(End { at, how: how.to_owned() });
        let progress = order.progress(State::Cancelled.status());
        let name = (order.client_id, order.order_id);
        self.open.remove(&perm_id);
        self.touch(perm_id);
        events.push(Event::Cancelled { perm_id, progress });
        for child in self.children_of(name) {
            self.take_off(child, at, how, events);
        }
    }

    /// Open orders whose parent is the client's order `name`.
    fn children_of(&self, name: (i32, i32)) -> Vec<i64> {
        let children = self.children.get(&name).map(Vec::as_slice).unwrap_or_default();
        children.iter().copied().filter(|perm_id| self.open.contains(perm_id)).collect()
    }

    fn announce(&mut self, perm_id: i64, status: &'static str, events: &mut Vec<Event>) {
        self.touch(perm_id);
        if let Some(order) = self.orders.get(&perm_id) {
            events.push(Event::Accepted { perm_id, progress: order.progress(status) });
        }
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod flow_tests;
