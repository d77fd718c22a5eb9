//! Lists up to their end marker: positions, the account download, orders, executions.

use std::sync::Arc;

use ibapi::accounts::types::AccountId;
use ibapi::accounts::{AccountUpdate, AccountValue, PositionUpdate};
use ibapi::orders::{ExecutionFilter, Executions, Orders};
use ibapi::prelude::{StreamExt, SubscriptionItem};
use ibapi::{Error, SUBSCRIPTION_LAG_CODE};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::pump::Replayed;
use super::{Live, Signals, map, problem};
use crate::domain::{AccountValues, CompletedOrder, Execution, OpenOrder, Position};
use crate::gateway::GatewayError;
use crate::gateway::account::{self, Row};

const POSITIONS: &str = "positions";
const OPEN_ORDERS: &str = "open orders";
const COMPLETED_ORDERS: &str = "completed orders";
const EXECUTIONS: &str = "executions";

/// Whether a list's rows and end marker carry the id of their request. Without one, the late end
/// marker of a list that was given up would complete the next list of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labelled {
    ByRequest,
    No,
}

/// A list under way. Dropped before its end marker came, it takes the connection with it.
struct Unfinished {
    signals: Arc<Signals>,
    request: &'static str,
    armed: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.armed {
            self.signals.condemn(GatewayError::Reset { request: self.request });
        }
    }
}

impl Live {
    pub(in crate::gateway) async fn positions(&self) -> Result<Vec<Position>, GatewayError> {
        let rows = self.in_turn(POSITIONS, Labelled::No, self.ask_positions()).await?;
        map::positions(&rows, &self.connected.account)
            .map_err(|what| problem::unreadable(POSITIONS, &what))
    }

    async fn ask_positions(&self) -> Result<Vec<ibapi::accounts::Position>, GatewayError> {
        let asked = self.client.positions().await;
        let mut stream = asked.map_err(|error| problem::of(POSITIONS, error))?;
        let mut rows = Vec::new();
        loop {
            match next(POSITIONS, stream.next().await)? {
                Some(PositionUpdate::Position(row)) => rows.push(row),
                Some(PositionUpdate::PositionEnd) => break,
                None => {}
            }
        }
        // Within our turn: the next query must not find this one still subscribed.
        self.pacer.count();
        stream.cancel().await;
        Ok(rows)
    }

    pub(in crate::gateway) async fn account_values(&self) -> Result<AccountValues, GatewayError> {
        let rows = self.in_turn(account::DOWNLOAD, Labelled::No, self.ask_account()).await?;
        account::values(&self.connected.account, &rows)
    }

    async fn ask_account(&self) -> Result<Vec<Row>, GatewayError> {
        let number = self.connected.account.expose();
        let asked = self.client.account_updates(&AccountId(number.to_owned())).await;
        let mut stream = asked.map_err(|error| problem::of(account::DOWNLOAD, error))?;
        let mut rows = Vec::new();
        loop {
            match next(account::DOWNLOAD, stream.next().await)? {
                Some(AccountUpdate::AccountValue(AccountValue {
                    key,
                    value,
                    currency,
                    account,
                })) => {
                    if account.is_none_or(|of| of.is_empty() || of == number) {
                        rows.push(Row { tag: key, value, currency });
                    }
                }
                Some(AccountUpdate::End) => break,
                Some(AccountUpdate::PortfolioValue(_) | AccountUpdate::UpdateTime(_)) | None => {}
            }
        }
        self.pacer.count();
        stream.cancel().await;
        Ok(rows)
    }

    pub(in crate::gateway) async fn open_orders(&self) -> Result<Vec<OpenOrder>, GatewayError> {
        let ask = async {
            let asked = self.client.all_open_orders().await;
            let mut stream = asked.map_err(|error| problem::of(OPEN_ORDERS, error))?;
            let rows = stream.collect_to_end_within(self.timing.snapshot).await;
            rows.map_err(|error| self.failed(OPEN_ORDERS, error))
        };
        let rows = self.in_turn(OPEN_ORDERS, Labelled::No, ask).await?;
        map::open_orders(&rows).map_err(|what| problem::unreadable(OPEN_ORDERS, &what))
    }

    pub(in crate::gateway) async fn completed_orders(
        &self,
    ) -> Result<Vec<CompletedOrder>, GatewayError> {
        let ask = async {
            // Orders entered by hand as well.
            let asked = self.client.completed_orders(false).await;
            let mut stream = asked.map_err(|error| problem::of(COMPLETED_ORDERS, error))?;
            let rows = stream.collect_to_end_within(self.timing.snapshot).await;
            rows.map_err(|error| self.failed(COMPLETED_ORDERS, error))
        };
        let rows = self.in_turn(COMPLETED_ORDERS, Labelled::No, ask).await?;
        let ours = self.connected.account.expose();
        rows.iter()
            .filter_map(|row| match row {
                Orders::OrderData(data) => Some(data),
                Orders::OrderStatus(_) => None,
            })
            .filter(|data| data.order.account.is_empty() || data.order.account == ours)
            .map(map::completed_order)
            .collect::<Result<_, _>>()
            .map_err(|what| problem::unreadable(COMPLETED_ORDERS, &what))
    }

