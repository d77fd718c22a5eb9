//! How many messages a connection may send.
//!
//! IB Gateway allows 50 a second for each client. Close to that it says so in a text of code 0;
//! above it in error 100; and a client that goes on is disconnected
//! (<https://ibkrcampus.com/campus/ibkr-api-page/twsapi-doc/#pacing-limitations>).

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What the limit is for.
const WINDOW: Duration = Duration::from_secs(1);

/// Within this many messages of the limit the client is warned: IB does at 48 of 50.
const NEAR: usize = 2;

/// The violation that ends the connection.
const VIOLATIONS_MAX: u32 = 3;

/// What one more message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    Fine,
    /// Work it, and tell the client this.
    Near(String),
    /// Work it, and tell the client this.
    Above(String),
    /// Tell the client this and disconnect it.
    TooOften(String),
}

/// The messages of one connection in the last second.
///
/// A message above the limit is worked like any other, unless it is the one that ends the
/// connection: the limit protects the gateway, not the account.
#[derive(Debug, Default)]
pub struct Pacing {
    recent: VecDeque<Instant>,
    warned: Option<Instant>,
    violated: Option<Instant>,
    violations: u32,
}

impl Pacing {
    /// Counts a message that came in `at`, under a limit of `most` a second; 0 is no limit.
    ///
    /// A warning and a violation count once a second, however long the burst is.
    pub fn count(&mut self, at: Instant, most: u32) -> Pace {
        let Some(limit) = usize::try_from(most).ok().filter(|limit| *limit > 0) else {
            return Pace::Fine;
        };
        let old = |then: &Instant| at.saturating_duration_since(*then) >= WINDOW;
        while self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
        self.recent.push_back(at);
        let received = self.recent.len();
        let rests = |last: Option<Instant>| last.is_none_or(|last| old(&last));
        if received > limit {
            // What is over the limit need not be remembered one by one.
            self.recent.pop_front();
            return if rests(self.violated) {
                self.violation(at, most, received)
            } else {
                Pace::Fine
            };
        }
        if received.saturating_add(NEAR) >= limit && rests(self.warned) && rests(self.violated) {
            self.warned = Some(at);
            let text =
                format!("Warning: Approaching max rate of {most} messages per second ({received})");
            return Pace::Near(text);
        }
        Pace::Fine
    }

    fn violation(&mut self, at: Instant, most: u32, received: usize) -> Pace {
        self.violated = Some(at);
        self.violations = self.violations.saturating_add(1);
        let text = format!(
            "Max rate of messages per second has been exceeded:max={most} rec={received} ({})",
            self.violations
        );
        if self.violations < VIOLATIONS_MAX { Pace::Above(text) } else { Pace::TooOften(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `count` messages, `apart` from each other; what the client is told.
    fn told(pacing: &mut Pacing, from: Instant, apart: Duration, count: u32) -> Vec<Pace> {
        let paces = (0..count).map(|i| pacing.count(from + apart * i, 50));
        paces.filter(|pace| *pace != Pace::Fine).collect()
    }

    #[test]
    fn a_client_below_the_limit_is_never_told_anything() {
        let mut pacing = Pacing::default();
        assert!(told(&mut pacing, Instant::now(), Duration::from_millis(22), 1000).is_empty());
        assert!(pacing.recent.len() <= 50);
    }

    #[test]
    fn a_burst_is_announced_then_refused_then_cut_off() {
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        let burst = |pacing: &mut Pacing, second: u64| {
            told(pacing, start + Duration::from_secs(second), Duration::ZERO, 60)
        };
        let near = "Warning: Approaching max rate of 50 messages per second (48)".to_owned();
        let above = |times| {
            format!("Max rate of messages per second has been exceeded:max=50 rec=51 ({times})")
        };
        assert_eq!(burst(&mut pacing, 0), [Pace::Near(near.clone()), Pace::Above(above(1))]);
        assert_eq!(burst(&mut pacing, 5), [Pace::Near(near.clone()), Pace::Above(above(2))]);
        assert_eq!(burst(&mut pacing, 9), [Pace::Near(near), Pace::TooOften(above(3))]);
    }

    #[test]
    fn a_flood_without_a_pause_is_cut_off_in_its_third_second() {
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        let mut cut_off = None;
        for i in 0..10_000_u32 {
            let at = start + Duration::from_millis(1) * i;
            if let Pace::TooOften(_) = pacing.count(at, 50) {
                cut_off = Some(at - start);
                break;
            }
        }
        assert_eq!(cut_off, Some(Duration::from_millis(2050)));
        assert!(pacing.recent.len() <= 50, "what is remembered is bounded by the limit");
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        assert!((0..500).all(|_| pacing.count(start, 0) == Pace::Fine));
        assert!(pacing.recent.is_empty());
    }
}
