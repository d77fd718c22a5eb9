//! The two writes that matter.

use std::sync::Arc;

use ibapi::Error;
use tokio::time::timeout;

use super::{Live, map, problem};
use crate::domain::{OrderId, OrderTicket};
use crate::gateway::{GatewayError, SubmitError};

const ORDER: &str = "the order";
const CANCEL: &str = "the cancel";

impl Live {
    pub(in crate::gateway) async fn submit(
        self: &Arc<Self>,
        ticket: &OrderTicket,
    ) -> Result<(), SubmitError> {
        if ticket.account != self.connected.account {
            return Err(SubmitError::NotSent(GatewayError::WrongAccount(format!(
                "the order is for account {}, this connection trades {}",
                ticket.account, self.connected.account
            ))));
        }
        let (contract, order) = map::order(ticket)
            .map_err(|what| SubmitError::NotSent(problem::unreadable(ORDER, &what)))?;
        self.writable().map_err(SubmitError::NotSent)?;
        // First the turn, then the proof: a proof must not grow old in a queue.
        self.pacer.take().await;
        self.prove_alive().await.map_err(SubmitError::NotSent)?;
        let live = Arc::clone(self);
        let id = ticket.order_id.0;
        self.write(ORDER, async move { live.client.submit_order(id, &contract, &order).await })
            .await
    }

    pub(in crate::gateway) async fn cancel(
        self: &Arc<Self>,
        id: OrderId,
    ) -> Result<(), SubmitError> {
        self.writable().map_err(SubmitError::NotSent)?;
        // Does not wait for its turn: it can only reduce what is at stake.
        self.pacer.count();
        self.prove_alive().await.map_err(SubmitError::NotSent)?;
        let live = Arc::clone(self);
        // The subscription that comes back would hold the order's route; the order stream has all
        // that it could tell.
        self.write(CANCEL, async move { live.client.cancel_order(id.0, "").await.map(drop) }).await
    }

    /// Runs a write to its end in a task of its own: one that is cut off half-way would break the
    /// connection, and nobody would know.
    async fn write(
        self: &Arc<Self>,
        request: &'static str,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> Result<(), SubmitError> {
        // Last look: after this line it may have left.
        self.writable().map_err(SubmitError::NotSent)?;
        match timeout(self.timing.write, tokio::spawn(Box::pin(work))).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) if is_local(&error) => {
                Err(SubmitError::NotSent(problem::of(request, error)))
            }
            Ok(Ok(Err(error))) => Err(SubmitError::InDoubt(problem::of(request, error))),
            Ok(Err(died)) => {
                Err(SubmitError::InDoubt(problem::unreadable(request, &died.to_string())))
            }
            Err(_elapsed) => {
                let stuck = GatewayError::Timeout { request, after: self.timing.write };
                self.signals.condemn(stuck.clone());
                Err(SubmitError::InDoubt(stuck))
            }
        }
    }
}

/// Whether the client refused the message by itself, before it went to the socket. Everything
/// else, a refusal by its own connection check included, can't be told from a broken write.
fn is_local(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidArgument(_)
            | Error::OrderIdInRequestRange { .. }
            | Error::ServerVersion(..)
            | Error::NotImplemented
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_client_refused_itself_was_certainly_not_sent() {
        assert!(is_local(&Error::OrderIdInRequestRange { order_id: 1_500_000_000 }));
        assert!(is_local(&Error::ServerVersion(216, 213, "post only".to_owned())));
        for error in [Error::ConnectionReset, Error::Shutdown, Error::ConnectionFailed] {
            assert!(!is_local(&error));
        }
    }
}
