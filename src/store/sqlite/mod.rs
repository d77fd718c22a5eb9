//! The embedded store: one SQLite file, nothing to install.
//!
//! A thread owns the connection. It takes what has queued up, runs it in one transaction, waits
//! for the disk once, and only then answers: under load many writes share one wait. Several
//! processes may open the same file; SQLite's write lock puts them in order.

mod statements;
mod worker;

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::Value;

use self::statements::SchemaError;
use self::worker::{Access, Worker, unavailable};
use super::{DOCUMENT_MAX, DocPath, Document, Query, Store, StoreError, Version};

/// How long one process waits for another's write. A batch takes milliseconds; a process that
/// holds the lock longer than this is stuck, and the caller had better hear of it.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Between two attempts to switch a new file to write-ahead logging.
const SWITCH_PAUSE: Duration = Duration::from_millis(20);

/// Attempts to switch; with the pause between them as long as [`BUSY_MAX`].
const SWITCH_ATTEMPTS: usize = 250;

/// A path is a path: without the URI flag, `file:a?mode=memory` is a strange name and no option.
/// One thread uses the connection, so SQLite's own lock on it is left out.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_CREATE)
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Documents in one SQLite file, or in memory.
#[derive(Debug)]
pub struct SqliteStore {
    worker: Worker,
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("can't create its folder")]
    Folder(#[source] std::io::Error),
    #[error("can't create or open the file")]
    File(#[source] std::io::Error),
    #[error("can't start its thread")]
    Thread(#[source] std::io::Error),
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("write-ahead logging is not possible there ({0}); choose a local disk")]
    NoWriteAheadLog(String),
    #[error("its tables can't be used")]
    Schema(#[from] SchemaError),
}

impl SqliteStore {
    /// Opens the file at `path`; creates it, and the folders on the way to it, if missing.
    ///
    /// Blocks, for some milliseconds as a rule and for seconds while another process holds the
    /// file: call it at start.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        open_file(path).map_err(|source| unavailable(format!("open {}", path.display()), source))
    }

    /// A store that lives as long as its last handle.
    pub fn in_memory() -> Result<Self, StoreError> {
        open_in_memory().map_err(|source| unavailable("open in memory".to_owned(), source))
    }
}

fn open_file(path: &Path) -> Result<SqliteStore, OpenError> {
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
    {
        std::fs::create_dir_all(folder).map_err(OpenError::Folder)?;
    }
    create_private(path).map_err(OpenError::File)?;
    let connection = Connection::open_with_flags(path, FLAGS)?;
    connection.busy_timeout(BUSY_MAX)?;
    write_ahead(&connection)?;
    // FULL: a commit returns when it is on the disk. `fullfsync` asks macOS for the same; other
    // systems ignore it (https://www.sqlite.org/pragma.html#pragma_fullfsync).
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    start(connection)
}

/// Creates the file for its owner only: it will hold account numbers and positions. SQLite gives
/// its other files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn open_in_memory() -> Result<SqliteStore, OpenError> {
    start(Connection::open_in_memory()?)
}

fn start(mut connection: Connection) -> Result<SqliteStore, OpenError> {
    statements::prepare(&mut connection)?;
    Ok(SqliteStore { worker: Worker::spawn(connection).map_err(OpenError::Thread)? })
}

