use super::*;
use crate::domain::{OrderRef, RunKey};
use crate::portfolio::fixtures::{AGG, SPY, d, instrument, now, strategy};

struct Case {
    account: Account,
    positions: Vec<Position>,
    holdings: BTreeMap<StrategyId, Holdings>,
    working: Working,
}

impl Case {
    fn new() -> Self {
        Self {
            account: Account::new("DU1234567"),
            positions: Vec::new(),
            holdings: BTreeMap::new(),
            working: BTreeMap::new(),
        }
    }

    fn position(mut self, account: &str, id: ContractId, quantity: &str) -> Self {
        self.positions.push(Position {
            account: Account::new(account),
            instrument: instrument(id),
            quantity: d(quantity),
            average_cost: d("480"),
        });
        self
    }

    fn holds(self, id: ContractId, quantity: &str) -> Self {
        self.position("DU1234567", id, quantity)
    }

    /// Claimed and settled.
    fn claims(mut self, name: &str, id: ContractId, quantity: &str) -> Self {
        let holdings = self.entry(name);
        let order = OrderRef::from_record("rg-settled");
        holdings.book(&order, &instrument(id), d(quantity)).unwrap();
        holdings.settle(&order);
        self
    }

    /// Booked, not settled.
    fn books(mut self, name: &str, id: ContractId, quantity: &str) -> Self {
        let order = OrderRef::derive(&RunKey::new("now").unwrap(), id);
        self.entry(name).book(&order, &instrument(id), d(quantity)).unwrap();
        self
    }

    fn works(mut self, name: &str, id: ContractId, quantity: &str) -> Self {
        self.working.entry(id).or_default().insert(strategy(name), d(quantity));
        self
    }

    fn entry(&mut self, name: &str) -> &mut Holdings {
        let id = strategy(name);
        self.holdings.entry(id.clone()).or_insert_with(|| Holdings::new(id))
    }

    fn reconcile(&self) -> LatestPortfolio {
        reconcile(&Reconciliation {
            at: now(),
            account: &self.account,
            positions: &self.positions,
            holdings: &self.holdings,
            working: &self.working,
        })
    }

    fn kinds(&self) -> Vec<BreakKind> {
        self.reconcile().breaks.iter().map(|found| found.kind).collect()
    }
}

#[test]
fn what_nobody_claims_is_unclaimed_and_no_break() {
    let portfolio = Case::new()
        .holds(SPY, "150")
        .holds(AGG, "-20")
        .claims("balanced", SPY, "60")
        .claims("tactical", SPY, "40")
        .reconcile();
    assert!(portfolio.breaks.is_empty());
    let spy = &portfolio.contracts[&SPY];
    assert_eq!((spy.position, spy.unclaimed), (d("150"), d("50")));
    assert_eq!(spy.by_strategy[&strategy("tactical")], d("40"));
    assert_eq!(spy.average_cost, Some(d("480")));
    assert!(!spy.in_flight);
    assert_eq!(portfolio.contracts[&AGG].unclaimed, d("-20"));
}

#[test]
fn claims_beyond_the_position_are_breaks_by_kind() {
    let long = Case::new().claims("balanced", SPY, "100");
    assert_eq!(long.kinds(), [BreakKind::PositionMissing]);
    assert_eq!(long.holds(SPY, "60").kinds(), [BreakKind::HoldingsExceedPosition]);
    let long = Case::new().claims("balanced", SPY, "100").holds(SPY, "-1");
    assert_eq!(long.kinds(), [BreakKind::OppositeSign]);
    let short = Case::new().claims("balanced", SPY, "-100").holds(SPY, "-99");
    assert_eq!(short.kinds(), [BreakKind::HoldingsExceedPosition]);
    assert_eq!(short.holds(SPY, "-1").kinds(), []);
}

#[test]
fn a_break_says_what_and_whose() {
    let case =
        Case::new().claims("balanced", SPY, "70").claims("tactical", SPY, "30").holds(SPY, "60");
    let text = "SPY (756733): 100 claimed by balanced, tactical, the account holds 60";
    let portfolio = case.reconcile();
    assert_eq!(portfolio.breaks[0].to_string(), text);
    assert_eq!(portfolio.locks(), BTreeMap::from([(SPY, format!("break: {text}"))]));
}

#[test]
fn claims_that_offset_each_other_need_no_position() {
    let case = Case::new().claims("balanced", SPY, "100").claims("tactical", SPY, "-100");
    assert_eq!(case.kinds(), []);
    assert_eq!(case.reconcile().contracts[&SPY].unclaimed, Decimal::ZERO);
}

#[test]
fn a_sale_that_is_filled_and_not_yet_booked_is_no_break() {
    let case = Case::new().claims("balanced", SPY, "100").holds(SPY, "60");
    let case = case.works("balanced", SPY, "-40");
    assert_eq!(case.kinds(), []);
    assert!(case.reconcile().contracts[&SPY].in_flight);
    // A sale of 39 does not explain it.
    let case = Case::new().claims("balanced", SPY, "100").holds(SPY, "60");
    assert_eq!(case.works("balanced", SPY, "-39").kinds(), [BreakKind::HoldingsExceedPosition]);
}

#[test]
fn a_purchase_that_is_booked_and_not_yet_in_the_positions_is_no_break() {
    let case = Case::new().claims("balanced", SPY, "60").books("balanced", SPY, "40");
    assert_eq!(case.holds(SPY, "60").kinds(), []);
    let case = Case::new().claims("balanced", SPY, "60").books("balanced", SPY, "40");
    assert_eq!(case.holds(SPY, "59").kinds(), [BreakKind::HoldingsExceedPosition]);
}

#[test]
fn positions_of_other_accounts_cover_nothing() {
    let case = Case::new().claims("balanced", SPY, "100").position("DU7654321", SPY, "100");
    assert_eq!(case.kinds(), [BreakKind::PositionMissing]);
}

#[test]
fn what_is_neither_held_nor_claimed_is_not_listed() {
    let case = Case::new().holds(SPY, "0");
    assert!(case.reconcile().contracts.is_empty());
}

#[test]
fn numbers_beyond_the_range_are_a_break() {
    let max = Decimal::MAX.to_string();
    let case = Case::new().claims("balanced", SPY, &max).claims("tactical", SPY, &max);
    assert_eq!(case.kinds(), [BreakKind::Overflow]);
}

#[test]
fn the_document_reads_back() {
    let portfolio = Case::new().holds(SPY, "60").claims("balanced", SPY, "100").reconcile();
    let document = serde_json::to_value(&portfolio).unwrap();
    assert_eq!(document["contracts"]["756733"]["position"], "60");
    assert_eq!(document["breaks"][0]["kind"], "holdings-exceed-position");
    assert_eq!(serde_json::from_value::<LatestPortfolio>(document).unwrap(), portfolio);
}
