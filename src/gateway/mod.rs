//! The one connection to IB Gateway, and its answers in our words.

mod answer;
mod error;

pub use answer::Answer;
pub use error::{GatewayError, SubmitError};
