//! The state of the connection, as others may know it.

use jiff::Timestamp;

use super::GatewayError;
use crate::domain::{Account, OrderId};

/// Where the connection stands.
#[derive(Clone, Debug)]
pub enum Link {
    /// Nobody has asked for it yet.
    Idle,
    /// An attempt is under way.
    Connecting,
    /// Logged in, checked and answering.
    Up {
        /// Counts the connections of this process, from 1. Facts of an older one prove nothing
        /// about what is missing now.
        generation: u64,
    },
    /// The last attempt failed, or the connection broke.
    Down {
        /// Why.
        error: GatewayError,
        /// Since when there is no connection.
        since: Timestamp,
    },
    /// Connected to the gateway, which has lost IB's servers (error 1100). Nothing is written
    /// until it has them again; what arrives is still true.
    LinkLost,
    /// Shut down for good.
    Closed,
}

/// What a connection says about itself once it is up.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Counts the connections of this process, from 1.
    pub generation: u64,
    /// The protocol version agreed on.
    pub server_version: i32,
    /// Whose orders and positions these are.
    pub account: Account,
    /// The gateway's next order id at login: a lower bound for ours and a symptom when it falls
    /// back, never the source of an id.
    pub next_valid_id: OrderId,
}
