use ibapi::orders::{ExecutionData, ExecutionSide, Liquidity, OrderState, OrderStatusKind};

use super::*;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn spy() -> Instrument {
    Instrument {
        id: ContractId(756_733),
        symbol: "SPY".to_owned(),
        sec_type: SecType::Stock,
        currency: Currency::usd(),
    }
}

fn wire_spy() -> wire::Contract {
    identified(&spy(), "SMART")
}

fn ticket() -> OrderTicket {
    OrderTicket {
        order_id: OrderId(41),
        order_ref: OrderRef::from_record("rg-0123456789"),
        instrument: spy(),
        exchange: "SMART".to_owned(),
        side: Side::Sell,
        quantity: dec("12.5"),
        order_type: OrderType::Limit { price: dec("593.3700") },
        time_in_force: TimeInForce::GoodTillCancelled,
        account: Account::new("DU1234567"),
    }
}

#[test]
fn an_order_says_everything_that_ib_would_else_fill_in() {
    let (contract, order) = order(&ticket()).unwrap();
    assert_eq!(contract.contract_id, 756_733);
    assert_eq!((contract.exchange.as_str(), contract.currency.as_str()), ("SMART", "USD"));
    assert_eq!(order.action, orders::Action::Sell);
    assert_eq!(order.total_quantity, 12.5);
    assert_eq!((order.order_type.as_str(), order.limit_price), ("LMT", Some(593.37)));
    assert_eq!(order.tif, orders::TimeInForce::GoodTillCanceled);
    assert_eq!((order.account.as_str(), order.order_ref.as_str()), ("DU1234567", "rg-0123456789"));
    assert!(order.transmit && !order.outside_rth && !order.what_if);
}

#[test]
fn a_market_order_has_no_price() {
    let ticket = OrderTicket { order_type: OrderType::Market, ..ticket() };
    let (_, order) = order(&ticket).unwrap();
    assert_eq!((order.order_type.as_str(), order.limit_price), ("MKT", None));
}

#[test]
fn an_order_that_the_gateway_would_drop_in_silence_is_refused_here() {
    for broken in [
        OrderTicket { order_id: OrderId(0), ..ticket() },
        OrderTicket { quantity: Decimal::ZERO, ..ticket() },
        OrderTicket { exchange: String::new(), ..ticket() },
        OrderTicket { quantity: dec("1.00000000000000000001"), ..ticket() },
    ] {
        assert!(order(&broken).is_err(), "{broken:?}");
    }
}

fn order_data(order_id: i32, client_id: i32, perm_id: i64) -> OrderData {
    let (contract, order) = order(&ticket()).unwrap();
    OrderData {
        order_id,
        contract,
        order: orders::Order { client_id, perm_id, ..order },
        order_state: OrderState { status: OrderStatusKind::Submitted, ..OrderState::default() },
    }
}

fn order_status(order_id: i32, client_id: i32, perm_id: i64, filled: f64) -> orders::OrderStatus {
    orders::OrderStatus { order_id, client_id, perm_id, filled, ..orders::OrderStatus::default() }
}

// Order ids are unique per client id only.
#[test]
fn two_clients_with_one_order_id_keep_their_own_fills() {
    let rows = [
        Orders::OrderData(order_data(7, 31, 1001)),
        Orders::OrderStatus(order_status(7, 31, 1001, 5.0)),
        Orders::OrderData(order_data(7, 99, 1002)),
        Orders::OrderStatus(order_status(7, 99, 1002, 0.0)),
    ];
    let orders = open_orders(&rows).unwrap();
    let filled: Vec<_> = orders.iter().map(|order| (order.client_id, order.filled)).collect();
    assert_eq!(filled, [(31, Some(dec("5"))), (99, Some(dec("0")))]);
}

