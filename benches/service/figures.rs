//! Times by name, and the ratios between them.

use std::collections::BTreeMap;
use std::time::Duration;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use tokio::runtime::Runtime;

/// All times of all iterations, those of warming up included: medians do not mind.
#[derive(Debug, Default)]
pub struct Figures {
    times: BTreeMap<String, Vec<Duration>>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Row {
    ours: String,
    beside: Option<String>,
}

impl Figures {
    /// Measures `once`, which returns how long the part of it that counts has taken.
    pub fn measure(
        &mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        runtime: &Runtime,
        name: &str,
        mut once: impl AsyncFnMut() -> Duration,
    ) {
        let times = self.times.entry(name.to_owned()).or_default();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let took = runtime.block_on(once());
                    times.push(took);
                    total += took;
                }
                total
            });
        });
    }

    /// Has the table show `ours` beside `beside`.
    pub fn compare(&mut self, ours: &str, beside: &str) {
        self.rows.push(Row { ours: ours.to_owned(), beside: Some(beside.to_owned()) });
    }

    /// Has the table show `ours` by itself.
    pub fn alone(&mut self, ours: &str) {
        self.rows.push(Row { ours: ours.to_owned(), beside: None });
    }

    /// Has a line follow the table.
    pub fn note(&mut self, line: String) {
        self.notes.push(line);
    }

    /// The table. What a filter on the command line left out is left out here.
    pub fn print(&self) {
        println!("{:<36} {:>9}   {:<26} {:>9} {:>8}", "median of", "ms", "beside", "ms", "ratio");
        for Row { ours, beside } in &self.rows {
            let Some(our_ms) = self.median_ms(ours) else { continue };
            print!("{ours:<36} {our_ms:>9.3}");
            if let Some(beside) = beside
                && let Some(their_ms) = self.median_ms(beside)
            {
                print!("   {beside:<26} {their_ms:>9.3} {:>7.1}x", our_ms / their_ms);
            }
            println!();
        }
        for note in &self.notes {
            println!("{note}");
        }
    }

    fn median_ms(&self, name: &str) -> Option<f64> {
        Some(median(self.times.get(name)?.clone())?.as_secs_f64() * 1_000.0)
    }
}

/// The middle one; of an even number the lower.
pub fn median<T: Ord>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    values.into_iter().nth(middle)
}
