//! What a plan leaves alone, each with its reason.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::book_problem::BookProblems;
use super::sizing::SizingProblem;
use crate::domain::{ContractId, StrategyId};

/// A strategy that this plan leaves alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Which.
    pub strategy: StrategyId,
    /// Why.
    pub reason: KeptReason,
}

/// Why a strategy keeps what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum KeptReason {
    /// The run is for others.
    #[error("not asked for in this run")]
    NotSelected,
    /// No target book.
    #[error("no target book")]
    Missing,
    /// Its book is over.
    #[error("its target book of {as_of} ended at {valid_until}")]
    Stale {
        /// The book's instant.
        as_of: Timestamp,
        /// When it ended.
        valid_until: Timestamp,
    },
    /// Its book lies in the future.
    #[error("its target book is of {as_of}, which is in the future")]
    Future {
        /// The book's instant.
        as_of: Timestamp,
    },
    /// Its book can't be used.
    #[error("its target book can't be used: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// Its book goes beyond the limits as they are now.
    #[error("its target book is beyond the configuration: {problems}")]
    BeyondLimits {
        /// Each of them.
        problems: BookProblems,
    },
    /// Nobody configured how much it may use.
    #[error("exposure.strategies has no entry for it")]
    NoExposure,
}

/// A part of what a strategy wanted that this plan does not order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leftover {
    /// Of what.
    pub contract: ContractId,
    /// Whose.
    pub strategy: StrategyId,
    /// Units, signed: how much more would have been ordered.
    pub amount: Decimal,
    /// Why it was left.
    pub reason: LeftoverReason,
}

/// Why a part was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftoverReason {
    /// The target was rounded to the contract's step.
    Rounding,
    /// The holding is not a multiple of the contract's step.
    OddHolding,
    /// An own order works in the other direction: until it has ended, ordering this much could
    /// go beyond the target.
    WorkingOrder,
}

/// A contract that this plan leaves alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Which.
    pub contract: ContractId,
    /// Whose changes are postponed.
    pub strategies: BTreeSet<StrategyId>,
    /// Why.
    pub reason: SkipReason,
}

/// Why a contract was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Somebody or something locked it.
    #[error("locked: {why}")]
    Locked {
        /// As the lock says.
        why: String,
    },
    /// Too small to be worth it.
    #[error("worth {value}, less than the minimum of {minimum}")]
    BelowMinimumValue {
        /// In base currency.
        value: Decimal,
        /// The larger of `minimum_trade_value` and `minimum_trade_weight` of net liquidation.
        minimum: Decimal,
    },
    /// Smaller than the venue takes.
    #[error("{quantity} units, less than the contract's minimum of {minimum}")]
    BelowMinimumSize {
        /// Units.
        quantity: Decimal,
        /// The contract's.
        minimum: Decimal,
    },
}

/// A target that could not be sized. Risk turns it into a breach: a plan with a hole in it is not
/// the plan that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsized {
    /// Which contract.
    pub contract: ContractId,
    /// Whose target.
    pub strategy: StrategyId,
    /// Why.
    pub problem: SizingProblem,
}
