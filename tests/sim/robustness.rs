//! Bytes that no client should send, and more clients than there are seats.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A connection without a client: bytes in, bytes out.
pub struct Raw {
    stream: TcpStream,
    /// What the start told; 0 before.
    pub next_id: i64,
}

impl Raw {
    pub async fn connect(simulator: &Simulator) -> Self {
        Self { stream: within(TcpStream::connect(simulator.addr())).await.unwrap(), next_id: 0 }
    }

    /// Says hello and returns the answer, or `None` when the simulator closed instead.
    pub async fn hello(&mut self, versions: &str) -> Option<String> {
        let mut hello = b"API\0".to_vec();
        hello.extend_from_slice(&u32::try_from(versions.len()).unwrap().to_be_bytes());
        hello.extend_from_slice(versions.as_bytes());
        self.send(&hello).await;
        let body = self.frame().await?;
        Some(String::from_utf8(body).unwrap())
    }

    /// A session that has received its accounts and next id.
    pub async fn started(simulator: &Simulator, client_id: i32) -> Self {
        let mut raw = Self::connect(simulator).await;
        raw.hello("v213..226").await.unwrap();
        raw.send(&[0, 0, 0, 6, 0, 0, 1, 15, 8, u8::try_from(client_id).unwrap()]).await;
        assert_eq!(raw.frame().await.unwrap()[..4], [0, 0, 0, 215], "managed accounts first");
        let next = raw.frame().await.unwrap();
        assert_eq!(next[..5], [0, 0, 0, 209, 8], "then the next id");
        raw.next_id =
            next[5..].iter().rev().fold(0, |sum, byte| (sum << 7) | i64::from(byte & 127));
        raw
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.unwrap();
    }

    /// Sends, or finds the connection closed.
    pub async fn send_or_closed(&mut self, bytes: &[u8]) {
        if let Err(error) = within(self.stream.write_all(bytes)).await {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{error}");
        }
    }

    /// The next frame; `None` at the end of the connection.
    pub async fn frame(&mut self) -> Option<Vec<u8>> {
        let length = within(self.stream.read_u32()).await.ok()?;
        let mut body = vec![0; usize::try_from(length).unwrap()];
        within(self.stream.read_exact(&mut body)).await.ok()?;
        Some(body)
    }

    /// How the connection ends.
    pub async fn end(mut self) -> std::io::Result<usize> {
        within(self.stream.read_to_end(&mut Vec::new())).await
    }

    /// Reads until the simulator closes.
    pub async fn drained(mut self) {
        while self.frame().await.is_some() {}
    }

    /// Closes and waits until the simulator has closed too.
    pub async fn close(&mut self) {
        self.stream.shutdown().await.unwrap();
        while self.frame().await.is_some() {}
    }
}

#[tokio::test]
async fn nonsense_closes_its_own_connection_and_no_other() {
    let simulator = start().await;
    let bystander = connect(&simulator, CLIENT).await;
    let before_start: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"API\0\xff\xff\xff\xff",
        b"API\0\0\0\0\x04nope",
        b"API\0\0\0\0\x05v9..8",
    ];
    for bytes in before_start {
        let mut raw = Raw::connect(&simulator).await;
        raw.send(bytes).await;
        raw.drained().await;
    }
    let after_start: [&[u8]; 5] = [
        // Longer than the protocol allows, shorter than a message id, a text message, a negative
        // id, and bytes that are no protobuf under the id of an order.
        &[0xff, 0xff, 0xff, 0xff, 0, 0],
        &[0, 0, 0, 2, 1, 1],
        &[0, 0, 0, 8, 0, 0, 0, 49, 49, 0, 49, 0],
        &[0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 8, 0, 0, 0, 203, 0xff, 0xff, 0xff, 0xff],
    ];
    for bytes in after_start {
        let mut raw = Raw::started(&simulator, 9).await;
        raw.send(bytes).await;
        raw.drained().await;
    }
    settle(&bystander).await;
}

#[tokio::test]
async fn half_a_frame_and_silence_harm_nobody() {
    let simulator = start().await;
    let mut half = Raw::started(&simulator, 9).await;
    half.send(&[0, 0xff, 0xff, 0xff, 0, 0, 0, 203]).await;
    let idle = Raw::connect(&simulator).await;
    let client = connect(&simulator, CLIENT).await;
    settle(&client).await;
    drop((half, idle));
    settle(&client).await;
}

#[tokio::test]
async fn an_unknown_request_is_answered_under_its_id() {
    let simulator = start().await;
    let mut raw = Raw::started(&simulator, 9).await;
    for _notice in 0..3 {
        raw.frame().await.unwrap();
    }
    // Request 288, made up, with request id 5.
    raw.send(&[0, 0, 0, 6, 0, 0, 1, 32, 8, 5]).await;
    let error = raw.frame().await.unwrap();
    assert_eq!(error[..6], [0, 0, 0, 204, 8, 5], "an error message with that id");
    let code = 321_u16;
    let [low, high] = [u8::try_from(code & 127).unwrap() | 128, u8::try_from(code >> 7).unwrap()];
    assert!(error.windows(3).any(|bytes| bytes == [0x18, low, high]), "{error:?}");
}

#[tokio::test]
async fn there_are_thirty_two_seats() {
    let simulator = start().await;
    let mut seated = Vec::new();
    for client_id in 0..32 {
        seated.push(Raw::started(&simulator, client_id).await);
    }
    Raw::connect(&simulator).await.drained().await;
    let mut leaving = seated.pop().unwrap();
    leaving.close().await;
    drop(leaving);
    // The seat is given up a moment after the connection ended.
    within(async {
        while connect_to(&simulator.addr().to_string(), 99).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_and_others_are_served() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    let mut deaf = Raw::started(&simulator, 9).await;
    // Details of SPY: a request of 17 bytes, an answer of more than 500.
    let request = [0, 0, 0, 13, 0, 0, 0, 209, 8, 1, 18, 5, 18, 3, 83, 80, 89];
    let frames = request.repeat(1000);
    let closed = async { while deaf.stream.write_all(&frames).await.is_ok() {} };
    within(closed).await;
    settle(&client).await;
}

#[tokio::test]
async fn a_simulator_that_is_dropped_closes_its_connections() {
    let simulator = start().await;
    let raw = Raw::started(&simulator, 9).await;
    drop(simulator);
    raw.drained().await;
}
