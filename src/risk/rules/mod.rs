//! The rules, a file each. A rule is a pure function from a proposal to a [`Finding`]; rules don't
//! know each other. Caps pass what only reduces the account's position: exits stay possible.

pub(super) mod account;
mod gross_exposure;
mod order_value;
mod orders_per_run;
mod quote;
mod short;
pub(super) mod switch;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::proposal::{Context, Proposal};

/// What a rule found, what it allows, and whether the one is within the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) value: String,
    pub(super) limit: String,
    pub(super) passed: bool,
}

/// The rules by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The trading switch permits it.
    Switch,
    /// Trading mode, configuration and kind of account agree.
    Account,
    /// No order above `limits.order_value`.
    OrderValue,
    /// No more than `limits.gross_exposure` times net liquidation at work.
    GrossExposure,
    /// There is a price, and it is fresh.
    Quote,
    /// No more than `limits.orders_per_run`.
    OrdersPerRun,
    /// Not short without `allow_short`.
    Short,
    /// Every target could be turned into units.
    Sizing,
}

impl Rule {
    /// The name in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Account => "account",
            Self::OrderValue => "order-value",
            Self::GrossExposure => "gross-exposure",
            Self::Quote => "quote",
            Self::OrdersPerRun => "orders-per-run",
            Self::Short => "short",
            Self::Sizing => "sizing",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

type Ask = fn(&Proposal<'_>, &Context<'_>) -> Finding;

/// Every rule that is asked about a line. [`Rule::Sizing`] is not among them: what could not be
/// sized never became a line.
pub(super) const RULES: &[(Rule, Ask)] = &[
    (Rule::Switch, switch::rule),
    (Rule::Account, account::rule),
    (Rule::OrderValue, order_value::rule),
    (Rule::GrossExposure, gross_exposure::rule),
    (Rule::Quote, quote::rule),
    (Rule::OrdersPerRun, orders_per_run::rule),
    (Rule::Short, short::rule),
];
