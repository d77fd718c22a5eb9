//! From the push of `allocation` to its acknowledgement, all orders filled and booked.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use criterion::SamplingMode;
use futures::{StreamExt, stream};
use jiff::{Timestamp, ToSpan};
use rungate::clock::Clock;
use rungate::domain::RunKey;
use rungate::gateway::Timing;
use rungate::orders::{Event, Ledger};
use rungate::runs::RunRecord;
use rungate::store::{CollectionPath, DocPath, Query, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Bench;
use crate::bare::Trader;
use crate::client::Client;
use crate::figures::median;
use crate::rig::{Rig, STRATEGY, UNPACED, path_of, simulator, symbol};

/// Orders of one run.
const LINES: [usize; 3] = [1, 10, 50];

/// The plan whose time at the default pace is measured too.
const PACED_LINES: usize = 50;

/// Runs before service, store and broker are replaced by new ones: a busy day. Its orders and
/// executions are what every later look at the broker has to read.
const RUNS_A_DAY: usize = 20;

/// Orders on record in the run that shows what a past costs: fifty a day, for most of a year.
const PAST_ORDERS: usize = 10_000;

/// Writes under way at once while such a past is made.
const WRITES: usize = 200;

/// `allocation` of 1, 10 and 50 orders beside a program that only sends these orders.
pub fn measure(bench: &mut Bench) {
    for lines in LINES {
        let (ours, bare) = (name(lines), format!("bare ibapi, {lines} orders"));
        measure_service(bench, &Setup { lines, messages: UNPACED, past: 0 }, &ours);
        measure_bare(bench, lines, &bare);
        bench.figures.compare(&ours, &bare);
        if lines == PACED_LINES {
            let pace = Timing::default().messages;
            let paced = format!("{ours}, {pace} messages/s");
            measure_service(bench, &Setup { lines, messages: pace, past: 0 }, &paced);
            bench.figures.alone(&paced);
        }
    }
    let aged = format!("{}, {PAST_ORDERS} past", name(1));
    measure_service(bench, &Setup { lines: 1, messages: UNPACED, past: PAST_ORDERS }, &aged);
    bench.figures.compare(&aged, &name(1));
}

/// What to measure.
#[derive(Clone, Debug)]
struct Setup {
    /// Orders of one run.
    lines: usize,
    /// Messages a second to the gateway.
    messages: usize,
    /// Ended orders that are on record before.
    past: usize,
}

fn name(lines: usize) -> String {
    format!("allocation, {lines} orders")
}

fn measure_service(bench: &mut Bench, setup: &Setup, name: &str) {
    let Bench { criterion, runtime, figures } = bench;
    let mut day = runtime.block_on(Day::begin(setup));
    let mut stages = Vec::new();
    let mut group = criterion.benchmark_group("allocation");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    figures.measure(&mut group, runtime, name, async || {
        if day.runs.len() >= RUNS_A_DAY {
            let next = Day::begin(setup).await;
            stages.extend(std::mem::replace(&mut day, next).end().await);
        }
        day.trade().await
    });
    group.finish();
    stages.extend(runtime.block_on(day.end()));
    if let Some(stages) = Stages::text(&stages) {
        figures.note(format!("{name}: {stages}"));
    }
}

/// A service from its first run to its last.
struct Day {
    lines: usize,
    rig: Rig,
    client: Client,
    books: Books,
    runs: Vec<String>,
}

impl Day {
    async fn begin(setup: &Setup) -> Self {
        let rig = Rig::start(setup.messages).await;
        let mut client = rig.client().await;
        let books = Books::hand_in(&mut client, &rig.store, setup.lines).await;
        let mut day = Self { lines: setup.lines, rig, client, books, runs: Vec::new() };
        // The gateway is connected by the first run, and that one is not measured.
        day.trade().await;
        day.remember(setup.past).await;
        day
    }

    /// Puts copies of an ended order on record.
    async fn remember(&self, past: usize) {
        let store = &self.rig.store;
        let orders = Query::all(CollectionPath::new("orders").expect("a path"));
        let known = store.list(&orders).await.expect("a list");
        let mut body = known.first().expect("an order").body.clone();
        body["run_key"] = json!("past");
        let body = &body;
        let copies = stream::iter(0..past).map(|number| async move {
            let path = path_of(&format!("orders/past-{number}"));
            store.create(&path, body).await.expect("a write");
        });
        copies.buffer_unordered(WRITES).collect::<()>().await;
    }

    async fn trade(&mut self) -> Duration {
        self.books.turn().await;
        let envelope = self.client.fresh("allocation");
        let answer = self.client.push(envelope).await;
        let (body, lines) = (answer.done(), self.lines);
        assert_eq!(body["summary"], format!("{lines} of {lines} orders filled"), "{body}");
        self.runs.push(body["run_key"].as_str().expect("a run key").to_owned());
        answer.took
    }

    /// Counts the fills at the broker, and tells where the time of each run went.
    async fn end(self) -> Vec<Stages> {
        let executions = self.rig.simulator.truth().executions.len();
        assert_eq!(executions, self.runs.len() * self.lines, "every order is filled once");
        let mut stages = Vec::new();
        // The first run also connected.
        for run in self.runs.iter().skip(1) {
            stages.push(Stages::of(run, &self.rig.store).await);
        }
        drop(self.client);
        self.rig.stop().await;
        stages
    }
}

fn measure_bare(bench: &mut Bench, lines: usize, name: &str) {
    let Bench { criterion, runtime, figures } = bench;
    let folder = TempDir::new().expect("a folder");
    let simulator = runtime.block_on(simulator(folder.path()));
    let mut trader = runtime.block_on(Trader::connect(simulator.addr(), lines));
    let mut group = criterion.benchmark_group("allocation");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    figures.measure(&mut group, runtime, name, async || trader.trade().await);
    group.finish();
    drop(trader);
    runtime.block_on(simulator.stop());
}

/// Two books of one strategy: to hold one of each, and two of each. To turn from one to the other
/// takes one order a line.
struct Books {
    store: Arc<dyn Store>,
    path: DocPath,
    bodies: [Value; 2],
}

impl Books {
    /// Hands in both through the front door, and keeps what the service made of them.
    async fn hand_in(client: &mut Client, store: &Arc<dyn Store>, lines: usize) -> Self {
        let path = path_of(&format!("strategies/{STRATEGY}/intent/latest"));
        let one = stored(client, store, &path, lines, 1).await;
        let two = stored(client, store, &path, lines, 2).await;
        Self { store: store.clone(), path, bodies: [one, two] }
    }

    /// Puts the other book in force.
    async fn turn(&mut self) {
        self.bodies.rotate_left(1);
        let found = self.store.get(&self.path).await.expect("a read").expect("a book");
        let [_, body] = &self.bodies;
        self.store.update(&self.path, &found.version, body).await.expect("a write");
    }
}

async fn stored(
    client: &mut Client,
    store: &Arc<dyn Store>,
    path: &DocPath,
    lines: usize,
    quantity: u32,
) -> Value {
    let now = Clock::system().now();
    let targets: Vec<Value> = (0..lines)
        .map(|index| {
            json!({ "contract": { "symbol": symbol(index) }, "quantity": quantity.to_string() })
        })
        .collect();
    let book = json!({
        "strategy": STRATEGY,
        "as_of": now,
        "valid_until": now + 1.hour(),
        "targets": targets,
    });
    let envelope = client.wrap("set-targets", &BASE64_STANDARD.encode(book.to_string()));
    client.push(envelope).await.done();
    store.get(path).await.expect("a read").expect("a book").body
}

/// The parts of a run, by the times in its records: microseconds.
struct Stages {
    plan: i64,
    doubt: i64,
    confirmed: i64,
    booked: i64,
    ended: i64,
}

impl Stages {
    async fn of(run: &str, store: &Arc<dyn Store>) -> Self {
        let found = store.get(&path_of(&format!("runs/{run}"))).await.expect("a read");
        let record: RunRecord = found.expect("a run").parse().expect("a run record");
        let key = RunKey::new(run).expect("a run key");
        let ledger = Ledger::new(store.clone(), Clock::system(), 0);
        let orders = ledger.orders_of(&key).await.expect("the orders");
        let last = |wanted: fn(&Event) -> bool| -> Timestamp {
            let entries = orders.iter().flat_map(|order| &order.record().events);
            let times = entries.filter(|entry| wanted(&entry.event)).map(|entry| entry.at);
            times.max().expect("an event of this kind")
        };
        let planned = record.planned_at.expect("a plan");
        let in_doubt = last(|event| matches!(event, Event::Sending { .. }));
        let confirmed = last(|event| matches!(event, Event::Executed(_) | Event::Commissioned(_)));
        let booked = last(|event| matches!(event, Event::Attributed { .. }));
        let ended = record.ended_at.expect("an end");
        let between = |from: Timestamp, to: Timestamp| to.as_microsecond() - from.as_microsecond();
        Self {
            plan: between(record.created_at, planned),
            doubt: between(planned, in_doubt),
            confirmed: between(in_doubt, confirmed),
            booked: between(confirmed, booked),
            ended: between(booked, ended),
        }
    }

    /// The median of each part. `None` if nothing ran.
    fn text(all: &[Self]) -> Option<String> {
        let ms = |part: fn(&Self) -> i64| -> Option<String> {
            let micros = u64::try_from(median(all.iter().map(part).collect())?).ok()?;
            Some(format!("{:.1}", Duration::from_micros(micros).as_secs_f64() * 1_000.0))
        };
        Some(format!(
            "plan {}, orders on record {}, sent and confirmed {}, booked {}, told {} ms",
            ms(|stages| stages.plan)?,
            ms(|stages| stages.doubt)?,
            ms(|stages| stages.confirmed)?,
            ms(|stages| stages.booked)?,
            ms(|stages| stages.ended)?,
        ))
    }
}
