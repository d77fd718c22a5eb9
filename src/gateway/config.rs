//! Where the gateway is, whom we trade for, and how long we wait for what.

use std::time::Duration;

use crate::domain::{Account, TradingMode};

/// One whole connect: TCP, API handshake, first answered request. The handshake has no time limit
/// of its own in the client, and a gateway with a dialog on its screen never finishes it. A
/// healthy gateway takes a second or two.
const CONNECT: Duration = Duration::from_secs(12);

/// One request that the gateway answers from memory or with one round trip to IB.
const REQUEST: Duration = Duration::from_secs(10);

/// One list up to its end marker.
const SNAPSHOT: Duration = Duration::from_secs(20);

/// One market data snapshot: IB takes up to 11 seconds to close it
/// (<https://interactivebrokers.github.io/tws-api/md_request.html>).
const QUOTE: Duration = Duration::from_secs(15);

/// One request for daily bars. IB's history servers are slow, and slower when busy.
const HISTORY: Duration = Duration::from_secs(30);

/// The round trip that proves a live gateway before a write. It answers from memory, in
/// milliseconds; one that needs seconds should not be handed an order.
const PROBE: Duration = Duration::from_secs(3);

/// How long one such proof holds. Long enough that a burst of orders shares it, short enough that
/// nobody calls it stale.
const LIVENESS_FRESH: Duration = Duration::from_millis(250);

/// Handing one message to the socket. Longer means that the gateway has stopped reading.
const WRITE: Duration = Duration::from_secs(5);

/// The pause after a first failure. Doubles with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest pause: what a gateway that comes back waits for us at most.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How long a lost connection is retried with nobody asking. Covers the nightly restart of about
/// ten minutes. What stays away longer needs a person; the next message tries again in any case.
const RECONNECT_FOR: Duration = Duration::from_secs(20 * 60);

/// How often to ask, after error 1100, whether IB's servers can be reached again: the all-clear
/// (1101, 1102) is not always sent.
const LINK_RECHECK: Duration = Duration::from_secs(30);

/// How often an idle connection is asked for a sign of life. Nothing in the protocol does that: a
/// peer that vanished without a word would look connected until the next order.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// An orderly goodbye at shutdown. It fits into the seconds that Cloud Run allows.
const CLOSE: Duration = Duration::from_secs(2);

/// Messages in any second. IB allows a client 50, answers more with error 100 and then disconnects
/// (<https://interactivebrokers.github.io/tws-api/order_limitations.html>). The rest of the 50
/// pays for cancels, which do not wait, and for what the client library sends by itself.
const MESSAGES: usize = 40;

/// Budgets. The defaults are for production; tests shorten them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// One connect, from TCP to the first answered request.
    pub connect: Duration,
    /// One ordinary request.
    pub request: Duration,
    /// One list up to its end marker, and once more as much for its turn.
    pub snapshot: Duration,
    /// One quote.
    pub quote: Duration,
    /// One request for history.
    pub history: Duration,
    /// The round trip that proves a live gateway before a write.
    pub probe: Duration,
    /// How long such a proof holds.
    pub liveness_fresh: Duration,
    /// Handing one message to the socket.
    pub write: Duration,
    /// The pause after the first failed connect.
    pub backoff_first: Duration,
    /// The longest pause between connects.
    pub backoff_max: Duration,
    /// How long a lost connection is retried with nobody asking.
    pub reconnect_for: Duration,
    /// How often the link to IB is checked after error 1100.
    pub link_recheck: Duration,
    /// How often an idle connection is asked for a sign of life.
    pub heartbeat: Duration,
    /// The orderly goodbye.
    pub close: Duration,
    /// Messages in any second. A burst of as many goes out at once.
    pub messages: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: CONNECT,
            request: REQUEST,
            snapshot: SNAPSHOT,
            quote: QUOTE,
            history: HISTORY,
            probe: PROBE,
            liveness_fresh: LIVENESS_FRESH,
            write: WRITE,
            backoff_first: BACKOFF_FIRST,
            backoff_max: BACKOFF_MAX,
            reconnect_for: RECONNECT_FOR,
            link_recheck: LINK_RECHECK,
            heartbeat: HEARTBEAT,
            close: CLOSE,
            messages: MESSAGES,
        }
    }
}

impl Timing {
    /// The pause before connect attempt number `failures + 1`: doubling, up to the longest.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        // 2^16 first pauses exceed any sensible longest one.
        let doublings = failures.saturating_sub(1).min(16);
        self.backoff_first.saturating_mul(1 << doublings).min(self.backoff_max)
    }
}

/// How to reach the gateway, and what it must be.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// `host:port`.
    pub addr: String,
    /// One for ever: only this client id can see and cancel its own orders, and a second holder
    /// of it means a second instance. Never 0, which takes over orders entered by hand.
    pub client_id: i32,
    /// Paper mode refuses an account that is not a paper account, live mode one that is.
    pub mode: TradingMode,
    /// Required when the login serves several.
    pub account: Option<Account>,
    /// Budgets.
    pub timing: Timing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let timing = Timing::default();
        let seconds: Vec<u64> = (1..=7).map(|n| timing.backoff(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(timing.backoff(u32::MAX), BACKOFF_MAX);
    }
}
