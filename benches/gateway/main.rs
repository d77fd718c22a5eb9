//! The simulated gateway under load, beside a server that answers the same number of bytes without
//! a thought. It must never be the bottleneck of what is measured against it.
//!
//! Everything runs in this process and over loopback sockets. Criterion reports the times; a table
//! of medians and ratios and the rates follow at the end.

mod bare;
mod client;
#[path = "../service/figures.rs"]
mod figures;
mod frames;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use criterion::Criterion;
use rungate::sim::{Options, Simulator};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use client::Client;
use figures::Figures;
use frames::Wanted;

/// Requests or orders of one measurement.
const BATCH: usize = 10_000;

/// Requests that are under way at once on one connection: a client that does not wait.
const WINDOW: usize = 50;

/// Clients at once.
const CROWD: usize = 16;

/// Orders that rest while memory is measured.
const RESTING: usize = 10_000;

/// A market does not rest on one account.
const ACCOUNTS: usize = 80;

/// Contracts that are traded in turn.
const SYMBOLS: [&str; 8] = ["SPY", "QQQ", "IWM", "AGG", "AAPL", "MSFT", "EFA", "BIL"];

/// What is measured, by name.
const TIMES: [&str; 2] = ["10,000 times, 1 client", "10,000 times, 16 clients"];
const ORDERS: [&str; 2] = ["10,000 orders filled, 1 client", "10,000 orders filled, 16 clients"];
const BARE_TIMES: [&str; 2] = ["bytes of times, 1 client", "bytes of times, 16 clients"];
const BARE_ORDERS: [&str; 2] = ["bytes of orders, 1 client", "bytes of orders, 16 clients"];
const KEPT: &str = "10,000 orders filled, kept in a file";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    let mut figures = Figures::default();
    // First of all: later there would be freed memory to take.
    figures.note(runtime.block_on(resting_memory()));
    let mut group = criterion.benchmark_group("gateway");
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(8));

    let simulator = runtime.block_on(start(1, None));
    let (time, order) = runtime.block_on(recorded(simulator.addr()));
    let addr = runtime.block_on(bare::serve(time));
    for (at, clients) in [1, CROWD].into_iter().enumerate() {
        let mut crowd = runtime.block_on(sessions(simulator.addr(), clients));
        figures.measure(&mut group, &runtime, TIMES[at], async || times(&mut crowd).await);
        figures.measure(&mut group, &runtime, ORDERS[at], async || orders(&mut crowd).await);
        let mut crowd = runtime.block_on(connections(addr, clients));
        figures.measure(&mut group, &runtime, BARE_TIMES[at], async || times(&mut crowd).await);
        figures.compare(TIMES[at], BARE_TIMES[at]);
    }
    let addr = runtime.block_on(bare::serve(order));
    for (at, clients) in [1, CROWD].into_iter().enumerate() {
        let mut crowd = runtime.block_on(connections(addr, clients));
        figures.measure(&mut group, &runtime, BARE_ORDERS[at], async || orders(&mut crowd).await);
        figures.compare(ORDERS[at], BARE_ORDERS[at]);
    }
    runtime.block_on(simulator.stop());

    let folder = tempfile::tempdir().expect("a folder");
    let simulator = runtime.block_on(start(1, Some(folder.path().join("state"))));
    let mut crowd = runtime.block_on(sessions(simulator.addr(), 1));
    figures.measure(&mut group, &runtime, KEPT, async || orders(&mut crowd).await);
    figures.alone(KEPT);
    group.finish();
    runtime.block_on(simulator.stop());
    criterion.final_summary();
    figures.print();
}

