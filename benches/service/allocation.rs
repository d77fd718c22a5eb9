//! From the push of `allocation` to its acknowledgement, all orders filled and booked.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use criterion::SamplingMode;
use jiff::{Timestamp, ToSpan};
use rungate::clock::Clock;
use rungate::domain::RunKey;
use rungate::gateway::Timing;
use rungate::orders::{Event, Ledger};
use rungate::runs::RunRecord;
use rungate::store::{DocPath, Store};
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

/// Runs whose records tell where the time goes.
const STAGED_RUNS: usize = 10;

/// `allocation` of 1, 10 and 50 orders beside a program that only sends these orders.
pub fn measure(bench: &mut Bench) {
    for lines in LINES {
        let (ours, bare) = (name(lines), format!("bare ibapi, {lines} lines"));
        measure_service(bench, lines, UNPACED, &ours);
        measure_bare(bench, lines, &bare);
        bench.figures.compare(&ours, &bare);
        if lines == PACED_LINES {
            let pace = Timing::default().messages;
            let paced = format!("{ours}, {pace} messages/s");
            measure_service(bench, lines, pace, &paced);
            bench.figures.compare(&paced, &bare);
        }
    }
}

fn name(lines: usize) -> String {
    format!("allocation, {lines} lines")
}

fn measure_service(bench: &mut Bench, lines: usize, messages: usize, name: &str) {
    let Bench { criterion, runtime, figures } = bench;
    let rig = runtime.block_on(Rig::start(messages));
    let mut client = runtime.block_on(rig.client());
    let mut books = runtime.block_on(Books::hand_in(&mut client, &rig.store, lines));
    let mut runs = Vec::new();
    let mut group = criterion.benchmark_group("allocation");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    figures.measure(&mut group, runtime, name, async || {
        books.turn().await;
        let envelope = client.fresh("allocation");
        let answer = client.push(envelope).await;
        let body = answer.done();
        assert_eq!(body["summary"], format!("{lines} of {lines} orders filled"), "{body}");
        runs.push(body["run_key"].as_str().expect("a run key").to_owned());
        answer.took
    });
    group.finish();
    let truth = rig.simulator.truth();
    assert_eq!(truth.executions.len(), runs.len() * lines, "every order is filled once");
    if let Some(stages) = runtime.block_on(stages(&rig.store, &runs)) {
        figures.note(format!("{name}: {stages}"));
    }
    drop(client);
    runtime.block_on(rig.stop());
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

/// The median of each part over the last runs. `None` if nothing ran.
async fn stages(store: &Arc<dyn Store>, runs: &[String]) -> Option<String> {
    let ledger = Ledger::new(store.clone(), Clock::system(), 0);
    let mut all = Vec::new();
    for run in runs.iter().rev().take(STAGED_RUNS) {
        let found = store.get(&path_of(&format!("runs/{run}"))).await.expect("a read");
        let record: RunRecord = found.expect("a run").parse().expect("a run record");
        let key = RunKey::new(run.as_str()).expect("a run key");
        all.push(stages_of(&record, &ledger, &key).await);
    }
    let ms = |part: fn(&Stages) -> i64| -> Option<String> {
        let micros = median(all.iter().map(part).collect())?;
        Some(format!(
            "{:.1}",
            Duration::from_micros(u64::try_from(micros).ok()?).as_secs_f64() * 1_000.0
        ))
    };
    Some(format!(
        "plan {}, orders in doubt {}, sent and confirmed {}, booked {}, told {} ms",
        ms(|stages| stages.plan)?,
        ms(|stages| stages.doubt)?,
        ms(|stages| stages.confirmed)?,
        ms(|stages| stages.booked)?,
        ms(|stages| stages.ended)?,
    ))
}

async fn stages_of(run: &RunRecord, ledger: &Ledger, key: &RunKey) -> Stages {
    let orders = ledger.orders_of(key).await.expect("the orders");
    let last = |wanted: fn(&Event) -> bool| -> Timestamp {
        let entries = orders.iter().flat_map(|order| &order.record().events);
        let times = entries.filter(|entry| wanted(&entry.event)).map(|entry| entry.at);
        times.max().expect("an event of this kind")
    };
    let planned = run.planned_at.expect("a plan");
    let in_doubt = last(|event| matches!(event, Event::Sending { .. }));
    let confirmed = last(|event| matches!(event, Event::Executed(_) | Event::Commissioned(_)));
    let booked = last(|event| matches!(event, Event::Attributed { .. }));
    let ended = run.ended_at.expect("an end");
    let between = |from: Timestamp, to: Timestamp| to.as_microsecond() - from.as_microsecond();
    Stages {
        plan: between(run.created_at, planned),
        doubt: between(planned, in_doubt),
        confirmed: between(in_doubt, confirmed),
        booked: between(confirmed, booked),
        ended: between(booked, ended),
    }
}
