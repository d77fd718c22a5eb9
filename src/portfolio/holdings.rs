//! What one strategy's ledger claims, and which orders it has booked.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::{ContractId, Instrument, OrderRef, StrategyId};

/// A claim on one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Of what.
    pub instrument: Instrument,
    /// Units, signed, never 0.
    pub quantity: Decimal,
}

/// How much of one order is booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booked {
    /// The order's contract.
    pub contract: ContractId,
    /// This strategy's cumulative share of its fills, signed.
    pub quantity: Decimal,
}

/// The document `positions/{mode}/holdings/{strategy}`: claims and the marks of their origin in
/// one document, so that one write moves both.
///
/// Booking is idempotent because it takes the order's cumulative share, never a single fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holdings {
    /// Whose.
    pub strategy: StrategyId,
    /// Claims by contract.
    #[serde(default)]
    pub positions: BTreeMap<ContractId, Held>,
    /// Orders that may still bring something, and how much of each is in the claims.
    #[serde(default)]
    pub booked: BTreeMap<OrderRef, Booked>,
}

/// Why a fill was not booked. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldingsError {
    /// One reference, two contracts: a record is damaged.
    #[error("order {order_ref} is booked on contract {booked}, not on {given}")]
    Contract {
        /// Which order.
        order_ref: OrderRef,
        /// As on record.
        booked: ContractId,
        /// As asked for.
        given: ContractId,
    },
    /// A number left the range of a decimal.
    #[error("the holding of contract {0} became too large to compute with")]
    Overflow(ContractId),
}

impl Holdings {
    /// Nothing held.
    pub fn new(strategy: StrategyId) -> Self {
        Self { strategy, positions: BTreeMap::new(), booked: BTreeMap::new() }
    }

    /// Books an order up to `share_total`, this strategy's cumulative share of its fills, and
    /// returns by how much the claim moved: 0 if that much was booked before. A share that became
    /// smaller (IB corrected an execution) moves the claim back.
    pub fn book(
        &mut self,
        order_ref: &OrderRef,
        instrument: &Instrument,
        share_total: Decimal,
    ) -> Result<Decimal, HoldingsError> {
        let contract = instrument.id;
        let before = match self.booked.get(order_ref) {
            None => Decimal::ZERO,
            Some(booked) if booked.contract == contract => booked.quantity,
            Some(booked) => {
                return Err(HoldingsError::Contract {
                    order_ref: order_ref.clone(),
                    booked: booked.contract,
                    given: contract,
                });
            }
        };
        let overflow = || HoldingsError::Overflow(contract);
        let delta = share_total.checked_sub(before).ok_or_else(overflow)?;
        let held = self.quantity(contract).checked_add(delta).ok_or_else(overflow)?;
        self.booked.insert(order_ref.clone(), Booked { contract, quantity: share_total });
        match held.is_zero() {
            true => self.positions.remove(&contract),
            false => {
                let held = Held { instrument: instrument.clone(), quantity: held.normalize() };
                self.positions.insert(contract, held)
            }
        };
        Ok(delta)
    }

    /// Forgets an order; says whether it was known. Only for orders that can bring nothing more
    /// *and whose ledger says durably that they are attributed*: booking one again afterwards
    /// would count it twice, and that record is what must prevent it.
    pub fn settle(&mut self, order_ref: &OrderRef) -> bool {
        self.booked.remove(order_ref).is_some()
    }

    /// The claim on one contract, in units; 0 if there is none.
    pub fn quantity(&self, contract: ContractId) -> Decimal {
        self.positions.get(&contract).map_or(Decimal::ZERO, |held| held.quantity)
    }

    /// The claims as a plan takes them.
    pub fn quantities(&self) -> BTreeMap<ContractId, Decimal> {
        self.positions.iter().map(|(id, held)| (*id, held.quantity)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, RunKey, SecType};

    fn spy() -> Instrument {
        Instrument {
            id: ContractId(756_733),
            symbol: "SPY".to_owned(),
            sec_type: SecType::Stock,
            currency: Currency::usd(),
        }
    }

    fn order(run: &str) -> OrderRef {
        OrderRef::derive(&RunKey::new(run).unwrap(), spy().id)
    }

    fn empty() -> Holdings {
        Holdings::new(StrategyId::new("balanced").unwrap())
    }

    #[test]
    fn booking_the_same_total_again_moves_nothing() {
        let mut holdings = empty();
        assert_eq!(holdings.book(&order("a"), &spy(), Decimal::from(40)), Ok(Decimal::from(40)));
        assert_eq!(holdings.book(&order("a"), &spy(), Decimal::from(40)), Ok(Decimal::ZERO));
        assert_eq!(holdings.book(&order("a"), &spy(), Decimal::from(100)), Ok(Decimal::from(60)));
        assert_eq!(holdings.quantity(spy().id), Decimal::from(100));
    }

    #[test]
    fn two_orders_of_one_contract_add_up() {
        let mut holdings = empty();
        holdings.book(&order("a"), &spy(), Decimal::from(100)).unwrap();
        holdings.book(&order("b"), &spy(), Decimal::from(-30)).unwrap();
        assert_eq!(holdings.quantity(spy().id), Decimal::from(70));
        assert_eq!(holdings.booked.len(), 2);
    }

    #[test]
    fn what_is_sold_out_is_no_longer_listed() {
        let mut holdings = empty();
        holdings.book(&order("a"), &spy(), Decimal::from(100)).unwrap();
        assert!(holdings.settle(&order("a")));
        assert!(!holdings.settle(&order("a")));
        holdings.book(&order("b"), &spy(), Decimal::from(-100)).unwrap();
        assert!(holdings.positions.is_empty());
        assert_eq!(holdings.quantities(), BTreeMap::new());
    }

    #[test]
    fn a_corrected_execution_moves_the_claim_back() {
        let mut holdings = empty();
        holdings.book(&order("a"), &spy(), Decimal::from(100)).unwrap();
        assert_eq!(holdings.book(&order("a"), &spy(), Decimal::from(90)), Ok(Decimal::from(-10)));
        assert_eq!(holdings.quantity(spy().id), Decimal::from(90));
    }

    #[test]
    fn an_order_can_not_change_its_contract() {
        let mut holdings = empty();
        holdings.book(&order("a"), &spy(), Decimal::from(100)).unwrap();
        let other = Instrument { id: ContractId(1), ..spy() };
        let before = holdings.clone();
        assert!(holdings.book(&order("a"), &other, Decimal::from(100)).is_err());
        assert_eq!(holdings, before);
    }

    #[test]
    fn an_overflow_changes_nothing() {
        let mut holdings = empty();
        holdings.book(&order("a"), &spy(), Decimal::MAX).unwrap();
        let before = holdings.clone();
        let refused = holdings.book(&order("b"), &spy(), Decimal::MAX);
        assert_eq!(refused, Err(HoldingsError::Overflow(spy().id)));
        assert_eq!(holdings, before);
    }

    #[test]
    fn the_document_has_decimals_as_strings_and_reads_back() {
        let mut holdings = empty();
        holdings.book(&order("a"), &spy(), Decimal::from(100)).unwrap();
        let document = serde_json::to_value(&holdings).unwrap();
        assert_eq!(document["positions"]["756733"]["quantity"], "100");
        assert_eq!(serde_json::from_value::<Holdings>(document).unwrap(), holdings);
    }
}
