//! Reads a body within its limits.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::EXPECT;

use super::limits::{DISCARD_MAX, Limits};

/// Reserved at once, whatever length is announced: an announcement costs the peer nothing.
const RESERVE_MAX: usize = 16 * 1024;

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    #[error("the body took too long")]
    TooSlow,
    #[error("the body ended before its end")]
    Broken(#[source] hyper::Error),
}

/// Reads all of `body`. What is too large is read to its end (within bounds) and thrown away:
/// only a peer that has sent everything is sure to see the answer.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Incoming,
    limits: &Limits,
) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let waits_for_leave = headers.contains_key(EXPECT);
    let too_large = announced > DISCARD_MAX || (waits_for_leave && announced > limits.body);
    if too_large {
        return Err(BodyError::TooLarge(limits.body));
    }
    match tokio::time::timeout(limits.body_time, collect(body, announced, limits.body)).await {
        Ok(read) => read,
        Err(tokio::time::error::Elapsed { .. }) => Err(BodyError::TooSlow),
    }
}

async fn collect(mut body: Incoming, announced: usize, max: usize) -> Result<Bytes, BodyError> {
    let mut kept = BytesMut::with_capacity(announced.min(RESERVE_MAX));
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        // Trailers mean nothing to us.
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen > DISCARD_MAX {
            break;
        }
        if seen <= max {
            kept.extend_from_slice(&data);
        }
    }
    if seen > max { Err(BodyError::TooLarge(max)) } else { Ok(kept.freeze()) }
}
