//! Tables of price increments, which IB calls market rules.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

use super::Listing;

/// The first number of rules that are ours: for ticks whose number at IB we do not know.
const OWN_RULES: i32 = 9000;

/// Increments whose rule at IB is public through its API: US stocks, and currencies by their pip.
const KNOWN: [(Decimal, i32); 3] = [
    (Decimal::from_parts(1, 0, 0, false, 2), 26),
    (Decimal::from_parts(5, 0, 0, false, 5), 239),
    (Decimal::from_parts(5, 0, 0, false, 3), 240),
];

/// The increment of prices from `from` upwards, up to the next band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub from: Decimal,
    pub increment: Decimal,
}

/// A table as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub id: i32,
    pub bands: Vec<Band>,
}

/// The increment at `price` by a table in units of the currency, where `magnifier` units of price
/// make one of the currency. `None` when no band holds the price.
pub fn at(bands: &[Band], magnifier: Decimal, price: Decimal) -> Option<Decimal> {
    let amount = price.checked_div(magnifier)?;
    let band = bands.iter().rev().find(|band| band.from <= amount).or(bands.first())?;
    band.increment.checked_mul(magnifier)
}

/// The nearest multiple of `tick`.
pub fn round(price: Decimal, tick: Decimal) -> Decimal {
    match price.checked_div(tick) {
        Some(ticks) => {
            ticks.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero) * tick
        }
        None => price,
    }
}

/// The least increment of a table, in units of price.
pub fn least(rule: &Rule, magnifier: i32) -> Option<Decimal> {
    let least = rule.bands.iter().map(|band| band.increment).min()?;
    least.checked_mul(Decimal::from(magnifier))
}

/// Gives every contract its table and the table's number, and returns all tables. A contract that
/// names none has one increment at any price, and shares its number with all such contracts.
pub fn assign<'l>(
    listings: impl Iterator<Item = &'l mut Listing>,
    rules: &[Rule],
) -> BTreeMap<i32, Vec<Band>> {
    let mut tables: BTreeMap<_, _> =
        rules.iter().map(|rule| (rule.id, rule.bands.clone())).collect();
    let listings: Vec<_> = listings.collect();
    let increment = |listing: &Listing| {
        listing.min_tick.checked_div(Decimal::from(listing.price_magnifier)).unwrap_or_default()
    };
    let plain = listings.iter().filter(|listing| listing.market_rule.is_none());
    let increments: BTreeSet<_> = plain.map(|listing| increment(listing)).collect();
    let number = |increment: Decimal| match KNOWN.iter().find(|(known, _)| *known == increment) {
        Some((_, id)) => *id,
        None => {
            let place = increments.iter().position(|other| *other == increment);
            OWN_RULES.saturating_add(i32::try_from(place.unwrap_or_default()).unwrap_or_default())
        }
    };
    for listing in listings {
        if listing.market_rule.is_none() {
            let increment = increment(listing);
            let id = number(increment);
            listing.market_rule = Some(id);
            tables.insert(id, vec![Band { from: Decimal::ZERO, increment }]);
        }
        listing.bands =
            listing.market_rule.and_then(|id| tables.get(&id)).cloned().unwrap_or_default();
    }
    tables
}
