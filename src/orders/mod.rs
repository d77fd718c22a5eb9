//! The order engine and its write-ahead ledger.
//!
//! Identity is the order reference. A line is written down before it is sent, is in doubt from
//! then on, and leaves doubt only by what the broker shows: executions, open and completed orders.

mod error;
mod event;
mod ids;
mod lease;
mod ledger;
mod record;
mod state;

pub use error::OrderError;
pub use event::{End, Entry, Event, Fill};
pub use ids::OrderIds;
pub use lease::{Held, TradingLease};
pub use ledger::{Ledger, Tracked};
pub use record::{OrderRecord, OrderSpec};
pub use state::{IllegalStep, Progress, State};
