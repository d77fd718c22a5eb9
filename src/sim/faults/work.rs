//! Faults begin, end, and do later what they put off.

use jiff::{SignedDuration, Timestamp};

use super::engine::Turn;
use super::fault::Fault;
use super::incoming::{self, Arrival};
use super::parameters::{How, SettingsFate};
use super::{Switches, account, link, market, orders, reports};
use crate::sim::client::Close;
use crate::sim::feeds;
use crate::sim::messages::Report;
use crate::sim::world::World;

/// More work put off than this is a client that floods a frozen gateway: what is above it is
/// lost.
const JOBS_MAX: usize = 50_000;

/// What was put off.
#[derive(Debug)]
pub enum Job {
    /// A request that waited.
    Request(Arrival),
    /// Reports to the owner of an order.
    Reports(i32, Vec<Report>),
    /// A frame to one connection.
    Bytes(u64, Vec<u8>),
    /// Positions to their subscribers.
    Positions(Vec<(String, i32)>),
    /// Somebody clicks the dialog away.
    Click,
    /// An inactive order comes to life, by the request that brought it.
    Revive(Arrival, i32),
}

/// A job and its time.
#[derive(Debug)]
struct Due {
    at: Timestamp,
    job: Job,
}

/// Jobs in the order in which they are due; of the same time, in the order in which they came.
#[derive(Debug, Default)]
pub struct Jobs {
    due: Vec<Due>,
}

impl Jobs {
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    pub fn put(&mut self, at: Timestamp, job: Job) {
        if self.due.len() >= JOBS_MAX {
            tracing::warn!("too much work was put off by faults: this is lost");
            return;
        }
        let place = self.due.partition_point(|due| due.at <= at);
        self.due.insert(place, Due { at, job });
    }

    /// The first job that is due.
    fn next(&mut self, now: Timestamp) -> Option<Job> {
        self.due.first().is_some_and(|due| due.at <= now).then(|| self.due.remove(0).job)
    }
}

/// `by` after now; never before it.
pub fn later(world: &World, by: SignedDuration) -> Timestamp {
    world.now.checked_add(by).unwrap_or(Timestamp::MAX).max(world.now)
}

/// Brings faults up to the world's time: ends, begins, and does what is due.
pub fn settle(world: &mut World) {
    if world.faults.is_idle() {
        return;
    }
    let turns = world.faults.engine.turns(world.now);
    if !turns.is_empty() {
        world.switches = Switches::of(&world.faults.engine);
    }
    for turn in turns {
        match turn {
            Turn::Begins(id, fault) => begin(world, id, &fault),
            Turn::Ends(id, fault) => end(world, id, &fault),
        }
    }
    while let Some(job) = world.faults.jobs.next(world.now) {
        perform(world, job);
    }
}

/// What faults add at the end of an instant: frames in another order, frames put off.
pub fn finish(world: &mut World) {
    if world.faults.is_idle() {
        return;
    }
    reports::release_shuffled(world);
    account::remember(world);
    let mut late = Vec::new();
    for (number, client) in &mut world.clients {
        late.extend(client.lens.take_late().map(|(by, bytes)| (*number, by, bytes)));
    }
    for (number, by, bytes) in late {
        let at = later(world, by);
        world.faults.jobs.put(at, Job::Bytes(number, bytes));
    }
}

fn perform(world: &mut World, job: Job) {
    match job {
        Job::Request(arrival) => incoming::perform_later(world, &arrival),
        Job::Reports(client_id, reports) => {
            if let Some(owner) = world.client_mut(client_id) {
                for report in &reports {
                    owner.report(report);
                }
            }
        }
        Job::Bytes(number, bytes) => {
            if let Some(client) = world.clients.get_mut(&number) {
                client.append(&bytes);
            }
        }
        Job::Positions(traded) => account::lagged(world, |world| {
            feeds::positions(world, &traded);
            feeds::account_values(world);
        }),
        Job::Click => orders::click(world),
        Job::Revive(arrival, order_id) => {
            let key = (arrival.client_id, order_id);
            world.faults.engine.revive(key);
            // It may have been cancelled meanwhile.
            if world.broker.find(key.0, key.1).is_some_and(|order| order.state.is_open()) {
                incoming::perform_later(world, &arrival);
            }
        }
    }
}

