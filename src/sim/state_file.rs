//! Broker and settings in a file, so that orders and positions survive a restart.
//!
//! The first line is the whole state in JSON; each line after it is what one request or one step
//! of the market changed. A change costs what it is long, not what the broker's life is long. Once
//! the changes are longer than the whole, the whole is written anew beside the file and takes its
//! name.
//!
//! What was reported to a client has been handed to the operating system before, so it survives
//! the end of the process at any moment: a line that was not finished was not reported, and is
//! left out when the file is read. Only the whole is also forced to the disk; the last moments
//! before a power failure may be lost.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::broker::{Broker, Changed, Changes};
use super::market::Market;
use super::settings::Settings;
use super::world::World;

/// The form of the file. A file of another form is refused.
const VERSION: u32 = 4;

/// Changes shorter than this are not worth writing the whole anew: some thousand orders.
const CHANGES_MIN: u64 = 4 * 1024 * 1024;

/// What a state file holds, ready to be used.
#[derive(Debug, Deserialize)]
pub struct State {
    version: u32,
    /// Step 0 of the prices, so that they go on where they were.
    pub anchor: Timestamp,
    pub broker: Broker,
    pub settings: Settings,
}

#[derive(Serialize)]
struct Whole<'a> {
    version: u32,
    anchor: Timestamp,
    broker: &'a Broker,
    settings: &'a Settings,
}

#[derive(Serialize)]
struct Written<'a> {
    broker: Changes<'a>,
    settings: &'a Settings,
}

#[derive(Deserialize)]
struct Read {
    broker: Changed,
    settings: Settings,
}

/// All that files of every form have in common.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {} cannot be read or written", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the state file {} is not one of this simulator: line {line}", .path.display())]
    Syntax {
        path: PathBuf,
        /// From 1.
        line: usize,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "the state file {} does not fit; start with another file, account or universe:\n  {}",
        .path.display(), .problems.join("\n  ")
    )]
    Problems { path: PathBuf, problems: Vec<String> },
}

/// Reads a state file; `None` when there is none yet.
///
/// # Errors
///
/// When the file cannot be read, is no state file, or has another form.
pub fn read(path: &Path) -> Result<Option<State>, StateError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Io { path: path.to_owned(), source }),
    };
    parse(path, &text).map(Some)
}

fn parse(path: &Path, text: &[u8]) -> Result<State, StateError> {
    let syntax = |line| move |source| StateError::Syntax { path: path.to_owned(), line, source };
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.next().unwrap_or_default();
    let mut state: State = serde_json::from_slice(whole).map_err(|source| {
        // Perhaps it is one of another form, which may be spread over lines.
        match serde_json::from_slice(text) {
            Ok(Form { version }) if version != VERSION => other_form(path, version),
            _ => syntax(1)(source),
        }
    })?;
    for (number, line) in (2..).zip(lines) {
        if !line.ends_with(b"\n") {
            tracing::warn!(line = number, "the last change in the state file was not finished");
            break;
        }
        let changed: Read = serde_json::from_slice(line).map_err(syntax(number))?;
        state.broker.apply(changed.broker);
        state.settings = changed.settings;
    }
    if state.version != VERSION {
        return Err(other_form(path, state.version));
    }
    state.broker.index();
    Ok(state)
}

fn other_form(path: &Path, version: u32) -> StateError {
    let problems = vec![format!("it has form {version}, not {VERSION}")];
    StateError::Problems { path: path.to_owned(), problems }
}

impl State {
    /// Checks the state against the account and universe that the simulator is to run with.
    ///
    /// # Errors
    ///
    /// All that does not fit.
    pub fn check(
        &self,
        path: &Path,
        accounts: &[String],
        market: &Market,
    ) -> Result<(), StateError> {
        let mut problems = Vec::new();
        if !self.broker.accounts().map(|(name, _)| name).eq(accounts) {
            problems.push("it belongs to other accounts".to_owned());
        }
        for (_, account) in self.broker.accounts() {
            problems.extend(account.books.unknown_to(market));
        }
        for order in self.broker.orders() {
            if market.universe().get(order.con_id).is_none() {
                let (perm_id, con_id) = (order.perm_id, order.con_id);
                problems.push(format!("order {perm_id} is in unknown contract {con_id}"));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(StateError::Problems { path: path.to_owned(), problems })
    }
}

/// The file of a running simulator.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    /// Open for more changes; `None` when the whole must be written first.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: fs::File,
    /// Bytes of the whole and of the changes after it.
    whole: u64,
    changes: u64,
}

impl StateFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Writes what changed since the last time.
    ///
    /// # Errors
    ///
    /// When the file or its folder cannot be written. The next time the whole is tried.
    pub fn save(&mut self, world: &mut World) -> Result<(), StateError> {
        let (path, open) = (&self.path, self.open.take());
        let open = match open.filter(|open| open.changes < open.whole.max(CHANGES_MIN)) {
            Some(mut open) => {
                let settings = &world.settings;
                let line = line(path, &Written { broker: world.broker.changes(), settings })?;
                open.file.write_all(&line).map_err(|source| failed(path, source))?;
                open.changes = open.changes.saturating_add(length(&line));
                open
            }
            None => {
                let (anchor, broker) = (world.market.anchor(), &world.broker);
                let whole = Whole { version: VERSION, anchor, broker, settings: &world.settings };
                let line = line(path, &whole)?;
                let file = replace(path, &line).map_err(|source| failed(path, source))?;
                Open { file, whole: length(&line), changes: 0 }
            }
        };
        self.open = Some(open);
        world.broker.mark_saved();
        world.unsaved = false;
        Ok(())
    }
}

fn line(path: &Path, content: &impl Serialize) -> Result<Vec<u8>, StateError> {
    let mut line = serde_json::to_vec(content).map_err(|source| StateError::Syntax {
        path: path.to_owned(),
        line: 1,
        source,
    })?;
    line.push(b'\n');
    Ok(line)
}

fn length(line: &[u8]) -> u64 {
    u64::try_from(line.len()).unwrap_or(u64::MAX)
}

fn failed(path: &Path, source: io::Error) -> StateError {
    StateError::Io { path: path.to_owned(), source }
}

/// Replaces the file as a whole: a reader, or a crash, finds the old or the new one.
fn replace(path: &Path, text: &[u8]) -> io::Result<fs::File> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(file)
}

#[cfg(test)]
#[path = "state_file_tests.rs"]
mod tests;
