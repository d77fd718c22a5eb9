//! What happens at the broker without a client: a fill by hand, and what the gateway forgets.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::books::Books;
use super::life::Cause;
use super::{Broker, Event, Rules};

impl Broker {
    /// Forgets which order a client's id names. The order works on.
    pub fn forget_name(&mut self, name: (i32, i32)) {
        self.index.forget_name(name);
    }

    /// Forgets all names.
    pub fn forget_names(&mut self) {
        self.index.forget_names();
    }

    /// Exchanges the books of the accounts, in their order, for others.
    pub fn swap_books(&mut self, books: &mut [Books]) {
        for ((_, account), books) in self.accounts.iter_mut().zip(books) {
            std::mem::swap(&mut account.books, books);
            account.forget_values();
        }
    }

    /// The permId of the order that came last.
    pub fn latest(&self) -> Option<i64> {
        self.orders.last_key_value().map(|(perm_id, _)| *perm_id)
    }

    /// Cancels an open order, as a person at the broker would.
    pub fn cancel_by_hand(&mut self, perm_id: i64, at: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        self.take_off(perm_id, Cause::Trader, at, &mut events);
        events
    }

    /// Fills an open order at `price` whatever the market says: `quantity` of it, or the rest.
    pub fn fill_by_hand(
        &mut self,
        perm_id: i64,
        price: Decimal,
        quantity: Option<Decimal>,
        rules: &Rules<'_>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(order) = self.orders.get(&perm_id).filter(|order| order.state.is_open()) else {
            return events;
        };
        let rest = order.remaining();
        let quantity = quantity.unwrap_or(rest).min(rest);
        self.force(perm_id, quantity, price, rules, &mut events);
        events
    }
}
