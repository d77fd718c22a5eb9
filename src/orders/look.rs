//! Looking at the broker: all lists that bear on our orders, on one connection.

use super::{Evidence, OrderError};
use crate::gateway::{Gateway, GatewayError};

/// Reads open orders, completed orders, executions, and open orders again, between two round
/// trips. Fails unless every list came to its end on one and the same connection: a list that was
/// cut short is not a list.
///
/// An order that fills between the first and the third list shows among the executions; one that
/// appears late shows in the last.
pub async fn look(gateway: &Gateway) -> Result<Evidence, OrderError> {
    let before = gateway.connected().await?;
    gateway.server_time().await?;
    let mut open = gateway.open_orders().await.known()?;
    let completed = gateway.completed_orders().await.known()?;
    let executions = gateway.executions().await.known()?;
    open.extend(gateway.open_orders().await.known()?);
    gateway.server_time().await?;
    let after = gateway.connected().await?;
    if before.generation != after.generation {
        return Err(GatewayError::Reset { request: "a look at all orders" }.into());
    }
    Ok(Evidence { generation: after.generation, open, completed, executions })
}
