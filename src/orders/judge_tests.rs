use jiff::Timestamp;

use super::*;
use crate::clock::Clock;
use crate::domain::{Account, ExecutionId, OrderId, OrderRef, PermId, Side};
use crate::orders::Ledger;
use crate::orders::fixtures::{spec, spy};
use crate::store::{SqliteStore, Store};

const CLIENT: i32 = 10;
const SENT_AS: OrderId = OrderId(41);

/// An order with these events in its ledger.
async fn order_after(events: &[Event]) -> Tracked {
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(SqliteStore::in_memory().unwrap());
    let ledger = Ledger::new(store, Clock::manual(Timestamp::UNIX_EPOCH), 1);
    let mut order = ledger.open(spec(100)).await.unwrap();
    ledger.append(&mut order, events).await.unwrap();
    order
}

fn sending() -> Event {
    Event::Sending { order_id: SENT_AS, client_id: CLIENT, next_valid_id: SENT_AS }
}

async fn in_doubt() -> Tracked {
    order_after(&[sending()]).await
}

fn open(perm: i64) -> OpenOrder {
    OpenOrder {
        order_id: SENT_AS,
        client_id: CLIENT,
        perm_id: PermId(perm),
        order_ref: Some(spec(100).line.order_ref),
        account: Account::new("DU1234567"),
        instrument: spy(),
        side: Side::Buy,
        quantity: 100.into(),
        status: "Submitted".to_owned(),
        filled: None,
    }
}

fn completed(status: &str) -> CompletedOrder {
    CompletedOrder {
        order_id: None,
        client_id: Some(CLIENT),
        perm_id: PermId(77),
        order_ref: Some(spec(100).line.order_ref),
        instrument: spy(),
        side: Side::Buy,
        status: status.to_owned(),
        detail: None,
    }
}

fn executed(id: &str, quantity: i64, cumulative: i64) -> Execution {
    Execution {
        execution_id: ExecutionId::new(id),
        order_id: SENT_AS,
        client_id: CLIENT,
        perm_id: PermId(77),
        order_ref: Some(spec(100).line.order_ref),
        account: Account::new("DU1234567"),
        instrument: spy(),
        side: Side::Buy,
        quantity: quantity.into(),
        price: 500.into(),
        cumulative_quantity: cumulative.into(),
        time: "20260309 10:30:00 US/Eastern".to_owned(),
        commission: None,
    }
}

fn find(order: &Tracked, evidence: &Evidence) -> Finding {
    judge(order, evidence, CLIENT).finding
}

#[tokio::test]
async fn an_order_that_works_is_adopted() {
    let evidence = Evidence { open: vec![open(77)], ..Evidence::default() };
    let judgement = judge(&in_doubt().await, &evidence, CLIENT);
    let status = "Submitted".to_owned();
    assert_eq!(judgement.events, [Event::Acknowledged { perm_id: PermId(77), status }]);
    assert_eq!(judgement.finding, Finding::Open);
}

#[tokio::test]
async fn executions_alone_prove_a_fill() {
    let executions = vec![executed("a.01", 60, 60), executed("b.01", 40, 100)];
    let evidence = Evidence { executions, ..Evidence::default() };
    assert_eq!(find(&in_doubt().await, &evidence), Finding::Ended);
}

#[tokio::test]
async fn a_partial_fill_that_was_cancelled_ends_with_what_was_filled() {
    let executions = vec![executed("a.01", 60, 60)];
    let evidence =
        Evidence { executions, completed: vec![completed("Cancelled")], ..Evidence::default() };
    let judgement = judge(&in_doubt().await, &evidence, CLIENT);
    assert_eq!(judgement.finding, Finding::Ended);
    assert!(matches!(judgement.events.last(), Some(Event::Ended { how: End::Cancelled, .. })));
}

#[tokio::test]
async fn the_word_filled_waits_for_its_executions() {
    let evidence = Evidence { completed: vec![completed("Filled")], ..Evidence::default() };
    assert_eq!(find(&in_doubt().await, &evidence), Finding::Unclear);
    // The broker counts 100, and only 60 of them have been shown.
    let evidence = Evidence { executions: vec![executed("b.01", 60, 100)], ..Evidence::default() };
    assert_eq!(find(&in_doubt().await, &evidence), Finding::Unclear);
}

#[tokio::test]
async fn what_no_list_shows_is_absent_and_nothing_more() {
    let foreign = Execution {
        order_ref: Some(OrderRef::from_record("somebody")),
        order_id: OrderId(7),
        ..executed("x.01", 100, 100)
    };
    let manual =
        Execution { order_ref: None, order_id: OrderId(0), client_id: 0, ..foreign.clone() };
    let evidence = Evidence { executions: vec![foreign, manual], ..Evidence::default() };
    let judgement = judge(&in_doubt().await, &evidence, CLIENT);
    assert_eq!(judgement, Judgement { events: Vec::new(), finding: Finding::Absent });
}

#[tokio::test]
async fn a_row_without_our_reference_is_ours_by_its_id_only_if_its_terms_agree() {
    let order = in_doubt().await;
    let blank = OpenOrder { order_ref: None, ..open(77) };
    let evidence = Evidence { open: vec![blank.clone()], ..Evidence::default() };
    assert_eq!(find(&order, &evidence), Finding::Open);
    let sell = OpenOrder { side: Side::Sell, ..blank };
    let evidence = Evidence { open: vec![sell], ..Evidence::default() };
    assert_eq!(find(&order, &evidence), Finding::Incident);
}

#[tokio::test]
async fn two_orders_under_one_reference_are_for_a_person() {
    let evidence = Evidence { open: vec![open(77), open(78)], ..Evidence::default() };
    let judgement = judge(&in_doubt().await, &evidence, CLIENT);
    assert_eq!(judgement.finding, Finding::Incident);
    assert!(matches!(judgement.events.as_slice(), [Event::Parked { .. }]));
}

#[tokio::test]
async fn what_an_incident_has_executed_is_booked_all_the_same() {
    let executions = vec![executed("a.01", 60, 60)];
    let evidence = Evidence { open: vec![open(77), open(78)], executions, ..Evidence::default() };
    let judgement = judge(&in_doubt().await, &evidence, CLIENT);
    let events = judgement.events.as_slice();
    assert!(matches!(events, [Event::Executed(_), Event::Parked { .. }]), "{events:?}");
}

#[tokio::test]
async fn our_id_on_anothers_order_is_for_a_person() {
    let foreign = OpenOrder { order_ref: Some(OrderRef::from_record("theirs")), ..open(9) };
    let evidence = Evidence { open: vec![foreign], ..Evidence::default() };
    assert_eq!(find(&in_doubt().await, &evidence), Finding::Incident);
}

#[tokio::test]
async fn our_reference_under_another_client_is_for_a_person() {
    let other = OpenOrder { client_id: 99, ..open(77) };
    let evidence = Evidence { open: vec![other], ..Evidence::default() };
    assert_eq!(find(&in_doubt().await, &evidence), Finding::Incident);
}

#[tokio::test]
async fn a_refusal_that_the_lists_confirm_is_a_rejection() {
    let notice = Event::Noticed { code: 201, text: "Order rejected - reason: margin".into() };
    let order = order_after(&[sending(), notice]).await;
    let evidence = Evidence { completed: vec![completed("Cancelled")], ..Evidence::default() };
    let judgement = judge(&order, &evidence, CLIENT);
    assert!(matches!(judgement.events.as_slice(), [Event::Ended { how: End::Rejected, .. }]));
}
