//! A person's decision about a parked order, held against the books.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{End, Event, Ledger, OrderError, Progress, State, Tracked};
use crate::clock::Clock;
use crate::store::Store;

/// What a person found at the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How the order ended.
    pub how: End,
    /// Who decides.
    pub by: String,
    /// What that person saw.
    pub why: String,
}

/// Why an order can't be said to have ended like this. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolutionProblem {
    /// Only a parked order is for a person.
    #[error("it is {}, and only a parked order is for a person to decide", .0.as_str())]
    NotParked(State),
    /// Strategies would not get what the word promises.
    #[error(
        "it can't be filled: the ledger has {filled} of {ordered}; if the broker shows the rest, \
         run `reconcile`, which takes in its executions"
    )]
    NotFull {
        /// Executed by the ledger's account.
        filled: Decimal,
        /// Ordered in all.
        ordered: Decimal,
    },
    /// Nothing is left to cancel.
    #[error("it can't be cancelled: the ledger has executions for all {0} of it; say filled")]
    Full(Decimal),
    /// The broker took it.
    #[error("it can't be rejected: the ledger has executions for {0} of it; say cancelled")]
    PartlyFilled(Decimal),
    /// That is for lines that were never sent, which do not park.
    #[error("a person does not withdraw an order: say cancelled or rejected")]
    Withdrawn,
}

/// Whether `how` agrees with the fills on record.
fn check(progress: &Progress, ordered: Decimal, how: End) -> Result<(), ResolutionProblem> {
    let filled = progress.filled();
    match (progress.state(), how) {
        (State::Parked, End::Filled) if filled < ordered => {
            Err(ResolutionProblem::NotFull { filled, ordered })
        }
        (State::Parked, End::Cancelled) if filled >= ordered => {
            Err(ResolutionProblem::Full(ordered))
        }
        (State::Parked, End::Rejected) if !filled.is_zero() => {
            Err(ResolutionProblem::PartlyFilled(filled))
        }
        (State::Parked, End::Withdrawn) => Err(ResolutionProblem::Withdrawn),
        (State::Parked, End::Filled | End::Cancelled | End::Rejected) => Ok(()),
        (state, _) => Err(ResolutionProblem::NotParked(state)),
    }
}

impl Ledger {
    /// Records a decision about the parked `order`.
    ///
    /// Writes under the fencing number that the order carries, because a person takes no trading
    /// lease: whoever trades keeps the right to write to it. Writes to the order as it was read
    /// and to no other; if a fill came in meanwhile, the decision was made without it.
    ///
    /// # Errors
    ///
    /// [`OrderError::Unresolvable`] if the decision contradicts the ledger, and
    /// [`OrderError::Contended`] if the order has changed since it was read.
    pub async fn resolve(
        store: &Arc<dyn Store>,
        clock: &Clock,
        order: &mut Tracked,
        decision: Decision,
    ) -> Result<(), OrderError> {
        let Decision { how, by, why } = decision;
        check(order.progress(), order.spec().line.quantity, how)?;
        let resolved = Event::Resolved { how, by, why };
        let ledger = Self::new(store.clone(), clock.clone(), order.record().fence);
        ledger.append_unchanged(order, &[resolved]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExecutionId, OrderId};
    use crate::orders::Fill;
    use crate::store::SqliteStore;

    fn parked(filled: i64) -> Progress {
        let (order_id, next_valid_id) = (OrderId(1), OrderId(1));
        let mut events = vec![Event::Sending { order_id, client_id: 10, next_valid_id }];
        if filled > 0 {
            events.push(Event::Executed(Fill {
                execution_id: ExecutionId::new("0000e0d5.1.01"),
                quantity: Decimal::from(filled),
                price: Decimal::TEN,
                cumulative_quantity: Decimal::from(filled),
                time: String::new(),
            }));
        }
        if filled < 100 {
            events.push(Event::Parked { reason: "nobody shows it".to_owned() });
        }
        Progress::replay(Decimal::ONE_HUNDRED, &events).unwrap()
    }

    #[test]
    fn a_decision_agrees_with_the_fills_on_record_or_is_refused() {
        let table = [
            (0, End::Cancelled, true),
            (0, End::Rejected, true),
            (0, End::Filled, false),
            (40, End::Cancelled, true),
            (40, End::Rejected, false),
            (40, End::Filled, false),
            // Filled without a person, and so not parked.
            (100, End::Filled, false),
            // More than ordered parks by itself.
            (101, End::Filled, true),
            (101, End::Cancelled, false),
        ];
        for (filled, how, fits) in table {
            let checked = check(&parked(filled), Decimal::ONE_HUNDRED, how);
            assert_eq!(checked.is_ok(), fits, "{filled} {how:?}: {checked:?}");
        }
    }

    /// An order of 100 that is parked, in a store of its own.
    async fn parked_order() -> (Arc<dyn Store>, Clock, Tracked) {
        let spec = serde_json::json!({
            "run_key": "allocation.1", "account": "DU1234567", "effect": "increases",
            "line": {
                "order_ref": "rg-1", "exchange": "SMART", "side": "buy", "quantity": "100",
                "instrument": {
                    "id": 756733, "symbol": "SPY", "sec_type": "STK", "currency": "USD",
                },
                "order_type": { "type": "market" }, "time_in_force": "day", "step": "1",
                "reference_price": null, "value": null, "contributions": { "a": "100" },
            },
        });
        let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().unwrap());
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let ledger = Ledger::new(store.clone(), clock.clone(), 7);
        let mut order = ledger.open(serde_json::from_value(spec).unwrap()).await.unwrap();
        let (order_id, next_valid_id) = (OrderId(1), OrderId(1));
        let sending = Event::Sending { order_id, client_id: 10, next_valid_id };
        let parked = Event::Parked { reason: "nobody shows it".to_owned() };
        ledger.append(&mut order, &[sending, parked]).await.unwrap();
        (store, clock, order)
    }

    fn cancelled() -> Decision {
        Decision { how: End::Cancelled, by: "ops".to_owned(), why: "not in TWS".to_owned() }
    }

    #[tokio::test]
    async fn a_decision_leaves_the_right_to_write_with_whoever_trades() {
        let (store, clock, mut order) = parked_order().await;
        Ledger::resolve(&store, &clock, &mut order, cancelled()).await.unwrap();
        assert_eq!(order.state(), State::Ended(End::Cancelled));
        assert_eq!(order.record().fence, 7);
        let ledger = Ledger::new(store, clock, 7);
        let late = Event::Noticed { code: 202, text: "Order Canceled".to_owned() };
        ledger.append(&mut order, &[late]).await.unwrap();
    }

    #[tokio::test]
    async fn a_decision_about_what_the_order_was_is_not_one_about_what_it_is() {
        let (store, clock, mut seen) = parked_order().await;
        let fill = Event::Executed(Fill {
            execution_id: ExecutionId::new("0000e0d5.1.01"),
            quantity: Decimal::ONE_HUNDRED,
            price: Decimal::TEN,
            cumulative_quantity: Decimal::ONE_HUNDRED,
            time: String::new(),
        });
        let ledger = Ledger::new(store.clone(), clock.clone(), 8);
        ledger.append(&mut seen.clone(), &[fill]).await.unwrap();
        let resolved = Ledger::resolve(&store, &clock, &mut seen, cancelled()).await;
        assert!(matches!(resolved, Err(OrderError::Contended(_))), "{resolved:?}");
        let now = ledger.load(seen.order_ref()).await.unwrap().unwrap();
        assert_eq!((now.state(), now.progress().filled()), (State::Parked, Decimal::ONE_HUNDRED));
    }
}
