//! The running simulator: listener, market clock, state file.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::broker::Broker;
use super::clock::{self, STEP_MS, SimClock, Zone};
use super::faults::{self, Faults, Rule, Switches, handshake};
use super::market::Market;
use super::replay::Replay;
use super::scenario::Scenario;
use super::settings::Settings;
use super::state_file;
use super::truth::Truth;
use super::universe::{BUILT_IN, Universe};
use super::world::{Shared, World};
use super::{Options, SimError, connection, control, feeds, wire};

/// IB Gateway serves this many clients.
const CONNECTIONS_MAX: usize = 32;

/// More accounts in one login are a typing error: every one is valued after each of its fills.
const ACCOUNTS_MAX: usize = 100;

/// How long a failing listener is left alone before it is asked again: out of file descriptors
/// is over as soon as somebody closes one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that fails this often in a row will not recover.
const ACCEPT_FAILURES_MAX: u32 = 50;

/// Connections get two seconds to close in order; the rest is for a slow machine.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// More dollars than this leave the decimal type too little room for products.
const CASH_MAX: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);

/// A running simulator. Dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    control: Option<SocketAddr>,
    shared: Arc<Shared>,
    faults: Faults,
    tasks: TaskTracker,
    /// Cancelled when the listener is gone, for whatever reason.
    ended: CancellationToken,
    stop: DropGuard,
}

impl Simulator {
    /// Starts a simulator. It listens when this returns.
    ///
    /// # Errors
    ///
    /// When an option, the universe or the state file is no good (all problems are listed), or
    /// the address cannot be listened on.
    pub async fn start(options: Options) -> Result<Self, SimError> {
        check(&options)?;
        let world = build(&options)?;
        let scenario = options.scenario.as_deref().map(Scenario::read).transpose()?;
        let listen = |source| SimError::Listen { listen: options.listen.clone(), source };
        let listener = TcpListener::bind(&options.listen).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let control = match &options.control {
            Some(text) => Some(control::bind(text).await?),
            None => None,
        };
        let shared = Arc::new(Shared::new(world, options.state.clone()));
        // A file that cannot be written is known before anybody trades.
        shared.save()?;
        shared.with(|world| begin_with(world, &options.faults, scenario))?;
        let stop = CancellationToken::new();
        let ended = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(accept(
            listener,
            Arc::clone(&shared),
            tasks.clone(),
            stop.clone(),
            ended.clone(),
        ));
        tasks.spawn(run_market(Arc::clone(&shared), stop.clone()));
        let control = control.map(|(listener, addr)| {
            let (shared, tasks, stop) = (Arc::clone(&shared), tasks.clone(), stop.clone());
            tasks.clone().spawn(control::serve(listener, shared, tasks, stop));
            addr
        });
        tracing::info!(%addr, seed = options.seed, "the simulated gateway is listening");
        Ok(Self {
            addr,
            control,
            faults: Faults::new(Arc::clone(&shared)),
            shared,
            tasks,
            ended,
            stop: stop.drop_guard(),
        })
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the control API answers, if it was asked for.
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.control
    }

    /// What the broker really has, at this instant.
    pub fn truth(&self) -> Truth {
        self.shared.with(|world| Truth::of(world))
    }

    /// What the simulated clock shows.
    pub fn now(&self) -> Timestamp {
        self.shared.with(|world| world.now)
    }

    /// Sets the clock. On the way forward every opening, closing and end of a day is worked in its
    /// order: auctions are held, day orders expire. Back, nothing is undone: orders and executions
    /// keep their stamps, which may then lie in the future.
    ///
    /// # Errors
    ///
    /// When `at` is before 2000, after 2099, or more than two years ahead.
    pub fn set_clock(&self, at: Timestamp) -> Result<(), SimError> {
        Ok(self.shared.with(|world| world.set_clock(at))?)
    }

    /// Moves the clock forward, as [`set_clock`](Self::set_clock) does, and says what it shows.
    ///
    /// # Errors
    ///
    /// When `span` is negative or more than two years.
    pub fn advance(&self, span: SignedDuration) -> Result<Timestamp, SimError> {
        Ok(self.shared.with(|world| world.advance(span))?)
    }

    /// Lets the clock run at `speed` times real time. At 0 it stands until it is moved.
    ///
    /// # Errors
    ///
    /// When `speed` is not from 0 to 100,000.
    pub fn set_speed(&self, speed: Decimal) -> Result<(), SimError> {
        Ok(self.shared.with(|world| world.set_speed(speed))?)
    }

    /// The fault switches.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops in order: connections are closed, then the state file is written.
    pub async fn stop(self) {
        if let Err(error) = self.finish().await {
            tracing::error!(%error, "the last state of the simulator is not on disk");
        }
    }

    /// Resolves when the simulator ended by itself, which it does only when its listener breaks.
    pub async fn stopped(&self) {
        self.ended.cancelled().await;
    }

