//! How often a client may ask for short bars.
//!
//! IB's rules for bars of 30 seconds and less; those for longer ones were lifted
//! (<https://interactivebrokers.github.io/tws-api/historical_limitations.html>).

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;

use super::Refused;
use super::parse::service_error;
use crate::sim::messages::HistoricalDataRequest;
use crate::sim::requests::Call;

/// Bar sizes that the rules are for.
const SHORT: [&str; 6] = ["1 sec", "1 secs", "5 secs", "10 secs", "15 secs", "30 secs"];

/// The same request once in this time.
const IDENTICAL: Duration = Duration::from_secs(15);

/// Fewer than [`CONTRACT_MAX`] requests for one contract, exchange and kind of data in this time.
const CONTRACT: Duration = Duration::from_secs(2);
const CONTRACT_MAX: usize = 6;

/// [`ALL_MAX`] requests of any kind in this time.
const ALL: Duration = Duration::from_secs(600);
const ALL_MAX: usize = 60;

/// A request that was counted.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    whole: u64,
    contract: u64,
}

/// The requests of one client for short bars in the last ten minutes.
#[derive(Debug, Default)]
pub struct Pacing(VecDeque<Asked>);

impl Pacing {
    /// Counts `request` `times` times, unless that breaks a rule.
    fn admit(&mut self, asked: Asked, times: usize) -> bool {
        let age = |other: &Asked| asked.at.saturating_duration_since(other.at);
        while self.0.front().is_some_and(|oldest| age(oldest) >= ALL) {
            self.0.pop_front();
        }
        let recent = |span: Duration, same: &dyn Fn(&Asked) -> bool| {
            self.0.iter().filter(|other| age(other) < span && same(other)).count()
        };
        let same_contract = |other: &Asked| other.contract == asked.contract;
        let breaks = recent(IDENTICAL, &|other| other.whole == asked.whole) > 0
            || recent(CONTRACT, &same_contract).saturating_add(times) >= CONTRACT_MAX
            || self.0.len().saturating_add(times) > ALL_MAX;
        if !breaks {
            self.0.extend(std::iter::repeat_n(asked, times));
        }
        !breaks
    }
}

/// Refuses a request that comes too soon, if the simulator counts messages at all.
pub fn check(call: &mut Call<'_>, request: &HistoricalDataRequest) -> Result<(), Refused> {
    let size = request.bar_size_setting.as_deref().unwrap_or_default().trim();
    if call.world.messages_per_second == 0 || !SHORT.contains(&size) {
        return Ok(());
    }
    let shown = request.what_to_show.as_deref().unwrap_or_default();
    let times = if shown == "BID_ASK" { 2 } else { 1 };
    let same = HistoricalDataRequest { req_id: None, ..request.clone() };
    let contract = request.contract.clone().unwrap_or_default();
    let asked = Asked {
        at: Instant::now(),
        whole: hash(&same.encode_to_vec()),
        contract: hash(&(contract.encode_to_vec(), shown)),
    };
    let client = call.world.clients.get_mut(&call.connection);
    if client.is_none_or(|client| client.history.admit(asked, times)) {
        Ok(())
    } else {
        Err(service_error("Historical data request pacing violation"))
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(pacing: &mut Pacing, start: Instant, millis: u64, whole: u64, contract: u64) -> bool {
        let at = start + Duration::from_millis(millis);
        pacing.admit(Asked { at, whole, contract }, 1)
    }

    #[test]
    fn the_same_request_waits_fifteen_seconds() {
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        assert!(admit(&mut pacing, start, 0, 1, 1));
        assert!(!admit(&mut pacing, start, 14_999, 1, 1));
        assert!(admit(&mut pacing, start, 14_999, 2, 1), "another one does not");
        assert!(admit(&mut pacing, start, 15_000, 1, 1));
    }

    #[test]
    fn the_sixth_request_for_a_contract_in_two_seconds_is_refused() {
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        assert!((0..5).all(|i| admit(&mut pacing, start, i, i, 7)));
        assert!(!admit(&mut pacing, start, 1000, 100, 7));
        assert!(admit(&mut pacing, start, 1000, 101, 8));
        assert!(admit(&mut pacing, start, 2001, 102, 7));
    }

    #[test]
    fn the_sixty_first_request_in_ten_minutes_is_refused_and_quotes_count_twice() {
        let (mut pacing, start) = (Pacing::default(), Instant::now());
        assert!((0..58).all(|i| admit(&mut pacing, start, i * 1000, i, i)));
        let last = Asked { at: start + Duration::from_secs(60), whole: 99, contract: 99 };
        assert!(pacing.admit(last, 2));
        assert!(!admit(&mut pacing, start, 61_000, 100, 100));
        assert!(admit(&mut pacing, start, 600_000, 101, 101));
    }
}
