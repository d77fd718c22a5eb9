//! The books add up, whatever is traded.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::sim::broker::order::{Price, Proposal, TimeInForce};
use crate::sim::broker::{Broker, Rules};
use crate::sim::hours::Hours;
use crate::sim::messages;
use crate::sim::universe::{BUILT_IN, Universe};

const START: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

fn market(seed: u64) -> Market {
    let anchor = "2026-01-02T15:00:00Z".parse().unwrap();
    Market::new(Universe::parse(BUILT_IN).unwrap(), Hours::Always, seed, anchor)
}

fn trade(books: &mut Books, market: &Market, side: Side, quantity: i64, price: &str) -> Decimal {
    let listing = market.universe().get(756_733).unwrap();
    let (price, commission) = (price.parse().unwrap(), Decimal::ONE);
    let quantity = Decimal::from(quantity);
    books.book(&Booking { listing, side, quantity, price, commission }).unwrap().unwrap_or_default()
}

#[test]
fn a_round_trip_realises_the_difference_less_both_commissions() {
    let market = market(1);
    for (first, second) in [(Side::Buy, Side::Sell), (Side::Sell, Side::Buy)] {
        let mut books = Books::new(START);
        let (low, high) = ("500", "510");
        let prices = if first == Side::Buy { (low, high) } else { (high, low) };
        assert_eq!(trade(&mut books, &market, first, 100, prices.0), Decimal::ZERO);
        let half = trade(&mut books, &market, second, 50, prices.1);
        assert_eq!(half, "498.5".parse().unwrap(), "50 x 10 less half of 1 and all of 1");
        let rest = trade(&mut books, &market, second, 50, prices.1);
        assert_eq!(rest, half);
        assert_eq!(books.positions[&756_733].quantity, Decimal::ZERO);
        assert_eq!(books.positions[&756_733].cost, Decimal::ZERO);
        assert_eq!(books.cash["USD"], START + Decimal::from(997));
    }
}

#[test]
fn a_trade_through_zero_closes_the_old_side_and_opens_the_new() {
    let market = market(1);
    let mut books = Books::new(START);
    trade(&mut books, &market, Side::Buy, 10, "100");
    let realized = trade(&mut books, &market, Side::Sell, 30, "110");
    assert_eq!(realized.round_dp(6), "98.666667".parse().unwrap(), "a third of the fee closes");
    assert_eq!(books.positions[&756_733].quantity, Decimal::from(-20));
    let average = books.positions[&756_733].average_cost();
    assert_eq!(average.round_dp(6), "109.966667".parse().unwrap());
}

/// One step of a random day.
#[derive(Clone, Debug)]
struct Step {
    contract: usize,
    buy: bool,
    lots: u32,
    /// Ticks from the mid for a limit order.
    limit: Option<i32>,
    seconds: u16,
    cancel: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_usize..31, any::<bool>(), 1_u32..400, any::<Option<i8>>(), 0_u16..7200, 0_u8..8)
        .prop_map(|(contract, buy, lots, limit, seconds, cancel)| Step {
            contract,
            buy,
            lots,
            limit: limit.map(i32::from),
            seconds,
            cancel: cancel == 0,
        });
    prop::collection::vec(step, 1..60)
}

fn proposal(listing: &Listing, market: &Market, at: Timestamp, id: i32, step: &Step) -> Proposal {
    let mid = market.price(listing, at);
    let limit = step.limit.map(|ticks| mid + Decimal::from(ticks) * listing.min_tick);
    let size = if listing.sec_type == SecType::Cash { 500 } else { 1 };
    Proposal {
        account: "DU1".to_owned(),
        client_id: 1,
        order_id: id,
        con_id: listing.con_id,
        exchange: "SMART".to_owned(),
        side: if step.buy { Side::Buy } else { Side::Sell },
        quantity: Decimal::from(step.lots) * Decimal::from(size),
        price: limit.filter(|limit| *limit > Decimal::ZERO).map_or(Price::Market, Price::Limit),
        tif: TimeInForce::Day,
        transmit: true,
        parent_id: None,
        wire: messages::Order::default(),
    }
}

/// Cash and positions added up from the executions alone.
fn from_executions(
    broker: &Broker,
    market: &Market,
) -> (BTreeMap<String, Decimal>, BTreeMap<i32, Decimal>) {
    let mut cash = BTreeMap::from([("USD".to_owned(), START)]);
    let mut positions = BTreeMap::new();
    for fill in broker.executions() {
        let listing = market.universe().get(fill.con_id).unwrap();
        let quantity = fill.side.signed(fill.shares);
        *cash.entry(listing.currency.clone()).or_default() -= quantity * fill.price;
        *cash.entry("USD".to_owned()).or_default() -= fill.commission;
        match listing.sec_type {
            SecType::Cash => *cash.entry(listing.symbol.clone()).or_default() += quantity,
            SecType::Stock | SecType::Future => {
                *positions.entry(fill.con_id).or_default() += quantity
            }
        }
    }
    (cash, positions)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn net_liquidation_is_always_cash_plus_market_value(seed in any::<u64>(), steps in steps()) {
        let market = market(seed);
        let mut broker = Broker::new(&["DU1".to_owned()], START);
        let listings: Vec<_> = market.universe().iter().collect();
        let mut at = market.anchor();
        for (id, step) in (1..).zip(&steps) {
            at += jiff::SignedDuration::from_secs(i64::from(step.seconds));
            let rules = Rules { market: &market, at, hold_fills: false };
            broker.sweep(&rules);
            let proposal = proposal(listings[step.contract % listings.len()], &market, at, id, step);
            if broker.what_if(&proposal, &rules).is_some_and(|what_if| what_if.is_affordable()) {
                broker.place(proposal, &rules);
            }
            if step.cancel {
                broker.cancel_all(at);
            }

            let (cash, positions) = from_executions(&broker, &market);
            prop_assert_eq!(&broker.account("").unwrap().1.books.cash, &cash);
            let held: BTreeMap<_, _> =
                broker.account("").unwrap().1.books.positions.iter().map(|(id, position)| (*id, position.quantity)).collect();
            prop_assert_eq!(&held, &positions);

            let converted = cash.iter().map(|(currency, amount)| amount * market.rate(currency, at).unwrap());
            let market_value = positions.iter().map(|(con_id, quantity)| {
                let listing = market.universe().get(*con_id).unwrap();
                let quote = market.quote(listing, at);
                quantity * (quote.bid + quote.ask) / Decimal::TWO
            });
            let expected: Decimal = converted.chain(market_value).sum();
            let valuation = broker.account("").unwrap().1.books.value(&market, at).unwrap();
            prop_assert_eq!(valuation.net_liquidation().round_dp(8), expected.round_dp(8));

            let results = valuation.unrealized + valuation.realized;
            let stock_only = broker.executions().iter().all(|fill| {
                market.universe().get(fill.con_id).unwrap().sec_type == SecType::Stock
            });
            if stock_only {
                // Every dollar gained or lost is in one of the two results.
                let gained = valuation.net_liquidation() - START;
                prop_assert_eq!(results.round_dp(6), gained.round_dp(6));
            }
        }
    }
}
