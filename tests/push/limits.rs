//! What one peer may cost: size, time, connections.

use std::time::Duration;

use hyper::Method;
use rungate::push::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::house::{
    House, ask_health, delivery, front, healthy, read_to_end, recorded, request, settled, soon,
};

const WRAPPED: &str = include_str!("../fixtures/wrapped.json");

async fn house(limits: Limits) -> (House, UnboundedReceiver<rungate::dispatch::Arrival>) {
    let (handle, arrivals) = recorded(settled());
    (House::with(front(handle), limits).await, arrivals)
}

fn short(body_time: u64, header_time: u64) -> Limits {
    Limits {
        body_time: Duration::from_millis(body_time),
        header_time: Duration::from_millis(header_time),
        ..Limits::default()
    }
}

/// The largest body there may be, as JSON.
fn sized(bytes: usize) -> String {
    let frame = r#"{"x":""}"#.len();
    format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes - frame))
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read_and_one_beyond_is_not() {
    let max = Limits::default().body;
    let (house, mut arrivals) = house(Limits::default()).await;
    assert_eq!(house.post("/allocation", sized(max)).await.status, 200);
    assert_eq!(delivery(&mut arrivals).raw.len(), max);
    let answer = house.post("/push", sized(max + 1)).await;
    assert_eq!(answer.status, 413);
    assert!(answer.error().contains("1048576"), "{}", answer.error());
    assert_eq!(answer.header("connection"), Some("close"));
    // The largest push of Pub/Sub, written in full before anything is read: closing the
    // connection early would reset it, and the answer would be lost.
    let (body, length) = ("x".repeat(14_000_000), 14_000_000);
    let head =
        format!("POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    let answer = house.raw(head + &body).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test]
async fn chunks_do_not_get_around_the_limit() {
    let (house, mut arrivals) = house(Limits { body: 100, ..Limits::default() }).await;
    let head = "POST /allocation HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("20\r\n{}\r\n", "x".repeat(32));
    let answer = house.raw(format!("{head}{}0\r\n\r\n", chunk.repeat(4))).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_need_not_be_sent() {
    let (house, mut arrivals) = house(Limits::default()).await;
    for (length, expect) in [("1048577", "expect: 100-continue\r\n"), ("99999999999", "")] {
        let answer = house
            .raw(format!(
                "POST /push HTTP/1.1\r\nhost: localhost\r\n{expect}content-length: {length}\r\n\r\n"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{length}: {answer}");
    }
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (house, mut arrivals) = house(short(100, 60_000)).await;
    let head = "POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n";
    for sent in ["", "{\"message\":"] {
        let answer = house.raw(format!("{head}{sent}")).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("{\"error\":\"the body took too long\"}"), "{answer}");
    }
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test]
async fn half_a_request_is_closed_and_is_no_delivery() {
    let (house, mut arrivals) = house(short(60_000, 100)).await;
    // Nothing, half a head, and an idle connection after an answer.
    for (sent, expected) in [
        ("", ""),
        ("POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-le", ""),
        ("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", "HTTP/1.1 200 OK"),
    ] {
        let answer = house.raw(sent).await;
        assert!(answer.starts_with(expected), "{sent}: {answer}");
    }
    // Half a body, and then nobody there.
    let mut stream = house.connect().await;
    let head = format!(
        "POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        WRAPPED.len()
    );
    stream.write_all(format!("{head}{}", &WRAPPED[..WRAPPED.len() - 1]).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(house.post("/push", WRAPPED).await.status, 200);
    assert_eq!(delivery(&mut arrivals).intent, "allocation");
    assert!(arrivals.try_recv().is_err(), "half a body was delivered");
}

#[tokio::test]
async fn a_slow_peer_does_not_disturb_the_others() {
    let (house, mut arrivals) = house(Limits::default()).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = house.connect().await;
        let head = format!(
            "POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            WRAPPED.len()
        );
        stream.write_all(format!("{head}{}", &WRAPPED[..10]).as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(house.post("/push", WRAPPED).await.status, 200);
    delivery(&mut arrivals);
    // And the slow ones arrive in the end.
    for stream in &mut slow {
        stream.write_all(&WRAPPED.as_bytes()[10..]).await.unwrap();
        let mut answer = [0; 15];
        soon(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        delivery(&mut arrivals);
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let (house, _arrivals) = house(Limits { connections: 2, ..Limits::default() }).await;
    let (mut one, mut two) = (house.idle().await, house.idle().await);
    let mut three = house.connect().await;
    ask_health(&mut three).await;
    // The two inside are served meanwhile, the third is not.
    for stream in [&mut one, &mut two] {
        ask_health(stream).await;
        healthy(stream).await;
    }
    assert!(three.try_read(&mut [0]).is_err(), "the third was let in");
    drop(one);
    healthy(&mut three).await;
}

#[tokio::test]
async fn a_head_has_room_for_every_attribute_of_pubsub_and_not_for_more() {
    let (house, mut arrivals) = house(Limits::default()).await;
    let value = "v".repeat(1024);
    let names: Vec<String> =
        (0..100).map(|number| format!("{}{number:03}", "n".repeat(253))).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (&**name, &*value)).collect();
    headers.extend([("x-goog-pubsub-message-id", "1"), ("intent", "ping")]);
    let answer = house.send(request(Method::POST, "/push", &headers, "")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(delivery(&mut arrivals).intent, "ping");

    let head = "POST /push HTTP/1.1\r\nhost: localhost\r\n";
    let answer = house.raw(format!("{head}{}\r\n", "a: b\r\n".repeat(200))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(arrivals.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_http_is_closed_and_harms_nobody() {
    let (house, mut arrivals) = house(Limits::default()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let mut stream = house.connect().await;
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // Closed, with or without an answer; a reset is a way of closing too.
        if soon(stream.read_to_end(&mut answer)).await.is_ok() {
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
        }
    }
    assert_eq!(house.post("/push", WRAPPED).await.status, 200);
    delivery(&mut arrivals);
    assert!(arrivals.try_recv().is_err());
}