async fn start(accounts: usize, state: Option<PathBuf>) -> Simulator {
    let accounts = (0..accounts).map(|number| format!("DU{number:07}")).collect();
    let options = Options { accounts, state, orders_per_side: 0, ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.expect("a simulator");
    // What is measured is work, and not how long a quote takes to show more size.
    simulator.faults().fill_whole(true);
    simulator
}

/// What the simulator answers to a question for the time, and to an order.
async fn recorded(addr: SocketAddr) -> (Vec<u8>, Vec<u8>) {
    let mut client = Client::started(addr, 99).await;
    let time = client.record(&frames::current_time(), frames::CURRENT_TIME).await;
    let wanted = Wanted { account: "", symbol: "SPY", action: "BUY", limit: None };
    let order = frames::place(client.take_id(), wanted);
    (time, client.record(&order, frames::COMMISSION_REPORT).await)
}

async fn sessions(addr: SocketAddr, clients: usize) -> Vec<Client> {
    let mut crowd = Vec::new();
    for number in 0..clients {
        let client_id = u32::try_from(number + 1).expect("a few clients");
        crowd.push(Client::started(addr, client_id).await);
    }
    crowd
}

async fn connections(addr: SocketAddr, clients: usize) -> Vec<Client> {
    let mut crowd = Vec::new();
    for _ in 0..clients {
        crowd.push(Client::plain(addr).await);
    }
    crowd
}

/// Has the clients do their share of a batch at once.
async fn share<W>(crowd: &mut Vec<Client>, work: impl Fn(Client, usize) -> W) -> Duration
where
    W: Future<Output = Client> + Send + 'static,
{
    let started = Instant::now();
    let each = BATCH / crowd.len();
    let mut busy = JoinSet::new();
    for client in crowd.drain(..) {
        busy.spawn(work(client, each));
    }
    crowd.extend(busy.join_all().await);
    started.elapsed()
}

async fn times(crowd: &mut Vec<Client>) -> Duration {
    let burst = frames::current_time().repeat(WINDOW);
    share(crowd, move |mut client, count| {
        let burst = burst.clone();
        async move {
            for _ in 0..count / WINDOW {
                client.send(&burst).await;
                client.answers(frames::CURRENT_TIME, WINDOW).await;
            }
            client
        }
    })
    .await
}

/// Buys and sells in turn; an order is back when its commission report is.
async fn orders(crowd: &mut Vec<Client>) -> Duration {
    share(crowd, |mut client, count| async move {
        for _ in 0..count / WINDOW {
            let mut burst = Vec::new();
            for number in 0..WINDOW {
                let symbol = SYMBOLS[number / 2 % SYMBOLS.len()];
                let action = if number % 2 == 0 { "BUY" } else { "SELL" };
                let wanted = Wanted { account: "", symbol, action, limit: None };
                burst.extend_from_slice(&frames::place(client.take_id(), wanted));
            }
            client.send(&burst).await;
            client.answers(frames::COMMISSION_REPORT, WINDOW).await;
        }
        client
    })
    .await
}

/// What ten thousand orders that rest take, in a line.
async fn resting_memory() -> String {
    let simulator = start(ACCOUNTS, None).await;
    let accounts: Vec<_> = (0..ACCOUNTS).map(|number| format!("DU{number:07}")).collect();
    let mut client = Client::started(simulator.addr(), 1).await;
    let before = resident_kib();
    for number in 0..RESTING {
        let wanted = Wanted {
            account: &accounts[number % ACCOUNTS],
            symbol: SYMBOLS[number / ACCOUNTS % SYMBOLS.len()],
            action: "BUY",
            limit: Some(1.0),
        };
        let order = frames::place(client.take_id(), wanted);
        client.send(&order).await;
        client.answers(frames::ORDER_STATUS, 1).await;
    }
    let open =
        simulator.truth().orders.values().filter(|order| order.status == "Submitted").count();
    assert_eq!(open, RESTING, "every order rests");
    let grown = resident_kib().saturating_sub(before);
    simulator.stop().await;
    format!("{RESTING} orders that rest take {:.1} MiB", grown as f64 / 1024.0)
}

/// Pages of this process in memory, in KiB; 0 where the system does not say.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    number.unwrap_or_default()
}