// Live reports of our own orders arrive in the middle of a list.
#[test]
fn the_last_word_on_an_order_counts_in_a_list() {
    let filling = |status| {
        let mut data = order_data(8, 31, 1003);
        data.order_state.status = status;
        Orders::OrderData(data)
    };
    let mut cancelled = order_status(9, 31, 1004, 0.0);
    cancelled.status = OrderStatusKind::Cancelled;
    let rows = [
        Orders::OrderData(order_data(7, 31, 0)),
        filling(OrderStatusKind::PreSubmitted),
        Orders::OrderData(order_data(9, 31, 1004)),
        Orders::OrderStatus(cancelled),
        filling(OrderStatusKind::Filled),
        Orders::OrderData(order_data(7, 31, 1001)),
        Orders::OrderStatus(order_status(7, 31, 1001, 2.0)),
    ];
    let orders = open_orders(&rows).unwrap();
    let [order] = orders.as_slice() else { panic!("{orders:?}") };
    assert_eq!((order.order_id, order.perm_id), (OrderId(7), PermId(1001)));
    assert_eq!(order.filled, Some(dec("2")));
}

// Seen after a modification during an outage: both were live.
#[test]
fn two_perm_ids_under_one_order_id_are_two_orders() {
    let rows = [1001, 1002].map(|perm_id| Orders::OrderData(order_data(7, 31, perm_id)));
    assert_eq!(open_orders(&rows).unwrap().len(), 2);
}

#[test]
fn a_held_order_is_still_open() {
    let mut data = order_data(7, 31, 1001);
    data.order_state.status = OrderStatusKind::Inactive;
    assert_eq!(open_orders(&[Orders::OrderData(data)]).unwrap()[0].status, "Inactive");
}

#[test]
fn an_open_order_keeps_ibs_own_words() {
    let mut data = order_data(7, 31, 0);
    data.order_state.status = OrderStatusKind::Unknown("SomethingNew".to_owned());
    data.order.order_ref = String::new();
    let order = open_order(&data).unwrap();
    assert_eq!(order.status, "SomethingNew");
    assert_eq!(order.order_ref, None);
    assert_eq!(order.filled, None);
    assert_eq!(order.quantity, dec("12.5"));
}

#[test]
fn a_completed_order_may_not_know_its_id() {
    for unset in [0, -1, i32::MAX] {
        let mut data = order_data(-1, 0, 1001);
        data.order.order_id = unset;
        let order = completed_order(&data).unwrap();
        assert_eq!((order.order_id, order.client_id), (None, None));
    }
    let mut data = order_data(-1, 31, 1001);
    data.order.order_id = 7;
    data.order_state.completed_status = "Cancelled by Trader".to_owned();
    let order = completed_order(&data).unwrap();
    assert_eq!((order.order_id, order.client_id), (Some(OrderId(7)), Some(31)));
    assert_eq!(order.detail.as_deref(), Some("Cancelled by Trader"));
}

fn fill(id: &str, shares: f64) -> ExecutionData {
    ExecutionData {
        request_id: -1,
        contract: wire_spy(),
        execution: orders::Execution {
            execution_id: id.to_owned(),
            order_id: 7,
            client_id: 31,
            side: ExecutionSide::Sold,
            shares,
            price: 593.37,
            cumulative_quantity: shares,
            account_number: "DU1234567".to_owned(),
            last_liquidity: Liquidity::None,
            ..orders::Execution::default()
        },
    }
}

fn paid(id: &str, commission: f64) -> orders::CommissionReport {
    orders::CommissionReport {
        execution_id: id.to_owned(),
        commission,
        currency: "USD".to_owned(),
        ..orders::CommissionReport::default()
    }
}

#[test]
fn an_execution_without_identity_or_quantity_is_unreadable() {
    assert!(execution(&fill("", 10.0)).is_err());
    assert!(execution(&fill("e.01", 0.0)).is_err());
    let execution = execution(&fill("e.01", 10.0)).unwrap();
    assert_eq!((execution.side, execution.price), (Side::Sell, dec("593.37")));
    assert_eq!(execution.commission, None);
}

#[test]
fn a_commission_that_is_not_known_yet_is_no_commission() {
    let now = Timestamp::UNIX_EPOCH;
    for unknown in [f64::MAX, -1.0, f64::NAN] {
        assert_eq!(commission(&paid("e.01", unknown), now).unwrap(), None);
    }
    let rebate = commission(&paid("e.01", -0.35), now).unwrap().unwrap();
    assert_eq!(rebate.amount, dec("-0.35"));
}

