//! Displayed sizes: how much of a quote is left, and which quotes were looked at.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::order::Side;
use super::pricing::displayed;
use crate::sim::market::Quote;

/// What orders took of one quote.
#[derive(Clone, Copy, Debug)]
struct Taken {
    /// A new step of the market renews the sizes, and so does a new price.
    step: i64,
    quote: Quote,
    bought: Decimal,
    sold: Decimal,
}

/// The state of the exchange between two sweeps. Nothing of it outlives a step.
#[derive(Debug, Default)]
pub struct Depth {
    /// Fill whole, whatever size is displayed.
    pub unlimited: bool,
    taken: HashMap<i32, Taken>,
    /// The quote of each contract that all its open orders were tried against.
    seen: HashMap<i32, Quote>,
}

impl Depth {
    /// What an order of this side may still take of a quote.
    pub fn available(&self, con_id: i32, side: Side, step: i64, quote: &Quote) -> Decimal {
        let taken = match self.taken.get(&con_id) {
            Some(taken) if taken.step == step && taken.quote == *quote => match side {
                Side::Buy => taken.bought,
                Side::Sell => taken.sold,
            },
            _ => Decimal::ZERO,
        };
        (displayed(side, quote) - taken).max(Decimal::ZERO)
    }

    pub fn take(&mut self, con_id: i32, side: Side, step: i64, quote: &Quote, quantity: Decimal) {
        let fresh = Taken { step, quote: *quote, bought: Decimal::ZERO, sold: Decimal::ZERO };
        let taken = self.taken.entry(con_id).or_insert(fresh);
        if taken.step != step || taken.quote != *quote {
            *taken = fresh;
        }
        match side {
            Side::Buy => taken.bought += quantity,
            Side::Sell => taken.sold += quantity,
        }
    }

    /// Whether nothing can have changed for the orders of a contract.
    pub fn has_seen(&self, con_id: i32, quote: &Quote) -> bool {
        self.seen.get(&con_id) == Some(quote)
    }

    pub fn see(&mut self, con_id: i32, quote: Quote) {
        self.seen.insert(con_id, quote);
    }

    /// Makes the next sweep look at a contract again.
    pub fn forget(&mut self, con_id: i32) {
        self.seen.remove(&con_id);
    }
}
