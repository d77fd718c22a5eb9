//! The order engine and its write-ahead ledger.
//!
//! Identity is the order reference. A line is written down before it is sent, is in doubt from
//! then on, and leaves doubt only by what the broker shows: executions, open and completed orders.

mod event;
mod state;

pub use event::{End, Entry, Event, Fill};
pub use state::{IllegalStep, Progress, State};
