//! What the gateway itself remembers: which order ids each client has used. A real gateway keeps
//! this in its own settings, apart from IB's servers, and may lose it while orders live on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Clients of the `ibapi` crate number their requests from here and refuse to connect when the
/// next order id reaches it.
const ORDER_ID_END: i32 = 1_500_000_000;

/// The order ids of one client id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ids {
    used: BTreeSet<i32>,
}

/// The gateway's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    clients: BTreeMap<i32, Ids>,
}

impl Settings {
    /// The lowest id that is above all ids that the client used.
    pub fn next_id(&self, client_id: i32) -> i32 {
        let highest = self.clients.get(&client_id).and_then(|ids| ids.used.last());
        highest.map_or(1, |highest| highest.saturating_add(1))
    }

    /// Whether an order can have this id at all.
    pub fn is_valid(order_id: i32) -> bool {
        (1..ORDER_ID_END - 1).contains(&order_id)
    }

    /// Whether the client used `order_id` before, for an order or a refused one.
    pub fn is_used(&self, client_id: i32, order_id: i32) -> bool {
        self.clients.get(&client_id).is_some_and(|ids| ids.used.contains(&order_id))
    }

    /// Forgets every client and every id.
    pub fn wipe(&mut self) {
        self.clients.clear();
    }

    /// Forgets the highest `by` ids of every client.
    pub fn roll_back(&mut self, by: i32) {
        for ids in self.clients.values_mut() {
            for _ in 0..by {
                if ids.used.pop_last().is_none() {
                    break;
                }
            }
        }
    }

    /// Forgets all ids of every client but the highest, from which the next one follows.
    pub fn forget_used(&mut self) {
        for ids in self.clients.values_mut() {
            let highest = ids.used.pop_last();
            ids.used = highest.into_iter().collect();
        }
    }

    /// Forgets that a client used an id.
    pub fn forget(&mut self, (client_id, order_id): (i32, i32)) {
        if let Some(ids) = self.clients.get_mut(&client_id) {
            ids.used.remove(&order_id);
        }
    }

    pub fn mark_used(&mut self, client_id: i32, order_id: i32) {
        self.clients.entry(client_id).or_default().used.insert(order_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_id_is_above_all_used_ids_of_its_client() {
        let mut settings = Settings::default();
        assert_eq!(settings.next_id(7), 1);
        settings.mark_used(7, 41);
        settings.mark_used(7, 12);
        assert_eq!(settings.next_id(7), 42);
        assert_eq!(settings.next_id(8), 1);
        assert!(settings.is_used(7, 12) && !settings.is_used(7, 13));
        assert!(!Settings::is_valid(0) && !Settings::is_valid(1_500_000_000));
    }
}
