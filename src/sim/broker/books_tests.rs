//! Cash, positions and results of single trades.

use super::*;
use crate::sim::broker::account::{Account, Rest};
use crate::sim::broker::order::{Price, Proposal, TimeInForce};
use crate::sim::broker::terms::Terms;
use crate::sim::broker::{Broker, Rules};
use crate::sim::hours::Hours;
use crate::sim::messages;
use crate::sim::universe::{BUILT_IN, Universe};

const SPY: i32 = 756_733;
/// SAP, in euros, and VOD, in pence.
const EUR_STOCK: i32 = 900_000_007;
const PENCE_STOCK: i32 = 900_000_008;
const FUTURE: i32 = 990_000_002;

/// A future in euros.
const MORE: &str = r#"
[[contract]]
con_id = 990000002
symbol = "FUE"
sec_type = "FUT"
currency = "EUR"
exchanges = ["EUREX"]
primary_exchange = "EUREX"
long_name = "A FUTURE IN EUROS"
min_tick = "0.5"
price = "5000.0"
volatility = 0.2
spread = "0.5"
size_increment = "1"
multiplier = "10"
initial_margin = "4000"
maintenance_margin = "3500"
last_trade_date = "2030-12-20"
contract_month = "203012"
local_symbol = "FUEZ0"
"#;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn start() -> Decimal {
    Decimal::from(1_000_000)
}

fn market() -> Market {
    let anchor = "2026-01-02T15:00:00Z".parse().unwrap();
    let universe = Universe::parse(&format!("{BUILT_IN}{MORE}")).unwrap();
    let mut market = Market::new(universe, Hours::Always, 1, anchor);
    market.pin(12_087_792, dec("1.10"), dec("1.10"));
    market
}

struct Trade<'a> {
    con_id: i32,
    side: Side,
    quantity: i64,
    price: &'a str,
    commission: &'a str,
}

fn trade(account: &mut Account, market: &Market, trade: &Trade<'_>) -> Option<Decimal> {
    let fill = Booking {
        listing: market.universe().get(trade.con_id).unwrap(),
        side: trade.side,
        quantity: Decimal::from(trade.quantity),
        price: dec(trade.price),
        commission: dec(trade.commission),
    };
    account.book(&fill).unwrap()
}

fn spy(account: &mut Account, market: &Market, side: Side, quantity: i64, price: &str) -> Decimal {
    let fill = Trade { con_id: SPY, side, quantity, price, commission: "1" };
    trade(account, market, &fill).unwrap_or_default()
}

#[test]
fn a_round_trip_realises_the_difference_less_both_commissions() {
    let market = market();
    for (first, second) in [(Side::Buy, Side::Sell), (Side::Sell, Side::Buy)] {
        let mut account = Account::new(start());
        let prices = if first == Side::Buy { ("500", "510") } else { ("510", "500") };
        assert_eq!(spy(&mut account, &market, first, 100, prices.0), Decimal::ZERO);
        let half = spy(&mut account, &market, second, 50, prices.1);
        assert_eq!(half, dec("498.5"), "50 x 10 less half of 1 and all of 1");
        assert_eq!(spy(&mut account, &market, second, 50, prices.1), half);
        let position = &account.books.positions[&SPY];
        let rest = (position.quantity, position.cost, position.fees);
        assert_eq!(rest, (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO));
        assert_eq!(account.books.cash["USD"], start() + Decimal::from(997));
    }
}

#[test]
fn a_trade_through_zero_closes_the_old_side_and_opens_the_new() {
    let market = market();
    let mut account = Account::new(start());
    spy(&mut account, &market, Side::Buy, 10, "100");
    let realized = spy(&mut account, &market, Side::Sell, 30, "110");
    assert_eq!(realized.round_dp(6), dec("98.666667"), "a third of the fee closes");
    assert_eq!(account.books.positions[&SPY].quantity, Decimal::from(-20));
    let average = account.books.positions[&SPY].average_cost();
    assert_eq!(average.round_dp(6), dec("109.966667"));
}

#[test]
fn a_stock_abroad_is_paid_for_in_its_own_currency_commission_and_all() {
    let market = market();
    let mut account = Account::new(start());
    let fill =
        Trade { con_id: EUR_STOCK, side: Side::Buy, quantity: 10, price: "100", commission: "3" };
    trade(&mut account, &market, &fill);
    assert_eq!(account.books.cash["EUR"], dec("-1003"));
    assert_eq!(account.books.cash["USD"], start());
    assert_eq!(account.books.positions[&EUR_STOCK].average_cost(), dec("100.3"));
}

