//! What the broker reports of our orders, unasked.

use rust_decimal::Decimal;

use super::codes::CodeClass;
use crate::domain::{Commission, Execution, OpenOrder, OrderId, PermId};

/// One report. Reports repeat, overtake each other and get lost: an execution may come before its
/// order, twice, or only in answer to a query (queries replay theirs here as well). Executions are
/// told apart by their id; a status is a hint; nothing here but executions moves a quantity.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderEvent {
    /// The order exists at the gateway, as it stands.
    Open(OpenOrder),
    /// Its status changed, or is repeated.
    Status(StatusReport),
    /// A fill. Its commission comes later, or not at all.
    Executed(Execution),
    /// What a fill cost.
    Commission(Commission),
    /// IB's message about an order. None of them ends an order by itself.
    Notice(OrderNotice),
    /// Reports may have been missed: the connection broke or was replaced, the link to IB came
    /// back, or the stream was too slow. Ask the broker. A receiver that lags
    /// ([`tokio::sync::broadcast::error::RecvError::Lagged`]) is in the same position.
    Gap,
}

/// One order status frame [IB orderStatus]. It carries no order reference.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusReport {
    /// Unique per client id only.
    pub order_id: OrderId,
    /// The API client that placed the order.
    pub client_id: i32,
    /// 0 in the first frames of an order.
    pub perm_id: PermId,
    /// IB's word, unchanged.
    pub status: String,
    /// As IB says; can be stale or 0 in the last frame of a cancelled order.
    pub filled: Decimal,
    /// As IB says.
    pub remaining: Decimal,
}

/// One message with an order's id on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderNotice {
    /// Which order.
    pub order_id: OrderId,
    /// IB's number.
    pub code: i32,
    /// IB's words, account numbers removed.
    pub text: String,
    /// What kind of message it is.
    pub class: CodeClass,
}
