//! Why a target book is refused.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::book::TARGETS_MAX;

/// One reason to refuse a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum BookProblem {
    /// Two sizes, or none.
    #[error("{contract}: give either weight or quantity, and only one of them")]
    OneSize {
        /// Of which target.
        contract: String,
    },
    /// A target without a name.
    #[error("target {index} names neither symbol nor con_id")]
    NoContract {
        /// Counted from 1.
        index: usize,
    },
    /// One contract, two targets.
    #[error("{contract} is named twice")]
    Duplicate {
        /// Which.
        contract: String,
    },
    /// Flat, and yet targets.
    #[error("flat is true, and yet there are {targets} targets")]
    FlatWithTargets {
        /// How many.
        targets: usize,
    },
    /// Nothing said is not "hold nothing".
    #[error("no targets: to hold nothing, say \"flat\": true")]
    Empty,
    /// More than [`TARGETS_MAX`].
    #[error("{targets} targets, more than {TARGETS_MAX}")]
    TooMany {
        /// How many.
        targets: usize,
    },
    /// Computed in the future.
    #[error("as_of {as_of} is in the future (now {now})")]
    Future {
        /// As given.
        as_of: Timestamp,
        /// Our clock.
        now: Timestamp,
    },
    /// Ends before it begins.
    #[error("valid_until {valid_until} is not after as_of {as_of}")]
    EndsBeforeStart {
        /// As given.
        as_of: Timestamp,
        /// As given.
        valid_until: Timestamp,
    },
    /// Over already.
    #[error("valid_until {valid_until} is over (now {now})")]
    Expired {
        /// As given.
        valid_until: Timestamp,
        /// Our clock.
        now: Timestamp,
    },
    /// A newer book is in force.
    #[error("as_of {as_of} is older than that of the book in force, {in_force}")]
    Superseded {
        /// As given.
        as_of: Timestamp,
        /// The other's.
        in_force: Timestamp,
    },
    /// Another book claims the same instant; which of the two came later, nobody can say.
    #[error("another book with as_of {as_of} is in force: a correction needs a later as_of")]
    Contradicts {
        /// Of both.
        as_of: Timestamp,
    },
    /// One weight too large.
    #[error("{contract}: weight {weight} is beyond limits.weight {limit}")]
    Weight {
        /// Of which target.
        contract: String,
        /// As given.
        weight: Decimal,
        /// As configured.
        limit: Decimal,
    },
    /// All weights together too large.
    #[error("absolute weights sum to {sum}, beyond limits.book_gross_weight {limit}")]
    GrossWeight {
        /// Of the absolute weights.
        sum: Decimal,
        /// As configured.
        limit: Decimal,
    },
    /// Short, where short is not allowed.
    #[error("{contract}: {amount} is short, and allow_short is false")]
    Short {
        /// Of which target.
        contract: String,
        /// Weight or quantity.
        amount: Decimal,
    },
    /// A sum left the range of a decimal.
    #[error("the weights are too large to add up")]
    Overflow,
    /// The gateway knows no such contract.
    #[error("{contract}: unknown to the broker")]
    Unknown {
        /// As asked for.
        contract: String,
    },
    /// The description fits several contracts.
    #[error("{contract}: fits {matches} contracts; add primary_exchange or con_id")]
    Ambiguous {
        /// As asked for.
        contract: String,
        /// How many.
        matches: usize,
    },
    /// Nobody asked the gateway for this contract.
    #[error("{contract}: was not looked up")]
    Unresolved {
        /// As asked for.
        contract: String,
    },
    /// The broker's contract is not the one that was named.
    #[error("{contract}: the broker answered with {found}")]
    Mismatch {
        /// As asked for.
        contract: String,
        /// What came.
        found: String,
    },
    /// A kind of contract that we can't size.
    #[error("{contract}: contracts of type {sec_type} are not traded")]
    NotTraded {
        /// As asked for.
        contract: String,
        /// IB's security type.
        sec_type: String,
    },
}

/// Every reason to refuse a book; displays them in one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BookProblems(pub Vec<BookProblem>);

impl fmt::Display for BookProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BookProblems {}
