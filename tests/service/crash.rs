//! The kill table: the service dies, by `kill -9`, just before and just after each of its durable
//! writes. Whatever is redelivered afterwards, each line is at the broker once, or parked.

use std::fmt;
use std::io::BufRead as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use hyper::StatusCode;
use rungate::store::{DocPath, Document, Query, SqliteStore, Store, StoreError, Version};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::http::envelope;
use crate::world::{Service, World, app};

/// More writes than an allocation of two lines makes.
const WRITES_MAX: usize = 60;

/// Kill points tried at once: they mostly wait.
const AT_ONCE: usize = 6;

/// Redeliveries, and the pause between them: together far longer than a lease.
const REDELIVERIES: usize = 60;
const PAUSE: Duration = Duration::from_millis(100);

/// What the child is told, in one line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Orders {
    database: String,
    gateway: String,
    /// Which write to die at, from 1.
    write: usize,
    /// After the write is durable, instead of before it.
    after: bool,
}

/// Where the child died.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KillPoint {
    write: usize,
    after: bool,
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.after { "after" } else { "before" };
        f.pad(&format!("{when} write {}", self.write))
    }
}

/// The real store, which ends its process at one of its writes.
#[derive(Debug)]
struct Deadly {
    store: SqliteStore,
    orders: Orders,
    writes: AtomicUsize,
}

impl Deadly {
    /// Runs a write, or dies at it.
    async fn at<T>(&self, what: &str, path: &DocPath, write: impl Future<Output = T>) -> T {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.orders.write && !self.orders.after {
            self.die(what, path);
        }
        let written = write.await;
        if number == self.orders.write {
            self.die(what, path);
        }
        written
    }

    fn die(&self, what: &str, path: &DocPath) {
        println!("killed at {what} {path}");
        let id = std::process::id().to_string();
        let killed = std::process::Command::new("kill").args(["-9", &id]).status();
        unreachable!("{killed:?}");
    }
}

#[async_trait]
impl Store for Deadly {
    async fn get(&self, path: &DocPath) -> Result<Option<Document>, StoreError> {
        self.store.get(path).await
    }

    async fn create(&self, path: &DocPath, body: &Value) -> Result<Version, StoreError> {
        self.at("create", path, self.store.create(path, body)).await
    }

    async fn update(
        &self,
        path: &DocPath,
        version: &Version,
        body: &Value,
    ) -> Result<Version, StoreError> {
        self.at("update", path, self.store.update(path, version, body)).await
    }

    async fn delete(&self, path: &DocPath, version: &Version) -> Result<(), StoreError> {
        self.at("delete", path, self.store.delete(path, version)).await
    }

