//! What Pub/Sub does: posts envelopes over one connection that is kept alive.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rungate::clock::Clock;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here takes long unless it is broken: fifty orders at the default pace need five seconds.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A connection, and the number of the next message.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    next: u64,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// From the first byte out to the last byte in.
    pub took: Duration,
    /// The status code.
    pub status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    /// The body, if the message was acknowledged and the run is done.
    pub fn done(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.body);
        let body = self.json();
        assert_eq!(body["status"], "done", "{body}");
        body
    }
}

impl Client {
    /// Connects.
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("a connection");
        stream.set_nodelay(true).expect("an option of the socket");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        // Its end shows in the next request.
        tokio::spawn(connection);
        Self { sender, next: 0 }
    }

    /// A message that nobody has seen yet, as Pub/Sub wraps it. Its payload is empty.
    pub fn fresh(&mut self, intent: &str) -> Bytes {
        self.wrap(intent, "")
    }

    /// A message that nobody has seen yet, with this payload in base64.
    pub fn wrap(&mut self, intent: &str, data: &str) -> Bytes {
        self.next += 1;
        let id = format!("{:016}", self.next);
        let published = Clock::system().now();
        let envelope = json!({
            "message": {
                "attributes": { "intent": intent },
                "data": data,
                "messageId": id,
                "message_id": id,
                "publishTime": published,
                "publish_time": published,
            },
            "subscription": "projects/example/subscriptions/rungate-push",
        });
        envelope.to_string().into()
    }

    /// Posts an envelope and reads the whole answer.
    pub async fn push(&mut self, envelope: Bytes) -> Answer {
        let request = Request::post("/push")
            .header(header::HOST, "127.0.0.1")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(envelope))
            .expect("a request");
        timeout(PATIENCE, self.sender.ready()).await.expect("in time").expect("a connection");
        let started = Instant::now();
        let exchange = async {
            let answer = self.sender.send_request(request).await.expect("an answer");
            let status = answer.status();
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            Answer { took: started.elapsed(), status, body }
        };
        timeout(PATIENCE, exchange).await.expect("an answer in time")
    }
}
