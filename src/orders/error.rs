//! What can go wrong around an order.

use jiff::Timestamp;

use super::{IllegalStep, ResolutionProblem};
use crate::domain::{OrderRef, RunKey};
use crate::gateway::GatewayError;
use crate::portfolio::{AttributionError, HoldingsError};
use crate::store::{InvalidPath, StoreError};

/// Why the engine stopped short. Whatever was sent stays on record.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The ledger could not be read or written.
    #[error("the order ledger is not available")]
    Store(#[from] StoreError),
    /// The gateway could not be asked.
    #[error("the gateway can't tell what became of the orders")]
    Gateway(#[from] GatewayError),
    /// An id that is no document id.
    #[error("an order can't be filed")]
    Path(#[from] InvalidPath),
    /// A step of ours that the order's state forbids: a bug, stopped here.
    #[error("order {order_ref}")]
    Illegal {
        /// Which.
        order_ref: OrderRef,
        /// What was tried.
        #[source]
        source: IllegalStep,
    },
    /// A newer holder of the trading lease has written to this order.
    #[error("order {order_ref} was taken over by a newer instance (fence {theirs} > {ours})")]
    Fenced {
        /// Which.
        order_ref: OrderRef,
        /// Our fencing number.
        ours: u64,
        /// The one found.
        theirs: u64,
    },
    /// The trading lease is not ours any more.
    #[error("the trading lease was lost; another instance may be trading")]
    LeaseLost,
    /// Another run holds the trading lease.
    #[error(
        "run {holder} has the right to trade until {until}, or until it ends; if its process died, \
         its own redelivery continues it, and others wait until then"
    )]
    Busy {
        /// Who holds it.
        holder: RunKey,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// A line with the same reference and other contents is on record.
    #[error("order {0} is on record with other contents")]
    Differs(OrderRef),
    /// Writers kept overtaking each other.
    #[error("order {0} was changed by others on every attempt to write to it")]
    Contended(OrderRef),
    /// A person's decision contradicts the ledger.
    #[error("the order can't be resolved like this")]
    Unresolvable(#[from] ResolutionProblem),
    /// Fills can't be told apart by strategy.
    #[error("a fill can't be attributed")]
    Attribution(#[from] AttributionError),
    /// A fill can't be booked.
    #[error("a fill can't be booked")]
    Holdings(#[from] HoldingsError),
    /// The order ids are used up.
    #[error("order ids have reached the highest that API clients may use")]
    IdsExhausted,
}

impl OrderError {
    /// Whether the same message, delivered again, could do better.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Gateway(error) => error.is_retryable(),
            Self::Fenced { .. } | Self::LeaseLost | Self::Busy { .. } | Self::Contended(_) => true,
            Self::Path(_)
            | Self::Illegal { .. }
            | Self::Differs(_)
            | Self::Unresolvable(_)
            | Self::Attribution(_)
            | Self::Holdings(_)
            | Self::IdsExhausted => false,
        }
    }
}