#[test]
fn each_execution_comes_once_with_its_commission() {
    let now = Timestamp::UNIX_EPOCH;
    let of = |id: &str| execution(&fill(id, 10.0)).unwrap();
    let cost = commission(&paid("b.01", 1.0), now).unwrap().unwrap();
    let merged =
        with_commissions(vec![of("a.01"), of("b.01"), of("a.01")], vec![cost.clone(), cost]);
    let rows: Vec<_> =
        merged.iter().map(|row| (row.execution_id.as_str(), row.commission.is_some())).collect();
    assert_eq!(rows, [("a.01", false), ("b.01", true)]);
}

#[test]
fn a_query_by_id_sends_nothing_that_could_contradict_it() {
    let sent = query(&ContractQuery::by_id(ContractId(12_087_792)));
    assert_eq!(sent.contract_id, 12_087_792);
    assert_eq!((sent.symbol.as_str(), sent.security_type.as_str()), ("", ""));
    assert_eq!((sent.exchange.as_str(), sent.currency.as_str()), ("", ""));
}

#[test]
fn a_query_by_symbol_names_kind_currency_and_venue() {
    let pair = ContractQuery {
        sec_type: SecType::Cash,
        symbol: Some("EUR".to_owned()),
        ..ContractQuery::stock("EUR")
    };
    let sent = query(&pair);
    assert_eq!((sent.symbol.as_str(), sent.security_type.as_str()), ("EUR", "CASH"));
    assert_eq!((sent.exchange.as_str(), sent.currency.as_str()), ("IDEALPRO", "USD"));
}

#[test]
fn a_contract_with_odd_values_is_described_without_guesses() {
    let mut details = wire::ContractDetails {
        contract: wire_spy(),
        min_tick: 0.01,
        size_increment: Some(0.0001),
        min_size: None,
        ..wire::ContractDetails::default()
    };
    let query = ContractQuery::stock("SPY");
    let known = contract(&details, &query).unwrap();
    assert_eq!((known.min_tick, known.size_increment), (dec("0.01"), dec("0.0001")));
    assert_eq!((known.min_size, known.multiplier), (Decimal::ONE, Decimal::ONE));
    assert_eq!((known.exchange.as_str(), known.primary_exchange), ("SMART", None));

    details.contract.multiplier = "fifty".to_owned();
    assert!(contract(&details, &query).is_err());
    details.contract.multiplier = "0".to_owned();
    details.contract.security_type = wire::SecurityType::Future;
    assert!(contract(&details, &query).is_err());
}

#[test]
fn a_contract_that_is_not_what_the_names_say_does_not_agree() {
    let details = wire::ContractDetails {
        contract: wire_spy(),
        min_tick: 0.01,
        ..wire::ContractDetails::default()
    };
    let by_id = ContractQuery::by_id(ContractId(756_733));
    let known = contract(&details, &by_id).unwrap();
    assert!(agrees(&known, &by_id));
    let other = ContractQuery { symbol: Some("QQQ".to_owned()), ..by_id };
    assert!(!agrees(&known, &other));
}

#[test]
fn a_midpoint_bar_has_no_volume() {
    let day: BarTimestamp = "20260309".parse().unwrap();
    let wire = historical::Bar {
        date: day,
        open: 1.08,
        high: 1.09,
        low: 1.07,
        close: 1.085,
        volume: -1.0,
        wap: -1.0,
        count: -1,
    };
    let bar = bar(&wire).unwrap();
    assert_eq!((bar.start.as_str(), bar.volume), ("2026-03-09", Decimal::ZERO));
    assert_eq!(bar.close, dec("1.085"));
}

#[test]
fn a_position_that_changes_during_a_list_counts_once() {
    let row = |account: &str, position| accounts::Position {
        account: account.to_owned(),
        contract: wire_spy(),
        position,
        average_cost: 593.38,
    };
    let ours = Account::new("DU1234567");
    let rows = [row("DU1234567", 5.0), row("DU7654321", 99.0), row("DU1234567", 7.5)];
    let held = positions(&rows, &ours).unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].quantity, dec("7.5"));
    let closed = [row("DU1234567", 5.0), row("DU1234567", 0.0)];
    assert!(positions(&closed, &ours).unwrap().is_empty());
}
