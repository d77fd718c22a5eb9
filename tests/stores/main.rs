//! Every store keeps the promises of `rungate::store::Store`: one suite, a line a store.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod conformance;
mod sqlite;

use std::sync::Arc;

use rungate::store::{SqliteStore, Store};
use tempfile::TempDir;

/// A store with nothing in it, and what must live as long as it does.
pub struct Fresh {
    pub store: Arc<dyn Store>,
    _folder: Option<TempDir>,
}

conformance!(sqlite_file => crate::sqlite_file());
conformance!(sqlite_memory => crate::sqlite_memory());

fn sqlite_file() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("rungate.db")).unwrap();
    Fresh { store: Arc::new(store), _folder: Some(folder) }
}

fn sqlite_memory() -> Fresh {
    Fresh { store: Arc::new(SqliteStore::in_memory().unwrap()), _folder: None }
}
