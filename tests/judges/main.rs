//! The simulated gateway, judged by clients that we did not write: unmodified, over a real socket,
//! against the program as it is delivered.
//!
//! IB's own Python client and `ib_async` have their checks in `python/`, a script for each family
//! of requests. They are installed by `scripts/install-judges.sh`.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test at that line")]

mod gateway;
mod official_client;
mod python;
mod rust_client;
mod text_client;
