//! Trades an Interactive Brokers account in answer to Google Cloud Pub/Sub messages.
//!
//! Top to bottom, each module uses only those below it (`tests/tidy` holds them to it):
//!
//! * [`cli`]: commands; wires everything together.
//! * [`push`]: the front door. HTTP request in, acknowledgement or redelivery out.
//! * [`dispatch`]: one delivery: its run claimed, run, recorded, answered.
//! * [`intents`]: what a message can ask for, one file each.
//! * [`orders`]: the order engine and its write-ahead ledger.
//! * [`gateway`]: the one connection to IB Gateway; `ibapi` ends here.
//! * [`risk`], [`portfolio`]: arithmetic. No I/O, no clock, no `async`.
//! * [`store`]: documents; SQLite embedded.
//! * [`pubsub`]: publishing; Google's client ends here.
//! * [`config`], [`telemetry`], [`clock`], [`domain`]: what everybody may use.
//!
//! Apart from all of them stands [`sim`], the simulated IB Gateway: a program of its own that
//! shares no code with the service, because what shares code shares bugs.

pub mod cli;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod gateway;
pub mod intents;
pub mod orders;
pub mod portfolio;
pub mod pubsub;
pub mod push;
pub mod risk;
pub mod runs;
pub mod sim;
pub mod store;
pub mod telemetry;