#[test]
fn a_price_in_pence_is_paid_in_pounds() {
    let market = market();
    let mut account = Account::new(start());
    let fill = Trade {
        con_id: PENCE_STOCK,
        side: Side::Buy,
        quantity: 1000,
        price: "72.5",
        commission: "3",
    };
    trade(&mut account, &market, &fill);
    assert_eq!(account.books.cash["GBP"], dec("-728"));
    let position = &account.books.positions[&PENCE_STOCK];
    assert_eq!(position.average_cost(), dec("0.728"), "in pounds, as the currency says");
    let listing = market.universe().get(PENCE_STOCK).unwrap();
    assert_eq!(position.unrealized(listing, dec("75")), Some(dec("22")), "25 less 3");
}

#[test]
fn a_pair_moves_both_balances_and_is_charged_in_the_base_currency() {
    let market = market();
    let mut account = Account::new(start());
    let fill = Trade {
        con_id: 12_087_792,
        side: Side::Buy,
        quantity: 20_000,
        price: "1.1",
        commission: "2",
    };
    trade(&mut account, &market, &fill);
    assert_eq!(account.books.cash["EUR"], dec("20000"));
    assert_eq!(account.books.cash["USD"], start() - dec("22002"));
    assert!(account.books.positions.is_empty());
}

#[test]
fn a_future_moves_no_cash_for_its_notional_until_it_is_closed() {
    let mut market = market();
    market.pin(FUTURE, dec("5010"), dec("5010"));
    let at = market.anchor();
    let mut account = Account::new(start());
    let fill =
        |side, quantity, price| Trade { con_id: FUTURE, side, quantity, price, commission: "1.30" };
    trade(&mut account, &market, &fill(Side::Buy, 2, "5000"));
    assert_eq!(account.books.cash["EUR"], dec("-1.30"));
    assert_eq!(account.books.positions[&FUTURE].average_cost(), dec("50000.65"));

    let value = account.value(&market, at).unwrap();
    assert_eq!(value.futures, dec("220"), "2 x 10 x 10 euros at 1.10");
    assert_eq!(value.net_liquidation(), start() + dec("220") - dec("1.43"));
    assert_eq!(value.unrealized, dec("218.57"), "less the commission paid");
    assert_eq!(value.stock_value, Decimal::ZERO);
    let futures = (value.futures_initial, value.futures_maintenance);
    assert_eq!(futures, (dec("8800"), dec("7700")), "4,000 and 3,500 euros a contract");

    let realized = trade(&mut account, &market, &fill(Side::Sell, 1, "5020"));
    assert_eq!(realized, Some(dec("198.05")), "200 less 1.30 and half of 1.30");
    assert_eq!(account.books.cash["EUR"], dec("197.40"), "200 less both commissions");
    trade(&mut account, &market, &fill(Side::Sell, 1, "5020"));
    assert_eq!(account.books.cash["EUR"], dec("396.10"));
    assert_eq!(account.value(&market, at).unwrap().futures, Decimal::ZERO);
}

#[test]
fn partial_closings_leave_no_endless_fractions() {
    let market = market();
    let mut account = Account::new(start());
    for price in ["5000", "5000.5", "5001.5"] {
        let fill =
            Trade { con_id: FUTURE, side: Side::Buy, quantity: 1, price, commission: "0.65" };
        trade(&mut account, &market, &fill);
    }
    for _ in 0..3 {
        let fill = Trade {
            con_id: FUTURE,
            side: Side::Sell,
            quantity: 1,
            price: "5002",
            commission: "0.65",
        };
        trade(&mut account, &market, &fill);
        assert!(account.books.cash["EUR"].scale() <= SHARE_DECIMALS);
    }
    assert_eq!(account.books.cash["EUR"], dec("40") - dec("3.90"), "20 + 15 + 5 less six fees");
}

#[test]
fn a_valuation_follows_fills_and_orders_within_a_step() {
    let market = market();
    let at = market.anchor();
    let mut account = Account::new(start());
    assert_eq!(account.value(&market, at).unwrap().net_liquidation(), start());
    spy(&mut account, &market, Side::Buy, 100, "500");
    let rest = Rest { con_id: SPY, side: Side::Buy, quantity: Decimal::ONE_HUNDRED };
    account.track(1, Some(rest));
    account.track(2, Some(Rest { side: Side::Sell, ..rest }));
    let quick = account.value(&market, at).unwrap();
    account.forget_values();
    assert_eq!(account.value(&market, at).unwrap(), quick);
    assert_eq!(quick.reserved, quick.initial_margin, "a second hundred needs as much again");
    account.track(1, None);
    assert_eq!(account.value(&market, at).unwrap().reserved, Decimal::ZERO, "closing needs none");
}

