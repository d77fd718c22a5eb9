//! `rungate gateway-sim` as a child process.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The versions of the protocol at both ends of what the simulator speaks in protobuf.
pub const PROTOBUF: [i32; 2] = [213, 226];

/// The same for the text of the older generation.
pub const TEXT: [i32; 2] = [157, 178];

/// Far more than a start takes.
const START_MAX: Duration = Duration::from_secs(20);

/// A running simulated gateway.
pub struct Gateway {
    /// `127.0.0.1:34063`
    pub addr: String,
    /// Killed when dropped.
    _program: Child,
}

impl Gateway {
    /// Starts one with `options` and waits until it listens.
    pub async fn start(options: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_rungate"))
            .args(["gateway-sim", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let line = timeout(START_MAX, lines.next_line()).await.expect("a start in time").unwrap();
        let line = line.expect("the program says where it listens");
        let addr = line.strip_prefix("listening on ").expect("an address").to_owned();
        Self { addr, _program: program }
    }

    /// One that answers at most with `version`, to a client that may ask as fast as it can.
    pub async fn at_version(version: i32, options: &[&str]) -> Self {
        let version = version.to_string();
        let always = ["--server-version", &version, "--messages-per-second", "0"];
        Self::start(&[&always, options].concat()).await
    }
}
