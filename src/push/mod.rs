//! The front door: HTTP in, acknowledgement or redelivery out.
//!
//! | request | meaning |
//! | --- | --- |
//! | `POST /`, `POST /push` | a Pub/Sub push, wrapped or unwrapped |
//! | `POST /{intent}` | the same road for a caller that waits for the answer |
//! | `GET /{intent}` | only for intents that change nothing |
//! | `GET /healthz` | the process is up |
//! | `GET /readyz` | the process can do work: 200, or 503 with what is missing |
//!
//! What is read here is only where a message came from, which intent it names and with which
//! parameters. Whether that intent exists and makes sense is for those behind.

mod body;
mod browser;
mod direct;
mod door;
mod envelope;
mod limits;
mod malformed;
mod payload;
mod route;
mod server;
mod status;
mod trace;
mod unique;
mod wire;

use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

pub use envelope::read_message;
pub use limits::Limits;
pub use server::{Authentication, BindError, Bound, Drained, Server};

use crate::dispatch::{Arrival, IntentKind, Reply};

/// A future that somebody else made.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Does the work. It runs in a task of its own: neither a hang-up nor a time limit of the front
/// door stops it, and a panic in it is answered with "deliver again".
pub type Handle = Arc<dyn Fn(Arrival) -> BoxFuture<'static, Reply> + Send + Sync>;

/// What lies behind the front door.
#[derive(Clone)]
pub struct Front {
    /// Does the work.
    pub handle: Handle,
    /// Which names in the path are intents.
    pub kind_of: fn(&str) -> Option<IntentKind>,
    /// Answers `GET /readyz`.
    pub ready: Arc<dyn Fn() -> BoxFuture<'static, Readiness> + Send + Sync>,
}

/// Whether the process can do its work.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Everything that is needed is there.
    pub ready: bool,
    /// For a person: what was looked at and what was found.
    pub details: Value,
}
