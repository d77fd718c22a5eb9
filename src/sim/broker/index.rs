//! Where to find open orders: by number, contract, parent, group, and time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::order::Order;

/// permIds of orders. Rebuilt from the orders, never saved.
#[derive(Debug, Default)]
pub struct Index {
    open: BTreeSet<i64>,
    /// By contract id, open orders only.
    by_contract: BTreeMap<i32, BTreeSet<i64>>,
    /// permId by client id and order id, ended orders too.
    names: HashMap<(i32, i32), i64>,
    /// Children by permId of their parent, ended ones too.
    children: HashMap<i64, Vec<i64>>,
    /// By account and name of the group, open orders only.
    groups: HashMap<(String, String), BTreeSet<i64>>,
    /// When each open order is to be looked at next.
    alarms: BTreeSet<(Timestamp, i64)>,
}

impl Index {
    /// The index of these orders.
    pub fn of<'o>(orders: impl Iterator<Item = &'o Order>) -> Self {
        let mut index = Self::default();
        for order in orders {
            index.enter(order);
        }
        index
    }

    /// Takes an order in.
    pub fn enter(&mut self, order: &Order) {
        self.names.insert((order.client_id, order.order_id), order.perm_id);
        if let Some(parent) = order.parent_perm_id {
            self.children.entry(parent).or_default().push(order.perm_id);
        }
        if order.state.is_open() {
            self.open.insert(order.perm_id);
            self.by_contract.entry(order.con_id).or_default().insert(order.perm_id);
            self.join_group(order);
            if let Some(at) = order.times.alarm {
                self.alarms.insert((at, order.perm_id));
            }
        }
    }

    /// Forgets which order a client's id names.
    pub fn forget_name(&mut self, name: (i32, i32)) {
        self.names.remove(&name);
    }

    /// Forgets all names.
    pub fn forget_names(&mut self) {
        self.names.clear();
    }

    /// Keeps only what ended orders need.
    pub fn close(&mut self, order: &Order) {
        self.open.remove(&order.perm_id);
        if let Some(orders) = self.by_contract.get_mut(&order.con_id) {
            orders.remove(&order.perm_id);
            if orders.is_empty() {
                self.by_contract.remove(&order.con_id);
            }
        }
        self.leave_group(order);
        if let Some(at) = order.times.alarm {
            self.alarms.remove(&(at, order.perm_id));
        }
    }

    fn join_group(&mut self, order: &Order) {
        if let Some(group) = order.group() {
            let members = self.groups.entry((order.account.clone(), group.name)).or_default();
            members.insert(order.perm_id);
        }
    }

    fn leave_group(&mut self, order: &Order) {
        let Some(group) = order.group() else { return };
        let name = (order.account.clone(), group.name);
        if let Some(members) = self.groups.get_mut(&name) {
            members.remove(&order.perm_id);
            if members.is_empty() {
                self.groups.remove(&name);
            }
        }
    }

    /// The open orders in the group of `order`, without itself.
    pub fn others_of_group(&self, order: &Order) -> Vec<i64> {
        let Some(group) = order.group() else { return Vec::new() };
        let members = self.groups.get(&(order.account.clone(), group.name));
        let members = members.into_iter().flatten().copied();
        members.filter(|perm_id| *perm_id != order.perm_id).collect()
    }

    pub fn set_alarm(&mut self, perm_id: i64, old: Option<Timestamp>, new: Option<Timestamp>) {
        if let Some(old) = old {
            self.alarms.remove(&(old, perm_id));
        }
        if let Some(new) = new {
            self.alarms.insert((new, perm_id));
        }
    }

    /// The earliest alarm, if it is due at `at`.
    pub fn due(&self, at: Timestamp) -> Option<(Timestamp, i64)> {
        self.alarms.first().copied().filter(|(when, _)| *when <= at)
    }

    pub fn open(&self) -> &BTreeSet<i64> {
        &self.open
    }

    pub fn of_contract(&self, con_id: i32) -> impl Iterator<Item = i64> {
        self.by_contract.get(&con_id).into_iter().flatten().copied()
    }

    /// Contracts with open orders.
    pub fn contracts(&self) -> Vec<i32> {
        self.by_contract.keys().copied().collect()
    }

    pub fn named(&self, client_id: i32, order_id: i32) -> Option<i64> {
        self.names.get(&(client_id, order_id)).copied()
    }

    /// The open children of an order.
    pub fn children_of(&self, parent: i64) -> Vec<i64> {
        let children = self.children.get(&parent).map(Vec::as_slice).unwrap_or_default();
        children.iter().copied().filter(|perm_id| self.open.contains(perm_id)).collect()
    }
}
