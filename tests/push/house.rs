//! A house for the front door: a server on a free port, and two kinds of caller.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rungate::dispatch::{Arrival, Delivery, IntentKind, Reply, ReplyKind};
use rungate::push::{Authentication, BoxFuture, Drained, Front, Handle, Limits, Readiness, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Whatever is waited for longer than this does not come.
const DEADLINE: Duration = Duration::from_secs(20);

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it does not come")
}

/// A running server.
pub struct House {
    pub addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

impl House {
    pub async fn open(handle: Handle) -> Self {
        Self::with(front(handle), Limits::default()).await
    }

    pub async fn with(front: Front, limits: Limits) -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = Server::bind(loopback, Authentication::None).await.unwrap();
        let addr = bound.addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(bound.serve(front, limits, TaskTracker::new(), async {
            stopped.await.unwrap();
        }));
        Self { addr, stop: Some(stop), served }
    }

    /// Tells it to stop; [`House::drained`] waits for it.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub async fn drained(self) -> Drained {
        soon(self.served).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(request(Method::POST, path, &[], body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[], "")).await
    }

    /// One request over a connection of its own.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        send(self.addr, request).await
    }

    /// Raw bytes in; what comes back until the server closes.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        read_to_end(&mut stream).await
    }

    /// A connection that has been used and waits for its next request.
    pub async fn idle(&self) -> TcpStream {
        let mut stream = self.connect().await;
        ask_health(&mut stream).await;
        healthy(&mut stream).await;
        stream
    }

    pub async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.addr)).await.unwrap()
    }
}

pub async fn send(addr: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    let stream = soon(TcpStream::connect(addr)).await.unwrap();
    let (mut sender, connection) = soon(http1::handshake(TokioIo::new(stream))).await.unwrap();
    let connection = tokio::spawn(connection);
    let response = soon(sender.send_request(request)).await.unwrap();
    let (head, body) = response.into_parts();
    let body = soon(body.collect()).await.unwrap().to_bytes();
    connection.abort();
    let body = match body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&body).unwrap(),
    };
    Answer { status: head.status, headers: head.headers, body }
}

/// Asks for the health over a connection that stays open, without waiting for the answer.
pub async fn ask_health(stream: &mut TcpStream) {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
}

/// Reads the answer to [`ask_health`], and nothing behind it.
pub async fn healthy(stream: &mut TcpStream) {
    let mut answer = String::new();
    while !answer.ends_with("{\"status\":\"up\"}") {
        let mut bytes = [0; 1024];
        let count = soon(stream.read(&mut bytes)).await.unwrap();
        assert_ne!(count, 0, "closed after {answer:?}");
        answer.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap()
    }
}

pub fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

/// A front with two intents: `summary`, which reads, and `allocation`, which acts.
pub fn front(handle: Handle) -> Front {
    let ready = || Readiness { ready: true, details: json!({ "gateway": "up" }) };
    Front {
        handle,
        kind_of: |name| match name {
            "summary" => Some(IntentKind::ReadOnly),
            "allocation" => Some(IntentKind::Acting),
            _ => None,
        },
        ready: Arc::new(move || Box::pin(async move { ready() })),
    }
}

pub fn settled() -> Reply {
    Reply { kind: ReplyKind::Settled, body: json!({ "outcome": "done" }) }
}

/// A handler from an async function.
pub fn handle<F>(work: impl Fn(Arrival) -> F + Send + Sync + 'static) -> Handle
where
    F: Future<Output = Reply> + Send + 'static,
{
    Arc::new(move |arrival| -> BoxFuture<'static, Reply> { Box::pin(work(arrival)) })
}

/// A handler that always says `reply`, and a list of what arrived.
pub fn recorded(reply: Reply) -> (Handle, mpsc::UnboundedReceiver<Arrival>) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let handle = handle(move |arrival| {
        arrived.send(arrival).unwrap();
        let reply = reply.clone();
        async move { reply }
    });
    (handle, arrivals)
}

/// The next arrival, which has to be there already.
pub fn delivery(arrivals: &mut mpsc::UnboundedReceiver<Arrival>) -> Delivery {
    match arrivals.try_recv().unwrap() {
        Arrival::Delivery(delivery) => delivery,
        Arrival::Malformed { reason, .. } => panic!("{reason}"),
    }
}

/// The reason of the next arrival, which has to be a malformed one.
pub fn malformed(arrivals: &mut mpsc::UnboundedReceiver<Arrival>) -> (Option<String>, String) {
    match arrivals.try_recv().unwrap() {
        Arrival::Delivery(delivery) => panic!("{delivery:?}"),
        Arrival::Malformed { message_id, reason, .. } => (message_id, reason),
    }
}
