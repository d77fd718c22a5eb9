//! A target book as the store keeps it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ContractId, Instrument, StrategyId};
use crate::portfolio::{ResolvedBook, TargetBook};
use crate::store::{DocPath, InvalidPath};

/// The document `strategies/{id}/intent/latest`: the book, and what its names stood for when it
/// was handed in. Contracts are resolved once: a name that means another contract tomorrow moves
/// nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredBook {
    /// As handed in.
    pub book: TargetBook,
    /// By contract.
    pub resolved: ResolvedBook,
    /// The contracts' names.
    pub instruments: BTreeMap<ContractId, Instrument>,
    /// When it came.
    pub received_at: Timestamp,
    /// The run that took it in.
    pub run_key: String,
}

/// Where a strategy's book lives.
pub(super) fn latest(strategy: &StrategyId) -> Result<DocPath, InvalidPath> {
    DocPath::new(format!("strategies/{strategy}/intent/latest"))
}
