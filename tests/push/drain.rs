//! Stopping: what is in flight ends, what is idle goes, and time is limited.

use std::time::Duration;

use hyper::Method;
use rungate::push::{Drained, Limits};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::crowd::held;
use crate::house::{House, front, read_to_end, request, send, soon};

const WRAPPED: &str = include_str!("../fixtures/wrapped.json");

#[tokio::test]
async fn what_is_in_flight_is_answered_and_nothing_new_gets_in() {
    let (handle, mut held) = held();
    let mut house = House::open(handle).await;
    let addr = house.addr;
    let mut idle = house.idle().await;
    let caller = tokio::spawn(send(addr, request(Method::POST, "/push", &[], WRAPPED)));
    soon(held.starts.recv()).await.unwrap();
    house.stop();
    // An idle connection is closed at once, which also shows that the server is draining.
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(soon(TcpStream::connect(addr)).await.is_err(), "the port is closed");
    held.release.add_permits(1);
    let answer = soon(caller).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(house.drained().await.is_clean());
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_waited_for() {
    let (handle, mut held) = held();
    let mut house = House::open(handle).await;
    let caller = tokio::spawn(send(house.addr, request(Method::POST, "/push", &[], WRAPPED)));
    soon(held.starts.recv()).await.unwrap();
    caller.abort();
    assert!(caller.await.is_err());
    let mut idle = house.idle().await;
    house.stop();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert!(held.ends.try_recv().is_err());
    held.release.add_permits(1);
    assert!(house.drained().await.is_clean());
    held.ends.try_recv().unwrap();
}

#[tokio::test]
async fn draining_gives_up_in_time_and_says_on_what() {
    let (handle, mut held) = held();
    let limits = Limits { drain: Duration::from_millis(200), ..Limits::default() };
    let mut house = House::with(front(handle), limits).await;
    let caller = tokio::spawn(send(house.addr, request(Method::POST, "/push", &[], WRAPPED)));
    soon(held.starts.recv()).await.unwrap();
    // Half a request is in flight too.
    let mut half = house.connect().await;
    half.write_all(b"POST /push HTT").await.unwrap();
    assert_eq!(house.get("/healthz").await.status, 200);
    house.stop();
    let Drained { connections, tasks } = house.drained().await;
    assert_eq!(tasks, 1);
    assert!((1..=2).contains(&connections), "{connections}");
    // The connections are gone, the work is not.
    assert_eq!(read_to_end(&mut half).await, "");
    assert!(soon(caller).await.unwrap_err().is_panic(), "the caller got no answer");
    held.release.add_permits(1);
    soon(held.ends.recv()).await.unwrap();
}
