//! Gathering what a plan depends on: books, holdings, open orders, positions, prices.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::contracts::{describe, quotes};
use super::stored_book::{StoredBook, latest};
use super::{Context, IntentError};
use crate::config::TradingConfig;
use crate::domain::{ContractId, Instrument, StrategyId};
use crate::orders::{Books, Tracked, read_control};
use crate::portfolio::{
    BookState, Freshness, Holdings, LatestPortfolio, PlanInputs, Reconciliation, Working, reconcile,
};
use crate::risk::TradingSwitch;
use crate::store::{CollectionPath, Query};

/// What a plan depends on, and what it is vetted with.
#[derive(Debug)]
pub(super) struct Gathered {
    pub inputs: PlanInputs,
    pub switch: TradingSwitch,
}

/// Which books and strategies a run is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Only these; all if absent.
    pub only: Option<BTreeSet<StrategyId>>,
    /// Contracts that this run must not touch, with the reason.
    pub locked: BTreeMap<ContractId, String>,
}

/// Gathers everything. `open` are the own orders that are not over, as just recovered.
pub(super) async fn gather(
    cx: &mut Context<'_>,
    config: TradingConfig,
    open: &[Tracked],
    scope: Scope,
) -> Result<Gathered, IntentError> {
    let mode = cx.services().mode;
    let (control, _) = read_control(cx.store(), mode, cx.now()).await?;
    let holdings = Books::new(cx.store().clone(), mode).all().await?;
    let (books, mut instruments) = read_books(cx, &config, &holdings).await?;
    let working = working(open, &holdings);
    for order in open {
        let instrument = &order.spec().line.instrument;
        instruments.insert(instrument.id, instrument.clone());
    }
    for held in holdings.values().flat_map(|holdings| holdings.positions.values()) {
        instruments.insert(held.instrument.id, held.instrument.clone());
    }
    let account_values = cx.gateway().account_values().await?;
    let positions = cx.gateway().positions().await.known()?;
    let portfolio = reconcile(&Reconciliation {
        at: cx.now(),
        account: &account_values.account,
        positions: &positions,
        holdings: &holdings,
        working: &working,
    });
    let mut locked = control.locks;
    locked.extend(scope.locked);
    locked.extend(locks(open, &portfolio));
    let quantities: BTreeMap<_, _> = holdings
        .iter()
        .map(|(strategy, holdings)| (strategy.clone(), holdings.quantities()))
        .collect();
    let needed = PlanInputs::contracts_needed(&books, &quantities, &working);
    let contracts = describe(cx, &needed, &instruments).await?;
    let quotes = quotes(cx, &contracts).await?;
    let inputs = PlanInputs {
        now: cx.now(),
        mode,
        run_key: cx.run().key().clone(),
        account_values,
        books,
        only: scope.only,
        holdings: quantities,
        working,
        locked,
        positions,
        contracts,
        quotes,
        config,
    };
    cx.note("inputs", &inputs);
    cx.note("switch", &control.switch);
    Ok(Gathered { inputs, switch: control.switch })
}

/// What own orders may still bring each strategy: its contribution less what is booked.
pub(super) fn working(open: &[Tracked], holdings: &BTreeMap<StrategyId, Holdings>) -> Working {
    let mut working = Working::new();
    for order in open.iter().filter(|order| !order.state().is_ended()) {
        let line = &order.spec().line;
        for (strategy, contribution) in &line.contributions {
            let booked = holdings
                .get(strategy)
                .and_then(|holdings| holdings.booked.get(&line.order_ref))
                .map_or(Decimal::ZERO, |booked| booked.quantity);
            // Both are shares of one order: their difference is no larger than either.
            let left = contribution.saturating_sub(booked);
            let shares = working.entry(line.instrument.id).or_default();
            let share = shares.entry(strategy.clone()).or_default();
            *share = share.saturating_add(left);
        }
    }
    working
}

/// Contracts on which nothing may be ordered: an own order's effect is unknown, or the books
/// disagree with the broker. Both end by themselves once the broker's word agrees again.
fn locks(open: &[Tracked], portfolio: &LatestPortfolio) -> BTreeMap<ContractId, String> {
    let orders = open.iter().filter(|order| order.progress().blocks_contract()).map(|order| {
        let state = order.state().as_str();
        (order.spec().line.instrument.id, format!("order {} is {state}", order.order_ref()))
    });
    let breaks = portfolio.breaks.iter().map(|found| (found.instrument.id, found.to_string()));
    orders.chain(breaks).collect()
}

/// Every strategy's book: of those configured, of those that hold something, and of those that
/// ever handed one in.
async fn read_books(
    cx: &Context<'_>,
    config: &TradingConfig,
    holdings: &BTreeMap<StrategyId, Holdings>,
) -> Result<(BTreeMap<StrategyId, BookState>, BTreeMap<ContractId, Instrument>), IntentError> {
    let registered = cx.store().list(&Query::all(CollectionPath::new("strategies")?)).await?;
    let registered =
        registered.iter().filter_map(|document| StrategyId::new(document.path.id()).ok());
    let configured = config.exposure.strategies.keys().cloned();
    let strategies: BTreeSet<StrategyId> =
        configured.chain(holdings.keys().cloned()).chain(registered).collect();
    let mut books = BTreeMap::new();
    let mut instruments = BTreeMap::new();
    for strategy in strategies {
        let found = cx.store().get(&latest(&strategy)?).await?;
        let state = match found.map(|document| document.parse::<StoredBook>()) {
            None => BookState::Missing,
            // A book that does not read keeps its strategy still, and stops nobody else's.
            Some(Err(error)) => BookState::Malformed { reason: super::chain(&error) },
            Some(Ok(stored)) => {
                let (as_of, valid_until) = (stored.resolved.as_of, stored.resolved.valid_until);
                match stored.resolved.freshness(cx.now()) {
                    Freshness::Expired => BookState::Stale { as_of, valid_until },
                    Freshness::Fresh | Freshness::NotYet => {
                        instruments.extend(stored.instruments);
                        BookState::Fresh(stored.resolved)
                    }
                }
            }
        };
        books.insert(strategy, state);
    }
    Ok((books, instruments))
}
