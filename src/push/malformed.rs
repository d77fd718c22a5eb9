//! What can be wrong with a message.

/// Why a message can never work. Shown to people: each says what was found where.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the body is not a Pub/Sub envelope: {0}")]
    Envelope(#[source] serde_json::Error),
    #[error("the message has no id (messageId)")]
    NoMessageId,
    #[error("the message gives its {0} twice, with two values")]
    TwoSpellings(&'static str),
    #[error("the message's publish time {text:?} is not a time: {source}")]
    PublishTime { text: String, source: jiff::Error },
    #[error("the message's data is not base64: {0}")]
    Base64(#[source] base64::DecodeError),
    #[error("the payload is not a JSON object: {0}")]
    Payload(#[source] serde_json::Error),
    #[error("no intent is named, neither by the attribute `intent` nor by the payload")]
    NoIntent,
    #[error("the payload's `intent` is not a text")]
    IntentNotText,
    #[error("two intents are named: {outside:?} outside the payload, {payload:?} in it")]
    TwoIntents { outside: String, payload: String },
    #[error("the attribute `{0}` is empty")]
    EmptyAttribute(&'static str),
    #[error("the header `{0}` is there twice")]
    HeaderTwice(&'static str),
    #[error("the header `{0}` is not a text")]
    HeaderNotText(&'static str),
    #[error("the header `{name}` is {text:?}, which is not a number")]
    HeaderNotNumber { name: &'static str, text: String },
    #[error("the Idempotency-Key must be 1 to {max} visible ASCII characters")]
    IdempotencyKey { max: usize },
    #[error("parameters of a POST belong into its body, as a JSON object, not into the URL")]
    ParametersInUrl,
    #[error("the parameter {0:?} is there twice")]
    ParameterTwice(String),
}

/// The most of a reason that is worth keeping, in bytes: the parser's messages quote the input,
/// which may be a megabyte of it.
const REASON_MAX: usize = 1_000;

impl Malformed {
    /// The reason as text. `Display` tells all of it, since what the parser found is the point.
    pub(super) fn reason(&self) -> String {
        let mut reason = self.to_string();
        if reason.len() > REASON_MAX {
            reason.truncate(reason.floor_char_boundary(REASON_MAX));
            reason.push('…');
        }
        reason
    }
}
