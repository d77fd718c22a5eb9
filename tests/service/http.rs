//! A client that posts what Pub/Sub posts.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// `done`, `refused`, … as the outcome says.
    pub fn outcome(&self) -> &str {
        self.body["status"].as_str().unwrap_or("")
    }

    /// What a person is asked to look at.
    pub fn attention(&self) -> Vec<&str> {
        let listed = self.body["attention"].as_array();
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// The wrapper that Pub/Sub posts around a payload.
pub fn envelope(message_id: &str, attributes: &Value, payload: &Value) -> Value {
    json!({
        "subscription": "projects/test/subscriptions/push",
        "message": {
            "messageId": message_id,
            "message_id": message_id,
            "attributes": attributes,
            "data": BASE64_STANDARD.encode(payload.to_string()),
        },
    })
}

/// One request on a connection of its own. `None` if the connection broke before the answer.
pub async fn send(addr: SocketAddr, method: Method, path: &str, body: String) -> Option<Answer> {
    let stream = TcpStream::connect(addr).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let driver = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", addr.to_string())
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .expect("a request");
    let response = sender.send_request(request).await.ok()?;
    let status = response.status();
    let bytes = response.into_body().collect().await.ok()?.to_bytes();
    driver.abort();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Some(Answer { status, body })
}
