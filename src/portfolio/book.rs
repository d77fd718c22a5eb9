//! What a strategy wants to hold: as handed in, and checked.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::book_problem::{BookProblem, BookProblems};
use crate::config::{TradingConfig, exact_optional};
use crate::domain::{ContractQuery, StrategyId};

/// The most targets of one book. Every contract of a plan needs a quote, and an account has 100
/// market data lines unless it pays for more
/// (<https://www.interactivebrokers.com/campus/ibkr-api-page/market-data-subscriptions/>).
pub const TARGETS_MAX: usize = 100;

/// How far `as_of` may lie ahead of our clock: what two machines without a time server between
/// them drift apart, and no more.
pub const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(30);

/// A target book as a program hands it in, field for field; also its form in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookMessage {
    /// Whose.
    pub strategy: StrategyId,
    /// The instant whose market it was computed from, RFC 3339.
    pub as_of: Timestamp,
    /// From then on it is stale and moves nothing, RFC 3339.
    pub valid_until: Timestamp,
    /// What to hold; what a strategy holds and does not name here goes to 0.
    #[serde(default)]
    pub targets: Vec<TargetMessage>,
    /// Hold nothing. The only way to say so: an empty list alone is refused.
    #[serde(default)]
    pub flat: bool,
}

/// One target as handed in: a contract with either a weight or a quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetMessage {
    /// Which contract.
    pub contract: ContractQuery,
    /// Part of the strategy's budget; negative is short.
    #[serde(default, deserialize_with = "exact_optional", skip_serializing_if = "Option::is_none")]
    pub weight: Option<Decimal>,
    /// Units of the contract; negative is short.
    #[serde(default, deserialize_with = "exact_optional", skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
}

/// How much of one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Part of the strategy's budget (net liquidation × overall exposure × its own factor);
    /// negative is short.
    Weight(Decimal),
    /// Units of the contract, whatever the budget; negative is short.
    Quantity(Decimal),
}

impl Size {
    /// The number, whatever it counts.
    pub fn amount(self) -> Decimal {
        match self {
            Self::Weight(amount) | Self::Quantity(amount) => amount,
        }
    }
}

/// One target, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which contract.
    pub contract: ContractQuery,
    /// How much.
    pub size: Size,
}

/// A target book whose parts fit together: each target has one size, no contract is named twice,
/// and "nothing" is said aloud. The document `strategies/{id}/intent/latest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BookMessage", into = "BookMessage")]
pub struct TargetBook {
    strategy: StrategyId,
    as_of: Timestamp,
    valid_until: Timestamp,
    /// Empty means flat.
    targets: Vec<Target>,
}

/// Whether a book may move anything now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It may.
    Fresh,
    /// `valid_until` is reached.
    Expired,
    /// `as_of` lies ahead: a clock is wrong somewhere.
    NotYet,
}

/// What a book is admitted against.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    /// The present.
    pub now: Timestamp,
    /// Limits on weights, and whether short targets are allowed.
    pub config: &'a TradingConfig,
    /// The book that the strategy has in force, however old.
    pub stored: Option<&'a TargetBook>,
}

impl TargetBook {
    /// Admits a book that was handed in, or lists every reason against it.
    ///
    /// The same book again is admitted: a redelivery is no contradiction.
    pub fn admit(message: BookMessage, against: Admission<'_>) -> Result<Self, BookProblems> {
        let mut problems = time_problems(&message, against.now);
        let (book, structure) = Self::assemble(message);
        problems.extend(structure);
        problems.extend(size_problems(
            book.targets.iter().map(|target| (target.contract.to_string(), target.size)),
            against.config,
        ));
        if let Some(stored) = against.stored {
            problems.extend(book.precedence(stored));
        }
        if problems.is_empty() { Ok(book) } else { Err(BookProblems(problems)) }
    }

    /// Whose.
    pub fn strategy(&self) -> &StrategyId {
        &self.strategy
    }

    /// The instant whose market it was computed from.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// From then on it is stale.
    pub fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// What to hold; empty if the book is flat.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether it says to hold nothing.
    pub fn is_flat(&self) -> bool {
        self.targets.is_empty()
    }

