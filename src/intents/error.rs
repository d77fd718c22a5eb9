//! Why an intent did not do what was asked, and what the sender is told of it.

use crate::config::ConfigProblems;
use crate::gateway::GatewayError;
use crate::orders::OrderError;
use crate::runs::Outcome;
use crate::store::{InvalidPath, StoreError};

/// A payload that can never be this intent.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Nobody knows this name.
    #[error("unknown intent {name:?}; there are {known}")]
    Unknown {
        /// As given.
        name: String,
        /// Every name there is.
        known: String,
    },
    /// A parameter is unknown, missing or ill-typed.
    #[error("the parameters of {name} can't be read: {source}")]
    Parameters {
        /// The intent.
        name: &'static str,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
}

/// Why a run ends without its work being done.
#[derive(Debug, thiserror::Error)]
pub enum IntentError {
    /// A rule forbids it: every reason.
    #[error("{summary}")]
    Refused {
        /// One sentence.
        summary: String,
        /// Every reason.
        reasons: Vec<String>,
    },
    /// There is no valid trading configuration.
    #[error("the trading configuration can't be used")]
    Config(#[from] ConfigProblems),
    /// The store failed.
    #[error("the records are not available")]
    Store(#[from] StoreError),
    /// The gateway failed.
    #[error("the gateway did not answer as needed")]
    Gateway(#[from] GatewayError),
    /// The order engine stopped short.
    #[error("the orders are not settled")]
    Orders(#[from] OrderError),
    /// A name that can't be filed.
    #[error("a record can't be filed")]
    Path(#[from] InvalidPath),
}

impl IntentError {
    /// Refused, for these reasons.
    pub fn refused(summary: impl Into<String>, reasons: Vec<String>) -> Self {
        Self::Refused { summary: summary.into(), reasons }
    }

    /// How a run ends with this error. What waiting can't mend is refused as long as nothing was
    /// sent; everything else is left to the next delivery.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { summary, reasons } => {
                Outcome::refused(summary.clone()).with_details(reasons_of(reasons))
            }
            Self::Config(problems) => {
                let reasons: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Outcome::refused(self.to_string()).with_details(reasons_of(&reasons))
            }
            Self::Gateway(error) if !error.is_retryable() => Outcome::refused(chain(self)),
            Self::Gateway(_) | Self::Store(_) | Self::Orders(_) | Self::Path(_) => {
                Outcome::failed(chain(self))
            }
        }
    }
}

fn reasons_of(reasons: &[String]) -> serde_json::Value {
    serde_json::json!({ "reasons": reasons })
}

/// An error with its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
