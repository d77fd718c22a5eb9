//! A client that sends many requests before it reads their answers, and counts those.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::frames;

/// No answer takes this long: the server is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a reader's buffer: some hundred answers.
const BUFFER: usize = 64 * 1024;

pub struct Client {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    next_id: u32,
}

impl Client {
    /// A connection without a session.
    pub async fn plain(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let (reader, writer) = stream.into_split();
        Self { reader: BufReader::with_capacity(BUFFER, reader), writer, next_id: 1 }
    }

    /// A session of `client_id`.
    pub async fn started(addr: SocketAddr, client_id: u32) -> Self {
        let mut client = Self::plain(addr).await;
        client.send(&frames::hello()).await;
        let mut answer = vec![0; client.length().await];
        client.reader.read_exact(&mut answer).await.expect("an answer to the hello");
        let start = frames::start(client_id);
        let told = client.record(&start, frames::NEXT_VALID_ID).await;
        client.next_id = frames::last_number(&told);
        client
    }

    /// Order ids in their order.
    pub fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.writer.write_all(bytes)).await.expect("in time").expect("written");
    }

    /// Reads until `count` answers of kind `id` have come.
    pub async fn answers(&mut self, id: u32, count: usize) {
        let read = async {
            let (mut seen, mut body) = (0, Vec::new());
            while seen < count {
                self.frame(&mut body).await;
                seen += usize::from(body[..4] == id.to_be_bytes());
            }
        };
        timeout(PATIENCE, read).await.expect("all answers in time");
    }

    /// Sends one request. Returns the bytes of its answers, up to one of kind `id`.
    pub async fn record(&mut self, request: &[u8], id: u32) -> Vec<u8> {
        self.send(request).await;
        let read = async {
            let (mut bytes, mut body) = (Vec::new(), vec![0; 4]);
            while body[..4] != id.to_be_bytes() {
                self.frame(&mut body).await;
                let length = u32::try_from(body.len()).expect("a short frame");
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(&body);
            }
            bytes
        };
        timeout(PATIENCE, read).await.expect("an answer in time")
    }

    async fn frame(&mut self, body: &mut Vec<u8>) {
        let length = self.length().await;
        body.resize(length, 0);
        self.reader.read_exact(body).await.expect("a whole frame");
    }

    async fn length(&mut self) -> usize {
        self.reader.read_u32().await.expect("another frame") as usize
    }
}
