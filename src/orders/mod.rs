//! The order engine and its write-ahead ledger.
//!
//! Identity is the order reference. A line is written down before it is sent, is in doubt from
//! then on, and leaves doubt only by what the broker shows: executions, open and completed orders.
//!
//! * [`Progress`]: the fold from an order's events to its state. No I/O.
//! * [`judge`]: what the broker's lists say about one order. No I/O.
//! * [`Ledger`]: orders and events in the store, under the fencing number of a [`TradingLease`].
//! * [`Engine`]: recovers, sends, follows, cancels; [`Books`]: whose the fills are.

mod booking;
mod control;
mod engine;
mod error;
mod event;
#[cfg(test)]
mod fixtures;
mod identity;
mod ids;
mod judge;
mod lease;
mod ledger;
mod look;
mod record;
mod reports;
mod resolution;
mod send;
mod settle;
mod state;
mod timing;

pub use booking::Books;
pub use control::{control_path, read_control};
pub use engine::{Engine, EngineParts};
pub use error::OrderError;
pub use event::{End, Entry, Event, Fill};
pub use ids::OrderIds;
pub use judge::{Evidence, Finding, Judgement, judge};
pub use lease::{Held, TradingLease};
pub use ledger::{Ledger, Tracked};
pub use record::{OrderRecord, OrderSpec};
pub use resolution::{Decision, ResolutionProblem};
pub use state::{IllegalStep, Progress, State};
pub use timing::OrderTiming;
