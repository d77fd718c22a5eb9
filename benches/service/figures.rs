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
    comparisons: Vec<Comparison>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Comparison {
    ours: String,
    beside: String,
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
        let comparison = Comparison { ours: ours.to_owned(), beside: beside.to_owned() };
        self.comparisons.push(comparison);
    }

    /// Has a line follow the table.
    pub fn note(&mut self, line: String) {
        self.notes.push(line);
    }

    /// The table. What a filter on the command line left out is left out here.
    pub fn print(&self) {
        println!("{:<34} {:>9}   {:<34} {:>9} {:>8}", "median of", "ms", "beside", "ms", "ratio");
        for Comparison { ours, beside } in &self.comparisons {
            let (Some(our_ms), Some(their_ms)) = (self.median_ms(ours), self.median_ms(beside))
            else {
                continue;
            };
            let ratio = our_ms / their_ms;
            println!("{ours:<34} {our_ms:>9.3}   {beside:<34} {their_ms:>9.3} {ratio:>7.1}x");
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
