//! Everything that a plan depends on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ResolvedBook;
use crate::config::TradingConfig;
use crate::domain::{
    AccountValues, Contract, ContractId, Position, Quote, RunKey, StrategyId, TradingMode,
};

/// What a strategy has to say this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BookState {
    /// A book to follow.
    Fresh(ResolvedBook),
    /// A book that was in force once.
    Stale {
        /// Its instant.
        as_of: Timestamp,
        /// When it ended.
        valid_until: Timestamp,
    },
    /// No book at all.
    Missing,
    /// A book that does not read, or whose contracts can't be identified.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

/// What own orders may still bring, by contract and strategy, signed: what a strategy contributed
/// to the order less what is *booked* to its holdings, whatever the broker has filled. So holdings
/// + working is right however far booking lags behind.
pub type Working = BTreeMap<ContractId, BTreeMap<StrategyId, Decimal>>;

/// Everything that a plan depends on: a record of it gives the same plan again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanInputs {
    /// The instant of the decision.
    pub now: Timestamp,
    /// Whose money.
    pub mode: TradingMode,
    /// Names the lines, together with their contracts.
    pub run_key: RunKey,
    /// The account that is traded, and its money.
    pub account_values: AccountValues,
    /// What each strategy has to say. One that is configured or holds something and has no entry
    /// counts as [`BookState::Missing`].
    pub books: BTreeMap<StrategyId, BookState>,
    /// Follow only these strategies; all if absent.
    pub only: Option<BTreeSet<StrategyId>>,
    /// What each strategy's ledger claims, in units.
    pub holdings: BTreeMap<StrategyId, BTreeMap<ContractId, Decimal>>,
    /// What own orders may still bring.
    pub working: Working,
    /// Contracts that must not be traded now, with the reason: locks of a person, breaks, and
    /// orders in doubt or parked.
    pub locked: BTreeMap<ContractId, String>,
    /// What the broker says the account holds.
    pub positions: Vec<Position>,
    /// Every contract of [`PlanInputs::contracts_needed`], as the gateway describes it.
    pub contracts: BTreeMap<ContractId, Contract>,
    /// Their quotes, as far as there are any.
    pub quotes: BTreeMap<ContractId, Quote>,
    /// Exposure, limits, kinds of orders.
    pub config: TradingConfig,
}

impl PlanInputs {
    /// The contracts that a plan may have to describe and price: those of fresh books, of
    /// holdings, and of own working orders.
    pub fn contracts_needed(
        books: &BTreeMap<StrategyId, BookState>,
        holdings: &BTreeMap<StrategyId, BTreeMap<ContractId, Decimal>>,
        working: &Working,
    ) -> BTreeSet<ContractId> {
        let mut needed: BTreeSet<ContractId> = working.keys().copied().collect();
        needed.extend(holdings.values().flat_map(|held| held.keys().copied()));
        for state in books.values() {
            if let BookState::Fresh(book) = state {
                needed.extend(book.targets.keys().copied());
            }
        }
        needed
    }

    /// What the traded account holds of a contract, in units; 0 if nothing. `None` if the rows
    /// add up beyond the range of a decimal.
    pub fn position(&self, contract: ContractId) -> Option<Decimal> {
        self.positions
            .iter()
            .filter(|row| row.account == self.account_values.account)
            .filter(|row| row.instrument.id == contract)
            .try_fold(Decimal::ZERO, |sum, row| sum.checked_add(row.quantity))
    }

    /// What one strategy claims of a contract, in units.
    pub fn holding(&self, strategy: &StrategyId, contract: ContractId) -> Decimal {
        let held = self.holdings.get(strategy).and_then(|held| held.get(&contract));
        held.copied().unwrap_or(Decimal::ZERO)
    }

    /// What own orders may still bring one strategy, in units, signed.
    pub fn working_for(&self, strategy: &StrategyId, contract: ContractId) -> Decimal {
        let working = self.working.get(&contract).and_then(|shares| shares.get(strategy));
        working.copied().unwrap_or(Decimal::ZERO)
    }
}
