//! Orders out, reports in.

use std::collections::BTreeSet;

use rungate::domain::{Account, OrderId, OrderTicket, OrderType, Side};
use rungate::gateway::codes::CodeClass;
use rungate::gateway::{Answer, GatewayError, Link, OrderEvent, OrderNotice, SubmitError};
use rust_decimal::Decimal;

use super::{CLIENT_ID, Rig, event};

fn executed(event: OrderEvent) -> Option<rungate::domain::Execution> {
    match event {
        OrderEvent::Executed(execution) => Some(execution),
        _ => None,
    }
}

fn noticed(event: OrderEvent) -> Option<OrderNotice> {
    match event {
        OrderEvent::Notice(notice) => Some(notice),
        _ => None,
    }
}

fn with_status(wanted: &str) -> impl Fn(OrderEvent) -> Option<OrderId> {
    move |event| match event {
        OrderEvent::Status(report) if report.status == wanted => Some(report.order_id),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_order_is_reported_from_open_to_commission() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(11).await;
    let mut events = rig.gateway.events();
    rig.submit(&ticket).await.unwrap();

    let (mut opened, mut filled, mut fill, mut cost) = (false, false, None, None);
    while !(opened && filled && fill.is_some() && cost.is_some()) {
        match event(&mut events, Some).await {
            OrderEvent::Open(order) => {
                assert_eq!(order.order_ref.as_ref(), Some(&ticket.order_ref));
                assert_eq!((order.order_id, order.client_id), (ticket.order_id, CLIENT_ID));
                opened = true;
            }
            OrderEvent::Status(report) => filled |= report.status == "Filled",
            OrderEvent::Executed(execution) => fill = Some(execution),
            OrderEvent::Commission(commission) => cost = Some(commission),
            OrderEvent::Notice(notice) => panic!("{notice:?}"),
            OrderEvent::Gap => panic!("a gap on a quiet connection"),
        }
    }
    let (fill, cost) = (fill.unwrap(), cost.unwrap());
    assert_eq!(fill.order_ref.as_ref(), Some(&ticket.order_ref));
    assert_eq!((fill.side, fill.quantity), (Side::Buy, ticket.quantity));
    assert_eq!(cost.execution_id, fill.execution_id);
    assert_eq!(cost.amount, rig.sim.truth().executions[0].commission);

    let known = rig.gateway.executions().await.known().unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].commission.as_ref().map(|known| known.amount), Some(cost.amount));
    let held = rig.gateway.positions().await.known().unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!((&held[0].instrument, held[0].quantity), (&ticket.instrument, ticket.quantity));
    let done = rig.gateway.completed_orders().await.known().unwrap();
    assert_eq!(done[0].order_ref.as_ref(), Some(&ticket.order_ref));
}

#[tokio::test]
async fn a_position_that_was_closed_is_no_position() {
    let rig = Rig::start().await;
    let buy = rig.market_order(11).await;
    let sell = OrderTicket { order_id: OrderId(12), side: Side::Sell, ..buy.clone() };
    let mut events = rig.gateway.events();
    for ticket in [&buy, &sell] {
        rig.submit(ticket).await.unwrap();
        event(&mut events, executed).await;
    }
    assert!(matches!(rig.gateway.positions().await, Answer::Empty));
    assert_eq!(rig.gateway.executions().await.known().unwrap().len(), 2);
}

#[tokio::test]
async fn a_working_order_is_seen_and_can_be_cancelled() {
    let rig = Rig::start().await;
    let ticket = rig.resting_order(21).await;
    let mut events = rig.gateway.events();
    rig.submit(&ticket).await.unwrap();
    event(&mut events, with_status("Submitted")).await;
    let working = rig.gateway.open_orders().await.known().unwrap();
    assert_eq!(working.len(), 1);
    assert_eq!(working[0].order_ref.as_ref(), Some(&ticket.order_ref));
    assert_eq!(working[0].filled, Some(Decimal::ZERO));

    rig.gateway.cancel(ticket.order_id).await.unwrap();
    event(&mut events, with_status("Cancelled")).await;
    let notice = event(&mut events, noticed).await;
    assert_eq!((notice.code, notice.class), (202, CodeClass::CancelConfirmed));
    assert_eq!(notice.order_id, ticket.order_id);
    assert!(matches!(rig.gateway.open_orders().await, Answer::Empty));
    let ended = rig.gateway.completed_orders().await.known().unwrap();
    assert_eq!(ended[0].status, "Cancelled");
}

