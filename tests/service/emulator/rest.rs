//! As much HTTP client as the emulator's REST interface needs.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rungate::config::HostPort;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A pull may be held back for as long as nothing comes.
const CALL_MAX: Duration = Duration::from_secs(120);

/// An answer with one message of ours is far smaller.
const BODY_MAX: usize = 4 << 20;

/// One request over a connection of its own. Panics unless the answer is a success.
pub async fn call(host: &HostPort, method: &str, path: &str, body: &Value) -> Value {
    let answer = timeout(CALL_MAX, exchange(host, method, path, body)).await;
    let Ok((status, bytes)) = answer else {
        panic!("{method} {path} brought no answer within {CALL_MAX:?}");
    };
    let text = String::from_utf8_lossy(&bytes);
    assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

async fn exchange(host: &HostPort, method: &str, path: &str, body: &Value) -> (u16, Bytes) {
    let stream = TcpStream::connect(host.as_str()).await.expect("the emulator listens");
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let bytes = if body.is_null() { String::new() } else { body.to_string() };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host.as_str())
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(bytes)))
        .expect("a valid request");
    let response = sender.send_request(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), BODY_MAX).collect().await.expect("a body");
    (status, body.to_bytes())
}
