//! tmp
mod message;
mod quarantine;
pub use message::*;
pub use quarantine::*;
