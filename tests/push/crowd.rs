//! Many callers at once, and callers that go away.

use std::sync::Arc;

use hyper::Method;
use rungate::dispatch::{Arrival, Reply, ReplyKind};
use rungate::push::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Barrier, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::house::{House, front, handle, request, send, settled, soon};

const WRAPPED: &str = include_str!("../fixtures/wrapped.json");

/// The handlers wait for each other: they only end if all of them run at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_deliveries_of_one_message_reach_the_handler_at_once() {
    const DELIVERIES: usize = 50;
    let all = Arc::new(Barrier::new(DELIVERIES));
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let house = House::open(handle(move |arrival| {
        let (all, arrived) = (all.clone(), arrived.clone());
        async move {
            arrived.send(arrival).unwrap();
            all.wait().await;
            settled()
        }
    }))
    .await;
    let addr = house.addr;
    let mut callers = JoinSet::new();
    for _ in 0..DELIVERIES {
        callers.spawn(send(addr, request(Method::POST, "/push", &[], WRAPPED)));
    }
    while let Some(answer) = soon(callers.join_next()).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    let mut count = 0;
    while let Ok(Arrival::Delivery(delivery)) = arrivals.try_recv() {
        assert_eq!(delivery.message_id, "11284093672012544");
        count += 1;
    }
    assert_eq!(count, DELIVERIES);
}

/// A handler under the test's control: it says when it starts and when it ends, and ends only
/// when the test lets it.
pub fn held() -> (rungate::push::Handle, Held) {
    let (started, starts) = mpsc::unbounded_channel();
    let (ended, ends) = mpsc::unbounded_channel();
    let release = Arc::new(Semaphore::new(0));
    let held = Held { starts, ends, release: release.clone() };
    let handle = handle(move |_| {
        let (started, ended, release) = (started.clone(), ended.clone(), release.clone());
        async move {
            started.send(()).unwrap();
            release.acquire().await.unwrap().forget();
            ended.send(()).unwrap();
            settled()
        }
    });
    (handle, held)
}

pub struct Held {
    pub starts: mpsc::UnboundedReceiver<()>,
    pub ends: mpsc::UnboundedReceiver<()>,
    pub release: Arc<Semaphore>,
}

#[tokio::test]
async fn a_hang_up_does_not_stop_the_work() {
    let (handle, mut held) = held();
    let mut house = House::open(handle).await;
    let mut stream = house.connect().await;
    let head = format!(
        "POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        WRAPPED.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(WRAPPED.as_bytes()).await.unwrap();
    soon(held.starts.recv()).await.unwrap();
    drop(stream);
    // A round trip after the hang-up: by its end, the server has seen the closed connection.
    assert_eq!(house.get("/healthz").await.status, 200);
    held.release.add_permits(1);
    soon(held.ends.recv()).await.unwrap();
    house.stop();
    assert!(house.drained().await.is_clean());
}

#[tokio::test]
async fn work_beyond_the_limit_is_told_to_come_back() {
    let (handle, mut held) = held();
    let limits = Limits { handlers: 2, ..Limits::default() };
    let house = House::with(front(handle), limits).await;
    let addr = house.addr;
    let post = move || send(addr, request(Method::POST, "/push", &[], WRAPPED));
    let patient = tokio::spawn(post());
    soon(held.starts.recv()).await.unwrap();
    let impatient = tokio::spawn(post());
    soon(held.starts.recv()).await.unwrap();
    let refused = post().await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("5"));
    // Hanging up does not make room: the work goes on.
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    assert_eq!(post().await.status, 503);
    // The end of the work does.
    held.release.add_permits(3);
    assert_eq!(soon(patient).await.unwrap().status, 200);
    assert_eq!(post().await.status, 200);
}

#[tokio::test]
async fn a_panic_gives_its_place_back() {
    let limits = Limits { handlers: 1, ..Limits::default() };
    let house = House::with(front(handle(|_| async { panic!("as the test wants") })), limits).await;
    for _ in 0..3 {
        assert_eq!(house.post("/push", WRAPPED).await.status, 500);
    }
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let house = House::open(handle(|arrival| async move {
        let Arrival::Delivery(delivery) = arrival else { panic!("{arrival:?}") };
        Reply { kind: ReplyKind::Settled, body: json!({ "id": delivery.message_id }) }
    }))
    .await;
    let mut stream = house.connect().await;
    let request = |key: &str| {
        format!(
            "POST /allocation HTTP/1.1\r\nhost: localhost\r\nidempotency-key: {key}\r\ncontent-length: 2\r\n\r\n{{}}"
        )
    };
    // Both before the first answer.
    stream.write_all((request("one") + &request("two")).as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("two") {
        let mut bytes = [0; 1024];
        let count = soon(stream.read(&mut bytes)).await.unwrap();
        assert_ne!(count, 0, "closed after {seen}");
        seen.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert!(seen.find("\"one\"") < seen.find("\"two\""), "{seen}");
}
