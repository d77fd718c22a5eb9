//! The one connection to IB Gateway, and its answers in our words.
//!
//! A [`Gateway`] is a handle; a task behind it owns the connection, replaces it when it breaks
//! and counts the replacements as generations. `ib` is the only place that knows the TWS API
//! client; [`codes`] is the only place that knows what IB's message numbers mean.
//!
//! Three rules hold everywhere here:
//!
//! * Nothing waits for ever. Every wait has a budget in [`Timing`].
//! * A list that was cut short is [`Answer::Unknown`], never an empty list.
//! * A write that may have left is in doubt; only one that certainly did not is "not sent".

mod account;
mod answer;
pub mod codes;
mod config;
mod error;
mod event;
mod handle;
mod ib;
mod link;
mod pacing;
mod redact;
mod session;

pub use answer::Answer;
pub use config::{GatewayConfig, Timing};
pub use error::{GatewayError, SubmitError};
pub use event::{OrderEvent, OrderNotice, StatusReport};
pub use handle::Gateway;
pub use link::{Connected, Link};
