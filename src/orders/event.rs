//! What can happen to an order, as the ledger keeps it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::{Commission, Execution, ExecutionId, OrderId, PermId};

/// One ledger entry: what, when, and under which lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When we wrote it.
    pub at: Timestamp,
    /// The fencing number of the trading lease under which it was written.
    pub fence: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. Facts from the broker are never illegal; steps of ours can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Written before the bytes leave: from here on the order may be at the broker.
    Sending {
        /// The id it goes out under. It belongs to this line for ever, sent or not.
        order_id: OrderId,
        /// The API client that sends it.
        client_id: i32,
        /// The gateway's next id at that moment: evidence for a later reader.
        next_valid_id: OrderId,
    },
    /// The gateway session is certain that no byte left.
    NotSent {
        /// Why.
        reason: String,
    },
    /// We gave the line up before anything was sent.
    Withdrawn {
        /// Why.
        reason: String,
    },
    /// The broker showed the order under our reference, alive.
    Acknowledged {
        /// IB's number; 0 in the first frames.
        perm_id: PermId,
        /// IB's word for its status.
        status: String,
    },
    /// A fill, or a later revision of one.
    Executed(Fill),
    /// What a fill cost; comes after it, or never.
    Commissioned(Commission),
    /// IB said something about the order id. No code ends an order.
    Noticed {
        /// IB's number.
        code: i32,
        /// IB's words.
        text: String,
    },
    /// We are about to ask for its cancellation.
    CancelRequested {
        /// Why.
        reason: String,
    },
    /// The broker confirms that the order works no longer.
    Ended {
        /// How.
        how: End,
        /// What says so.
        evidence: String,
    },
    /// Its fate is unknown, or contradicts itself, and no automatic step is safe.
    Parked {
        /// What a person has to look at.
        reason: String,
    },
    /// A person looked, and decided.
    Resolved {
        /// How it ended, as that person found.
        how: End,
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// The strategies' holdings have booked this much of its fills, signed like the line.
    Attributed {
        /// In all so far.
        filled: Decimal,
    },
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// All of it.
    Filled,
    /// By us, by IB, by a person at a screen, or at the end of the session.
    Cancelled,
    /// IB refused it.
    Rejected,
    /// Never sent.
    Withdrawn,
}

/// One fill as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// Its identity at IB.
    pub execution_id: ExecutionId,
    /// More than zero.
    pub quantity: Decimal,
    /// In the contract's currency.
    pub price: Decimal,
    /// IB's count of the order's total after it.
    pub cumulative_quantity: Decimal,
    /// IB's time, as text.
    pub time: String,
}

impl From<&Execution> for Fill {
    fn from(execution: &Execution) -> Self {
        Self {
            execution_id: execution.execution_id.clone(),
            quantity: execution.quantity,
            price: execution.price,
            cumulative_quantity: execution.cumulative_quantity,
            time: execution.time.clone(),
        }
    }
}
