//! Why the gateway did not do as asked.

use std::time::Duration;

use super::codes;

/// A request that brought no answer, or a bad one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GatewayError {
    /// No TCP connection: refused, reset, or no route.
    #[error("no connection to IB Gateway at {addr}: {problem}; is it running and logged in?")]
    Down {
        /// Where we tried.
        addr: String,
        /// What the system said.
        problem: String,
    },
    /// Connected, but the API handshake did not finish.
    #[error(
        "IB Gateway at {addr} accepted the connection and did not finish the API handshake \
         ({problem}); look for a dialog on its screen or an address that it does not trust"
    )]
    Handshake {
        /// Where we tried.
        addr: String,
        /// How far it came.
        problem: String,
    },
    /// Error 326: another connection holds our client id. A second instance may be trading.
    #[error(
        "client id {client_id} is in use at IB Gateway (error 326): another instance is \
         connected, or the gateway has not yet noticed that an old one is gone"
    )]
    ClientIdInUse {
        /// Ours.
        client_id: i32,
    },
    /// The gateway serves another account, or another kind, than we were told to trade.
    #[error("{0}")]
    WrongAccount(String),
    /// Error 321 to everything: the gateway's API is read-only.
    #[error("IB Gateway's API is read-only (error 321); switch off \"Read-Only API\" in it")]
    ReadOnly,
    /// Error 1100: the gateway has lost IB's servers.
    #[error("IB Gateway has no link to IB's servers (error 1100)")]
    LinkLost,
    /// The account download says that the account is not ready: its values are old or zero.
    #[error("the account is not ready at IB (nightly reset?): its values can't be used yet")]
    NotReady,
    /// The connection broke while the answer was awaited.
    #[error("the connection to IB Gateway broke during {request}")]
    Reset {
        /// What was asked.
        request: &'static str,
    },
    /// No answer in time.
    #[error("IB Gateway did not answer {request} within {after:?}")]
    Timeout {
        /// What was asked.
        request: &'static str,
        /// How long we waited.
        after: Duration,
    },
    /// IB answered with an error.
    #[error("IB answered {request} with error {code}: {text}")]
    Refused {
        /// What was asked.
        request: &'static str,
        /// IB's number.
        code: i32,
        /// IB's words, account numbers removed.
        text: String,
    },
    /// An answer that can't be read.
    #[error("IB Gateway's answer to {request} makes no sense: {problem}")]
    Unreadable {
        /// What was asked.
        request: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// We are shutting down.
    #[error("the gateway session is closed")]
    Closed,
}

impl GatewayError {
    /// Whether the same request, later, could do better.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Down { .. }
            | Self::Handshake { .. }
            | Self::ClientIdInUse { .. }
            | Self::ReadOnly
            | Self::LinkLost
            | Self::NotReady
            | Self::Reset { .. }
            | Self::Timeout { .. }
            | Self::Closed => true,
            Self::Refused { code, text, .. } => codes::passes(*code, text),
            Self::WrongAccount(_) | Self::Unreadable { .. } => false,
        }
    }
}

/// Why an order or a cancel was not handed over. Which of the two it is decides everything.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// Certain: no byte of it left this process.
    #[error("not sent")]
    NotSent(#[source] GatewayError),
    /// It may have left.
    #[error("sent or half sent: its fate is in doubt")]
    InDoubt(#[source] GatewayError),
}
