//! A push endpoint that shows a test what arrives and lets it choose each answer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// More pushes than this wait for no test of ours; the next ones wait at the sender.
const WAITING_MAX: usize = 16;

/// Listens on a loopback port until it is dropped.
pub struct Endpoint {
    url: String,
    pushes: mpsc::Receiver<Push>,
    accepting: JoinHandle<()>,
}

/// One push that waits for its answer.
pub struct Push {
    /// The path that was posted to.
    pub path: String,
    /// The body as JSON.
    pub envelope: Value,
    answer: oneshot::Sender<u16>,
}

impl Endpoint {
    /// Starts to listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let url = format!("http://{}/push", listener.local_addr().expect("its address"));
        let (sender, pushes) = mpsc::channel(WAITING_MAX);
        let sender = Arc::new(sender);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&sender)));
            }
        });
        Self { url, pushes, accepting }
    }

    /// Where to push.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next push. Panics if none comes in time.
    pub async fn next(&mut self, within: Duration) -> Push {
        match timeout(within, self.pushes.recv()).await {
            Ok(Some(push)) => push,
            Ok(None) => panic!("the endpoint is gone"),
            Err(_) => panic!("no push within {within:?}"),
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Push {
    /// Pub/Sub's id of the message.
    pub fn message_id(&self) -> &str {
        self.envelope["message"]["messageId"].as_str().expect("every message has an id")
    }

    /// The payload.
    pub fn data(&self) -> Vec<u8> {
        BASE64
            .decode(self.envelope["message"]["data"].as_str().unwrap_or_default())
            .expect("base64")
    }

    /// The attributes.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.envelope["message"]["attributes"].clone()).unwrap_or_default()
    }

    /// Answers with a status code. An unanswered push is closed without one when dropped.
    pub fn answer(self, status: u16) {
        self.answer.send(status).expect("the sender still waits for its answer");
    }
}

async fn serve(stream: TcpStream, pushes: Arc<mpsc::Sender<Push>>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&pushes)));
    // An error here is the emulator hanging up, at the end of a test for one.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(
    request: Request<Incoming>,
    pushes: Arc<mpsc::Sender<Push>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.expect("a whole body").to_bytes();
    let envelope = serde_json::from_slice(&body).expect("a JSON envelope");
    let (answer, answered) = oneshot::channel();
    // Without a test that looks at it, a push gets the answer that changes nothing: again, later.
    let status = match pushes.send(Push { path, envelope, answer }).await {
        Ok(()) => answered.await.unwrap_or(503),
        Err(_) => 503,
    };
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status.try_into().expect("a status code");
    Ok(response)
}
