//! Everything the simulator knows, behind one mutex: broker, gateway settings, market, clients.
//!
//! Requests and ticks are short and never wait, so one lock is enough, and it makes every answer
//! a picture of one instant. It is never held across an await.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::broker::{Broker, Rules};
use super::client::Client;
use super::clock::{self, SimClock, Zone};
use super::faults::{self, Switches};
use super::market::Market;
use super::messages::{ErrorMessage, Report};
use super::settings::Settings;
use super::state_file::{StateError, StateFile};

/// The state of the simulator at one instant.
#[derive(Debug)]
pub struct World {
    /// When the request or tick at hand came in, by the simulated clock.
    pub now: Timestamp,
    pub clock: SimClock,
    /// The next instant after `now` that is worked for itself, such as an opening.
    pub boundary: Timestamp,
    /// The step of the prices at which orders were worked last.
    pub worked: Option<i64>,
    pub zone: Zone,
    pub market: Market,
    pub broker: Broker,
    pub settings: Settings,
    pub faults: faults::State,
    /// What the faults mean for everybody else.
    pub switches: Switches,
    /// The latest version of the protocol to speak.
    pub server_version: i32,
    /// Messages a second that one connection may send; 0 for any number.
    pub messages_per_second: u32,
    /// Open orders of one account on one side of a contract; 0 for any number.
    pub orders_per_side: usize,
    /// By connection number.
    pub clients: BTreeMap<u64, Client>,
    /// Something changed that the state file must hold.
    pub unsaved: bool,
}

impl World {
    /// What an order is worked under.
    pub fn rules(&self) -> Rules<'_> {
        Rules { market: &self.market, at: self.now, hold_fills: self.switches.hold_fills }
    }

    /// Runs `work` on the broker with the rules of this instant.
    pub fn trade<T>(&mut self, work: impl FnOnce(&mut Broker, &Rules<'_>) -> T) -> T {
        let rules =
            Rules { market: &self.market, at: self.now, hold_fills: self.switches.hold_fills };
        work(&mut self.broker, &rules)
    }

    /// An error or notice, stamped with this instant. `id` is a request id, an order id or -1.
    pub fn error(&self, id: i32, code: i32, text: impl Into<String>) -> ErrorMessage {
        let text = self.switches.worded(code, text.into());
        ErrorMessage {
            id: Some(id),
            error_time: Some(self.now.as_millisecond()),
            error_code: Some(code),
            error_msg: Some(text),
            advanced_order_reject_json: None,
        }
    }

    /// The connection of a client id.
    pub fn client_mut(&mut self, client_id: i32) -> Option<&mut Client> {
        self.clients.values_mut().find(|client| client.client_id == client_id)
    }

    /// Sends reports to the owner of an order, if connected. Faults may keep or lose them.
    pub fn deliver(&mut self, client_id: i32, reports: Vec<Report>) {
        let reports = if self.faults.is_idle() {
            reports
        } else {
            faults::reports::pass(self, client_id, reports)
        };
        let Some(owner) = self.client_mut(client_id) else { return };
        for report in &reports {
            owner.report(report);
        }
    }
}

/// The world behind its lock, and the file that keeps it.
#[derive(Debug)]
pub struct Shared {
    world: Mutex<World>,
    /// Locked only while the world is.
    state: Mutex<Option<StateFile>>,
}

impl Shared {
    pub fn new(world: World, state: Option<PathBuf>) -> Self {
        Self { world: Mutex::new(world), state: Mutex::new(state.map(StateFile::new)) }
    }

    /// Runs `work` at this instant; what it sent leaves as one burst a client, after what it
    /// changed is in the state file: a broker does not forget what it has reported.
    pub fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        // A panic in a request must not take the simulator down with it.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = world.clock.at(clock::now());
        world.pass_to(now);
        faults::work::settle(&mut world);
        let result = work(&mut world);
        faults::work::finish(&mut world);
        if let Err(error) = self.keep(&mut world) {
            tracing::error!(%error, "the state of the simulator is not on disk");
        }
        for client in world.clients.values_mut() {
            client.flush();
        }
        result
    }

    /// Writes the state file if anything changed since the last time.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. The next change tries again.
    pub fn save(&self) -> Result<(), StateError> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep(&mut world)
    }

    fn keep(&self, world: &mut World) -> Result<(), StateError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.as_mut() {
            Some(file) if world.unsaved || world.broker.has_changes() => file.save(world),
            Some(_) => Ok(()),
            None => {
                // Nobody will ask what changed.
                world.broker.mark_saved();
                Ok(())
            }
        }
    }
}
