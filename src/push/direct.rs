//! `POST /{intent}` and `GET /{intent}`: a caller that waits for the answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::HeaderMap;
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::{Map, Value};

use super::envelope::text;
use super::malformed::Malformed;
use super::payload;
use super::trace;
use crate::dispatch::{Arrival, Delivery, Source};

/// Makes two requests the same work, like a message id does for deliveries.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// It becomes part of a run's name, which people read and type.
const IDEMPOTENCY_KEY_MAX: usize = 128;

/// The operating system had no random number for an id.
#[derive(Debug, thiserror::Error)]
#[error("no random number for an id; send an Idempotency-Key")]
pub(super) struct NoId(#[source] rand::rngs::SysError);

/// Reads a `POST`: its body is a JSON object, or empty.
pub(super) fn read_post(
    intent: &str,
    headers: &HeaderMap,
    query: Option<&str>,
    body: Bytes,
) -> Result<Arrival, NoId> {
    let parameters = match query {
        // A caller that writes `?dry_run=true` must not get the real thing.
        Some(query) if !query.is_empty() => Err(Malformed::ParametersInUrl),
        _ => payload::read(&body, Some(intent)).map(|payload| payload.parameters),
    };
    arrival(intent, headers, parameters, body)
}

/// Reads a `GET`: the query's values are texts.
pub(super) fn read_get(
    intent: &str,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Arrival, NoId> {
    arrival(intent, headers, of_query(query.unwrap_or_default()), Bytes::new())
}

fn of_query(query: &str) -> Result<Map<String, Value>, Malformed> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let name = name.into_owned();
        if parameters.insert(name.clone(), Value::String(value.into_owned())).is_some() {
            return Err(Malformed::ParameterTwice(name));
        }
    }
    Ok(parameters)
}

fn arrival(
    intent: &str,
    headers: &HeaderMap,
    parameters: Result<Map<String, Value>, Malformed>,
    raw: Bytes,
) -> Result<Arrival, NoId> {
    let key = idempotency_key(headers);
    let (key, parameters) = match key.and_then(|key| parameters.map(|found| (key, found))) {
        Ok(read) => read,
        Err(problem) => {
            let message_id = idempotency_key(headers).ok().flatten();
            return Ok(Arrival::Malformed { raw, message_id, reason: problem.reason() });
        }
    };
    let message_id = match key {
        Some(key) => key,
        None => fresh_id()?,
    };
    Ok(Arrival::Delivery(Delivery {
        source: Source::Direct,
        message_id,
        run_key: None,
        job: None,
        intent: intent.to_owned(),
        parameters,
        published_at: None,
        attempt: 1,
        attributes: BTreeMap::new(),
        subscription: None,
        trace: trace::of(headers),
        raw,
    }))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Malformed> {
    let Some(key) = text(headers, IDEMPOTENCY_KEY)? else { return Ok(None) };
    let fits = (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len());
    if !fits || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Malformed::IdempotencyKey { max: IDEMPOTENCY_KEY_MAX });
    }
    Ok(Some(key.to_owned()))
}

fn fresh_id() -> Result<String, NoId> {
    let high = SysRng.try_next_u64().map_err(NoId)?;
    let low = SysRng.try_next_u64().map_err(NoId)?;
    Ok(format!("direct-{high:016x}{low:016x}"))
}