/// Switches to write-ahead logging, in which readers and a writer do not exclude each other.
///
/// Of two processes that switch a new file at once, one is told "busy" without any waiting,
/// because SQLite sees a deadlock coming: it has to start over.
fn write_ahead(connection: &Connection) -> Result<(), OpenError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let switched =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match switched {
            Ok(mode) => return is_write_ahead(mode),
            Err(error) if is_busy(&error) && attempts < SWITCH_ATTEMPTS => {
                std::thread::sleep(SWITCH_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_write_ahead(mode: String) -> Result<(), OpenError> {
    if mode == "wal" { Ok(()) } else { Err(OpenError::NoWriteAheadLog(mode)) }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// The body as text, if it is an object of a size that every store can hold.
fn storable(path: &DocPath, body: &Value) -> Result<String, StoreError> {
    let unstorable = |problem| Err(StoreError::Unstorable { path: path.clone(), problem });
    if !body.is_object() {
        return unstorable("it is not a JSON object".to_owned());
    }
    let text = body.to_string();
    if text.len() > DOCUMENT_MAX {
        let size = text.len();
        return unstorable(format!("it has {size} bytes, and {DOCUMENT_MAX} is the most"));
    }
    Ok(text)
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, path: &DocPath) -> Result<Option<Document>, StoreError> {
        let at = path.clone();
        let read = move |connection: &Connection| statements::get(connection, &at);
        let row = self.worker.run(Access::Read, format!("read {path}"), read).await?;
        row.map(|row| row.into_document(path.clone())).transpose()
    }

    async fn create(&self, path: &DocPath, body: &Value) -> Result<Version, StoreError> {
        let (at, body) = (path.clone(), storable(path, body)?);
        let write = move |connection: &Connection| statements::create(connection, &at, &body);
        self.worker.run(Access::Write, format!("create {path}"), write).await
    }

    async fn update(
        &self,
        path: &DocPath,
        version: &Version,
        body: &Value,
    ) -> Result<Version, StoreError> {
        let (at, version, body) = (path.clone(), version.clone(), storable(path, body)?);
        let write =
            move |connection: &Connection| statements::update(connection, &at, &version, &body);
        self.worker.run(Access::Write, format!("update {path}"), write).await
    }

    async fn delete(&self, path: &DocPath, version: &Version) -> Result<(), StoreError> {
        let (at, version) = (path.clone(), version.clone());
        let write = move |connection: &Connection| statements::delete(connection, &at, &version);
        self.worker.run(Access::Write, format!("delete {path}"), write).await
    }

    async fn list(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        let (wanted, action) = (query.clone(), format!("list {}", query.collection));
        let read = move |connection: &Connection| statements::list(connection, &wanted);
        self.worker.run(Access::Read, action, read).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn doc(path: &str) -> DocPath {
        DocPath::new(path).unwrap()
    }

    /// One document more in collection `c` than a list looks at.
    fn crowded() -> SqliteStore {
        let mut connection = Connection::open_in_memory().unwrap();
        statements::prepare(&mut connection).unwrap();
        let sql = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                   INSERT INTO documents SELECT 'c', printf('%06d', i), i, '{}' FROM n";
        connection.execute(sql, []).unwrap();
        start(connection).unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_and_leaves_what_was_there() {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "page_size", 4096).unwrap();
        connection.pragma_update(None, "max_page_count", 40).unwrap();
        let store = start(connection).unwrap();
        let small = store.create(&doc("c/small"), &json!({})).await.unwrap();

        let (small_path, large_path) = (doc("c/small"), doc("c/large"));
        let (large_body, small_body) = (json!({ "x": "x".repeat(400_000) }), json!({ "n": 2 }));
        let (large, updated) = tokio::join!(
            store.create(&large_path, &large_body),
            store.update(&small_path, &small, &small_body),
        );
        let error = large.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert_eq!(error.to_string(), "the store failed to create c/large");
        // The small one shared the transaction; both its fates are honest ones.
        let found = store.get(&doc("c/small")).await.unwrap().unwrap();
        match updated {
            Ok(version) => assert_eq!((found.version, found.body), (version, small_body)),
            Err(_) => assert_eq!((found.version, found.body), (small, json!({}))),
        }
        assert_eq!(store.get(&doc("c/large")).await.unwrap(), None);
        store.create(&doc("c/next"), &json!({})).await.unwrap();
    }

    #[tokio::test]
    async fn a_list_that_would_look_at_too_much_fails_instead_of_lying() {
        let store = crowded();
        let all = Query::all(doc("c/a").collection());
        assert_eq!(store.list(&all).await.unwrap().len(), crate::store::LIST_MAX);
        let error = store.list(&all.clone().with("x", 1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        let mut rest = all.with("x", 1);
        rest.after = Some("000000".to_owned());
        assert_eq!(store.list(&rest).await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_an_index_answers_looks_at_nothing_else() {
        let store = crowded();
        store.create(&doc("c/x"), &json!({ "open": true, "run_key": "k" })).await.unwrap();
        let all = Query::all(doc("c/a").collection());
        for query in [all.clone().with("open", true), all.with("run_key", "k")] {
            let found = store.list(&query.clone().newest(10)).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(store.list(&query).await.unwrap(), found);
        }
    }

    #[tokio::test]
    async fn a_store_that_is_there_opens_while_another_process_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rungate.db");
        let first = SqliteStore::open(&path).unwrap();
        first.create(&doc("c/a"), &json!({})).await.unwrap();
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        let second = SqliteStore::open(&path).unwrap();
        assert!(second.get(&doc("c/a")).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_dead_thread_is_unavailable_and_not_a_hang() {
        let store = SqliteStore::in_memory().unwrap();
        let action = || "die".to_owned();
        let died: Result<(), _> =
            store.worker.run(Access::Read, action(), |_| panic!("as the test wants")).await;
        assert!(matches!(died, Err(StoreError::Unavailable { .. })), "{died:?}");
        let after = store.get(&doc("c/a")).await;
        assert!(matches!(after, Err(StoreError::Unavailable { .. })), "{after:?}");
    }
}
