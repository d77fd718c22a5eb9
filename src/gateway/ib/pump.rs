//! Reads the streams that nobody asked for: order reports and notices.

use std::collections::HashSet;
use std::sync::Arc;

use ibapi::orders::OrderUpdate;
use ibapi::prelude::{NoticeStream, StreamExt, Subscription, SubscriptionItem};
use ibapi::{Error, Notice};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::{Signals, map, problem};
use crate::clock::Clock;
use crate::domain::{Commission, Execution, OrderId};
use crate::gateway::codes::{self, CodeClass};
use crate::gateway::{GatewayError, OrderEvent, OrderNotice, redact};

const STREAM: &str = "the order stream";

/// The most executions kept for one query: far more than an account makes in a day. Beyond, the
/// query fails rather than being short.
pub(super) const REPLAYED_MAX: usize = 20_000;

/// A question to the reader: what was replayed since the last one? By the time it is answered,
/// all that came before it on the wire has been read.
pub(super) type Fence = oneshot::Sender<Replayed>;

/// Executions that came as answers to a query, and their commissions.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) executions: Vec<Execution>,
    pub(super) commissions: Vec<Commission>,
    /// There were more than [`REPLAYED_MAX`].
    pub(super) overflowed: bool,
    ids: HashSet<String>,
}

/// The one reader of the order stream.
pub(super) struct Reader {
    events: broadcast::Sender<OrderEvent>,
    clock: Clock,
    signals: Arc<Signals>,
    replayed: Replayed,
}

impl Reader {
    pub(super) fn new(
        events: broadcast::Sender<OrderEvent>,
        clock: Clock,
        signals: Arc<Signals>,
    ) -> Self {
        Self { events, clock, signals, replayed: Replayed::default() }
    }

    /// Reads until the stream ends, and the connection with it.
    pub(super) async fn run(
        mut self,
        mut stream: Subscription<OrderUpdate>,
        mut fences: mpsc::Receiver<Fence>,
    ) {
        loop {
            tokio::select! {
                // Reports first: a fence must see all that came before it.
                biased;
                item = stream.next() => match item {
                    Some(Ok(SubscriptionItem::Data(update))) => {
                        if let Err(what) = self.update(update) {
                            // A report that can't be read is a report missed.
                            tracing::warn!(problem = what, "unreadable order report");
                            self.send(OrderEvent::Gap);
                        }
                    }
                    Some(Ok(SubscriptionItem::Notice(notice))) => self.notice(&notice),
                    Some(Err(error)) => return self.signals.condemn(problem::of(STREAM, error)),
                    None => {
                        return self.signals.condemn(GatewayError::Reset { request: STREAM });
                    }
                },
                Some(fence) = fences.recv() => {
                    // An error means that the query gave up.
                    drop(fence.send(std::mem::take(&mut self.replayed)));
                }
            }
        }
    }

    fn update(&mut self, update: OrderUpdate) -> Result<(), String> {
        match update {
            OrderUpdate::OpenOrder(data) => self.send(OrderEvent::Open(map::open_order(&data)?)),
            OrderUpdate::OrderStatus(status) => {
                self.send(OrderEvent::Status(map::status(&status)?));
            }
            OrderUpdate::ExecutionData(data) => {
                let execution = map::execution(&data)?;
                // Live reports have -1 or nothing here.
                if data.request_id > 0 {
                    self.keep(execution.clone());
                }
                self.send(OrderEvent::Executed(execution));
            }
            OrderUpdate::CommissionReport(report) => {
                let Some(commission) = map::commission(&report, self.clock.now())? else {
                    return Ok(());
                };
                if self.replayed.ids.contains(commission.execution_id.as_str()) {
                    self.replayed.commissions.push(commission.clone());
                }
                self.send(OrderEvent::Commission(commission));
            }
            // Manual orders getting an API id: we never bind them.
            OrderUpdate::OrderBound(_) => {}
        }
        Ok(())
    }

    fn keep(&mut self, execution: Execution) {
        if self.replayed.executions.len() < REPLAYED_MAX {
            self.replayed.ids.insert(execution.execution_id.as_str().to_owned());
            self.replayed.executions.push(execution);
        } else {
            self.replayed.overflowed = true;
        }
    }

    fn notice(&self, notice: &Notice) {
        let Some(order_id) = notice.request_id else {
            // The client's own: it dropped reports because we were too slow.
            tracing::warn!(code = notice.code, "order reports were dropped");
            return self.send(OrderEvent::Gap);
        };
        self.send(OrderEvent::Notice(OrderNotice {
            order_id: OrderId(order_id),
            code: notice.code,
            text: redact::accounts(&notice.message),
            class: codes::classify(notice.code, &notice.message),
        }));
    }

    fn send(&self, event: OrderEvent) {
        // An error means that nobody listens.
        drop(self.events.send(event));
    }
}

/// Reads notices that belong to no request, until the connection ends.
pub(super) async fn notices(mut stream: NoticeStream, signals: Arc<Signals>) {
    while let Some(notice) = stream.next().await {
        heard(&notice, &signals);
    }
    signals.condemn(GatewayError::Reset { request: "the notice stream" });
}

pub(super) fn heard(notice: &Notice, signals: &Signals) {
    if notice.code == ibapi::NOTICE_STREAM_LAG_CODE {
        // A lost "link lost" would open the gate.
        return signals.condemn(problem::unreadable("the notice stream", &notice.message));
    }
    let class = codes::classify(notice.code, &notice.message);
    let text = redact::accounts(&notice.message);
    match class {
        CodeClass::LinkLost => {
            tracing::warn!(code = notice.code, text, "IB Gateway has lost IB's servers");
            signals.link(true);
        }
        CodeClass::LinkRestored => {
            tracing::info!(code = notice.code, text, "IB Gateway has IB's servers again");
            signals.link(false);
        }
        CodeClass::Farm | CodeClass::Remark | CodeClass::DataAdvisory => {
            tracing::debug!(code = notice.code, text, "notice from IB Gateway");
        }
        _ if notice.is_informational() => {
            tracing::debug!(code = notice.code, text, "notice from IB Gateway");
        }
        _ => {
            tracing::warn!(code = notice.code, text, "error from IB Gateway");
            let error = problem::of("a list", Error::Notice(notice.clone()));
            // Only lists that are under way look at it.
            signals.refused.send_replace(Some(error));
        }
    }
}
