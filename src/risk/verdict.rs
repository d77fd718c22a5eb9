//! One rule's answer about one thing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rule;
use crate::domain::{ContractId, OrderRef, StrategyId};

/// What a rule was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// One line of the plan.
    Line {
        /// Its name.
        order_ref: OrderRef,
        /// Its contract.
        contract: ContractId,
        /// In words, such as `buy 100 SPY`.
        what: String,
    },
    /// Strategies trading with each other.
    Crossing {
        /// The mark of its booking.
        order_ref: OrderRef,
        /// Its contract.
        contract: ContractId,
    },
    /// A target that could not be sized.
    Target {
        /// Its contract.
        contract: ContractId,
        /// Whose.
        strategy: StrategyId,
    },
}

/// One rule's answer, with the numbers in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Which rule.
    pub rule: Rule,
    /// Asked about what.
    pub subject: Subject,
    /// What was found, with its unit.
    pub value: String,
    /// What is allowed, with its unit.
    pub limit: String,
    /// `false` is a breach.
    pub passed: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Line { what, .. } => write!(f, "{what}")?,
            Subject::Crossing { contract, .. } => write!(f, "crossing in contract {contract}")?,
            Subject::Target { contract, strategy } => {
                write!(f, "target of {strategy} in contract {contract}")?;
            }
        }
        write!(f, ": {}: {} (allowed: {})", self.rule, self.value, self.limit)
    }
}
