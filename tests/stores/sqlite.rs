//! What only a store in a file can do: outlive its process, and be shared by two.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};

use rungate::store::{Query, SqliteStore, Store, StoreError, open_store};
use serde_json::json;
use tokio::task::JoinSet;

use crate::conformance::{bounded, doc};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/folders/rungate.db");
    let store = open(&path);
    let gone = store.create(&doc("c/gone"), &json!({})).await.unwrap();
    let first = store.create(&doc("c/kept"), &json!({ "n": 1 })).await.unwrap();
    let second = store.update(&doc("c/kept"), &first, &json!({ "n": 2 })).await.unwrap();
    store.delete(&doc("c/gone"), &gone).await.unwrap();
    drop(store);

    let store = open(&path);
    let kept = store.get(&doc("c/kept")).await.unwrap().unwrap();
    assert_eq!((kept.body, &kept.version), (json!({ "n": 2 }), &second));
    assert_eq!(store.get(&doc("c/gone")).await.unwrap(), None);
    // Versions go on where they ended: neither old mark fits the new document.
    let again = store.create(&doc("c/gone"), &json!({})).await.unwrap();
    assert!(![gone, first, second].contains(&again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_on_one_file_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rungate.db");
    let (one, other) = (open(&path), open(&path));
    bounded(async {
        for number in 0..25 {
            let path = doc(&format!("c/{number}"));
            let (mine, yours) = (json!({ "owner": 1 }), json!({ "owner": 2 }));
            let results = tokio::join!(one.create(&path, &mine), other.create(&path, &yours));
            let (owner, version) = match results {
                (Ok(version), Err(StoreError::Exists(_))) => (1, version),
                (Err(StoreError::Exists(_)), Ok(version)) => (2, version),
                both => panic!("{both:?}"),
            };
            for store in [&one, &other] {
                let found = store.get(&path).await.unwrap().unwrap();
                assert_eq!((&found.body["owner"], &found.version), (&json!(owner), &version));
            }
            let results = tokio::join!(
                one.update(&path, &version, &mine),
                other.update(&path, &version, &yours)
            );
            assert!(
                matches!(
                    results,
                    (Ok(_), Err(StoreError::Conflict(_))) | (Err(StoreError::Conflict(_)), Ok(_))
                ),
                "{results:?}"
            );
        }
    })
    .await;
}

/// Reads and writes share transactions. One that read first and wrote then would be refused while
/// the other process writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_on_one_file_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rungate.db");
    let mut work = JoinSet::new();
    for handle in 0..2 {
        let store = Arc::new(open(&path));
        for number in 0..100 {
            let store = store.clone();
            work.spawn(async move {
                let path = doc(&format!("c/{handle}-{number}"));
                assert_eq!(store.get(&path).await.unwrap(), None);
                store.create(&path, &json!({})).await.unwrap();
                store.get(&path).await.unwrap().unwrap();
            });
        }
    }
    bounded(async {
        while let Some(done) = work.join_next().await {
            done.unwrap();
        }
    })
    .await;
}

