//! Holdings against the broker's positions.
//!
//! For each contract, `unclaimed = position − Σ holdings`: what the account holds and no strategy
//! claims. It may be anything that a person could have bought or sold beside us, as long as it
//! does not eat into the claims. So there is a **break** where the strategies together claim more
//! than the account has in their direction, that is, where `unclaimed` and the claim have
//! opposite signs: 100 claimed, 60 there.
//!
//! A fill that is under way is no break. It can be at the broker and not yet in the holdings (own
//! orders that may still bring something), or in the holdings and not yet in the positions, which
//! lag behind fills (orders that are booked and not settled). Where some part of these explains
//! the difference, the row says `in_flight` and there is no break.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::holdings::Holdings;
use super::inputs::Working;
use crate::domain::{Account, ContractId, Instrument, Position, StrategyId};

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Reconciliation<'a> {
    /// When the positions were taken.
    pub at: Timestamp,
    /// The traded account: rows of others are not ours to judge.
    pub account: &'a Account,
    /// What the broker says, complete.
    pub positions: &'a [Position],
    /// What strategies claim.
    pub holdings: &'a BTreeMap<StrategyId, Holdings>,
    /// What own orders may still bring.
    pub working: &'a Working,
}

/// The document `positions/{mode}/portfolio/latest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatestPortfolio {
    /// When the positions were taken.
    pub at: Timestamp,
    /// Whose.
    pub account: Account,
    /// Every contract that the account holds or a strategy claims.
    pub contracts: BTreeMap<ContractId, PortfolioRow>,
    /// Every difference that nothing explains. Each locks its contract.
    pub breaks: Vec<Break>,
}

/// One contract of the account: `position` = sum of `by_strategy` + `unclaimed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortfolioRow {
    /// Of what.
    pub instrument: Instrument,
    /// What the broker says, in units, signed.
    pub position: Decimal,
    /// As the broker gives it; absent where the account holds nothing.
    pub average_cost: Option<Decimal>,
    /// What each strategy claims.
    pub by_strategy: BTreeMap<StrategyId, Decimal>,
    /// What nobody claims. Never traded.
    pub unclaimed: Decimal,
    /// Own orders may explain the row: claims and position are not final.
    pub in_flight: bool,
}

/// The kinds of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakKind {
    /// The account has some of what is claimed, but not all.
    HoldingsExceedPosition,
    /// The account has none of what is claimed.
    PositionMissing,
    /// The account is short what is claimed long, or the reverse.
    OppositeSign,
    /// The numbers can't be added up.
    Overflow,
}

/// One difference that nothing explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Break {
    /// Which kind.
    pub kind: BreakKind,
    /// Of what.
    pub instrument: Instrument,
    /// What the broker says.
    pub position: Decimal,
    /// What all strategies claim together.
    pub claimed: Decimal,
    /// Who claims.
    pub strategies: BTreeSet<StrategyId>,
}

impl LatestPortfolio {
    /// The contracts that must not be traded while their breaks last, with the reason.
    pub fn locks(&self) -> BTreeMap<ContractId, String> {
        self.breaks.iter().map(|found| (found.instrument.id, format!("break: {found}"))).collect()
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.strategies.iter().map(StrategyId::as_str).collect();
        write!(
            f,
            "{} ({}): {} claimed by {}, the account holds {}",
            self.instrument,
            self.instrument.id,
            self.claimed,
            names.join(", "),
            self.position
        )
    }
}

/// Compares, and names every difference.
pub fn reconcile(inputs: &Reconciliation<'_>) -> LatestPortfolio {
    let mut contracts = BTreeMap::new();
    let mut breaks = Vec::new();
    for (id, instrument) in instruments(inputs) {
        let by_strategy: BTreeMap<StrategyId, Decimal> = inputs
            .holdings
            .iter()
            .map(|(strategy, holdings)| (strategy.clone(), holdings.quantity(id)))
            .filter(|(_, quantity)| !quantity.is_zero())
            .collect();
        let sums = Sums::of(inputs, id, &by_strategy);
        breaks.extend(judge(&instrument, sums.as_ref(), &by_strategy));
        let sums = sums.unwrap_or_default();
        if sums.position.is_zero() && by_strategy.is_empty() {
            continue;
        }
        let average_cost = rows(inputs, id).map(|row| row.average_cost).next();
        let row = PortfolioRow {
            instrument,
            position: sums.position,
            average_cost: average_cost.filter(|_| !sums.position.is_zero()),
            by_strategy,
            unclaimed: sums.unclaimed,
            in_flight: sums.in_flight(),
        };
        contracts.insert(id, row);
    }
    LatestPortfolio { at: inputs.at, account: inputs.account.clone(), contracts, breaks }
}

