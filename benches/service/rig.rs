//! The whole service in this process, with a simulated gateway and a store of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rungate::cli::App;
use rungate::clock::Clock;
use rungate::config::Settings;
use rungate::domain::TradingMode;
use rungate::gateway::{Gateway, GatewayConfig, Timing};
use rungate::push::Drained;
use rungate::sim::{Options, Simulator};
use rungate::store::{DocPath, Store, open_store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Client, PATIENCE};

/// Contracts of the simulated market: more than the largest plan here.
const CONTRACTS: usize = 60;

/// So many messages a second that our own pacing never waits: what is left is the work.
pub const UNPACED: usize = 1_000_000;

/// The strategy whose books are traded.
pub const STRATEGY: &str = "bench";

/// A service that listens. Dropping it leaves tasks behind: see [`Rig::stop`].
#[derive(Debug)]
pub struct Rig {
    /// Its records.
    pub store: Arc<dyn Store>,
    /// Its broker.
    pub simulator: Simulator,
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
    folder: TempDir,
}

impl Rig {
    /// Starts everything; the service may send `messages` a second to the gateway.
    pub async fn start(messages: usize) -> Self {
        let folder = TempDir::new().expect("a folder");
        let simulator = simulator(folder.path()).await;
        let store_url = format!("sqlite:{}", folder.path().join("store.db").display());
        let lookup = |name: &str| match name {
            "TRADING_MODE" => Some("paper".to_owned()),
            "IB_GATEWAY_ADDR" => Some(simulator.addr().to_string()),
            "STORE_URL" => Some(store_url.clone()),
            "PORT" => Some("0".to_owned()),
            _ => None,
        };
        let (settings, mode) = Settings::for_account(lookup).expect("settings");
        let store = open_store(&settings.store_url).expect("a store");
        configure(&*store).await;
        let gateway = gateway(&settings, mode, messages);
        let app = App::build(&settings, mode, store.clone(), gateway).await.expect("a service");
        let addr = app.addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(app.serve(async {
            // A rig that is dropped stops as well.
            drop(stopped.await);
        }));
        Self { store, simulator, addr, stop, served, folder }
    }

    /// A new connection to the service.
    pub async fn client(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// A file name in the rig's own folder, on the same disk as the store.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops the service and waits for it.
    pub async fn stop(self) {
        drop(self.stop);
        let drained = timeout(PATIENCE, self.served).await.expect("in time").expect("no panic");
        assert!(drained.is_clean(), "{drained:?}");
        self.simulator.stop().await;
    }
}

/// A simulated gateway that lists the contracts of these benches.
pub async fn simulator(folder: &Path) -> Simulator {
    let universe = folder.join("universe.toml");
    std::fs::write(&universe, universe_text()).expect("a file");
    let options = Options { universe: Some(universe), ..Options::loopback(1) };
    Simulator::start(options).await.expect("a simulated gateway")
}

/// The symbol of one contract.
pub fn symbol(index: usize) -> String {
    format!("B{index:03}")
}

/// Prices stand still: every run trades the same.
fn universe_text() -> String {
    let contract = |index: usize| {
        format!(
            "[[contract]]\ncon_id = {}\nsymbol = \"{}\"\nsec_type = \"STK\"\ncurrency = \"USD\"\n\
             exchanges = [\"SMART\", \"ARCA\"]\nprimary_exchange = \"ARCA\"\n\
             long_name = \"BENCH STOCK {index}\"\nstock_type = \"COMMON\"\nmin_tick = \"0.01\"\n\
             price = \"100.00\"\nvolatility = 0.0\nspread = \"0.02\"\nsize_increment = \"1\"\n",
            index + 1_000,
            symbol(index),
        )
    };
    (0..CONTRACTS).map(contract).collect()
}

fn gateway(settings: &Settings, mode: TradingMode, messages: usize) -> Gateway {
    let config = GatewayConfig {
        addr: settings.gateway.addr.as_str().to_owned(),
        client_id: settings.gateway.client_id,
        mode,
        account: None,
        timing: Timing { messages, ..Timing::default() },
    };
    Gateway::open(config, Clock::system())
}

async fn configure(store: &dyn Store) {
    let config = json!({
        "market_data_type": "delayed",
        "exposure": { "overall": "1", "strategies": { STRATEGY: "1" } },
        "limits": {
            "order_value": "10000",
            "gross_exposure": "1",
            "quote_age_seconds": 60,
            "orders_per_run": CONTRACTS,
        },
    });
    let control = json!({ "switch": "on", "changed_at": Clock::system().now(), "by": "bench" });
    create(store, "config/common", &config).await;
    create(store, "control/paper", &control).await;
}

async fn create(store: &dyn Store, path: &str, body: &Value) {
    store.create(&path_of(path), body).await.expect("a write");
}

/// A document's path.
pub fn path_of(path: &str) -> DocPath {
    DocPath::new(path).expect("a path")
}
