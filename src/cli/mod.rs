//! The commands. Each file is one of them; [`App`] is the service, wired together.

mod app;
mod config;
mod courier;
mod dev;
mod exit;
mod letter;
mod order_tables;
mod orders;
mod output;
mod positions;
mod records;
mod runs;
mod serve;
mod switch;
mod table;
mod targets;
mod told;
mod trigger;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use app::App;
pub use exit::Exit;

use crate::sim;

/// Looks up a variable of the environment: handed in by `main`, which alone may read it.
pub type Lookup = fn(&str) -> Option<String>;

/// Runs trading strategies at Interactive Brokers in answer to Pub/Sub messages.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: the push endpoint on $PORT
    Serve,
    /// Run the whole system on this machine, with nothing installed
    Dev(dev::Options),
    /// Run the simulated IB Gateway alone, for any TWS API client
    GatewaySim(sim::Options),
    /// Send a message: publish it to the topic, or post it to a service
    Trigger(trigger::Options),
    /// Show what was asked for, and how it ended
    Runs(runs::Options),
    /// Show our orders, or decide about a parked one
    Orders(orders::Options),
    /// Show who holds what, as of the last reconciliation
    Positions(positions::Options),
    /// Show what strategies want to hold
    Targets(targets::Options),
    /// Show or change the trading configuration
    Config(config::Options),
    /// Stop trading: set the trading switch to off, or to reduce-only
    Halt(switch::Halt),
    /// Let trading go on: set the trading switch to on
    Resume(switch::Resume),
}

/// Runs the command that the arguments name and returns how it ended.
pub fn run(lookup: Lookup) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::remark(&format!("rungate: can't start: {error}"));
            return Exit::Error.into();
        }
    };
    let ended = runtime.block_on(dispatch(arguments.command, lookup));
    // What did not drain must not keep the process: the ledger knows where everything stands.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::remark(&format!("rungate: {}", exit::chain(&error)));
            exit::code_of(&error).into()
        }
    }
}

async fn dispatch(command: Command, lookup: Lookup) -> anyhow::Result<Exit> {
    match command {
        Command::Serve => serve::run(lookup).await,
        Command::Dev(options) => dev::run(options, lookup).await,
        Command::GatewaySim(options) => {
            sim::run(options, serve::terminated()?).await?;
            Ok(Exit::Done)
        }
        Command::Trigger(options) => trigger::run(options, lookup).await,
        Command::Runs(options) => runs::run(options, lookup).await,
        Command::Orders(options) => orders::run(options, lookup).await,
        Command::Positions(options) => positions::run(options, lookup).await,
        Command::Targets(options) => targets::run(options, lookup).await,
        Command::Config(options) => config::run(options, lookup).await,
        Command::Halt(options) => switch::halt(options, lookup).await,
        Command::Resume(options) => switch::resume(options, lookup).await,
    }
}