fn begin(world: &mut World, id: u64, fault: &Fault) {
    match fault {
        Fault::DropConnections { how } => close_all(world, *how),
        Fault::DropAfterOrders { orders: 0, .. } => {
            close_all(world, How::Hard);
            world.faults.engine.disarm(|armed| armed.id == id);
        }
        Fault::Freeze { .. } => {
            let open = world.clients.keys().copied().collect();
            world.faults.open.insert(id, open);
        }
        Fault::Restart { settings, back, how, .. } => restart(world, *settings, *back, *how),
        Fault::RollBackIds { by } => {
            world.settings.roll_back(*by);
            world.unsaved = true;
        }
        Fault::ForgetIds {} => world.broker.forget_names(),
        Fault::FillWhole {} => world.broker.limit_sizes(false),
        Fault::TimeZone { zone, spelled } => market::set_zone(world, zone, spelled.as_deref()),
        Fault::LinkDown { unannounced: false, .. } => link::tell(world, 1100),
        Fault::LinkNotice { code } => link::tell(world, *code),
        Fault::AccountNotReady {} => feeds::account_values(world),
        Fault::LagPositions { .. } => account::remember(world),
        Fault::PinPrice { symbol, bid, ask } => market::pin(world, symbol, *bid, *ask),
        Fault::CompetingSession {} => market::lose_data(world),
        Fault::FarmFlap {} => market::flap(world),
        Fault::ResetDataType {} => {
            for client in world.clients.values_mut() {
                client.subscriptions.market_data_type = 1;
            }
        }
        Fault::SetClock { to } => market::set_clock(world, *to),
        Fault::AdvanceClock { by } => market::advance(world, *by),
        _ => {}
    }
}

fn end(world: &mut World, id: u64, fault: &Fault) {
    match fault {
        Fault::Freeze { .. } => {
            world.faults.open.remove(&id);
            let frozen = world.faults.frozen.extract_if(.., |(rule, _)| *rule == id);
            for (_, arrival) in frozen.collect::<Vec<_>>() {
                incoming::perform_later(world, &arrival);
            }
        }
        Fault::InterleaveLists {} => {
            for arrival in std::mem::take(&mut world.faults.waiting_lists).into_values() {
                incoming::perform_later(world, &arrival);
            }
        }
        Fault::Dialog { .. } => world.faults.dialog = None,
        Fault::TimeZone { .. } => market::reset_zone(world),
        Fault::LinkDown { restored, .. } => link::restore(world, *restored),
        Fault::HoldFills {} => market::sweep(world),
        Fault::FillWhole {} => world.broker.limit_sizes(true),
        Fault::HoldReports {} => {
            for client in world.clients.values_mut() {
                client.release();
            }
        }
        Fault::AccountNotReady {} => feeds::account_values(world),
        Fault::LagPositions { .. } => world.faults.books.clear(),
        _ => {}
    }
}

/// Closes every connection. Their client ids are free at once.
pub fn close_all(world: &mut World, how: How) {
    let how = match how {
        How::Orderly => Close::Finish,
        How::Hard => Close::Reset,
    };
    for (_, mut client) in std::mem::take(&mut world.clients) {
        client.flush();
        client.close(how);
    }
}

fn restart(world: &mut World, settings: SettingsFate, back: i32, how: How) {
    close_all(world, how);
    match settings {
        SettingsFate::Kept => {}
        SettingsFate::Wiped => {
            world.settings.wipe();
            world.broker.forget_names();
        }
        SettingsFate::RolledBack => world.settings.roll_back(back),
    }
    world.unsaved = true;
}