    pub(in crate::gateway) async fn executions(&self) -> Result<Vec<Execution>, GatewayError> {
        let ask = async {
            // What was replayed to earlier queries is none of this one's.
            drop(self.fence().await?);
            let asked = self.client.executions(ExecutionFilter::default()).await;
            let mut stream = asked.map_err(|error| problem::of(EXECUTIONS, error))?;
            let rows = stream.collect_to_end_within(self.timing.snapshot).await;
            let rows = rows.map_err(|error| self.failed(EXECUTIONS, error))?;
            Ok((rows, self.fence().await?))
        };
        let (rows, replayed) = self.in_turn(EXECUTIONS, Labelled::ByRequest, ask).await?;
        let executions = self
            .merge_executions(rows, replayed)
            .map_err(|what| problem::unreadable(EXECUTIONS, &what))?;
        let ours = &self.connected.account;
        Ok(executions.into_iter().filter(|execution| execution.account == *ours).collect())
    }

    /// The query's rows, and those that went to the route of a cancelled order instead: the order
    /// stream has had them all.
    fn merge_executions(
        &self,
        rows: Vec<Executions>,
        replayed: Replayed,
    ) -> Result<Vec<Execution>, String> {
        if replayed.overflowed {
            return Err(format!("more than {} of them", super::pump::REPLAYED_MAX));
        }
        let mut executions = replayed.executions;
        let mut commissions = replayed.commissions;
        for row in rows {
            match row {
                Executions::ExecutionData(data) => executions.push(map::execution(&data)?),
                Executions::CommissionReport(report) => {
                    commissions.extend(map::commission(&report, self.clock.now())?);
                }
            }
        }
        Ok(map::with_commissions(executions, commissions))
    }

    /// What the order stream's reader saw of replayed executions since last asked. All that
    /// arrived before this call has been read when it returns.
    async fn fence(&self) -> Result<Replayed, GatewayError> {
        let (fence, replayed) = oneshot::channel();
        let lost = || GatewayError::Reset { request: EXECUTIONS };
        if self.fences.send(fence).await.is_err() {
            return Err(lost());
        }
        replayed.await.map_err(|_gone| lost())
    }

    /// Runs one list, alone, within its deadline. Whatever leaves an end marker outstanding ends
    /// the connection.
    async fn in_turn<T>(
        &self,
        request: &'static str,
        labelled: Labelled,
        work: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let after = self.timing.snapshot;
        let late = || GatewayError::Timeout { request, after };
        let _turn = timeout(after, self.turn.lock()).await.map_err(|_elapsed| late())?;
        self.signals.check()?;
        self.pacer.take().await;
        let mut refused = self.signals.refused.subscribe();
        let mut unfinished = Unfinished {
            signals: Arc::clone(&self.signals),
            request,
            armed: labelled == Labelled::No,
        };
        let result = tokio::select! {
            biased;
            done = timeout(after, Box::pin(work)) => done.unwrap_or_else(|_elapsed| Err(late())),
            // An error without a request id, such as that of a read-only gateway, may have been
            // the answer. If so, no other will come.
            _ = refused.changed() => {
                let cause = refused.borrow().clone();
                Err(cause.unwrap_or_else(late))
            }
        };
        match &result {
            // A read-only gateway sends no end marker afterwards either.
            Ok(_) | Err(GatewayError::ReadOnly) => unfinished.armed = false,
            Err(cause) if unfinished.armed => {
                unfinished.armed = false;
                self.signals.condemn(cause.clone());
            }
            Err(_) => {}
        }
        result
    }

    fn failed(&self, request: &'static str, error: Error) -> GatewayError {
        match error {
            Error::Timeout => GatewayError::Timeout { request, after: self.timing.snapshot },
            other => problem::of(request, other),
        }
    }
}

/// One item of a list that has no end of its own. `None` is a notice that changes nothing.
fn next<T>(
    request: &'static str,
    item: Option<Result<SubscriptionItem<T>, Error>>,
) -> Result<Option<T>, GatewayError> {
    match item {
        Some(Ok(SubscriptionItem::Data(row))) => Ok(Some(row)),
        Some(Ok(SubscriptionItem::Notice(notice))) if notice.code == SUBSCRIPTION_LAG_CODE => {
            Err(problem::unreadable(request, &notice.message))
        }
        Some(Ok(SubscriptionItem::Notice(_))) => Ok(None),
        Some(Err(error)) => Err(problem::of(request, error)),
        None => Err(GatewayError::Reset { request }),
    }
}
