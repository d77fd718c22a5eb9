//! One world: a broker, a store, and services that come and go.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Method;
use jiff::Timestamp;
use rungate::cli::App;
use rungate::clock::Clock;
use rungate::config::{Settings, TradingConfig};
use rungate::domain::TradingMode;
use rungate::gateway::{Gateway, GatewayConfig, Timing};
use rungate::sim::{Options, Simulator, TrueOrder};
use rungate::store::{DocPath, Document, Query, SqliteStore, Store};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::{Answer, envelope, send};

/// The API client id of the service under test.
pub const CLIENT_ID: i32 = 10;

/// Long enough that no handler of a test outlives it, short enough to wait for.
const LEASE: Duration = Duration::from_millis(800);

/// A broker with an empty account, and a store with a configuration.
pub struct World {
    pub simulator: Simulator,
    pub store: Arc<dyn Store>,
    folder: TempDir,
    messages: AtomicU64,
}

/// A running service in this process.
pub struct Service {
    pub addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl World {
    /// Everything on, two strategies configured, no books.
    pub async fn new() -> Self {
        let simulator = Simulator::start(Options::loopback(7)).await.expect("a simulator");
        let folder = TempDir::new().expect("a folder");
        let store = SqliteStore::open(&folder.path().join("rungate.db")).expect("a store");
        let world = Self { simulator, store: Arc::new(store), folder, messages: AtomicU64::new(1) };
        world.seed("config/common", &config()).await;
        world.switch("on").await;
        world
    }

    /// Where the SQLite file is.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("rungate.db")
    }

    /// Writes a document, whatever was there.
    pub async fn seed(&self, path: &str, body: &Value) {
        let path = DocPath::new(path).expect("a path");
        match self.store.get(&path).await.expect("a read") {
            Some(found) => self.store.update(&path, &found.version, body).await,
            None => self.store.create(&path, body).await,
        }
        .expect("a write");
    }

    /// Sets the trading switch.
    pub async fn switch(&self, to: &str) {
        let control = json!({
            "switch": to, "locks": {}, "reason": null,
            "changed_at": "2026-03-09T14:30:00Z", "by": "test",
        });
        self.seed("control/paper", &control).await;
    }

    /// A document's body.
    pub async fn document(&self, path: &str) -> Value {
        let path = DocPath::new(path).expect("a path");
        self.store.get(&path).await.expect("a read").map_or(Value::Null, |found| found.body)
    }

    /// All documents of a collection.
    pub async fn documents(&self, collection: &str) -> Vec<Document> {
        let collection = rungate::store::CollectionPath::new(collection).expect("a path");
        self.store.list(&Query::all(collection)).await.expect("a list")
    }

    /// What one strategy claims, by symbol.
    pub async fn holdings(&self, strategy: &str) -> Vec<(String, Decimal)> {
        let body = self.document(&format!("positions/paper/holdings/{strategy}")).await;
        let positions = body["positions"].as_object().cloned().unwrap_or_default();
        let mut held: Vec<_> = positions
            .values()
            .map(|held| {
                let symbol = held["instrument"]["symbol"].as_str().expect("a symbol").to_owned();
                (symbol, held["quantity"].as_str().expect("text").parse().expect("a decimal"))
            })
            .collect();
        held.sort();
        held
    }

    /// The broker's own orders of the service under test.
    pub fn orders(&self) -> Vec<TrueOrder> {
        let truth = self.simulator.truth();
        truth.orders.into_values().filter(|order| order.client_id == CLIENT_ID).collect()
    }

    /// What the broker says the account holds of a symbol.
    pub fn position(&self, symbol: &str) -> Decimal {
        let truth = self.simulator.truth();
        let of_symbol = |one: &&rungate::sim::TruePosition| one.contract.local_symbol == symbol;
        truth.positions.values().find(of_symbol).map_or(Decimal::ZERO, |one| one.quantity)
    }

    /// Starts a service on this world's store and broker.
    pub async fn service(&self) -> Service {
        let app = app(&self.simulator.addr().to_string(), self.store.clone()).await;
        let addr = app.addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let drained = app.serve(async { drop(stopped.await) }).await;
            assert!(drained.is_clean(), "{drained:?}");
        });
        Service { addr, stop: Some(stop), task }
    }

    /// A message id that was not used before.
    pub fn message_id(&self) -> String {
        self.messages.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Pushes an intent as a message of its own.
    pub async fn push(&self, service: &Service, intent: &str, payload: Value) -> Answer {
        let attributes = json!({ "intent": intent });
        service.push(&envelope(&self.message_id(), &attributes, &payload)).await
    }

    /// Hands in a target book that is good for an hour from now.
    pub async fn book(&self, service: &Service, strategy: &str, targets: Value) -> Answer {
        self.push(service, "set-targets", book(strategy, targets)).await
    }
}

impl Service {
    /// Posts an envelope and waits for the answer.
    pub async fn push(&self, envelope: &Value) -> Answer {
        send(self.addr, Method::POST, "/push", envelope.to_string()).await.expect("an answer")
    }

    /// Drains and stops.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        self.task.await.expect("an orderly end");
    }
}

/// A service between a gateway and a store, with waits that a test can sit out.
pub async fn app(gateway: &str, store: Arc<dyn Store>) -> App {
    let lookup = |name: &str| match name {
        "TRADING_MODE" => Some("paper".to_owned()),
        "PORT" => Some("0".to_owned()),
        "IB_GATEWAY_ADDR" => Some(gateway.to_owned()),
        _ => None,
    };
    let mut settings = Settings::from_lookup(lookup).expect("settings");
    settings.budgets.handler = Duration::from_secs(20);
    settings.budgets.lease = LEASE;
    settings.waits.acknowledge = Duration::from_millis(300);
    settings.waits.fills = Duration::from_secs(2);
    settings.waits.absence_between = Duration::from_millis(100);
    settings.waits.absence_after_write = Duration::from_millis(300);
    let gateway = Gateway::open(gateway_config(&settings), Clock::system());
    App::build(&settings, TradingMode::Paper, store, gateway).await.expect("a service")
}

/// A target book that is good for an hour from now.
pub fn book(strategy: &str, targets: Value) -> Value {
    let now = Clock::system().now();
    let until = now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap_or(Timestamp::MAX);
    json!({ "strategy": strategy, "as_of": now, "valid_until": until, "targets": targets })
}

/// Ninety percent of the account for two strategies, in halves.
pub fn config() -> Value {
    let mut config = TradingConfig::sample_document();
    config["exposure"] =
        json!({ "overall": "0.8", "strategies": { "alpha": "0.5", "beta": "0.5" } });
    config
}

/// Budgets for a gateway on loopback.
fn gateway_config(settings: &Settings) -> GatewayConfig {
    let timing = Timing {
        connect: Duration::from_secs(2),
        request: Duration::from_secs(2),
        snapshot: Duration::from_secs(2),
        probe: Duration::from_secs(1),
        backoff_first: Duration::from_millis(50),
        messages: 1_000,
        ..Timing::default()
    };
    GatewayConfig {
        addr: settings.gateway.addr.as_str().to_owned(),
        client_id: settings.gateway.client_id,
        mode: TradingMode::Paper,
        account: None,
        timing,
    }
}
