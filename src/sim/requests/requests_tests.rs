//! Any request in any form: answered, refused, or a reason to close; never a panic.

use proptest::prelude::*;
use prost::Message;
use tokio::sync::watch;

use super::*;
use crate::sim::Options;
use crate::sim::client::{Inbox, outbox};
use crate::sim::feeds;
use crate::sim::messages::{
    AccountSummaryRequest, CancelOrderRequest, Contract, ExecutionFilter, ExecutionRequest,
    HistoricalDataRequest, MarketDataRequest, Order, PlaceOrderRequest,
};
use crate::sim::server::build;
use crate::sim::truth::Truth;
use crate::sim::wire::Codec;

/// The connection that all requests come from.
const CONNECTION: u64 = 1;

fn world() -> (World, Inbox) {
    let mut world = build(&Options::loopback(3)).unwrap();
    let (outbox, inbox) = outbox();
    let (close, _closing) = watch::channel(None);
    world.clients.insert(CONNECTION, Client::new(7, Codec::Protobuf, outbox, close));
    (world, inbox)
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec![
            "",
            "SPY",
            "EUR",
            "USD",
            "STK",
            "CASH",
            "SMART",
            "IDEALPRO",
            "DAY",
            "IOC",
            "GTC",
            "FOK",
            "OPG",
            "GTD",
            "Adaptive",
            "BUY",
            "SELL",
            "MKT",
            "LMT",
            "STP",
            "1 D",
            "365 D",
            "30 Y",
            "999999999 Y",
            "-1 D",
            "1 day",
            "30 mins",
            "1 secs",
            "TRADES",
            "MIDPOINT",
            "BID_ASK",
            "20260102 10:00:00",
            "99991231-23:59:59",
            "00010101-00:00:00",
            "$LEDGER:ALL,NetLiquidation",
            "DU1234567",
        ])
        .prop_map(|text| Some(text.to_owned())),
        ".{0,12}".prop_map(Some),
    ]
}

fn number() -> impl Strategy<Value = Option<i32>> {
    prop_oneof![Just(None), (0..6_i32).prop_map(Some), any::<i32>().prop_map(Some)]
}

fn quantity() -> impl Strategy<Value = Option<String>> {
    let amounts = vec![
        "1",
        "0",
        "10",
        "100",
        "20000",
        "1000000000",
        "-5",
        "0.5",
        "1e9",
        "NaN",
        "",
        "79228162514264337593543950335",
        "0.0000000000000000000000000001",
    ];
    prop_oneof![
        3 => (1_u32..500).prop_map(|lots| Some(lots.to_string())),
        1 => prop::sample::select(amounts).prop_map(|text| Some(text.to_owned())),
    ]
}

fn contract() -> impl Strategy<Value = Option<Contract>> {
    let known =
        prop::sample::select(vec![756_733, 265_598, 12_087_792, 15_016_059]).prop_map(|id| {
            let exchange = if id > 12_000_000 { "IDEALPRO" } else { "SMART" };
            let exchange = Some(exchange.to_owned());
            Some(Contract { con_id: Some(id), exchange, ..Contract::default() })
        });
    let odd = (number(), text(), text(), text(), text()).prop_map(
        |(con_id, symbol, sec_type, exchange, currency)| {
            Some(Contract { con_id, symbol, sec_type, exchange, currency, ..Contract::default() })
        },
    );
    prop_oneof![6 => known, 3 => odd, 1 => Just(None)]
}

fn order() -> impl Strategy<Value = Order> {
    let words = (
        prop::sample::select(vec!["BUY", "SELL", "HOLD"]),
        prop::sample::select(vec!["MKT", "LMT", "STP", "STP LMT", "MOC", "LOC", "MIDPRICE", "REL"]),
        text(),
    );
    let more = (text(), text(), text(), text(), prop::bool::weighted(0.1));
    let price = || {
        prop_oneof![
            (1_i32..60_000).prop_map(|cents| f64::from(cents) / 100.0),
            any::<f64>(),
            Just(f64::NAN),
        ]
    };
    let flags = (prop::bool::weighted(0.9), prop::bool::weighted(0.1));
    let prices = (prop::option::of(price()), prop::option::of(price()));
    (words, quantity(), prices, flags, prop::option::weighted(0.1, 1..6_i32), more).prop_map(
        |(words, total_quantity, prices, (transmit, what_if), parent_id, more)| {
            let ((action, kind, tif), (lmt_price, aux_price)) = (words, prices);
            let (good_till_date, good_after_time, oca_group, algo_strategy, flag) = more;
            Order {
                action: Some(action.to_owned()),
                order_type: Some(kind.to_owned()),
                tif,
                total_quantity,
                lmt_price,
                transmit: Some(transmit),
                what_if: Some(what_if),
                parent_id,
                aux_price,
                good_till_date,
                good_after_time,
                oca_group,
                algo_strategy: algo_strategy.filter(|_| flag),
                outside_rth: Some(flag),
                all_or_none: Some(flag),
                deactivate: Some(flag),
                ..Order::default()
            }
        },
    )
}

