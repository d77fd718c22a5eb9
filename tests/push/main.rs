//! The front door, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod crowd;
#[cfg(unix)]
mod descriptors;
mod drain;
mod envelopes;
mod house;
mod limits;
mod routes;
