//! Which request is which, its body, and the answer as JSON.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};

use super::{DEADLINE, actions, guard};
use crate::sim::world::Shared;

/// A scenario of a thousand faults fits.
const BODY_MAX: usize = 1024 * 1024;

/// A refusal: HTTP status and what was expected.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    problems: Vec<String>,
    allow: Option<&'static str>,
}

impl Refusal {
    pub fn new(status: u16, problem: impl Into<String>) -> Self {
        Self { status, problems: vec![problem.into()], allow: None }
    }

    pub fn bad(problems: Vec<String>) -> Self {
        Self { status: 400, problems, allow: None }
    }
}

type Answer = Result<Value, Refusal>;

/// Answers one request.
pub async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Response<Full<Bytes>> {
    let result = match work(request, shared).await {
        Ok(value) => response(200, &value, None),
        Err(refusal) => {
            let body = json!({ "problems": refusal.problems });
            response(refusal.status, &body, refusal.allow)
        }
    };
    result.unwrap_or_default()
}

fn response(
    status: u16,
    value: &Value,
    allow: Option<&'static str>,
) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let mut text = format!("{value:#}");
    text.push('\n');
    let mut builder = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    if let Some(allow) = allow {
        builder = builder.header(ALLOW, HeaderValue::from_static(allow));
    }
    builder.body(Full::new(Bytes::from(text)))
}

async fn work(request: Request<Incoming>, shared: &Arc<Shared>) -> Answer {
    if !guard::is_welcome(request.headers()) {
        let text = "expected the Host and Origin of this machine, such as 127.0.0.1";
        return Err(Refusal::new(403, text));
    }
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let path = head.uri.path().trim_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    route(&head.method, &parts, &body, shared)
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let length = body.size_hint().lower();
    if usize::try_from(length).is_ok_and(|length| length > BODY_MAX) {
        let text = format!("expected a body of at most {BODY_MAX} bytes, not {length}");
        return Err(Refusal::new(413, text));
    }
    let collected = tokio::time::timeout(DEADLINE, Limited::new(body, BODY_MAX).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => {
            let text = format!("expected a body of at most {BODY_MAX} bytes: {error}");
            Err(Refusal::new(413, text))
        }
        Err(_elapsed) => Err(Refusal::new(408, format!("expected the body within {DEADLINE:?}"))),
    }
}

fn route(method: &Method, parts: &[&str], body: &[u8], shared: &Arc<Shared>) -> Answer {
    let body = || object(body);
    match (parts, method.as_str()) {
        (["truth"], "GET") => actions::truth(shared),
        (["clients"], "GET") => Ok(actions::clients(shared)),
        (["clock"], "GET") => Ok(actions::clock(shared)),
        (["clock"], "POST") => actions::set_clock(shared, body()?),
        (["faults"], "GET") => actions::faults(shared),
        (["faults"], "POST") => actions::arm(shared, body()?),
        (["faults"], "DELETE") => Ok(actions::clear(shared)),
        (["faults", id], "DELETE") => actions::end(shared, id),
        (["restart"], "POST") => actions::restart(shared, body()?),
        (["prices"], "POST") => actions::pin(shared, body()?),
        (["orders"], "POST") => actions::enter(shared, body()?),
        (["orders", perm_id, "fill"], "POST") => actions::fill(shared, perm_id, body()?),
        (["orders", perm_id, "cancel"], "POST") => actions::cancel(shared, perm_id),
        _ => Err(unknown(parts)),
    }
}

/// A path that is there for another method, or nowhere.
fn unknown(parts: &[&str]) -> Refusal {
    let allow = match parts {
        ["truth" | "clients"] => "GET",
        ["clock"] => "GET, POST",
        ["faults"] => "GET, POST, DELETE",
        ["faults", _] => "DELETE",
        ["restart" | "prices" | "orders"] | ["orders", _, "fill" | "cancel"] => "POST",
        _ => {
            let text = "expected /truth, /clients, /clock, /faults, /restart, /prices, /orders, \
                        /orders/{permId}/fill or /orders/{permId}/cancel";
            return Refusal::new(404, text);
        }
    };
    Refusal {
        status: 405,
        problems: vec![format!("expected one of the methods {allow}")],
        allow: Some(allow),
    }
}

/// A body that is one JSON object; an empty body is an empty one.
fn object(body: &[u8]) -> Result<serde_json::Map<String, Value>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(serde_json::Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::new(400, "expected a JSON object")),
        Err(error) => Err(Refusal::new(400, format!("expected a JSON object: {error}"))),
    }
}
