//! The simulated IB Gateway: a TCP server that speaks the TWS API to unmodified clients, with a
//! broker behind it that trades.
//!
//! A program of its own: it uses nothing of the service, because what shares code shares bugs.
//!
//! `docs/gateway-sim.md` says what it does for a client. From the wire inwards:
//!
//! * `wire`, `text`, `messages`: frames and their two generations, text and protobuf. The message
//!   structs are those of protobuf; to an older client they are laid out as text.
//! * `connection`, `client`, `pacing`: one session, what it subscribed to, what it may send.
//! * `requests`: a row and a handler for each request. A new one is a file and a row.
//! * `universe`, `hours`, `market`, `path`, `replay`: what can be traded, when, at which prices.
//! * `clock`, `walk`: simulated time, and the way from one instant to a later one.
//! * `broker`: orders, executions and books, without a word of connections.
//! * `reports`, `feeds`, `values`: what clients are told of it, asked or not.
//! * `faults`, `scenario`, `control`: what goes wrong, when, and who asks for it.
//!
//! Three stores with separate lifetimes: the `broker` (orders, executions, books) survives every
//! connection and, with `--state`, a restart; the gateway's `settings` (order ids used) is kept
//! beside it; a `client` ends with its connection. [`Faults`] act between them.

mod broker;
mod client;
mod clock;
mod connection;
mod control;
mod faults;
mod feeds;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hours;
mod market;
mod messages;
mod pacing;
mod path;
mod replay;
mod reports;
mod requests;
mod scenario;
mod server;
mod settings;
mod state_file;
mod text;
mod truth;
mod universe;
mod values;
mod walk;
mod wire;
mod world;

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use rust_decimal::Decimal;

pub use broker::order::Side;
pub use clock::ClockError;
pub use control::ControlError;
pub use faults::{
    Armed, Bounds, Conduct, Ending, Fault, Faults, FrameKind, How, Language, Lateness, List,
    Moment, Nonsense, On, Place, Placement, Queue, RequestKind, Restored, Rule, SettingsFate,
    Shuffle, Silence, Stage,
};
pub use hours::Hours;
pub use replay::ReplayError;
pub use scenario::{Scenario, ScenarioError, parse_fault};
pub use server::Simulator;
pub use state_file::StateError;
pub use truth::{TrueAccount, TrueContract, TrueExecution, TrueOrder, TruePosition, Truth};
pub use universe::UniverseError;

/// The port of IB Gateway's paper accounts.
const DEFAULT_LISTEN: &str = "127.0.0.1:4002";

/// A paper account, by its `DU`.
const DEFAULT_ACCOUNT: &str = "DU1234567";

/// IB's limit.
const DEFAULT_MESSAGES_PER_SECOND: u32 = 50;

/// IB's limit.
const DEFAULT_ORDERS_PER_SIDE: usize = 20;

/// Real time.
const DEFAULT_SPEED: &str = "1";

/// What the account holds at its first start.
const DEFAULT_CASH: &str = "1000000";

/// Options of `rungate gateway-sim`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_LISTEN)]
    pub listen: String,
    /// Prices are a function of this number, the contract and the time since the first start
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Contracts to list, in TOML; absent: the built-in stocks, ETFs, currency pairs
    /// and futures
    #[arg(long, value_name = "FILE")]
    pub universe: Option<PathBuf>,
    /// Keep orders, positions and cash in this file, and go on from it
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// The accounts of the login; the first is the one that orders without an account go to
    #[arg(long = "account", value_name = "ACCOUNT", value_delimiter = ',', default_value = DEFAULT_ACCOUNT)]
    pub accounts: Vec<String>,
    /// Dollars in each account at its first start
    #[arg(long, value_name = "AMOUNT", default_value = DEFAULT_CASH)]
    pub cash: Decimal,
    /// When markets are open: `always`, or by the `exchange` calendar of each contract
    #[arg(long, value_name = "HOURS", value_enum, default_value_t = Hours::Always)]
    pub hours: Hours,
    /// Replay the bars of these CSV files, or of all in a folder, named after their contracts:
    /// `SPY.csv`, `EUR.USD.csv`. Columns: date,open,high,low,close,volume
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub bars: Vec<PathBuf>,
    /// Start the clock at this time: `2026-03-02T09:29:30` in New York, or with an offset or a
    /// `[Zone/Name]` behind it; absent: now, or with --bars when the first of them opens. Orders
    /// and executions of a state file keep their stamps, also when they are later than this
    #[arg(long, value_name = "TIME", value_parser = clock::parse_time)]
    pub clock: Option<Timestamp>,
    /// Seconds of the clock in a second of real time, up to 100000; 0 stops it until it is moved
    #[arg(long, value_name = "X", default_value = DEFAULT_SPEED)]
    pub speed: Decimal,
    /// Speak no later version of the protocol than this
    #[arg(long, value_name = "N", default_value_t = wire::HIGHEST_PROTOBUF)]
    pub server_version: i32,
    /// Messages a second that one connection may send; 0 for any number
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MESSAGES_PER_SECOND)]
    pub messages_per_second: u32,
    /// Open orders that one account may have on one side of a contract; 0 for any number
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ORDERS_PER_SIDE)]
    pub orders_per_side: usize,
    /// Begin with this fault; may be given several times. `docs/gateway-sim.md` lists all faults
    #[arg(long = "fault", value_name = "NAME[,KEY=VALUE…]", value_parser = scenario::parse_fault)]
    pub faults: Vec<Rule>,
    /// Begin with the faults of this file, in TOML
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Answer the control API here: the truth, the clock, the faults. A loopback address
    #[arg(long, value_name = "HOST:PORT")]
    pub control: Option<String>,
}