    pub(super) async fn finish(self) -> Result<(), SimError> {
        let Self { shared, tasks, stop, .. } = self;
        drop(stop);
        tasks.close();
        if tokio::time::timeout(STOP_DEADLINE, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "connections did not close in time");
        }
        Ok(shared.save()?)
    }
}

fn check(options: &Options) -> Result<(), SimError> {
    let mut problems = Vec::new();
    for account in &options.accounts {
        if account.is_empty() || !account.chars().all(|c| c.is_ascii_alphanumeric()) {
            problems.push("--account: letters and digits only, as in DU1234567".to_owned());
        }
    }
    let distinct: BTreeSet<_> = options.accounts.iter().collect();
    if !(1..=ACCOUNTS_MAX).contains(&options.accounts.len())
        || distinct.len() != options.accounts.len()
    {
        problems.push(format!("--account: 1 to {ACCOUNTS_MAX} accounts, each of them once"));
    }
    if !wire::is_spoken(options.server_version) {
        problems.push(format!("--server-version: {}", wire::spoken()));
    }
    if options.cash.is_sign_negative() || options.cash > CASH_MAX {
        problems.push(format!("--cash: 0 to {CASH_MAX} dollars"));
    }
    if problems.is_empty() { Ok(()) } else { Err(SimError::Options(problems)) }
}

/// The world at the start: new, or as the state file left it.
pub(super) fn build(options: &Options) -> Result<World, SimError> {
    let universe = match &options.universe {
        None => Universe::parse(BUILT_IN)?,
        Some(path) => {
            let unread = |source| SimError::UniverseFile { path: path.clone(), source };
            let refused = |source| SimError::UniverseRefused { path: path.clone(), source };
            let text = std::fs::read_to_string(path).map_err(unread)?;
            Universe::parse(&text).map_err(refused)?
        }
    };
    let saved = options.state.as_deref().map(state_file::read).transpose()?.flatten();
    let real = clock::now();
    // The futures that there are depend on the first start.
    let first_start = saved.as_ref().map(|state| state.anchor).or(options.clock).unwrap_or(real);
    let replay = Replay::read(&options.bars, &universe.clone().with_futures(first_start))?;
    let now = options.clock.or(replay.start()).unwrap_or(real);
    let clock = SimClock::new(real, now, options.speed)?;
    let fresh = || (Broker::new(&options.accounts, options.cash), Settings::default());
    let (market, (broker, settings)) = match saved {
        None => (Market::new(universe, options.hours, options.seed, now), fresh()),
        Some(state) => {
            let market = Market::new(universe, options.hours, options.seed, state.anchor);
            let path = options.state.as_deref().unwrap_or(Path::new(""));
            state.check(path, &options.accounts, &market)?;
            (market, (state.broker, state.settings))
        }
    };
    let market = market.with_replay(replay);
    let mut world = World {
        now,
        clock,
        boundary: market.next_boundary(now),
        worked: None,
        zone: Zone::exchange(),
        market,
        broker,
        settings,
        faults: faults::State::new(options.seed),
        switches: Switches::default(),
        server_version: options.server_version,
        messages_per_second: options.messages_per_second,
        orders_per_side: options.orders_per_side,
        clients: BTreeMap::new(),
        unsaved: true,
    };
    world.trade(|broker, rules| broker.turn_day(rules));
    Ok(world)
}

/// Asks for the faults that the options name; all that cannot be had is told at once.
fn begin_with(
    world: &mut World,
    faults: &[Rule],
    scenario: Option<Scenario>,
) -> Result<(), SimError> {
    let Scenario { seed, rules } = scenario.unwrap_or_default();
    if let Some(seed) = seed {
        world.faults.engine.reseed(seed);
    }
    let mut problems = Vec::new();
    for rule in faults.iter().cloned().chain(rules) {
        match faults::arm(world, rule) {
            Ok(_id) => {}
            Err(SimError::Faults(found)) => problems.extend(found),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(SimError::Faults(problems)) }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
    ended: CancellationToken,
) {
    let _ended = ended.drop_guard();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut failures = 0;
    let mut number = 0_u64;
    while failures < ACCEPT_FAILURES_MAX {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                failures += 1;
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        failures = 0;
        if shared.with(handshake::turns_away) {
            turn_away(&stream);
            continue;
        }
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            tracing::warn!("turned a connection away: {CONNECTIONS_MAX} are open");
            turn_away(&stream);
            continue;
        };
        number = number.wrapping_add(1);
        let served = connection::serve(stream, number, Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            served.await;
            drop(seat);
        });
    }
    tracing::error!("the listener of the simulated gateway is broken");
}

/// Makes the close that follows a reset.
fn turn_away(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "could not reset a connection");
    }
}

/// Moves the market a step at a time.
async fn run_market(shared: Arc<Shared>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_millis(STEP_MS.unsigned_abs()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut step = 0_i64;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        step = step.wrapping_add(1);
        shared.with(|world| feeds::step(world, step));
    }
}