    async fn list(&self, query: &Query) -> Result<Vec<Document>, StoreError> {
        self.store.list(query).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child process of the kill table; reads its orders from stdin"]
async fn child_process_that_serves() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    let orders: Orders = serde_json::from_str(&line).unwrap();
    let store = SqliteStore::open(Path::new(&orders.database)).unwrap();
    let gateway = orders.gateway.clone();
    let store = Arc::new(Deadly { store, orders, writes: AtomicUsize::new(0) });
    let app = app(&gateway, store).await;
    println!("listening {}", app.addr());
    // Bounded in case the parent dies first.
    app.serve(sleep(Duration::from_secs(60))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_write_each_line_is_at_the_broker_once_or_parked() {
    let points = (1..=WRITES_MAX)
        .flat_map(|write| [KillPoint { write, after: false }, KillPoint { write, after: true }]);
    let mut rows: Vec<(KillPoint, Option<Row>)> = stream::iter(points)
        .map(|point| async move { (point.clone(), try_point(point).await) })
        .buffered(AT_ONCE)
        // The first that survives has seen all writes of a run.
        .take_while(|(_, row)| std::future::ready(row.is_some()))
        .collect()
        .await;
    let table: Vec<(KillPoint, Row)> =
        rows.drain(..).filter_map(|(point, row)| Some((point, row?))).collect();
    for (point, row) in &table {
        println!("{point:<16} {:<46} {} orders, {} parked", row.at, row.orders, row.parked);
    }
    assert!(table.len() > 30, "an allocation of two lines makes more than 15 writes");
    assert!(table.len() < 2 * WRITES_MAX, "no kill point survived: raise WRITES_MAX");
}

/// How one kill point ended.
struct Row {
    at: String,
    orders: usize,
    parked: usize,
}

/// Kills the service at one point, restarts it, redelivers. `None` if the run ended before that
/// many writes.
async fn try_point(point: KillPoint) -> Option<Row> {
    let world = World::new().await;
    let service = world.service().await;
    let targets = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.4" },
                         { "contract": { "symbol": "AGG" }, "weight": "0.4" }]);
    world.book(&service, "alpha", targets).await;
    service.stop().await;

    let tick = envelope("t", &json!({ "intent": "allocation" }), &json!({}));
    let at = kill(&world, &point, &tick).await?;

    let service = world.service().await;
    let answer = redeliver(&service, &tick).await;
    assert_eq!(answer.status, StatusCode::OK, "{point} ({at}): {}", answer.body);
    assert_eq!(answer.outcome(), "done", "{point} ({at}): {}", answer.body);
    let parked = answer.attention().iter().filter(|line| line.contains("is parked")).count();
    check(&world, &point, &at, parked).await;
    service.stop().await;
    Some(Row { at, orders: world.orders().len(), parked })
}

/// The broker's truth against the records.
async fn check(world: &World, point: &KillPoint, at: &str, parked: usize) {
    let orders = world.orders();
    let mut refs: Vec<&str> = orders.iter().map(|order| order.order_ref.as_str()).collect();
    refs.sort_unstable();
    refs.dedup();
    assert_eq!(refs.len(), orders.len(), "{point} ({at}): one reference, one order");
    assert_eq!(orders.len() + parked, 2, "{point} ({at}): each line is there or parked");
    let held = world.holdings("alpha").await;
    assert_eq!(held.len(), orders.len(), "{point} ({at}): {held:?}");
    for (symbol, quantity) in held {
        assert_eq!(quantity, world.position(&symbol), "{point} ({at}): {symbol}");
        assert_ne!(quantity, Decimal::ZERO, "{point} ({at}): {symbol}");
    }
    let runs = world.documents("runs").await;
    let open = runs.iter().filter(|run| run.body["state"] != json!("ended")).count();
    assert_eq!(open, 0, "{point} ({at}): every run has ended");
}

/// Delivers to a service that dies at `point`, and says at which write it did.
async fn kill(world: &World, point: &KillPoint, tick: &Value) -> Option<String> {
    let orders = Orders {
        database: world.database().display().to_string(),
        gateway: world.simulator.addr().to_string(),
        write: point.write,
        after: point.after,
    };
    let mut child = start(&orders).await;
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let addr = loop {
        let line = lines.next_line().await.expect("output").expect("an address");
        if let Some((_, addr)) = line.split_once("listening ") {
            break addr.parse().expect("an address");
        }
    };
    let answer = crate::http::send(addr, hyper::Method::POST, "/push", tick.to_string()).await;
    if answer.is_some() {
        child.kill().await.expect("the end of a child of ours");
        return None;
    }
    let at = loop {
        let line = lines.next_line().await.expect("output").expect("where it died");
        if let Some((_, at)) = line.split_once("killed at ") {
            break at.to_owned();
        }
    };
    let ended = timeout(Duration::from_secs(10), child.wait()).await;
    ended.expect("an end").expect("a status");
    Some(at)
}

async fn start(orders: &Orders) -> Child {
    let test = "crash::child_process_that_serves";
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([test, "--exact", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a child");
    let mut stdin = child.stdin.take().expect("a pipe");
    let line = serde_json::to_string(orders).expect("JSON") + "\n";
    stdin.write_all(line.as_bytes()).await.expect("a listener");
    child
}

/// Delivers again until it is acknowledged, as Pub/Sub does.
async fn redeliver(service: &Service, tick: &Value) -> crate::http::Answer {
    let mut answer = service.push(tick).await;
    for _ in 0..REDELIVERIES {
        if answer.status == StatusCode::OK {
            break;
        }
        sleep(PAUSE).await;
        answer = service.push(tick).await;
    }
    answer
}
