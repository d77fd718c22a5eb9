//! The whole service over real sockets: pushed envelopes in, orders at the simulated gateway out.
//!
//! The service, its store and `ibapi` are the real ones; the broker's truth is read from the
//! simulator, never from the service.

mod bad_input;
mod binary;
mod books;
mod crash;
#[cfg(feature = "google-cloud")]
mod emulated;
#[cfg(feature = "google-cloud")]
mod emulator;
mod gateway_trouble;
mod http;
mod main_job;
#[cfg(feature = "google-cloud")]
mod pubsub;
mod world;