fn proposal(order_id: i32, quantity: i64) -> Proposal {
    Proposal {
        account: String::new(),
        client_id: 1,
        order_id,
        con_id: SPY,
        exchange: "SMART".to_owned(),
        side: Side::Buy,
        quantity: Decimal::from(quantity),
        price: Price::Limit(dec("400")),
        tif: TimeInForce::Day,
        terms: Terms::default(),
        transmit: true,
        parent_id: None,
        wire: messages::Order::default(),
    }
}

#[test]
fn a_second_order_is_refused_for_the_margin_that_the_first_reserves() {
    let mut market = market();
    market.pin(SPY, dec("500"), dec("500"));
    let mut broker = Broker::new(&["DU1".to_owned()], Decimal::from(100_000));
    let rules = Rules { market: &market, at: market.anchor(), hold_fills: false };
    // 300 x 500 at half margin: 75,000 of 100,000.
    let mut first = proposal(1, 300);
    first.account = "DU1".to_owned();
    assert!(broker.what_if(&first, &rules).unwrap().is_affordable());
    broker.place(first.clone(), &rules);
    let mut second = proposal(2, 200);
    second.account = "DU1".to_owned();
    let what_if = broker.what_if(&second, &rules).unwrap();
    assert!(!what_if.is_affordable(), "{what_if:?}");
    assert!(what_if.refusal().text.contains("[125000.00 USD]"), "{}", what_if.refusal().text);
    let smaller = Proposal { quantity: Decimal::from(50), ..second };
    assert!(broker.what_if(&smaller, &rules).unwrap().is_affordable());
    let grown = Proposal { quantity: Decimal::from(350), ..first };
    assert!(
        broker.what_if(&grown, &rules).unwrap().is_affordable(),
        "an order that is changed does not count twice"
    );
    broker.cancel_all(rules.at);
    assert!(
        broker
            .what_if(&Proposal { quantity: Decimal::from(390), ..smaller }, &rules)
            .unwrap()
            .is_affordable()
    );
}

#[test]
fn a_new_day_counts_from_its_midnight() {
    let mut market = market();
    market.pin(SPY, dec("500"), dec("500"));
    let mut broker = Broker::new(&["DU1".to_owned()], start());
    let day_one = market.anchor();
    let at = |hours: i64| day_one + jiff::SignedDuration::from_hours(hours);
    broker.sweep(&Rules { market: &market, at: day_one, hold_fills: false });
    let fill = Booking {
        listing: market.universe().get(SPY).unwrap(),
        side: Side::Buy,
        quantity: Decimal::TEN,
        price: dec("490"),
        commission: Decimal::ONE,
    };
    broker.account_mut("DU1").unwrap().book(&fill).unwrap();
    let close = Booking { side: Side::Sell, quantity: Decimal::ONE, price: dec("500"), ..fill };
    broker.account_mut("DU1").unwrap().book(&close).unwrap();
    let (_, account) = broker.account("DU1").unwrap();
    let position = &account.books.positions[&SPY];
    let listing = market.universe().get(SPY).unwrap();
    let unrealized = position.unrealized(listing, dec("500")).unwrap();
    assert_eq!(position.realized_today(), Some(dec("8.9")), "10 less 1 and a tenth of 1");
    assert_eq!(position.daily(unrealized), Some(dec("98")), "10 x 10 less 2");

    assert!(broker.turn_day(&Rules { market: &market, at: at(20), hold_fills: false }));
    assert!(!broker.turn_day(&Rules { market: &market, at: at(21), hold_fills: false }));
    let (_, account) = broker.account("DU1").unwrap();
    let position = &account.books.positions[&SPY];
    assert_eq!(position.realized_today(), Some(Decimal::ZERO));
    assert_eq!(position.realized, dec("8.9"));
    assert_eq!(position.daily(unrealized), Some(Decimal::ZERO));
    assert_eq!(account.day.equity, start() + dec("98"));
    assert_eq!(account.value(&market, at(21)).unwrap().realized_today, Decimal::ZERO);
}
