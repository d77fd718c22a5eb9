//! What an intent works with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Activity, IntentError};
use crate::clock::Clock;
use crate::config::TradingConfig;
use crate::domain::{Contract, ContractId, RunKey, TradingMode};
use crate::gateway::Gateway;
use crate::orders::{Engine, EngineParts, OrderError, OrderTiming, TradingLease};
use crate::runs::Run;
use crate::store::{DocPath, Document, Store, StoreError};

/// How long a contract's description is good for: details change overnight if at all.
const CONTRACT_FRESH: Duration = Duration::from_secs(12 * 3_600);

/// Contracts kept in memory: several times the largest book.
const CONTRACTS_MAX: usize = 1_000;

/// What all intents of a process share.
#[derive(Debug)]
pub struct Services {
    /// The records.
    pub store: Arc<dyn Store>,
    /// The one connection to the broker; opened by the first request that needs it.
    pub gateway: Gateway,
    /// The time.
    pub clock: Clock,
    /// Whose money.
    pub mode: TradingMode,
    /// The API client id of this deployment.
    pub client_id: i32,
    /// The order engine's waits.
    pub timing: OrderTiming,
    /// How long the trading lease lasts.
    pub lease: Duration,
    /// Contract details that were asked for before.
    pub contracts: ContractCache,
}

/// Contract details by id, with the time at which they were read.
#[derive(Debug, Default)]
pub struct ContractCache(Mutex<BTreeMap<ContractId, (Timestamp, Contract)>>);

impl ContractCache {
    /// A description that is not too old.
    pub fn get(&self, id: ContractId, now: Timestamp) -> Option<Contract> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, contract) = known.get(&id)?;
        let age = Duration::try_from(now.duration_since(*read_at)).unwrap_or(Duration::ZERO);
        (age < CONTRACT_FRESH).then(|| contract.clone())
    }

    /// Keeps a description.
    pub fn put(&self, contract: &Contract, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CONTRACTS_MAX {
            known.clear();
        }
        known.insert(contract.instrument.id, (now, contract.clone()));
    }
}

impl Services {
    /// Ends the trading lease of a run that this process will not work on any more.
    pub async fn give_up_trading(&self, run: &RunKey) -> Result<(), OrderError> {
        self.leases()?.abandon(run).await
    }

    fn leases(&self) -> Result<TradingLease, OrderError> {
        TradingLease::new(self.store.clone(), self.clock.clone(), self.mode, self.lease)
    }
}

/// What one attempt of one run works with.
#[derive(Debug)]
pub struct Context<'a> {
    services: &'a Services,
    run: Run,
    activity: &'a mut Activity,
    deadline: Instant,
}

impl<'a> Context<'a> {
    /// For the attempt that holds `run`, until `deadline`.
    pub fn new(
        services: &'a Services,
        run: Run,
        activity: &'a mut Activity,
        deadline: Instant,
    ) -> Self {
        Self { services, run, activity, deadline }
    }

    /// The run, to be ended.
    pub fn into_run(self) -> Run {
        self.run
    }

    /// The run.
    pub fn run(&mut self) -> &mut Run {
        &mut self.run
    }

    /// What the process shares.
    pub fn services(&self) -> &'a Services {
        self.services
    }

    /// The gateway.
    pub fn gateway(&self) -> &'a Gateway {
        &self.services.gateway
    }

    /// The records.
    pub fn store(&self) -> &'a Arc<dyn Store> {
        &self.services.store
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    /// Until when the work has to be done.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Writes something down for whoever asks why.
    pub fn note(&mut self, name: &str, value: &impl serde::Serialize) {
        self.activity.note(name, value);
    }

    /// Reads the trading configuration.
    pub async fn config(&mut self) -> Result<TradingConfig, IntentError> {
        let mode = self.services.mode;
        let common = self.document("config/common").await?;
        let own = self.document(&format!("config/{mode}")).await?;
        let config = TradingConfig::from_documents(
            common.as_ref().map(|document| &document.body),
            own.as_ref().map(|document| &document.body),
            mode,
        )?;
        self.note("config", &config);
        Ok(config)
    }

    /// Reads the configuration and asks the gateway for the kind of market data that it names:
    /// the beginning of every run that looks at prices.
    pub async fn prepare(&mut self) -> Result<TradingConfig, IntentError> {
        let config = self.config().await?;
        self.gateway().set_market_data_type(config.market_data_type).await?;
        Ok(config)
    }

    /// As [`Context::prepare`], for runs that need no configuration: without a valid one the kind of
    /// market data is left as it is, and the problems are on record.
    pub async fn prepare_if_any(&mut self) -> Result<Option<TradingConfig>, IntentError> {
        match self.prepare().await {
            Ok(config) => Ok(Some(config)),
            Err(IntentError::Config(problems)) => {
                self.note("config_problems", &problems);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the trading lease for this run, or fails if another run holds it.
    pub async fn engine(&mut self) -> Result<Engine, IntentError> {
        let Services { store, gateway, clock, mode, client_id, timing, .. } = self.services;
        let held = self.services.leases()?.acquire(self.run.key()).await?;
        let parts = EngineParts {
            store: store.clone(),
            gateway: gateway.clone(),
            clock: clock.clone(),
            mode: *mode,
            client_id: *client_id,
            timing: timing.clone(),
        };
        Ok(Engine::new(parts, self.run.key().clone(), held)?)
    }

    /// One document.
    pub async fn document(&self, path: &str) -> Result<Option<Document>, StoreError> {
        let path = DocPath::new(path)?;
        self.services.store.get(&path).await
    }
}
