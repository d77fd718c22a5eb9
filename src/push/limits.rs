//! What one peer may cost us.

use std::time::Duration;

/// Limits on what comes in. The defaults suit Cloud Run and a laptop alike.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a body. A target book of a thousand lines is a tenth of this; Pub/Sub itself
    /// carries 10 MB (<https://docs.cloud.google.com/pubsub/quotas>).
    pub body: usize,
    /// How long a body may take. Pub/Sub and Cloud Run send from memory; only a broken or hostile
    /// peer is slower.
    pub body_time: Duration,
    /// How long a request's head may take, and how long a connection may stay idle: hyper knows
    /// one timer for both. Cloud Run uses connections again, and a short idle time would close
    /// one just as the next request arrives.
    pub header_time: Duration,
    /// Bytes of a request's head. In an unwrapped push, attributes are headers: 100 of them, with
    /// 256 bytes of name and 1,024 of value (<https://docs.cloud.google.com/pubsub/quotas>).
    pub header_bytes: usize,
    /// Headers of a request: those 100 attributes, and what Pub/Sub and the platform add.
    pub headers: usize,
    /// Connections at once; more wait in the kernel's queue. Above the concurrency that Cloud Run
    /// gives an instance by default (80, <https://docs.cloud.google.com/run/docs/about-concurrency>),
    /// far below a process's file descriptors (1,024 as a rule); and so many bodies of full size
    /// still fit the memory of a small instance.
    pub connections: usize,
    /// Handlers at once, whether or not somebody still waits for them. More are told to come back:
    /// hang up and deliver again must not pile up work without end.
    pub handlers: usize,
    /// How long draining may take after the signal to stop. Cloud Run kills after 10 s
    /// (<https://docs.cloud.google.com/run/docs/container-contract>); the rest is for what is
    /// closed after the front door.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1024 * 1024,
            body_time: Duration::from_secs(10),
            header_time: Duration::from_secs(75),
            header_bytes: 192 * 1024,
            headers: 160,
            connections: 128,
            handlers: 128,
            drain: Duration::from_secs(8),
        }
    }
}

/// What a body over the limit may send before we stop listening: the largest push there is, in
/// base64. An answer given while the peer still sends is often lost, because closing with unread
/// bytes resets the connection.
pub(super) const DISCARD_MAX: usize = 16 * 1024 * 1024;

/// How long `/readyz` may think. Its callers ask again, and a probe that hangs says nothing.
pub(super) const READY_TIME: Duration = Duration::from_secs(5);

/// When to come back if all handlers are taken: some of them end within seconds.
pub(super) const HANDLERS_TAKEN_PAUSE: Duration = Duration::from_secs(5);

/// Between two attempts to accept after a failure, such as no file descriptor being free. Without
/// a pause the loop would burn a core until one is.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
