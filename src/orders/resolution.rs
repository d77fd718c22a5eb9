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
}
