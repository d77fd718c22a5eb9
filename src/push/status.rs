//! The one place that knows HTTP status codes.
//!
//! Pub/Sub takes 102, 200, 201, 202 and 204 as an acknowledgement and delivers again after
//! anything else (<https://docs.cloud.google.com/pubsub/docs/push>); its emulator does not accept
//! 102 and 202. A 5xx says that trying again may help, a 4xx that it won't: the subscription's
//! dead-letter policy ends it.

use hyper::StatusCode;

use super::body::BodyError;
use crate::dispatch::{ReplyKind, Source};

/// Everything that the front door can say.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// What the handler decided, for one who came this way.
    Reply(ReplyKind, Source),
    /// The handler panicked, or the runtime stops.
    HandlerDied,
    /// All handlers are taken.
    Crowded,
    /// No id could be made for a direct request.
    NoId,
    /// The body can't be had.
    Body(&'a BodyError),
    /// No such path.
    UnknownPath,
    /// The path is right and the method is not.
    WrongMethod,
    /// A browser sends this for a page that is not ours.
    ForeignPage,
    /// Up, or ready.
    Well,
    /// Not ready.
    Unready,
}

impl Verdict<'_> {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Reply(kind, source) => reply(*kind, *source),
            Self::HandlerDied => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Crowded | Self::NoId | Self::Unready => StatusCode::SERVICE_UNAVAILABLE,
            Self::Body(BodyError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(BodyError::Broken(_)) => StatusCode::BAD_REQUEST,
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignPage => StatusCode::FORBIDDEN,
            Self::Well => StatusCode::OK,
        }
    }
}

fn reply(kind: ReplyKind, source: Source) -> StatusCode {
    match (kind, source) {
        (ReplyKind::Settled, _) => StatusCode::OK,
        // In quarantine it is safe, so Pub/Sub is done with it. A caller that waits for an answer
        // had better read that its request was no good.
        (ReplyKind::Quarantined, Source::PubSub) => StatusCode::OK,
        (ReplyKind::Quarantined, Source::Direct) => StatusCode::BAD_REQUEST,
        (ReplyKind::Rejected, _) => StatusCode::BAD_REQUEST,
        (ReplyKind::Failed | ReplyKind::Busy { .. }, _) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_is_settled_or_safe_is_acknowledged() {
        let busy = ReplyKind::Busy { retry_after: Duration::from_secs(1) };
        let table = [
            (ReplyKind::Settled, 200, 200),
            (ReplyKind::Quarantined, 200, 400),
            (ReplyKind::Rejected, 400, 400),
            (ReplyKind::Failed, 503, 503),
            (busy, 503, 503),
        ];
        for (kind, to_pubsub, to_caller) in table {
            let status = |source| Verdict::Reply(kind, source).status().as_u16();
            assert_eq!(status(Source::PubSub), to_pubsub, "{kind:?}");
            assert_eq!(status(Source::Direct), to_caller, "{kind:?}");
        }
    }
}
