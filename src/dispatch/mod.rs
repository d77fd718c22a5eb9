//! One delivery: its run claimed, run, recorded, answered.

mod message;

pub use message::{Arrival, Delivery, IntentKind, Reply, ReplyKind, Source};
