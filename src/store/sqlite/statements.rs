//! The SQL: one function a verb, and the schema.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::Value;

use super::worker::Failure;
use crate::store::{
    Condition, DocPath, Document, Filter, LIST_MAX, Order, Query, StoreError, Version,
};

/// The schema's number in the file's header. A file with a larger one was written by a later
/// version of this program.
const SCHEMA: i32 = 1;

/// Documents that one list may look at before it gives up: about a second of parsing, during
/// which no write gets through. A collection that outgrows this needs an index, not a longer wait.
const SCAN_MAX: usize = 100_000;

/// `counter` hands out versions over all documents, so that a document created again never
/// repeats one of its earlier versions.
///
/// The indexes are for the fields by which growing collections are listed: see [`indexed`].
const TABLES: &str = "
    CREATE TABLE documents (
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (collection, id)
    ) WITHOUT ROWID;
    CREATE INDEX documents_open ON documents (collection, json_type(body, '$.open'), id);
    CREATE INDEX documents_run_key ON documents (collection, json_extract(body, '$.run_key'), id);
    CREATE TABLE counter (version INTEGER NOT NULL);
    INSERT INTO counter VALUES (0);
    PRAGMA user_version = 1;
";

/// What keeps a file from being our store.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the file has schema {0}, this version knows {SCHEMA}; use a later version of rungate")]
    TooNew(i32),
    #[error("the file is a database of another program: it has tables, but not ours")]
    Foreign,
}

/// Creates the tables in a new file; does nothing in one that has them.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), SchemaError> {
    // What is there already needs no write lock, which another process may hold.
    let found: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found == SCHEMA {
        return Ok(());
    }
    // The write lock first: of two processes that open a new file at once, one creates.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        SCHEMA => {}
        0 => {
            let sql = "SELECT count(*) FROM sqlite_schema";
            let tables: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
            if tables != 0 {
                return Err(SchemaError::Foreign);
            }
            transaction.execute_batch(TABLES)?;
        }
        other => return Err(SchemaError::TooNew(other)),
    }
    Ok(transaction.commit()?)
}

/// A document as it lies in the file.
pub(super) struct Row {
    version: i64,
    body: String,
}

impl Row {
    /// Reads the body, away from the thread that owns the connection.
    pub(super) fn into_document(self, path: DocPath) -> Result<Document, StoreError> {
        let body = serde_json::from_str(&self.body)
            .map_err(|source| StoreError::Unreadable { path: path.clone(), source })?;
        Ok(Document { path, version: version(self.version), body })
    }
}

pub(super) fn get(connection: &Connection, path: &DocPath) -> Result<Option<Row>, Failure> {
    let sql = "SELECT version, body FROM documents WHERE collection = ?1 AND id = ?2";
    let row = connection
        .query_row(sql, params![path.collection().as_str(), path.id()], |row| {
            Ok(Row { version: row.get(0)?, body: row.get(1)? })
        })
        .optional()?;
    Ok(row)
}

pub(super) fn create(
    connection: &Connection,
    path: &DocPath,
    body: &str,
) -> Result<Version, Failure> {
    let next = next_version(connection)?;
    let sql = "INSERT INTO documents (collection, id, version, body) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO NOTHING";
    match connection.execute(sql, params![path.collection().as_str(), path.id(), next, body])? {
        0 => Err(StoreError::Exists(path.clone()).into()),
        _ => Ok(version(next)),
    }
}

pub(super) fn update(
    connection: &Connection,
    path: &DocPath,
    expected: &Version,
    body: &str,
) -> Result<Version, Failure> {
    let expected = number(path, expected)?;
    let next = next_version(connection)?;
    let sql = "UPDATE documents SET version = ?1, body = ?2
               WHERE collection = ?3 AND id = ?4 AND version = ?5";
    let place = path.collection();
    match connection.execute(sql, params![next, body, place.as_str(), path.id(), expected])? {
        0 => Err(StoreError::Conflict(path.clone()).into()),
        _ => Ok(version(next)),
    }
}

pub(super) fn delete(
    connection: &Connection,
    path: &DocPath,
    expected: &Version,
) -> Result<(), Failure> {
    let expected = number(path, expected)?;
    let sql = "DELETE FROM documents WHERE collection = ?1 AND id = ?2 AND version = ?3";
    match connection.execute(sql, params![path.collection().as_str(), path.id(), expected])? {
        0 => Err(StoreError::Conflict(path.clone()).into()),
        _ => Ok(()),
    }
}

