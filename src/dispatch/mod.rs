//! One delivery: its run claimed, run, recorded, answered.

mod message;
mod quarantine;

pub use message::{Arrival, Delivery, IntentKind, Reply, ReplyKind, Source};
pub use quarantine::{QUARANTINE_BUDGET, Quarantine, Rejected};
