//! From target books to a plan, and from fills back to holdings. Arithmetic only: no I/O, no
//! clock; everything arrives as an argument and a record of it gives the same answer again.
//!
//! * [`TargetBook`]: what one strategy wants to hold; [`ResolvedBook`]: the same by contract.
//! * [`plan`]: fresh books, holdings and working orders in; lines, crossings and everything that
//!   was left alone, with its reason, out. [`close_plan`]: the way out.
//! * [`shares`]: whose a fill is. [`Holdings`]: where it is booked, once.
//! * [`reconcile`]: holdings against the broker's positions.

mod attribution;
mod book;
mod book_problem;
mod close;
#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
pub(crate) mod generators;
mod holdings;
mod inputs;
mod left_alone;
mod netting;
mod plan;
mod pricing;
mod reconcile;
mod resolution;
mod sizing;

pub use attribution::{AttributionError, shares};
pub use book::{
    Admission, BookMessage, CLOCK_SKEW_MAX, Freshness, Size, TARGETS_MAX, Target, TargetBook,
    TargetMessage,
};
pub use book_problem::{BookProblem, BookProblems};
pub use close::{CloseFilter, close_plan};
pub use holdings::{Booked, Held, Holdings, HoldingsError};
pub use inputs::{BookState, PlanInputs, Working};
pub use left_alone::{Kept, KeptReason, Leftover, LeftoverReason, SkipReason, Skipped, Unsized};
pub use plan::{Crossing, Line, Plan, PlanKind, plan};
pub use pricing::{QuoteProblem, mid_or_last, unit_value, usable_price};
pub use reconcile::{Break, BreakKind, LatestPortfolio, PortfolioRow, Reconciliation, reconcile};
pub use resolution::{Resolution, ResolvedBook};
pub use sizing::SizingProblem;
