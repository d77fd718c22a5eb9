//! A folder to work in, and commands run in it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A command takes a second; a machine that builds beside it may take many.
pub const WITHIN: Duration = Duration::from_secs(60);

/// Where `rungate dev` keeps its records.
pub const DEV_STORE: &str = "sqlite:rungate-dev/rungate.db";

/// An empty folder and an environment with nothing in it but what the records need.
pub struct Terminal {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Standard output as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A command that stays up.
pub struct Running {
    child: Child,
    out: Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>,
}

impl Terminal {
    pub fn new() -> Self {
        let variables =
            vec![("STORE_URL", DEV_STORE.to_owned()), ("TRADING_MODE", "paper".to_owned())];
        Self { folder: tempfile::tempdir().expect("a folder"), variables }
    }

    /// The same with another variable, or another value.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The same without a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "").await
    }

    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child =
            self.command(arguments).stdin(Stdio::piped()).spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let work = async {
            // A command that reads nothing may be gone already.
            stdin.write_all(input.as_bytes()).await.ok();
            drop(stdin);
            child.wait_with_output().await.expect("it is ours to wait for")
        };
        let ended = timeout(WITHIN, work).await.expect("the command ends");
        Ended {
            code: ended.status.code().expect("no signal ended it"),
            out: String::from_utf8(ended.stdout).expect("text"),
            err: String::from_utf8(ended.stderr).expect("text"),
        }
    }

    /// Starts a command whose standard output nobody reads, and returns its exit code and what
    /// it had to say on standard error.
    pub async fn run_into_closed_pipe(&self, arguments: &[&str]) -> (i32, String) {
        let mut child =
            self.command(arguments).stdin(Stdio::null()).spawn().expect("the binary starts");
        drop(child.stdout.take());
        let ended = timeout(WITHIN, child.wait_with_output()).await.expect("the command ends");
        let ended = ended.expect("it is ours to wait for");
        (
            ended.status.code().expect("no signal ended it"),
            String::from_utf8(ended.stderr).expect("text"),
        )
    }

    /// Starts a command that stays up, to be followed by what it prints.
    pub fn start(&self, arguments: &[&str], follow: Follow) -> Running {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null());
        let (mut child, out): (Child, Box<dyn AsyncRead + Send + Unpin>);
        match follow {
            Follow::Output => {
                child = command.stderr(Stdio::inherit()).spawn().expect("the binary starts");
                out = Box::new(child.stdout.take().expect("it is piped"));
            }
            Follow::Log => {
                child = command.stdout(Stdio::null()).spawn().expect("the binary starts");
                out = Box::new(child.stderr.take().expect("it is piped"));
            }
        }
        Running { child, out: BufReader::new(out).lines() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_rungate")));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// What of a running command is read.
#[derive(Clone, Copy)]
pub enum Follow {
    Output,
    Log,
}

impl Running {
    /// The next line that `wanted` takes something from.
    pub async fn line<T>(&mut self, wanted: impl Fn(&str) -> Option<T>) -> T {
        let reading = async {
            loop {
                let line = self.out.next_line().await.expect("text").expect("it is still up");
                if let Some(found) = wanted(&line) {
                    return found;
                }
            }
        };
        timeout(WITHIN, reading).await.expect("the line comes")
    }

    /// What Ctrl-C does. Returns the exit code and the rest of what it printed.
    pub async fn interrupt(mut self) -> (i32, String) {
        let pid = self.child.id().expect("it is still up").to_string();
        let killed =
            Command::new("kill").args(["-INT", &pid]).status().await.expect("there is kill");
        assert!(killed.success());
        let ending = async {
            let mut rest = String::new();
            while let Some(line) = self.out.next_line().await.expect("text") {
                rest.push_str(&line);
                rest.push('\n');
            }
            (
                self.child
                    .wait()
                    .await
                    .expect("it is ours to wait for")
                    .code()
                    .expect("no signal ended it"),
                rest,
            )
        };
        timeout(WITHIN, ending).await.expect("it drains")
    }
}