// The client library gives a cancelled order's executions to the cancel, not to the query.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_takes_no_execution_from_a_query() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(31).await;
    let mut events = rig.gateway.events();
    rig.submit(&ticket).await.unwrap();
    event(&mut events, executed).await;
    for _ in 0..20 {
        let (cancelled, known) =
            tokio::join!(rig.gateway.cancel(ticket.order_id), rig.gateway.executions());
        cancelled.unwrap();
        let known = known.known().unwrap();
        assert_eq!(known.len(), 1);
        assert!(known[0].commission.is_some());
    }
}

#[tokio::test]
async fn a_cancel_of_nothing_is_refused_and_ends_nothing() {
    let rig = Rig::start().await;
    rig.gateway.connected().await.unwrap();
    let mut events = rig.gateway.events();
    rig.gateway.cancel(OrderId(77)).await.unwrap();
    let notice = event(&mut events, noticed).await;
    assert_eq!((notice.code, notice.class), (10147, CodeClass::CancelRefused));
}

#[tokio::test]
async fn what_the_account_cannot_pay_is_rejected() {
    let rig = Rig::start().await;
    let ticket = OrderTicket { quantity: Decimal::from(10_000_000), ..rig.market_order(41).await };
    let mut events = rig.gateway.events();
    rig.submit(&ticket).await.unwrap();
    let notice = event(&mut events, noticed).await;
    assert_eq!((notice.code, notice.class), (201, CodeClass::Rejected));
    assert!(!notice.text.contains("DU1234567"), "{}", notice.text);
    assert!(rig.sim.truth().executions.is_empty());
}

#[tokio::test]
async fn a_price_off_the_grid_is_rejected_and_moves_nothing() {
    let rig = Rig::start().await;
    let order_type = OrderType::Limit { price: "1.005".parse().unwrap() };
    let ticket = OrderTicket { order_type, ..rig.market_order(42).await };
    let mut events = rig.gateway.events();
    rig.submit(&ticket).await.unwrap();
    let notice = event(&mut events, noticed).await;
    assert_eq!((notice.code, notice.class), (110, CodeClass::Rejected));
}

#[tokio::test]
async fn a_read_only_gateway_says_so_on_the_order() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(51).await;
    rig.sim.faults().read_only(true);
    let mut events = rig.gateway.events();
    rig.submit(&ticket).await.unwrap();
    let notice = event(&mut events, noticed).await;
    assert_eq!(notice.class, CodeClass::ReadOnly);
    assert!(rig.sim.truth().orders.is_empty());
}

#[tokio::test]
async fn an_order_for_another_account_is_not_sent() {
    let rig = Rig::start().await;
    let ticket = OrderTicket { account: Account::new("DU7654321"), ..rig.market_order(61).await };
    let error = rig.submit(&ticket).await.unwrap_err();
    assert!(matches!(error, SubmitError::NotSent(GatewayError::WrongAccount(_))), "{error:?}");
}

