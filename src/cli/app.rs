//! The service, put together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Settings;
use crate::dispatch::{Dispatcher, Quarantine};
use crate::domain::TradingMode;
use crate::gateway::{Gateway, GatewayConfig, Link, Timing};
use crate::intents::{ContractCache, Intent, Services, chain};
use crate::orders::OrderTiming;
use crate::push::{Authentication, Bound, Drained, Front, Limits, Readiness, Server};
use crate::store::{DocPath, Store, StoreError, open_store};

/// How long the store may take to prove itself. Probes of platforms give up after a few seconds.
const PROBE_MAX: Duration = Duration::from_secs(2);

/// Everything that one process of the service consists of.
#[derive(Debug)]
pub struct App {
    bound: Bound,
    dispatcher: Arc<Dispatcher>,
    gateway: Gateway,
}

impl App {
    /// Puts the service together and takes its address. Connects to no gateway: the first message
    /// that needs it does.
    pub async fn build(
        settings: &Settings,
        mode: TradingMode,
        store: Arc<dyn Store>,
        gateway: Gateway,
    ) -> anyhow::Result<Self> {
        let bound = Server::bind(settings.listen, Authentication::None).await?;
        let quarantine = Quarantine::connect(&settings.pubsub).await?;
        let services = Services {
            store,
            gateway: gateway.clone(),
            clock: Clock::system(),
            mode,
            client_id: settings.gateway.client_id,
            timing: order_timing(settings),
            lease: settings.budgets.lease,
            contracts: ContractCache::default(),
        };
        let dispatcher =
            Dispatcher::new(Arc::new(services), quarantine, instance_name(), &settings.budgets);
        Ok(Self { bound, dispatcher: Arc::new(dispatcher), gateway })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.bound.addr()
    }

    /// Serves until `shutdown`, drains, and closes the gateway last: a handler may still be
    /// reading a fill.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Drained {
        let Self { bound, dispatcher, gateway } = self;
        let (at_work, ready_gateway) = (dispatcher.clone(), gateway.clone());
        let store = dispatcher.store();
        let front = Front {
            handle: Arc::new(move |arrival| {
                let dispatcher = dispatcher.clone();
                Box::pin(async move { dispatcher.arrive(arrival).await })
            }),
            kind_of: Intent::kind_of,
            ready: Arc::new(move || {
                let (link, store) = (ready_gateway.link(), store.clone());
                Box::pin(async move { readiness(&link, &store).await })
            }),
        };
        let drained = bound.serve(front, Limits::default(), TaskTracker::new(), shutdown).await;
        gateway.close().await;
        at_work.abandon().await;
        drained
    }
}

/// Opens the store that the settings name.
pub(super) fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    Ok(open_store(&settings.store_url)?)
}

/// How to reach the gateway, by the settings.
pub(super) fn gateway_config(settings: &Settings, mode: TradingMode) -> GatewayConfig {
    let messages = settings.gateway.messages_per_second;
    GatewayConfig {
        addr: settings.gateway.addr.as_str().to_owned(),
        client_id: settings.gateway.client_id,
        mode,
        account: settings.gateway.account.clone(),
        timing: Timing { messages, ..Timing::default() },
    }
}

fn order_timing(settings: &Settings) -> OrderTiming {
    OrderTiming {
        acknowledge: settings.waits.acknowledge,
        fills: settings.waits.fills,
        absence_between: settings.waits.absence_between,
        absence_after_write: settings.waits.absence_after_write,
        ..OrderTiming::default()
    }
}

/// A gateway that nobody has asked for yet is no fault: the first message opens it.
async fn readiness(link: &Link, store: &Arc<dyn Store>) -> Readiness {
    let (gateway_ready, gateway) = match link {
        Link::Idle => (true, "not asked for yet".to_owned()),
        Link::Up { generation } => (true, format!("up, connection {generation}")),
        Link::Connecting => (false, "connecting".to_owned()),
        Link::Down { error, since } => (false, format!("down since {since}: {error}")),
        Link::LinkLost => (false, "up, without a link to IB's servers".to_owned()),
        Link::Closed => (false, "closed".to_owned()),
    };
    let (store_ready, store) = match probe(store).await {
        Ok(()) => (true, "takes writes".to_owned()),
        Err(problem) => (false, problem),
    };
    let ready = gateway_ready && store_ready;
    Readiness { ready, details: json!({ "gateway": gateway, "store": store }) }
}

/// Writes one document of ours, over and over: a store that only reads is of no use.
async fn probe(store: &Arc<dyn Store>) -> Result<(), String> {
    let write = async {
        let path = DocPath::new("health/ready")?;
        let body = json!({ "ready": true });
        match store.get(&path).await? {
            Some(found) => match store.update(&path, &found.version, &body).await {
                // Another instance asked at the same moment.
                Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
                Err(error) => Err(error),
            },
            None => match store.create(&path, &body).await {
                Ok(_) | Err(StoreError::Exists(_)) => Ok(()),
                Err(error) => Err(error),
            },
        }
    };
    match tokio::time::timeout(PROBE_MAX, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_elapsed) => Err(format!("no answer within {PROBE_MAX:?}")),
    }
}

/// Tells this process from others in the records.
fn instance_name() -> String {
    let tag: u32 = rand::rng().random();
    format!("pid-{}-{tag:08x}", std::process::id())
}