#[test]
fn a_new_file_may_be_opened_by_many_at_once() {
    const OPENERS: usize = 8;
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rungate.db");
        let all = Barrier::new(OPENERS);
        std::thread::scope(|scope| {
            let open = || {
                all.wait();
                SqliteStore::open(&path)
            };
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE documents (theirs TEXT)").unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(chain(&error).contains("another program"), "{}", chain(&error));

    other.execute_batch("PRAGMA user_version = 99").unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(chain(&error).contains("later version"), "{}", chain(&error));

    let text = folder.path().join("text.db");
    std::fs::write(&text, "not a database at all, but long enough to have a header".repeat(99))
        .unwrap();
    let error = SqliteStore::open(&text).unwrap_err();
    assert!(chain(&error).contains("not a database"), "{}", chain(&error));
}

#[tokio::test]
async fn a_record_that_does_not_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rungate.db");
    let store = open(&path);
    store.create(&doc("c/a"), &json!({})).await.unwrap();
    let vandal = rusqlite::Connection::open(&path).unwrap();
    // The indexes read the bodies and would not let this through.
    let sql = "DROP INDEX documents_open; DROP INDEX documents_run_key;
               UPDATE documents SET body = '{'";
    vandal.execute_batch(sql).unwrap();
    let get = store.get(&doc("c/a")).await;
    assert!(matches!(get, Err(StoreError::Unreadable { path, .. }) if path == doc("c/a")));
    let list = store.list(&Query::all(doc("c/a").collection())).await;
    assert!(matches!(list, Err(StoreError::Unreadable { path, .. }) if path == doc("c/a")));
    // One operation that fails does not spoil those beside it.
    let (a, b, body) = (doc("c/a"), doc("c/b"), json!({}));
    let results = tokio::join!(store.create(&b, &body), store.get(&a));
    assert!(matches!(results, (Ok(_), Err(StoreError::Unreadable { .. }))), "{results:?}");
}

#[tokio::test]
async fn a_failing_engine_is_unavailable_and_may_recover() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rungate.db");
    let store = open(&path);
    let first = store.create(&doc("c/a"), &json!({ "n": 1 })).await.unwrap();
    let thief = rusqlite::Connection::open(&path).unwrap();
    thief.execute_batch("ALTER TABLE documents RENAME TO stolen").unwrap();
    let write = store.update(&doc("c/a"), &first, &json!({ "n": 2 })).await;
    assert!(matches!(&write, Err(error @ StoreError::Unavailable { .. }) if error.is_retryable()));
    assert!(write.unwrap_err().to_string().contains("update c/a"));
    thief.execute_batch("ALTER TABLE stolen RENAME TO documents").unwrap();
    let found = store.get(&doc("c/a")).await.unwrap().unwrap();
    assert_eq!((found.body, &found.version), (json!({ "n": 1 }), &first));
    store.update(&doc("c/a"), &first, &json!({ "n": 2 })).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    // Also a name that SQLite could take for a URI.
    for name in ["rungate.db", "file:x?mode=memory"] {
        let path = folder.path().join(name);
        let store = open(&path);
        store.create(&doc("c/a"), &json!({})).await.unwrap();
        for file in [name.to_owned(), format!("{name}-wal")] {
            let mode = folder.path().join(file).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[tokio::test]
async fn a_url_opens_the_file_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rungate.db");
    let store = open_store(&format!("sqlite:{}", path.display())).unwrap();
    store.create(&doc("c/a"), &json!({})).await.unwrap();
    assert!(open(&path).get(&doc("c/a")).await.unwrap().is_some());
    let memory = open_store("sqlite::memory:").unwrap();
    assert_eq!(memory.get(&doc("c/a")).await.unwrap(), None);
}

/// Writes that a killed process had been told are durable are there; the file needs no repair.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_survives_the_kill_of_its_process() {
    /// Enough that the kill falls among writes under way.
    const TOLD: usize = 50;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rungate.db");
    // A second process on the same file, so that the two also share it while both write.
    let ours = open(&path);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["sqlite::child_process_that_writes", "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
    let mut told = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let Some(id) = line.strip_prefix("durable ") else { continue };
        told.push(id.to_owned());
        ours.create(&doc(&format!("parent/{id}")), &json!({})).await.unwrap();
        if told.len() == TOLD {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "the child was killed");
    assert!(told.len() >= TOLD, "the child wrote only {told:?}");

    let reopened = open(&path);
    for id in &told {
        let found = reopened.get(&doc(&format!("child/{id}"))).await.unwrap();
        assert_eq!(found.unwrap().body, json!({ "id": id }));
        assert!(reopened.get(&doc(&format!("parent/{id}"))).await.unwrap().is_some());
    }
}

#[tokio::test]
#[ignore = "the child process of a_write_survives_the_kill_of_its_process; reads a path from stdin"]
async fn child_process_that_writes() {
    let mut path = String::new();
    std::io::stdin().lock().read_line(&mut path).unwrap();
    assert!(!path.trim().is_empty(), "the parent writes a path");
    let store = open(Path::new(path.trim()));
    // Bounded in case the parent dies first.
    for id in 0..10_000 {
        let id = id.to_string();
        store.create(&doc(&format!("child/{id}")), &json!({ "id": id })).await.unwrap();
        println!("durable {id}");
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
