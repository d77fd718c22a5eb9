use jiff::Timestamp;

use super::*;
use crate::domain::{OrderId, PermId, RunKey};
use crate::orders::fixtures::spec;
use crate::store::SqliteStore;

fn store() -> Arc<dyn Store> {
    Arc::new(SqliteStore::in_memory().unwrap())
}

fn ledger(store: &Arc<dyn Store>, fence: u64) -> Ledger {
    Ledger::new(store.clone(), Clock::manual(Timestamp::UNIX_EPOCH), fence)
}

fn sending() -> Event {
    Event::Sending { order_id: OrderId(1), client_id: 10, next_valid_id: OrderId(1) }
}

fn acknowledged() -> Event {
    Event::Acknowledged { perm_id: PermId(7), status: "Submitted".to_owned() }
}

#[tokio::test]
async fn a_line_is_written_down_once_and_found_again() {
    let store = store();
    let mut order = ledger(&store, 1).open(spec(10)).await.unwrap();
    ledger(&store, 1).append(&mut order, &[sending()]).await.unwrap();
    let again = ledger(&store, 2).open(spec(10)).await.unwrap();
    assert_eq!(again.state(), State::InDoubt);
    let other = ledger(&store, 2).open(spec(11)).await;
    assert!(matches!(other, Err(OrderError::Differs(_))), "{other:?}");
}

#[tokio::test]
async fn a_repeated_report_is_kept_once() {
    let store = store();
    let ledger = ledger(&store, 1);
    let mut order = ledger.open(spec(10)).await.unwrap();
    ledger.append(&mut order, &[sending(), acknowledged(), acknowledged()]).await.unwrap();
    ledger.append(&mut order, &[acknowledged()]).await.unwrap();
    assert_eq!(order.record().events.len(), 2);
}

#[tokio::test]
async fn a_writer_with_an_older_number_is_fenced_off() {
    let store = store();
    let (old, new) = (ledger(&store, 1), ledger(&store, 2));
    let mut stale = old.open(spec(10)).await.unwrap();
    let mut taken = new.open_orders().await.unwrap();
    new.take_over(&mut taken).await.unwrap();
    let refused = old.append(&mut stale, &[sending()]).await;
    assert!(matches!(refused, Err(OrderError::Fenced { ours: 1, theirs: 2, .. })), "{refused:?}");
    let found = new.load(spec(10).order_ref()).await.unwrap().unwrap();
    assert_eq!(found.state(), State::Planned, "nothing was put in doubt");
}

#[tokio::test]
async fn of_two_writers_that_want_to_send_one_does() {
    let store = store();
    let ledger = ledger(&store, 1);
    let mut first = ledger.open(spec(10)).await.unwrap();
    let mut second = first.clone();
    ledger.append(&mut first, &[sending()]).await.unwrap();
    let refused = ledger.append(&mut second, &[sending()]).await;
    assert!(matches!(refused, Err(OrderError::Illegal { .. })), "{refused:?}");
}

#[tokio::test]
async fn an_order_is_listed_as_open_until_it_is_over() {
    let store = store();
    let ledger = ledger(&store, 1);
    let mut order = ledger.open(spec(10)).await.unwrap();
    assert_eq!(ledger.open_orders().await.unwrap().len(), 1);
    let reason = "the switch is off".to_owned();
    ledger.append(&mut order, &[Event::Withdrawn { reason }]).await.unwrap();
    assert!(ledger.open_orders().await.unwrap().is_empty());
    let run = RunKey::new("allocation.1").unwrap();
    assert_eq!(ledger.orders_of(&run).await.unwrap().len(), 1);
}
