//! `rungate dev`: the whole system on one machine, with nothing installed.
//!
//! Everything is real but the gateway: envelopes go over HTTP, records are durable, orders travel
//! over a socket to the simulated IB Gateway. Both keep their state in the data folder, and the
//! day names the runs: a second start on one day is the same work, and trades nothing.

mod folder;
mod job;
mod seed;
mod story;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::app::{self, App};
use super::courier::Courier;
use super::{Exit, Lookup, output, serve};
use crate::clock::Clock;
use crate::config::{Problems, Settings};
use crate::domain::TradingMode;
use crate::gateway::Gateway;
use crate::sim::{self, Simulator};
use crate::store::Store;
use crate::telemetry;
use folder::Folder;
use job::Job;

/// How the command ends if it is asked to stop before the job is done.
const STOPPED: Exit = Exit::Error;

const AFTER_HELP: &str = "\
The first start seeds config/common, control/paper (switched on) and the target books of two
strategies, and trades towards them. A second start on the same day answers from the records and
trades nothing. On another day the books are handed in anew, and only differences trade.

Examples:
  rungate dev                        run the main job, stay up until Ctrl-C
  rungate dev --once                 run the main job and exit
  rungate dev --data other --port 0  another folder, any free port

To begin again from nothing, delete the data folder.";

/// Options of `rungate dev`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Options {
    /// Folder for the records and for the simulated gateway's state
    #[arg(long, value_name = "DIR", default_value = "rungate-dev")]
    data: PathBuf,
    /// Simulated prices are a function of this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Port of the service on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Exit after the job instead of staying up
    #[arg(long)]
    once: bool,
}

/// Starts everything, runs the main job, tells of it, and stays up until SIGINT or SIGTERM.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    let folder = Folder::take(&options.data)?;
    let mut shutdown = pin!(serve::terminated()?);
    let simulator = Simulator::start(sim::Options {
        state: Some(folder.simulator_state()),
        ..sim::Options::loopback(options.seed)
    })
    .await?;
    let (settings, mode) = settings(&folder, options.port, simulator.addr(), lookup)?;
    telemetry::init(&settings.logs)?;
    let store = app::open(&settings)?;
    let clock = Clock::system();
    let news = seed::documents(&store, mode, clock.now()).await?;
    let gateway = Gateway::shared(&app::gateway_config(&settings, mode), &clock).await;
    let app = App::build(&settings, mode, store.clone(), gateway.clone())
        .await
        .context("the service does not start; --port chooses another port")?;
    let addr = app.addr();
    output::print(&story::opening(&settings, simulator.addr(), addr, options.seed, &news))?;
    let stop = CancellationToken::new();
    let service = AbortOnDropHandle::new(tokio::spawn(app.serve(stop.clone().cancelled_owned())));
    let job = job(&settings, mode, &store, &clock, addr)?;
    let ended = tokio::select! {
        ended = job.run() => ended,
        () = &mut shutdown => Ok(STOPPED),
    };
    if let Ok(exit) = &ended {
        output::print(&story::closing(&settings, addr, options.once))?;
        if !options.once && *exit != STOPPED {
            shutdown.await;
        }
    }
    stop.cancel();
    service.await?;
    // The last of all: orders may have been filled while the service drained.
    simulator.stop().await;
    Ok(if options.once { ended? } else { ended.map(|_| Exit::Done)? })
}

fn job(
    settings: &Settings,
    mode: TradingMode,
    store: &Arc<dyn Store>,
    clock: &Clock,
    addr: SocketAddr,
) -> anyhow::Result<Job> {
    let url = format!("http://{addr}/push").parse().map_err(anyhow::Error::msg)?;
    Ok(Job {
        courier: Courier::new(url, settings.budgets.ack_deadline),
        store: store.clone(),
        clock: clock.clone(),
        mode,
        started_at: clock.now(),
    })
}

/// Fixed settings: nothing of the environment but how to log may turn a rehearsal into something
/// else. The waits suit a gateway in the same process, and a killed start holds up the next one
/// for less than a minute.
fn settings(
    folder: &Folder,
    port: u16,
    gateway: SocketAddr,
    lookup: Lookup,
) -> Result<(Settings, TradingMode), Problems> {
    Settings::for_account(|name| match name {
        "TRADING_MODE" => Some("paper".to_owned()),
        "IB_GATEWAY_ADDR" => Some(gateway.to_string()),
        "STORE_URL" => Some(folder.store_url()),
        "PORT" => Some(port.to_string()),
        "HANDLER_BUDGET_SECONDS" => Some("20".to_owned()),
        "ACK_DEADLINE_SECONDS" | "REQUEST_TIMEOUT_SECONDS" => Some("35".to_owned()),
        "LEASE_SECONDS" => Some("45".to_owned()),
        "ACKNOWLEDGE_SECONDS" | "ABSENCE_BETWEEN_SECONDS" => Some("2".to_owned()),
        "FILL_WAIT_SECONDS" | "ABSENCE_AFTER_WRITE_SECONDS" => Some("5".to_owned()),
        "LOG_FORMAT" => lookup(name),
        // What happens is told on standard output; the log is for what goes wrong.
        "RUST_LOG" => lookup(name).or_else(|| Some("warn".to_owned())),
        _ => None,
    })
}