fn place() -> impl Strategy<Value = Frame> {
    (number(), contract(), order()).prop_map(|(order_id, contract, order)| {
        let request =
            PlaceOrderRequest { order_id, contract, order: Some(order), attached_orders: None };
        Frame { id: request::PLACE_ORDER, payload: request.encode_to_vec() }
    })
}

fn ask() -> impl Strategy<Value = Frame> {
    let history = (contract(), text(), text(), text(), text()).prop_map(
        |(contract, end, size, span, show)| {
            let request = HistoricalDataRequest {
                req_id: Some(1),
                contract,
                end_date_time: end,
                bar_size_setting: size,
                duration: span,
                what_to_show: show,
                ..HistoricalDataRequest::default()
            };
            Frame { id: request::HISTORICAL_DATA, payload: request.encode_to_vec() }
        },
    );
    let quotes =
        (number(), contract(), any::<Option<bool>>()).prop_map(|(req_id, contract, snapshot)| {
            let request =
                MarketDataRequest { req_id, contract, snapshot, ..MarketDataRequest::default() };
            Frame { id: request::MARKET_DATA, payload: request.encode_to_vec() }
        });
    let executions = (text(), number(), text()).prop_map(|(time, last_n_days, symbol)| {
        let filter = ExecutionFilter { time, last_n_days, symbol, ..ExecutionFilter::default() };
        let request = ExecutionRequest { req_id: Some(2), execution_filter: Some(filter) };
        Frame { id: request::EXECUTIONS, payload: request.encode_to_vec() }
    });
    let summary = text().prop_map(|tags| {
        let request = AccountSummaryRequest { req_id: Some(3), group: None, tags };
        Frame { id: request::ACCOUNT_SUMMARY, payload: request.encode_to_vec() }
    });
    let cancel = number().prop_map(|order_id| {
        let request = CancelOrderRequest { order_id };
        Frame { id: request::CANCEL_ORDER, payload: request.encode_to_vec() }
    });
    prop_oneof![history, quotes, executions, summary, cancel]
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let noise = (1..115_i32, prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(id, payload)| Frame { id, payload });
    let empty = (1..115_i32).prop_map(|id| Frame { id, payload: Vec::new() });
    prop::collection::vec(prop_oneof![6 => place(), 3 => ask(), 1 => noise, 2 => empty], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_panics_or_unbalances_the_books(frames in frames()) {
        let (mut world, _inbox) = world();
        for (step, frame) in (0_i64..).zip(&frames) {
            world.now += jiff::SignedDuration::from_millis(250);
            if let Err(Undecodable { id, .. }) = handle(&mut world, CONNECTION, frame) {
                prop_assert_eq!(id, frame.id);
            }
            feeds::step(&mut world, step);
            let (_, account) = world.broker.account("").unwrap();
            prop_assert!(account.value(&world.market, world.now).is_some());
        }
        let truth = Truth::of(&world);
        for order in truth.orders.values() {
            let filled: rust_decimal::Decimal = truth
                .executions
                .iter()
                .filter(|execution| execution.perm_id == order.perm_id)
                .map(|execution| execution.shares)
                .sum();
            prop_assert_eq!(filled, order.filled);
            prop_assert!(order.filled <= order.quantity);
        }
    }
}

#[test]
fn a_request_that_is_not_its_message_is_an_error_and_changes_nothing() {
    let (mut world, _inbox) = world();
    let frame = Frame { id: request::PLACE_ORDER, payload: vec![0xff; 8] };
    assert!(handle(&mut world, CONNECTION, &frame).is_err());
    assert!(Truth::of(&world).orders.is_empty());
}
