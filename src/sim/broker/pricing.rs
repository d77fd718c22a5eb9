//! At what price, and how much of it, an order meets the quote.

use rust_decimal::Decimal;

use super::order::{Order, Side};
use super::terms::{Kind, Patience, Price, Trigger};
use crate::sim::market::Quote;
use crate::sim::universe::{Listing, SecType};

const HALF: Decimal = Decimal::from_parts(5, 0, 0, false, 1);
const QUARTER: Decimal = Decimal::from_parts(25, 0, 0, false, 2);

/// The price that an order of this side meets.
pub fn touch(side: Side, quote: &Quote) -> Decimal {
    match side {
        Side::Buy => quote.ask,
        Side::Sell => quote.bid,
    }
}

/// The size on the side of the quote that an order of this side meets.
pub fn displayed(side: Side, quote: &Quote) -> Decimal {
    match side {
        Side::Buy => quote.ask_size,
        Side::Sell => quote.bid_size,
    }
}

impl Patience {
    /// Of the spread, from the near side of the quote, and of the displayed size.
    fn share(self) -> Decimal {
        match self {
            Self::Urgent => Decimal::ONE,
            Self::Normal => HALF,
            Self::Patient => QUARTER,
        }
    }
}

/// The price at which an order at the exchange fills against `quote`; `None` when the market has
/// not reached it.
pub fn reach(order: &Order, listing: &Listing, quote: &Quote) -> Option<Decimal> {
    if quote.bid <= Decimal::ZERO || quote.ask < quote.bid {
        return None;
    }
    let price = match order.terms.kind {
        Kind::Plain | Kind::Stop { .. } => touch(order.side, quote),
        Kind::Midprice => quote.mid(),
        Kind::Adaptive(patience) => between(order.side, listing, quote, patience)?,
        // Not outside its auction.
        Kind::AtClose => return None,
    };
    is_within(order, price).then_some(price)
}

/// Whether the limit of the order allows `price`.
pub fn is_within(order: &Order, price: Decimal) -> bool {
    match (order.price, order.side) {
        (Price::Market, _) => true,
        (Price::Limit(limit), Side::Buy) => price <= limit,
        (Price::Limit(limit), Side::Sell) => price >= limit,
    }
}

/// A price inside the quote, on a tick, rounded toward the far side.
fn between(side: Side, listing: &Listing, quote: &Quote, patience: Patience) -> Option<Decimal> {
    let way = (quote.ask - quote.bid).checked_mul(patience.share())?;
    let tick = listing.tick_at(quote.ask);
    match side {
        Side::Buy => {
            let ticks = quote.bid.checked_add(way)?.checked_div(tick)?.ceil();
            Some(ticks.checked_mul(tick)?.min(quote.ask))
        }
        Side::Sell => {
            let ticks = quote.ask.checked_sub(way)?.checked_div(tick)?.floor();
            Some(ticks.checked_mul(tick)?.max(quote.bid))
        }
    }
}

/// How much of an `available` size the order takes at once: whole increments.
pub fn appetite(order: &Order, listing: &Listing, available: Decimal) -> Decimal {
    let increment = listing.size_increment;
    let wanted = match order.terms.kind {
        Kind::Adaptive(patience) => available * patience.share(),
        Kind::Plain | Kind::Stop { .. } | Kind::AtClose | Kind::Midprice => available,
    };
    let whole = wanted.checked_div(increment).map(|count| count.floor() * increment);
    let whole = whole.unwrap_or_default();
    // A quarter of one share is still a share.
    if whole.is_zero() && available >= increment { increment } else { whole }
}

/// Whether the market has reached the price of a stop.
pub fn is_triggered(order: &Order, quote: &Quote) -> bool {
    let Kind::Stop { at, trigger } = order.terms.kind else { return false };
    let reached = |price: Decimal| match order.side {
        Side::Buy => price >= at,
        Side::Sell => price <= at,
    };
    // A buyer's stop looks at what others pay, a seller's at what they ask.
    let other_side = match order.side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    };
    if quote.bid <= Decimal::ZERO {
        return false;
    }
    match trigger {
        Trigger::Last => reached(quote.last),
        Trigger::BidAsk => reached(other_side),
        Trigger::LastOrBidAsk => reached(quote.last) || reached(other_side),
        Trigger::Midpoint => reached(quote.mid()),
    }
}

/// What a stop looks at by IB's numbers; 0 is the default of its kind of contract. The double
/// methods want two prices in a row, which a simulated price a step does not tell apart from one.
pub fn trigger_method(number: i32, listing: &Listing) -> Option<Trigger> {
    match number {
        // Currency pairs have no last trade.
        0 if listing.sec_type == SecType::Cash => Some(Trigger::BidAsk),
        0 | 2 | 3 => Some(Trigger::Last),
        1 | 4 => Some(Trigger::BidAsk),
        7 => Some(Trigger::LastOrBidAsk),
        8 => Some(Trigger::Midpoint),
        _ => None,
    }
}