#[tokio::test]
async fn an_order_that_the_protocol_cannot_carry_is_not_sent() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(61).await;
    for broken in [
        OrderTicket { order_id: OrderId(1_500_000_000), ..ticket.clone() },
        OrderTicket { quantity: Decimal::ZERO, ..ticket.clone() },
    ] {
        let error = rig.submit(&broken).await.unwrap_err();
        assert!(matches!(error, SubmitError::NotSent(_)), "{error:?}");
    }
    assert!(rig.sim.truth().orders.is_empty());
    assert_eq!(rig.gateway.connected().await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_lost_order_leaves_silence_and_no_false_report() {
    let rig = Rig::start().await;
    let (lost, kept) = (rig.market_order(71).await, rig.market_order(72).await);
    rig.sim.faults().lose_orders(1);
    let mut events = rig.gateway.events();
    rig.submit(&lost).await.unwrap();
    rig.submit(&kept).await.unwrap();
    assert_eq!(event(&mut events, executed).await.order_id, kept.order_id);
    let known = rig.gateway.executions().await.known().unwrap();
    let ids: BTreeSet<OrderId> = known.iter().map(|execution| execution.order_id).collect();
    assert_eq!(ids, BTreeSet::from([kept.order_id]));
}

// The gateway applied both orders and died before it could say so.
#[tokio::test]
async fn orders_that_broke_with_the_connection_are_found_by_the_next() {
    let rig = Rig::start().await;
    let tickets = [rig.market_order(81).await, rig.resting_order(82).await];
    let mut events = rig.gateway.events();
    rig.sim.faults().drop_after_orders(2);
    for ticket in &tickets {
        match rig.submit(ticket).await {
            Ok(()) | Err(SubmitError::InDoubt(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    event(&mut events, |event| match event {
        OrderEvent::Gap => Some(()),
        early => panic!("a report of what was never reported: {early:?}"),
    })
    .await;
    rig.link_becomes(|link| matches!(link, Link::Up { generation: 2 })).await;

    let filled = rig.gateway.executions().await.known().unwrap();
    assert_eq!(filled[0].order_ref.as_ref(), Some(&tickets[0].order_ref));
    let working = rig.gateway.open_orders().await.known().unwrap();
    assert_eq!(working[0].order_ref.as_ref(), Some(&tickets[1].order_ref));
    // The id of an order in doubt is below the gateway's next one: a lower bound, as promised.
    assert!(rig.gateway.next_valid_id().await.unwrap() > tickets[1].order_id);
}

#[tokio::test]
async fn reports_that_were_held_back_arrive_when_released() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(91).await;
    let mut events = rig.gateway.events();
    rig.sim.faults().hold_acks(true);
    rig.submit(&ticket).await.unwrap();
    // The answer comes after whatever was not held back.
    rig.gateway.server_time().await.unwrap();
    assert!(events.try_recv().is_err());
    rig.sim.faults().hold_acks(false);
    assert_eq!(event(&mut events, executed).await.order_id, ticket.order_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebalance_of_fifty_lines_goes_out_at_once() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(100).await;
    let mut events = rig.gateway.events();
    let generation = rig.gateway.connected().await.unwrap().generation;
    // In the order of their ids: a gateway refuses an id below one that it has seen.
    for n in 0..50 {
        let ticket =
            OrderTicket { order_id: OrderId(1000 + n), quantity: Decimal::ONE, ..ticket.clone() };
        rig.gateway.submit(&ticket, generation).await.unwrap();
    }
    let mut seen = BTreeSet::new();
    while seen.len() < 50 {
        seen.insert(event(&mut events, executed).await.order_id);
    }
    let held = rig.gateway.positions().await.known().unwrap();
    assert_eq!(held[0].quantity, Decimal::from(50));
}

#[tokio::test]
async fn an_order_is_not_carried_over_to_a_new_connection() {
    let rig = Rig::start().await;
    let ticket = rig.market_order(1).await;
    let before = rig.gateway.connected().await.unwrap().generation;
    rig.sim.faults().drop_connections();
    rig.link_becomes(|link| matches!(link, Link::Up { generation } if *generation > before)).await;
    let error = rig.gateway.submit(&ticket, before).await.unwrap_err();
    assert!(matches!(error, SubmitError::NotSent(GatewayError::Reset { .. })), "{error:?}");
    assert!(rig.sim.truth().orders.is_empty());
}
