//! What the gateway itself remembers: which order ids each client has used. A real gateway keeps
//! this in its own settings, apart from IB's servers, and may lose it while orders live on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Clients of the `ibapi` crate number their requests from here and refuse to connect when the
/// next order id reaches it.
const ORDER_ID_END: i32 = 1_500_000_000;

/// The gateway's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The highest order id of each client id. It is one mark and not a set: a new order must be
    /// above it, whether its own id was ever used or not.
    highest: BTreeMap<i32, i32>,
}

impl Settings {
    /// The lowest id that is above all ids that the client used.
    pub fn next_id(&self, client_id: i32) -> i32 {
        self.highest.get(&client_id).map_or(1, |highest| highest.saturating_add(1))
    }

    /// Whether an order can have this id at all.
    pub fn is_valid(order_id: i32) -> bool {
        (1..ORDER_ID_END - 1).contains(&order_id)
    }

    /// Whether the client used `order_id`, or one above it, before: for an order or a refused
    /// one.
    pub fn is_used(&self, client_id: i32, order_id: i32) -> bool {
        self.highest.get(&client_id).is_some_and(|highest| order_id <= *highest)
    }

    /// Forgets every client and every id.
    pub fn wipe(&mut self) {
        self.highest.clear();
    }

    /// Takes the mark of every client `by` ids back.
    pub fn roll_back(&mut self, by: i32) {
        self.highest.retain(|_, highest| {
            *highest = highest.saturating_sub(by);
            *highest > 0
        });
    }

    /// Lets a client use an id, and those above it, once more.
    pub fn release(&mut self, (client_id, order_id): (i32, i32)) {
        if let Some(highest) = self.highest.get_mut(&client_id) {
            *highest = (*highest).min(order_id.saturating_sub(1));
        }
    }

    pub fn mark_used(&mut self, client_id: i32, order_id: i32) {
        let highest = self.highest.entry(client_id).or_insert(order_id);
        *highest = order_id.max(*highest);
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
        assert!(settings.is_used(7, 12) && settings.is_used(7, 13) && !settings.is_used(7, 42));
        assert!(!Settings::is_valid(0) && !Settings::is_valid(1_500_000_000));
    }
}
