//! IB's message rate, kept.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The span in which no more messages than the budget start.
const WINDOW: Duration = Duration::from_secs(1);

/// One budget for everything that is written. A burst goes out at once; over any second, no more
/// than the budget.
#[derive(Debug)]
pub(super) struct Pacer {
    /// Messages per [`WINDOW`].
    budget: usize,
    /// When the last messages were due, oldest first. The lock is held while waiting, so that
    /// messages leave in the order in which they asked.
    due: Mutex<VecDeque<Instant>>,
}

impl Pacer {
    /// A budget of none would stop everything: it counts as one.
    pub(super) fn new(budget: usize) -> Self {
        Self { budget: budget.max(1), due: Mutex::new(VecDeque::new()) }
    }

    /// Waits for its turn, at most a second beyond those who came before.
    pub(super) async fn take(&self) {
        let mut due = self.due.lock().await;
        if due.len() >= self.budget
            && let Some(oldest) = due.front().copied()
        {
            // Taken out only afterwards: a caller that gives up here has sent nothing.
            tokio::time::sleep_until(oldest + WINDOW).await;
            due.pop_front();
        }
        due.push_back(Instant::now());
    }

    /// Counts a message that cannot wait. If others are waiting it goes uncounted: they are the
    /// ones who keep the rate down.
    pub(super) fn count(&self) {
        if let Ok(mut due) = self.due.try_lock() {
            if due.len() >= self.budget {
                due.pop_front();
            }
            due.push_back(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: usize = 40;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_next_message_waits_out_the_second() {
        let pacer = Pacer::new(MESSAGES);
        let start = Instant::now();
        for _ in 0..MESSAGES {
            pacer.take().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        pacer.take().await;
        assert_eq!(start.elapsed(), WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_the_budget() {
        let pacer = Pacer::new(MESSAGES);
        let mut sent = Vec::new();
        for n in 0..5 * MESSAGES {
            pacer.take().await;
            sent.push(Instant::now());
            if n % 7 == 0 {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
        for (first, after) in sent.iter().zip(sent.iter().skip(MESSAGES)) {
            assert!(after.duration_since(*first) >= WINDOW);
        }
    }
}