impl Options {
    /// A free port of the loopback interface and the built-in universe, always open, without a
    /// state file and without a limit on messages.
    pub fn loopback(seed: u64) -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            seed,
            universe: None,
            state: None,
            accounts: vec![DEFAULT_ACCOUNT.to_owned()],
            cash: Decimal::from(1_000_000),
            hours: Hours::Always,
            bars: Vec::new(),
            clock: None,
            speed: Decimal::ONE,
            server_version: wire::HIGHEST_PROTOBUF,
            messages_per_second: 0,
            orders_per_side: DEFAULT_ORDERS_PER_SIDE,
            faults: Vec::new(),
            scenario: None,
            control: None,
        }
    }
}

/// Why the simulator did not start, or could not do what a fault asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error("cannot listen on {listen}: choose another --listen address")]
    Listen {
        listen: String,
        #[source]
        source: io::Error,
    },
    #[error("the universe file {} cannot be read", .path.display())]
    UniverseFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Universe(#[from] UniverseError),
    #[error("the universe file {} is refused", .path.display())]
    UniverseRefused {
        path: PathBuf,
        #[source]
        source: UniverseError,
    },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("these options cannot be used:\n  {}", .0.join("\n  "))]
    Options(Vec<String>),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error("the universe lists no contract with local symbol {0}")]
    UnknownSymbol(String),
    #[error("{symbol}: a quote of {bid} to {ask} is not 0 < bid <= ask <= 1000000000")]
    BadQuote { symbol: String, bid: Decimal, ask: Decimal },
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("these faults cannot be had:\n  {}", .0.join("\n  "))]
    Faults(Vec<String>),
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Runs a simulator until `shutdown` resolves, for the command. Prints one line when it listens.
///
/// # Errors
///
/// When it cannot start, or cannot write its state file at the end.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), SimError> {
    let simulator = Simulator::start(options).await?;
    announce(&simulator).map_err(SimError::Output)?;
    tokio::select! {
        () = shutdown => {}
        () = simulator.stopped() => {}
    }
    simulator.finish().await
}

fn announce(simulator: &Simulator) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "listening on {}", simulator.addr())?;
    if let Some(control) = simulator.control_addr() {
        writeln!(out, "control on {control}")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn the_command_line_has_the_defaults_of_a_paper_gateway() {
        let Command { options } = Command::parse_from(["gateway-sim"]);
        assert_eq!(options.listen, "127.0.0.1:4002");
        let here = Options::loopback(1);
        assert_eq!((options.seed, options.cash), (here.seed, here.cash));
        assert_eq!(options.accounts, here.accounts);
        assert!(options.universe.is_none() && options.state.is_none());
    }

    #[test]
    fn the_command_line_asks_for_faults_and_for_the_control_api() {
        let line = "gateway-sim --fault mute,for=2s --fault lose-order,place=unread,times=1 \
                    --scenario s.toml --control 127.0.0.1:4003";
        let Command { options } = Command::parse_from(line.split_whitespace());
        assert_eq!(options.faults.len(), 2);
        assert_eq!(options.faults[0].fault, Fault::Mute {});
        assert_eq!(options.scenario, Some(PathBuf::from("s.toml")));
        assert_eq!(options.control.as_deref(), Some("127.0.0.1:4003"));
        let wrong = Command::try_parse_from(["gateway-sim", "--fault", "mute,plase=1"]);
        assert!(wrong.unwrap_err().to_string().contains("unknown field `plase`"));
    }

    #[test]
    fn the_command_line_reads_every_option_and_refuses_nonsense() {
        let line = "gateway-sim --listen [::1]:7000 --seed 9 --state s.json --universe u.toml \
                    --account DU1 --cash 2500.50";
        let Command { options } = Command::parse_from(line.split_whitespace());
        assert_eq!((options.seed, options.cash), (9, Decimal::new(250_050, 2)));
        assert_eq!(options.state, Some(PathBuf::from("s.json")));
        for bad in ["--cash lots", "--seed -1", "--cash"] {
            let line = ["gateway-sim"].into_iter().chain(bad.split(' '));
            assert!(Command::try_parse_from(line).is_err(), "{bad}");
        }
    }
}