/// The part of a list's filters that an index answers: index and filter as SQL, and its parameter. Firestore
/// indexes every field by itself; here two are enough, and the rest is filtered by looking.
///
/// The index is named because the planner, which does not know how few documents are open, would
/// walk the whole collection by id.
fn indexed(filters: &[Filter]) -> (&'static str, &'static str, Option<&str>) {
    for Filter { field, condition } in filters {
        match (field.as_str(), condition) {
            ("open", Condition::Equals(Value::Bool(true))) => {
                let filter = " AND json_type(body, '$.open') = 'true'";
                return (" INDEXED BY documents_open", filter, None);
            }
            ("run_key", Condition::Equals(Value::String(key))) => {
                let filter = " AND json_extract(body, '$.run_key') = ?3";
                return (" INDEXED BY documents_run_key", filter, Some(key));
            }
            _ => {}
        }
    }
    ("", "", None)
}

/// A list as SQL, with the parameter of its indexed filter.
fn list_sql(query: &Query) -> (String, Option<&str>) {
    let (index, filter, key) = indexed(&query.filters);
    let (after, direction) = match query.order {
        Order::Ascending => ("id > ?2", "ASC"),
        Order::Descending => ("(?2 IS NULL OR id < ?2)", "DESC"),
    };
    let sql = format!(
        "SELECT id, version, body FROM documents{index}
         WHERE collection = ?1 AND {after}{filter} ORDER BY id {direction}"
    );
    (sql, key)
}

pub(super) fn list(connection: &Connection, query: &Query) -> Result<Vec<Document>, Failure> {
    let (sql, key) = list_sql(query);
    // Before every id, or behind every id: a list from the start is a list after the outermost.
    let start = match query.order {
        Order::Ascending => Some(query.after.as_deref().unwrap_or("")),
        Order::Descending => query.after.as_deref(),
    };
    let mut statement = connection.prepare(&sql)?;
    let collection = query.collection.as_str();
    let mut rows = match key {
        None => statement.query(params![collection, start])?,
        Some(key) => statement.query(params![collection, start, key])?,
    };
    let limit = query.limit.min(LIST_MAX);
    let mut found = Vec::new();
    let mut seen = 0;
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        seen += 1;
        if seen > SCAN_MAX {
            return Err(too_wide(query).into());
        }
        let path = path_of(query, row.get(0)?)?;
        let document = Row { version: row.get(1)?, body: row.get(2)? }.into_document(path)?;
        if query.filters.iter().all(|filter| filter.meets(&document.body)) {
            found.push(document);
        }
    }
    Ok(found)
}

#[derive(Debug, thiserror::Error)]
#[error("more than {SCAN_MAX} documents to look at; ask with `after`, or for fewer")]
struct TooWide;

fn too_wide(query: &Query) -> StoreError {
    let action = format!("list {}", query.collection);
    StoreError::Unavailable { action, source: Box::new(TooWide) }
}

fn path_of(query: &Query, id: String) -> Result<DocPath, StoreError> {
    query.collection.doc(&id).map_err(|source| StoreError::Unavailable {
        action: format!("list {}", query.collection),
        source: Box::new(source),
    })
}

fn next_version(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "UPDATE counter SET version = version + 1 RETURNING version";
    connection.query_row(sql, [], |row| row.get(0))
}

fn version(number: i64) -> Version {
    Version::new(number.to_string())
}

/// A mark that we never handed out is a version that the document is not at.
fn number(path: &DocPath, version: &Version) -> Result<i64, StoreError> {
    version.mark().parse().ok().ok_or_else(|| StoreError::Conflict(path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::CollectionPath;

    #[test]
    fn indexed_filters_use_their_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        prepare(&mut connection).unwrap();
        let all = || Query::all(CollectionPath::new("orders").unwrap());
        for (query, index) in [
            (all().with("open", true), "documents_open"),
            (all().with("run_key", "k"), "documents_run_key"),
            (all().with("open", true).newest(10), "documents_open"),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN {}", list_sql(&query).0);
            let mut statement = connection.prepare(&sql).unwrap();
            for number in 1..=statement.parameter_count() {
                statement.raw_bind_parameter(number, "k").unwrap();
            }
            let mut rows = statement.raw_query();
            let plan: String = rows.next().unwrap().unwrap().get("detail").unwrap();
            assert!(plan.contains(index), "{plan}");
        }
    }
}
