//! What a plan must not do. Pure: rules are functions, all of them are asked about every line, and
//! every answer is recorded.
//!
//! Only [`vet`] makes an [`Approved`], and the order engine sends nothing else.

mod proposal;
mod rules;
mod switch;
mod verdict;
mod vet;

pub use proposal::{Effect, Proposal};
pub use rules::Rule;
pub use switch::{Control, TradingSwitch};
pub use verdict::{Subject, Verdict};
pub use vet::{Approved, ApprovedCrossing, Vetted, vet};
