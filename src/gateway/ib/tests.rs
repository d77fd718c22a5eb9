//! What only the connection's own signals can bring about, on a real connection to the simulator.

use std::time::Duration;

use ibapi::Notice;
use rust_decimal::Decimal;
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::pump;
use crate::clock::Clock;
use crate::domain::{
    ContractQuery, OrderId, OrderRef, OrderTicket, OrderType, Side, TimeInForce, TradingMode,
};
use crate::gateway::{
    Answer, Gateway, GatewayConfig, GatewayError, Link, OrderEvent, SubmitError, Timing,
};
use crate::sim::{Options, Simulator};

/// The deadline of every wait here.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(timing: Timing) -> (Simulator, Gateway) {
    let sim = Simulator::start(Options::loopback(3)).await.unwrap();
    let config = GatewayConfig {
        addr: sim.addr().to_string(),
        client_id: 31,
        mode: TradingMode::Paper,
        account: None,
        timing,
    };
    let gateway = Gateway::open(config, Clock::system());
    gateway.connected().await.unwrap();
    (sim, gateway)
}

fn notice(code: i32, message: &str) -> Notice {
    Notice {
        request_id: None,
        code,
        message: message.to_owned(),
        error_time: None,
        advanced_order_reject_json: String::new(),
    }
}

async fn tell(gateway: &Gateway, code: i32, message: &str) {
    pump::heard(&notice(code, message), &gateway.live().await.unwrap().signals);
}

async fn becomes(gateway: &Gateway, wanted: impl FnMut(&Link) -> bool) {
    timeout(PATIENCE, gateway.link_becomes(wanted)).await.expect("the link does not");
}

fn is_up(link: &Link) -> bool {
    matches!(link, Link::Up { generation: 1 })
}

async fn gap(events: &mut broadcast::Receiver<OrderEvent>) {
    let event = timeout(PATIENCE, events.recv()).await.expect("no event").unwrap();
    assert_eq!(event, OrderEvent::Gap);
}

#[tokio::test]
async fn a_lost_link_stops_writes_and_nothing_else() {
    let (_sim, gateway) = connect(Timing::default()).await;
    let mut events = gateway.events();
    tell(&gateway, 1100, "Connectivity between IB and Trader Workstation has been lost.").await;
    becomes(&gateway, |link| matches!(link, Link::LinkLost)).await;
    let error = gateway.cancel(OrderId(1)).await.unwrap_err();
    assert!(matches!(error, SubmitError::NotSent(GatewayError::LinkLost)), "{error:?}");
    assert!(matches!(gateway.executions().await, Answer::Empty));

    tell(&gateway, 1102, "Connectivity has been restored: data maintained.").await;
    becomes(&gateway, is_up).await;
    gap(&mut events).await;
    gateway.cancel(OrderId(1)).await.unwrap();
}

// The all-clear is not always sent.
#[tokio::test]
async fn a_lost_link_is_checked_and_found_restored() {
    let timing = Timing { link_recheck: Duration::from_millis(50), ..Timing::default() };
    let (_sim, gateway) = connect(timing).await;
    let mut events = gateway.events();
    tell(&gateway, 1100, "").await;
    gap(&mut events).await;
    becomes(&gateway, is_up).await;
    gateway.cancel(OrderId(1)).await.unwrap();
}

// A connection that is restored without ever having been called lost may have missed as much.
#[tokio::test]
async fn an_all_clear_out_of_the_blue_is_a_gap() {
    let (_sim, gateway) = connect(Timing::default()).await;
    let mut events = gateway.events();
    tell(&gateway, 1101, "").await;
    gap(&mut events).await;
}

#[tokio::test]
async fn farms_come_and_go_without_touching_the_session() {
    let (_sim, gateway) = connect(Timing::default()).await;
    let mut events = gateway.events();
    for code in [2103, 2104, 2105, 2106, 2157, 2158] {
        tell(&gateway, code, "farm").await;
    }
    gateway.cancel(OrderId(1)).await.unwrap();
    assert!(is_up(&gateway.link()));
    // The cancel of an unknown order is the first event.
    let event = timeout(PATIENCE, events.recv()).await.expect("no event").unwrap();
    assert!(matches!(event, OrderEvent::Notice(_)), "{event:?}");
}

// Such a gateway answers lists with one error that names no request, and no end marker.
#[tokio::test]
async fn a_read_only_gateway_ends_a_list_at_once() {
    let (sim, gateway) = connect(Timing::default()).await;
    sim.faults().mute(true);
    let live = gateway.live().await.unwrap();
    let refusal = async {
        // Only lists that are under way listen.
        while live.signals.refused.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        let text = "The API interface is currently in Read-Only mode.";
        pump::heard(&notice(321, text), &live.signals);
    };
    let (answer, ()) = tokio::join!(gateway.open_orders(), refusal);
    assert!(matches!(answer, Answer::Unknown(GatewayError::ReadOnly)), "{answer:?}");
    sim.faults().mute(false);
    gateway.server_time().await.unwrap();
    assert!(is_up(&gateway.link()));
}

// The client library hands an order's executions to whoever last cancelled it, not to the query
// that asked for them.
#[tokio::test]
async fn a_query_has_the_executions_that_a_cancel_took() {
    let (_sim, gateway) = connect(Timing::default()).await;
    let ticket = spy_order(&gateway, OrderId(5)).await;
    let mut events = gateway.events();
    let generation = gateway.connected().await.unwrap().generation;
    gateway.submit(&ticket, generation).await.unwrap();
    while !matches!(timeout(PATIENCE, events.recv()).await, Ok(Ok(OrderEvent::Commission(_)))) {}

    let live = gateway.live().await.unwrap();
    let taker = live.client.cancel_order(ticket.order_id.0, "").await.unwrap();
    let known = gateway.executions().await.known().unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].order_ref, Some(ticket.order_ref));
    assert!(known[0].commission.is_some());
    drop(taker);
}

async fn spy_order(gateway: &Gateway, order_id: OrderId) -> OrderTicket {
    let mut found = gateway.contracts(&ContractQuery::stock("SPY")).await.known().unwrap();
    let spy = found.remove(0);
    OrderTicket {
        order_id,
        order_ref: OrderRef::from_record("rg-test"),
        instrument: spy.instrument,
        exchange: spy.exchange,
        side: Side::Buy,
        quantity: Decimal::TEN,
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
        account: gateway.connected().await.unwrap().account,
    }
}

#[tokio::test]
async fn notices_that_were_missed_cost_the_connection() {
    let (_sim, gateway) = connect(Timing::default()).await;
    tell(&gateway, ibapi::NOTICE_STREAM_LAG_CODE, "2 notices dropped").await;
    becomes(&gateway, |link| matches!(link, Link::Up { generation: 2 })).await;
}