    /// Whether it may move anything now.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        freshness(self.as_of, self.valid_until, now)
    }

    fn assemble(message: BookMessage) -> (Self, Vec<BookProblem>) {
        let mut problems = Vec::new();
        let count = message.targets.len();
        match (message.flat, count) {
            (true, 1..) => problems.push(BookProblem::FlatWithTargets { targets: count }),
            (false, 0) => problems.push(BookProblem::Empty),
            _ => {}
        }
        if count > TARGETS_MAX {
            problems.push(BookProblem::TooMany { targets: count });
        }
        let mut seen = BTreeSet::new();
        let mut targets = Vec::new();
        for (index, target) in message.targets.into_iter().enumerate() {
            let name = target.contract.to_string();
            if target.contract.con_id.is_none() && target.contract.symbol.is_none() {
                problems.push(BookProblem::NoContract { index: index + 1 });
            }
            if !seen.insert(target.contract.clone()) {
                problems.push(BookProblem::Duplicate { contract: name.clone() });
            }
            match (target.weight, target.quantity) {
                (Some(weight), None) => {
                    targets.push(Target { contract: target.contract, size: Size::Weight(weight) });
                }
                (None, Some(units)) => {
                    targets.push(Target { contract: target.contract, size: Size::Quantity(units) });
                }
                _ => problems.push(BookProblem::OneSize { contract: name }),
            }
        }
        let BookMessage { strategy, as_of, valid_until, .. } = message;
        (Self { strategy, as_of, valid_until, targets }, problems)
    }

    fn precedence(&self, stored: &Self) -> Option<BookProblem> {
        let (as_of, in_force) = (self.as_of, stored.as_of);
        if as_of < in_force {
            return Some(BookProblem::Superseded { as_of, in_force });
        }
        (as_of == in_force && self != stored).then_some(BookProblem::Contradicts { as_of })
    }
}

impl TryFrom<BookMessage> for TargetBook {
    type Error = BookProblems;

    /// For books that were admitted before: checks that the parts fit together, not the time.
    fn try_from(message: BookMessage) -> Result<Self, BookProblems> {
        let (book, problems) = Self::assemble(message);
        if problems.is_empty() { Ok(book) } else { Err(BookProblems(problems)) }
    }
}

impl From<TargetBook> for BookMessage {
    fn from(book: TargetBook) -> Self {
        let flat = book.is_flat();
        let targets = book.targets.into_iter().map(TargetMessage::from).collect();
        let TargetBook { strategy, as_of, valid_until, .. } = book;
        Self { strategy, as_of, valid_until, targets, flat }
    }
}

impl From<Target> for TargetMessage {
    fn from(target: Target) -> Self {
        let (weight, quantity) = match target.size {
            Size::Weight(weight) => (Some(weight), None),
            Size::Quantity(quantity) => (None, Some(quantity)),
        };
        Self { contract: target.contract, weight, quantity }
    }
}

pub(super) fn freshness(as_of: Timestamp, valid_until: Timestamp, now: Timestamp) -> Freshness {
    if now >= valid_until {
        return Freshness::Expired;
    }
    match as_of.duration_since(now) > CLOCK_SKEW_MAX {
        true => Freshness::NotYet,
        false => Freshness::Fresh,
    }
}

fn time_problems(message: &BookMessage, now: Timestamp) -> Vec<BookProblem> {
    let (as_of, valid_until) = (message.as_of, message.valid_until);
    let mut problems = Vec::new();
    if as_of.duration_since(now) > CLOCK_SKEW_MAX {
        problems.push(BookProblem::Future { as_of, now });
    }
    if valid_until <= as_of {
        problems.push(BookProblem::EndsBeforeStart { as_of, valid_until });
    }
    if valid_until <= now {
        problems.push(BookProblem::Expired { valid_until, now });
    }
    problems
}

/// What the configuration has against these sizes. Asked when a book is handed in and again when
/// it is about to trade: limits may have been tightened in between.
pub(super) fn size_problems(
    sizes: impl Iterator<Item = (String, Size)>,
    config: &TradingConfig,
) -> Vec<BookProblem> {
    let limits = &config.limits;
    let mut problems = Vec::new();
    let mut gross = Some(Decimal::ZERO);
    for (contract, size) in sizes {
        let amount = size.amount();
        if amount < Decimal::ZERO && !config.allow_short {
            problems.push(BookProblem::Short { contract: contract.clone(), amount });
        }
        if let Size::Weight(weight) = size {
            gross = gross.and_then(|sum| sum.checked_add(weight.abs()));
            if weight.abs() > limits.weight {
                problems.push(BookProblem::Weight { contract, weight, limit: limits.weight });
            }
        }
    }
    match gross {
        None => problems.push(BookProblem::Overflow),
        Some(sum) if sum > limits.book_gross_weight => {
            problems.push(BookProblem::GrossWeight { sum, limit: limits.book_gross_weight });
        }
        Some(_) => {}
    }
    problems
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