fn rows<'a>(
    inputs: &Reconciliation<'a>,
    contract: ContractId,
) -> impl Iterator<Item = &'a Position> {
    let account = inputs.account;
    let rows = inputs.positions.iter().filter(move |row| row.account == *account);
    rows.filter(move |row| row.instrument.id == contract)
}

fn instruments(inputs: &Reconciliation<'_>) -> BTreeMap<ContractId, Instrument> {
    let claimed = inputs.holdings.values().flat_map(|holdings| holdings.positions.values());
    let claimed = claimed.map(|held| &held.instrument);
    let held = inputs.positions.iter().filter(|row| row.account == *inputs.account);
    // The broker's description is the newer one.
    let all = claimed.chain(held.map(|row| &row.instrument));
    all.map(|instrument| (instrument.id, instrument.clone())).collect()
}

/// One contract, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    position: Decimal,
    claimed: Decimal,
    unclaimed: Decimal,
    /// What is claimed if every fill under way counts that lowers it, and only those.
    low: Decimal,
    /// The same with those that raise it.
    high: Decimal,
}

impl Sums {
    /// `None` if a number leaves the range of a decimal.
    fn of(
        inputs: &Reconciliation<'_>,
        id: ContractId,
        by_strategy: &BTreeMap<StrategyId, Decimal>,
    ) -> Option<Self> {
        let mut sums = Self::default();
        for row in rows(inputs, id) {
            sums.position = sums.position.checked_add(row.quantity)?;
        }
        for quantity in by_strategy.values() {
            sums.claimed = sums.claimed.checked_add(*quantity)?;
        }
        sums.unclaimed = sums.position.checked_sub(sums.claimed)?;
        (sums.low, sums.high) = (sums.claimed, sums.claimed);
        let working = inputs.working.get(&id).into_iter().flat_map(|shares| shares.values());
        let booked = inputs.holdings.values().flat_map(|holdings| holdings.booked.values());
        let booked = booked.filter(|booked| booked.contract == id).map(|booked| -booked.quantity);
        for moved in working.copied().chain(booked) {
            match moved.is_sign_negative() {
                true => sums.low = sums.low.checked_add(moved)?,
                false => sums.high = sums.high.checked_add(moved)?,
            }
        }
        Some(sums)
    }

    fn in_flight(&self) -> bool {
        self.low != self.high
    }

    /// Whether the account has all that is claimed, for some outcome of what is under way.
    fn is_covered(&self) -> bool {
        let covered = |claimed: Decimal| match claimed.is_sign_negative() {
            true => self.position <= claimed,
            false => claimed.is_zero() || self.position >= claimed,
        };
        // A claim that can be zero can be covered by anything.
        (self.low <= Decimal::ZERO && self.high >= Decimal::ZERO)
            || covered(self.low)
            || covered(self.high)
    }
}

fn judge(
    instrument: &Instrument,
    sums: Option<&Sums>,
    by_strategy: &BTreeMap<StrategyId, Decimal>,
) -> Option<Break> {
    let (kind, position, claimed) = match sums {
        None => (BreakKind::Overflow, Decimal::ZERO, Decimal::ZERO),
        Some(sums) if sums.is_covered() => return None,
        Some(sums) => {
            let kind = if sums.position.is_zero() {
                BreakKind::PositionMissing
            } else if sums.position.is_sign_negative() == sums.claimed.is_sign_negative() {
                BreakKind::HoldingsExceedPosition
            } else {
                BreakKind::OppositeSign
            };
            (kind, sums.position, sums.claimed)
        }
    };
    let strategies = by_strategy.keys().cloned().collect();
    Some(Break { kind, instrument: instrument.clone(), position, claimed, strategies })
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
