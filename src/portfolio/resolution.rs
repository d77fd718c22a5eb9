//! A target book by contract: what names stand for is settled before anything is sized.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::book::{Freshness, Size, TargetBook, freshness, size_problems};
use super::book_problem::{BookProblem, BookProblems};
use crate::config::TradingConfig;
use crate::domain::{Contract, ContractId, ContractQuery, SecType, StrategyId};

/// What the gateway answered to one [`ContractQuery`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Exactly one contract.
    Found(Contract),
    /// None.
    Unknown,
    /// Several.
    Ambiguous {
        /// How many.
        matches: usize,
    },
}

/// A target book whose contracts are identified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedBook {
    /// Whose.
    pub strategy: StrategyId,
    /// The instant whose market it was computed from.
    pub as_of: Timestamp,
    /// From then on it is stale.
    pub valid_until: Timestamp,
    /// What to hold; empty means nothing at all.
    pub targets: BTreeMap<ContractId, Size>,
}

impl ResolvedBook {
    /// Identifies every contract of `book`, or lists all that can't be identified, that are named
    /// twice under different names, or that are of a kind we don't trade.
    pub fn new(
        book: &TargetBook,
        resolved: &BTreeMap<ContractQuery, Resolution>,
    ) -> Result<Self, BookProblems> {
        let mut problems = Vec::new();
        let mut targets = BTreeMap::new();
        for target in book.targets() {
            match identify(&target.contract, resolved) {
                Err(problem) => problems.push(problem),
                Ok(contract) => {
                    if targets.insert(contract.instrument.id, target.size).is_some() {
                        let name = format!("{} ({})", target.contract, contract.instrument.id);
                        problems.push(BookProblem::Duplicate { contract: name });
                    }
                }
            }
        }
        if !problems.is_empty() {
            return Err(BookProblems(problems));
        }
        Ok(Self {
            strategy: book.strategy().clone(),
            as_of: book.as_of(),
            valid_until: book.valid_until(),
            targets,
        })
    }

    /// Whether it may move anything now.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        freshness(self.as_of, self.valid_until, now)
    }

    /// What the configuration, as it is now, has against this book.
    pub fn problems(&self, config: &TradingConfig) -> Vec<BookProblem> {
        size_problems(
            self.targets.iter().map(|(id, size)| (format!("contract {id}"), *size)),
            config,
        )
    }

    /// The contracts that it names.
    pub fn contracts(&self) -> BTreeSet<ContractId> {
        self.targets.keys().copied().collect()
    }
}

fn identify<'a>(
    query: &ContractQuery,
    resolved: &'a BTreeMap<ContractQuery, Resolution>,
) -> Result<&'a Contract, BookProblem> {
    let name = query.to_string();
    let contract = match resolved.get(query) {
        None => return Err(BookProblem::Unresolved { contract: name }),
        Some(Resolution::Unknown) => return Err(BookProblem::Unknown { contract: name }),
        Some(Resolution::Ambiguous { matches }) => {
            return Err(BookProblem::Ambiguous { contract: name, matches: *matches });
        }
        Some(Resolution::Found(contract)) => contract,
    };
    let found = &contract.instrument;
    let agrees = query.con_id.is_none_or(|id| id == found.id)
        && query.symbol.as_ref().is_none_or(|symbol| symbol.eq_ignore_ascii_case(&found.symbol));
    if !agrees {
        let found = format!("{found} ({})", found.id);
        return Err(BookProblem::Mismatch { contract: name, found });
    }
    match &found.sec_type {
        SecType::Stock | SecType::Future => Ok(contract),
        // What is bought of a currency pair is cash, not a position: no book could be held
        // against the broker's list of positions.
        SecType::Cash | SecType::Other(_) => {
            let sec_type = found.sec_type.to_string();
            Err(BookProblem::NotTraded { contract: name, sec_type })
        }
    }
}
