//! A push becomes a delivery, or is told what is wrong with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use hyper::HeaderMap;
use jiff::Timestamp;

use super::malformed::Malformed;
use super::payload::{self, INTENT};
use super::trace;
use super::wire::Envelope;
use crate::dispatch::{Arrival, Delivery, Source};

/// The attribute that names the run, for publishers that know it.
const RUN_KEY: &str = "run-key";

/// The attribute that names the schedule slot's job.
const JOB: &str = "job";

/// Where an unwrapped push has what the wrapper would have
/// (<https://docs.cloud.google.com/pubsub/docs/payload-unwrapping>).
const MESSAGE_ID: &str = "x-goog-pubsub-message-id";
const PUBLISH_TIME: &str = "x-goog-pubsub-publish-time";
const SUBSCRIPTION: &str = "x-goog-pubsub-subscription-name";
const DELIVERY_ATTEMPT: &str = "x-goog-pubsub-delivery-attempt";

/// Google pads; publishers that build an envelope by hand often don't.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What both forms of a push say.
struct Push {
    message_id: String,
    published_at: Option<Timestamp>,
    attempt: u32,
    attributes: BTreeMap<String, String>,
    subscription: Option<String>,
    payload: Bytes,
}

/// Reads a push: unwrapped if the header `x-goog-pubsub-message-id` is there, wrapped otherwise.
pub fn read_message(headers: &HeaderMap, body: Bytes) -> Arrival {
    let wrapped = !headers.contains_key(MESSAGE_ID);
    let push = if wrapped { from_wrapper(&body) } else { from_headers(headers, &body) };
    let read = push.and_then(|push| {
        let message_id = push.message_id.clone();
        understand(push, headers, &body).map_err(|problem| (problem, Some(message_id)))
    });
    match read {
        Ok(delivery) => Arrival::Delivery(delivery),
        Err((problem, message_id)) => {
            Arrival::Malformed { raw: body, message_id, reason: problem.reason() }
        }
    }
}

/// A problem, and the message's id if that much could be read.
type Unread = (Malformed, Option<String>);

fn from_wrapper(body: &Bytes) -> Result<Push, Unread> {
    let envelope: Envelope = serde_json::from_slice(body)
        .map_err(|problem| (Malformed::Envelope(problem), salvage_id(body)))?;
    let id = match envelope.message.id() {
        Ok(Some(id)) => id.to_owned(),
        Ok(None) => return Err((Malformed::NoMessageId, None)),
        Err(problem) => return Err((problem, None)),
    };
    unwrap(envelope, id.clone()).map_err(|problem| (problem, Some(id)))
}

fn unwrap(envelope: Envelope, message_id: String) -> Result<Push, Malformed> {
    let attempt = envelope.attempt()?.unwrap_or(1);
    let message = envelope.message;
    let published_at = message.publish_time()?.map(time).transpose()?;
    let data = message.data.unwrap_or_default();
    let payload = BASE64.decode(data).map_err(Malformed::Base64)?.into();
    let attributes = message.attributes.unwrap_or_default();
    let subscription = envelope.subscription;
    Ok(Push { message_id, published_at, attempt, attributes, subscription, payload })
}

fn from_headers(headers: &HeaderMap, body: &Bytes) -> Result<Push, Unread> {
    let id = match text(headers, MESSAGE_ID) {
        Ok(Some(id)) if !id.is_empty() => id.to_owned(),
        Ok(_) => return Err((Malformed::NoMessageId, None)),
        Err(problem) => return Err((problem, None)),
    };
    unwrapped(headers, body, id.clone()).map_err(|problem| (problem, Some(id)))
}

fn unwrapped(headers: &HeaderMap, body: &Bytes, message_id: String) -> Result<Push, Malformed> {
    let published_at = text(headers, PUBLISH_TIME)?.map(time).transpose()?;
    let subscription = text(headers, SUBSCRIPTION)?.map(str::to_owned);
    let attempt = text(headers, DELIVERY_ATTEMPT)?.map(count).transpose()?.unwrap_or(1);
    // An attribute looks like any other header. Only those that mean something to us are read as
    // attributes; the others may be the platform's.
    let mut attributes = BTreeMap::new();
    for name in [INTENT, RUN_KEY, JOB] {
        if let Some(value) = text(headers, name)? {
            attributes.insert(name.to_owned(), value.to_owned());
        }
    }
    let payload = body.clone();
    Ok(Push { message_id, published_at, attempt, attributes, subscription, payload })
}

fn understand(push: Push, headers: &HeaderMap, raw: &Bytes) -> Result<Delivery, Malformed> {
    let outside = attribute(&push.attributes, INTENT)?;
    let payload = payload::read(&push.payload, outside.as_deref())?;
    Ok(Delivery {
        source: Source::PubSub,
        message_id: push.message_id,
        run_key: attribute(&push.attributes, RUN_KEY)?,
        job: attribute(&push.attributes, JOB)?,
        intent: payload.intent,
        parameters: payload.parameters,
        published_at: push.published_at,
        attempt: push.attempt,
        attributes: push.attributes,
        subscription: push.subscription,
        trace: trace::of(headers),
        raw: raw.clone(),
    })
}

/// An attribute that is there and empty is a publisher's bug: a template without its value. As
/// "absent" it would silently give the work another identity.
fn attribute(
    attributes: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<Option<String>, Malformed> {
    match attributes.get(name) {
        Some(value) if value.is_empty() => Err(Malformed::EmptyAttribute(name)),
        value => Ok(value.cloned()),
    }
}

/// The one value of a header, as text.
pub(super) fn text<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Malformed> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Malformed::HeaderTwice(name));
    }
    std::str::from_utf8(value.as_bytes()).map(Some).or(Err(Malformed::HeaderNotText(name)))
}

fn time(text: &str) -> Result<Timestamp, Malformed> {
    text.parse().map_err(|source| Malformed::PublishTime { text: text.to_owned(), source })
}

fn count(text: &str) -> Result<u32, Malformed> {
    let problem = Malformed::HeaderNotNumber { name: DELIVERY_ATTEMPT, text: text.to_owned() };
    text.parse().or(Err(problem))
}

/// The id of a message whose wrapper is broken elsewhere, so that quarantine can name it.
fn salvage_id(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let message = value.get("message")?;
    let id = message.get("messageId").or_else(|| message.get("message_id"))?.as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}
