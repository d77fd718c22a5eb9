//! Broker and settings in a file, so that orders and positions survive a restart.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::market::Market;
use super::settings::Settings;
use super::world::World;

/// The form of the file. A file of another form is refused.
const VERSION: u32 = 2;

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
struct Saved<'a> {
    version: u32,
    anchor: Timestamp,
    broker: &'a Broker,
    settings: &'a Settings,
}

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the state file {} cannot be read or written", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the state file {} is not one of this simulator", .path.display())]
    Syntax {
        path: PathBuf,
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
/// When the file cannot be read or is no state file.
pub fn read(path: &Path) -> Result<Option<State>, StateError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Io { path: path.to_owned(), source }),
    };
    let mut state: State = serde_json::from_slice(&text)
        .map_err(|source| StateError::Syntax { path: path.to_owned(), source })?;
    state.broker.index();
    Ok(Some(state))
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
        if self.version != VERSION {
            problems.push(format!("it has form {}, not {VERSION}", self.version));
        }
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

/// The state of the world as text.
///
/// # Errors
///
/// Only a bug in the types: none of them is impossible in JSON.
pub fn render(world: &World) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(&Saved {
        version: VERSION,
        anchor: world.market.anchor(),
        broker: &world.broker,
        settings: &world.settings,
    })
}

/// Replaces the file as a whole: a reader, or a crash, finds the old or the new one.
///
/// # Errors
///
/// When the file or its folder cannot be written.
pub fn write(path: &Path, text: &[u8]) -> Result<(), StateError> {
    let replace = || {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    replace().map_err(|source| StateError::Io { path: path.to_owned(), source })
}
