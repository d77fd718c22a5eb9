//! Following orders until each has ended, works, or is for a person.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};

use super::judge::{Finding, Judgement, judge};
use super::look::look;
use super::reports::{News, read_report};
use super::{End, Event, Evidence, Ledger, OrderError, OrderTiming, State, Tracked};
use crate::clock::Clock;
use crate::gateway::codes::{CodeClass, classify};
use crate::gateway::{Gateway, GatewayError, OrderEvent};

/// Reports taken from the stream before they are written: bounds one round's work.
const REPORTS_PER_ROUND_MAX: usize = 256;

/// Looks in a row that may fail before we give up: a gateway that is down stays down longer than
/// a delivery should wait; the next one continues.
const FAILED_LOOKS_MAX: u32 = 3;

/// How long to follow.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until when a working order is waited for.
    pub fills: Instant,
    /// Until when anything is waited for.
    pub deadline: Instant,
}

/// Follows orders with the broker's reports and, where they do not suffice, its lists.
pub struct Follower<'a> {
    gateway: &'a Gateway,
    ledger: &'a Ledger,
    clock: &'a Clock,
    timing: &'a OrderTiming,
    client_id: i32,
    orders: Vec<Followed>,
    look_at: Option<Instant>,
    failed_looks: u32,
    ask_first: bool,
}

struct Followed {
    order: Tracked,
    pending: News,
    absent: Option<Absence>,
}

/// The first look that did not show the order.
#[derive(Clone, Copy)]
struct Absence {
    generation: u64,
    at: Instant,
}

impl<'a> Follower<'a> {
    /// Follows `orders`, which `ledger` may write to.
    pub fn new(
        gateway: &'a Gateway,
        ledger: &'a Ledger,
        clock: &'a Clock,
        timing: &'a OrderTiming,
        client_id: i32,
        orders: Vec<Tracked>,
    ) -> Self {
        let orders = orders
            .into_iter()
            .map(|order| Followed { order, pending: News::default(), absent: None })
            .collect();
        Self {
            gateway,
            ledger,
            clock,
            timing,
            client_id,
            orders,
            look_at: None,
            failed_looks: 0,
            ask_first: false,
        }
    }

    /// Has the broker asked about all orders before its reports are heard, parked ones included:
    /// what executes under their names is ours, whoever has to decide about the rest.
    pub fn ask_first(mut self) -> Self {
        self.ask_first = true;
        self
    }

    /// Follows until all is settled or patience ends, and returns the orders as they stand.
    /// `reports` was subscribed to before the first send.
    pub async fn follow(
        mut self,
        reports: &mut Receiver<OrderEvent>,
        patience: Patience,
    ) -> Result<Vec<Tracked>, OrderError> {
        let acknowledge_by = Instant::now() + self.timing.acknowledge;
        if self.ask_first {
            self.look_around().await?;
        }
        while let Some(wake) = self.next_wake(acknowledge_by, patience) {
            tokio::select! {
                report = reports.recv() => self.read(report, reports).await?,
                () = sleep_until(wake) => {}
            }
            let now = Instant::now();
            if now >= acknowledge_by && self.look_at.is_none() && self.any(State::InDoubt) {
                self.look_at = Some(now);
            }
            if self.look_at.is_some_and(|at| at <= now) && self.unsettled(now, patience) {
                self.look_at = None;
                self.look_around().await?;
            }
        }
        self.wait_for_commissions(reports, patience).await?;
        Ok(self.orders.into_iter().map(|followed| followed.order).collect())
    }

    /// When to act at the latest, or `None` if there is nothing left to wait for.
    fn next_wake(&self, acknowledge_by: Instant, patience: Patience) -> Option<Instant> {
        let now = Instant::now();
        if now >= patience.deadline || !self.unsettled(now, patience) {
            return None;
        }
        let mut wake = patience.deadline;
        if self.any(State::Working) && patience.fills > now {
            wake = wake.min(patience.fills);
        }
        match self.look_at {
            // A look behind the deadline is the next delivery's: waiting for it teaches nothing.
            Some(at) if at >= patience.deadline && !self.any(State::Working) => return None,
            Some(at) => wake = wake.min(at),
            None if self.any(State::InDoubt) => wake = wake.min(acknowledge_by),
            None => {}
        }
        Some(wake)
    }

    fn unsettled(&self, now: Instant, patience: Patience) -> bool {
        self.orders.iter().any(|followed| match followed.order.state() {
            State::InDoubt => true,
            State::Working => {
                now < patience.fills || followed.absent.is_some() || self.look_at.is_some()
            }
            State::Planned | State::Ended(_) | State::Parked => false,
        })
    }

