//! The data folder of `rungate dev`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::exit::Misuse;

/// A folder that no other `rungate dev` uses: two simulated brokers behind one ledger would
/// contradict each other.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    text: String,
    /// The system gives the lock back when the process ends, however it ends.
    _lock: File,
}

/// The folder can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("the data folder {} can't be made or written to", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another `rungate dev` uses the data folder {}; choose one with --data", .0.display())]
    Taken(PathBuf),
}

impl Folder {
    /// Makes the folder if it is not there, and keeps others out of it.
    pub fn take(path: &Path) -> anyhow::Result<Self> {
        let Some(text) = path.to_str() else {
            return Err(Misuse("--data: the name of the folder is not UTF-8".to_owned()).into());
        };
        let failed = |source| FolderError::Io { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), text: text.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Taken(path.to_owned()).into()),
            Err(TryLockError::Error(source)) => Err(failed(source).into()),
        }
    }

    /// Where the records are, as other commands name it.
    pub fn store_url(&self) -> String {
        format!("sqlite:{}/rungate.db", self.text.trim_end_matches('/'))
    }

    /// Where the simulated gateway keeps orders, positions and cash.
    pub fn simulator_state(&self) -> PathBuf {
        self.path.join("gateway.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_process_s_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = Folder::take(&path).unwrap();
        assert!(first.store_url().ends_with("/a/b/rungate.db"), "{}", first.store_url());
        let error = Folder::take(&path).unwrap_err();
        assert!(error.to_string().contains("--data"), "{error}");
        drop(first);
        assert!(Folder::take(&path).is_ok());
    }
}
