//! Arbitrary plan inputs, for properties: sensible ones and wild ones.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::fixtures::{AGG, EUR, FUT, SPY, at, book, inputs, instrument, now, strategy};
use super::{BookState, PlanInputs, Size};
use crate::config::OrderKind;
use crate::domain::{Account, ContractId, Position, StrategyId};

pub(crate) const STRATEGIES: [&str; 3] = ["balanced", "tactical", "stranger"];
const CONTRACTS: [ContractId; 4] = [SPY, AGG, EUR, FUT];

/// A number that money could be, in cents.
fn cents(low: i64, high: i64) -> impl Strategy<Value = Decimal> {
    (low..=high).prop_map(|cents| Decimal::new(cents, 2))
}

/// Any decimal at all.
fn wild() -> impl Strategy<Value = Decimal> {
    (any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0u32..=28).prop_map(
        |(lo, mid, hi, negative, scale)| Decimal::from_parts(lo, mid, hi, negative, scale),
    )
}

fn contract() -> impl Strategy<Value = ContractId> {
    prop::sample::select(CONTRACTS.to_vec())
}

fn name() -> impl Strategy<Value = StrategyId> {
    prop::sample::select(STRATEGIES.to_vec()).prop_map(strategy)
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        (-100i64..=300).prop_map(|percent| Size::Weight(Decimal::new(percent, 3))),
        (-100i64..=1_000).prop_map(|units| Size::Quantity(Decimal::new(units, 1))),
    ]
}

fn book_state(name: &'static str) -> impl Strategy<Value = BookState> {
    let targets = prop::collection::btree_map(contract(), size(), 0..4);
    prop_oneof![
        6 => targets.prop_map(move |targets| {
            let targets: Vec<_> = targets.into_iter().collect();
            BookState::Fresh(book(name, &targets))
        }),
        1 => Just(BookState::Missing),
        1 => Just(BookState::Stale {
            as_of: at("2026-03-06T14:30:00Z"),
            valid_until: at("2026-03-07T14:30:00Z"),
        }),
        1 => Just(BookState::Malformed { reason: "does not read".to_owned() }),
    ]
}

fn books() -> impl Strategy<Value = BTreeMap<StrategyId, BookState>> {
    let [a, b, c] = STRATEGIES.map(|name| prop::option::weighted(0.8, book_state(name)));
    (a, b, c).prop_map(|(a, b, c)| {
        let states = STRATEGIES.into_iter().zip([a, b, c]);
        states.filter_map(|(name, state)| Some((strategy(name), state?))).collect()
    })
}

fn units_held() -> impl Strategy<Value = Decimal> {
    (-2_000i64..=10_000).prop_map(|units| Decimal::new(units, 1))
}

fn claims() -> impl Strategy<Value = BTreeMap<StrategyId, BTreeMap<ContractId, Decimal>>> {
    let held = prop::collection::btree_map(contract(), units_held(), 0..4);
    prop::collection::btree_map(name(), held, 0..4)
}

fn working() -> impl Strategy<Value = super::Working> {
    let shares = prop::collection::btree_map(name(), (-300i64..=300).prop_map(Decimal::from), 0..3);
    prop::collection::btree_map(contract(), shares, 0..3)
}

/// Markets as they come: quotes missing, old, one-sided.
fn market() -> impl Strategy<Value = Vec<Option<(Decimal, i64, bool)>>> {
    let quote = (cents(1, 600_000), 0i64..=70, prop::bool::weighted(0.95));
    prop::collection::vec(prop::option::weighted(0.95, quote), CONTRACTS.len())
}

type Knobs = (bool, bool, bool, u8, Option<BTreeSet<StrategyId>>, BTreeSet<ContractId>);

fn knobs() -> impl Strategy<Value = Knobs> {
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0u8..=3,
        prop::option::weighted(0.2, prop::collection::btree_set(name(), 1..3)),
        prop::collection::btree_set(contract(), 0..2),
    )
}

/// Inputs as they could come on some day, good or bad.
pub(crate) fn any_inputs() -> impl Strategy<Value = PlanInputs> {
    let account = (cents(1_000_000, 500_000_000), cents(0, 500_000_000));
    (books(), claims(), claims(), working(), market(), account, knobs()).prop_map(
        |(books, holdings, manual, working, market, (net, gross), knobs)| {
            let mut inputs = inputs();
            inputs.books = books;
            inputs.working = working;
            inputs.account_values.net_liquidation = net;
            inputs.account_values.gross_position_value = gross;
            inputs.positions = positions(&holdings, &manual);
            inputs.holdings = holdings;
            set_market(&mut inputs, market);
            turn(&mut inputs, knobs);
            inputs
        },
    )
}

/// All that is claimed, and one person's own trades beside it.
fn positions(
    holdings: &BTreeMap<StrategyId, BTreeMap<ContractId, Decimal>>,
    manual: &BTreeMap<StrategyId, BTreeMap<ContractId, Decimal>>,
) -> Vec<Position> {
    let own = manual.values().take(1);
    let rows = holdings.values().chain(own).flatten();
    rows.map(|(id, quantity)| Position {
        account: Account::new("DU1234567"),
        instrument: instrument(*id),
        quantity: *quantity,
        average_cost: Decimal::ONE,
    })
    .collect()
}

fn set_market(inputs: &mut PlanInputs, market: Vec<Option<(Decimal, i64, bool)>>) {
    for (id, state) in CONTRACTS.into_iter().zip(market) {
        let Some((price, age, two_sided)) = state else {
            inputs.quotes.remove(&id);
            continue;
        };
        if let Some(quote) = inputs.quotes.get_mut(&id) {
            quote.bid = two_sided.then_some(price);
            quote.ask = Some(price);
            quote.at = now() - age.seconds();
        }
    }
}

fn turn(inputs: &mut PlanInputs, knobs: Knobs) {
    let (allow_short, limit_orders, whole_shares, minimum, only, locked) = knobs;
    inputs.config.allow_short = allow_short;
    inputs.config.orders.whole_shares = whole_shares;
    inputs.config.minimum_trade_value = Decimal::from(minimum) * Decimal::ONE_THOUSAND;
    if limit_orders {
        inputs.config.orders.kind = OrderKind::Limit;
    }
    inputs.only = only;
    inputs.locked = locked.into_iter().map(|id| (id, "locked".to_owned())).collect();
}

/// Inputs whose numbers may be anything: what a broken gateway or a damaged record could send.
pub(crate) fn wild_inputs() -> impl Strategy<Value = PlanInputs> {
    (any_inputs(), prop::collection::vec(wild(), 12)).prop_map(|(mut inputs, numbers)| {
        let mut numbers = numbers.into_iter().cycle();
        let mut next = || numbers.next().unwrap_or_default();
        inputs.account_values.net_liquidation = next();
        inputs.account_values.gross_position_value = next();
        inputs.config.exposure.overall = next();
        inputs.config.minimum_trade_weight = next();
        inputs.account_values.exchange_rates.values_mut().for_each(|rate| *rate = next());
        for quote in inputs.quotes.values_mut() {
            (quote.bid, quote.ask, quote.last) = (None, None, Some(next()));
        }
        for contract in inputs.contracts.values_mut() {
            contract.multiplier = next();
            contract.size_increment = next();
            contract.min_tick = next();
            contract.min_size = next();
        }
        inputs.holdings.values_mut().flat_map(|held| held.values_mut()).for_each(|q| *q = next());
        inputs.positions.iter_mut().for_each(|row| row.quantity = next());
        inputs.working.values_mut().flat_map(|w| w.values_mut()).for_each(|q| *q = next());
        inputs
    })
}