    fn any(&self, state: State) -> bool {
        self.orders.iter().any(|followed| followed.order.state() == state)
    }

    /// Takes in a report and what has queued up behind it, and writes it down.
    async fn read(
        &mut self,
        first: Result<OrderEvent, RecvError>,
        reports: &mut Receiver<OrderEvent>,
    ) -> Result<(), OrderError> {
        let mut next = Some(first);
        for _ in 0..REPORTS_PER_ROUND_MAX {
            match next {
                Some(Ok(report)) => self.take(&report),
                // Reports were missed: the lists have them.
                Some(Err(RecvError::Lagged(_))) => self.ask_at(Instant::now()),
                Some(Err(RecvError::Closed)) => {
                    return Err(GatewayError::Closed.into());
                }
                None => break,
            }
            next = match reports.try_recv() {
                Ok(report) => Some(Ok(report)),
                Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
                Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
                Err(TryRecvError::Empty) => None,
            };
        }
        self.write_pending().await
    }

    fn take(&mut self, report: &OrderEvent) {
        for followed in &mut self.orders {
            let news = read_report(report, &followed.order, &followed.pending, self.client_id);
            followed.pending.extend(news);
        }
    }

    fn ask_at(&mut self, at: Instant) {
        self.look_at = Some(self.look_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Writes down what was heard. A claim of an end is a reason to ask the broker only if what
    /// came with it did not end the order: as a rule, the execution did.
    async fn write_pending(&mut self) -> Result<(), OrderError> {
        let writes = self.orders.iter_mut().map(|followed| followed.write(self.ledger));
        let asks: Vec<Result<bool, OrderError>> = futures::future::join_all(writes).await;
        if asks.into_iter().collect::<Result<Vec<_>, _>>()?.contains(&true) {
            self.ask_at(Instant::now());
        }
        Ok(())
    }

    /// Asks the broker about all orders that are not settled.
    async fn look_around(&mut self) -> Result<(), OrderError> {
        let evidence = match look(self.gateway).await {
            Ok(evidence) => evidence,
            Err(OrderError::Gateway(error)) if error.is_retryable() => {
                self.failed_looks += 1;
                tracing::warn!(%error, attempt = self.failed_looks, "could not look at the orders");
                if self.failed_looks >= FAILED_LOOKS_MAX {
                    return Err(error.into());
                }
                self.ask_at(Instant::now() + self.timing.unclear);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.failed_looks = 0;
        let mut again = Vec::new();
        for index in 0..self.orders.len() {
            again.extend(self.judge_one(index, &evidence));
        }
        for wait in again {
            self.ask_at(Instant::now() + wait);
        }
        self.write_pending().await
    }

    /// Applies the evidence to one order. Returns after how long to look again, if that is needed.
    fn judge_one(&mut self, index: usize, evidence: &Evidence) -> Option<Duration> {
        let now = self.clock.now();
        let timing = self.timing;
        let followed = self.orders.get_mut(index)?;
        let state = followed.order.state();
        if !matches!(state, State::InDoubt | State::Working | State::Parked) {
            return None;
        }
        let Judgement { mut events, mut finding } =
            judge(&followed.order, evidence, self.client_id);
        if state == State::Parked {
            // Nothing but a person moves it on. What it executes is booked meanwhile.
            events.retain(|event| matches!(event, Event::Executed(_) | Event::Commissioned(_)));
            finding = Finding::Incident;
        }
        followed.pending.extend(News { events, ask: false });
        match finding {
            Finding::Open | Finding::Ended | Finding::Incident => {
                followed.absent = None;
                None
            }
            Finding::Unclear => {
                followed.absent = None;
                Some(timing.unclear)
            }
            Finding::Absent => followed.absence(evidence.generation, timing, now),
        }
    }

    /// Fills are booked without their cost, but it usually is only a moment behind.
    async fn wait_for_commissions(
        &mut self,
        reports: &mut Receiver<OrderEvent>,
        patience: Patience,
    ) -> Result<(), OrderError> {
        let until = patience.deadline.min(Instant::now() + self.timing.commissions);
        while self.orders.iter().any(Followed::lacks_commission) {
            tokio::select! {
                report = reports.recv() => self.read(report, reports).await?,
                () = sleep_until(until) => break,
            }
        }
        Ok(())
    }
}

impl Followed {
    /// Writes the pending news into the order's ledger. Returns whether to ask about the order.
    async fn write(&mut self, ledger: &Ledger) -> Result<bool, OrderError> {
        let News { events, ask } = std::mem::take(&mut self.pending);
        if !events.is_empty() {
            ledger.append(&mut self.order, &events).await?;
        }
        Ok(ask && !self.order.state().is_ended())
    }

    fn lacks_commission(&self) -> bool {
        let progress = self.order.progress();
        progress.state().is_ended()
            && progress.fills().any(|fill| progress.commission(&fill.execution_id).is_none())
    }

    /// No list shows the order. Believed after a second look, on the same connection, apart from
    /// the first and from the write.
    fn absence(
        &mut self,
        generation: u64,
        timing: &OrderTiming,
        now: Timestamp,
    ) -> Option<Duration> {
        let first = match self.absent {
            Some(first) if first.generation == generation => first,
            Some(_) | None => *self.absent.insert(Absence { generation, at: Instant::now() }),
        };
        let since_first = first.at.elapsed();
        let since_write = self.order.record().sent_at().map_or(Duration::ZERO, |sent| {
            Duration::try_from(now.duration_since(sent)).unwrap_or(Duration::ZERO)
        });
        let wait = timing
            .absence_between
            .saturating_sub(since_first)
            .max(timing.absence_after_write.saturating_sub(since_write));
        if !wait.is_zero() {
            return Some(wait);
        }
        self.absent = None;
        self.pending.events.push(conclude(&self.order));
        None
    }
}

/// What an absence that is believed means. No order is sent again here: an order that nobody shows
/// may still lie in a frozen gateway or behind a dialog, and a second one could not be told apart.
fn conclude(order: &Tracked) -> Event {
    let progress = order.progress();
    let said = |class: CodeClass| {
        progress.notices().iter().find(|(code, text)| classify(*code, text) == class)
    };
    let ended = |how: End, (code, text): &(i32, String)| Event::Ended {
        how,
        evidence: format!("IB answered with error {code} ({text}), and two looks found no order"),
    };
    if let Some(notice) = said(CodeClass::CancelConfirmed) {
        return ended(End::Cancelled, notice);
    }
    // We never change an order that is out: a refusal is of the order itself.
    if let Some(notice) = said(CodeClass::Rejected)
        && progress.filled().is_zero()
    {
        return ended(End::Rejected, notice);
    }
    let reason = match progress.state() {
        State::InDoubt => {
            "it was sent, IB never answered, and two looks found no such order; whether it can \
             still surface is not known"
        }
        _ => "it worked at IB, works no longer, and today's lists do not say how it ended",
    };
    Event::Parked { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OrderId, PermId};
    use crate::orders::fixtures::spec;
    use crate::store::{SqliteStore, Store};

    async fn concluded(notices: &[(i32, &str)], acknowledged: bool) -> Event {
        let store: std::sync::Arc<dyn Store> =
            std::sync::Arc::new(SqliteStore::in_memory().unwrap());
        let ledger = Ledger::new(store, Clock::manual(Timestamp::UNIX_EPOCH), 1);
        let mut order = ledger.open(spec(10)).await.unwrap();
        let id = OrderId(1);
        let mut events = vec![Event::Sending { order_id: id, client_id: 10, next_valid_id: id }];
        if acknowledged {
            let status = "Submitted".to_owned();
            events.push(Event::Acknowledged { perm_id: PermId(7), status });
        }
        events.extend(
            notices
                .iter()
                .map(|(code, text)| Event::Noticed { code: *code, text: (*text).to_owned() }),
        );
        ledger.append(&mut order, &events).await.unwrap();
        conclude(&order)
    }

    #[tokio::test]
    async fn an_absence_ends_an_order_only_with_ibs_own_word_for_it() {
        let ends_as = |event: Event| match event {
            Event::Ended { how, .. } => Some(how),
            _ => None,
        };
        let rejected = [(201, "Order rejected - reason: margin")];
        for acknowledged in [false, true] {
            let concluded = |notices| concluded(notices, acknowledged);
            assert_eq!(ends_as(concluded(&rejected).await), Some(End::Rejected));
            assert_eq!(
                ends_as(concluded(&[(202, "Order Canceled - reason:")]).await),
                Some(End::Cancelled)
            );
            // Codes that live orders get, and silence.
            for notices in [&[(10_349, "TIF was set to DAY")][..], &[(399, "held")], &[]] {
                let event = concluded(notices).await;
                assert!(matches!(event, Event::Parked { .. }), "{notices:?} {event:?}");
            }
        }
    }
}
