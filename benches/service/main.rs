//! The service as a whole, beside the least that could do the same work.
//!
//! All of it runs in this process and over loopback sockets: simulated gateway, SQLite file with
//! its real durability, front door, client. Logs are formatted as in production and thrown away.
//!
//! Criterion reports the times; a table of medians and ratios follows at the end.

mod allocation;
mod bare;
mod client;
mod figures;
mod push;
mod rig;

use criterion::Criterion;
use tokio::runtime::Runtime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use figures::Figures;

/// What every group needs.
struct Bench {
    criterion: Criterion,
    runtime: Runtime,
    figures: Figures,
}

fn main() {
    let logs = tracing_stackdriver::layer().with_writer(std::io::sink);
    tracing_subscriber::registry().with(logs.with_filter(EnvFilter::new("info"))).init();
    let mut bench = Bench {
        criterion: Criterion::default().configure_from_args(),
        runtime: Runtime::new().expect("a runtime"),
        figures: Figures::default(),
    };
    push::measure(&mut bench);
    allocation::measure(&mut bench);
    bench.criterion.final_summary();
    bench.figures.print();
}
