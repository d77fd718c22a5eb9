//! Which quotes a client gets to see: by the type of data that it asked for, the permission of its
//! login, and whether the contract trades.
//!
//! IB's rules (<https://interactivebrokers.github.io/tws-api/market_data_type.html> and
//! `delayed_data.html` beside it): who may see live data gets it whatever type was asked for. While
//! there is no quote, types 2 and 4 show the last one instead. Types 3 and 4 show delayed data to
//! those who may see nothing better.

use jiff::{SignedDuration, Timestamp};

use crate::sim::market::Quote;
use crate::sim::universe::{Listing, Permission};
use crate::sim::world::World;

/// IB says ten to fifteen minutes.
const DELAY: SignedDuration = SignedDuration::from_mins(15);

/// IB's numbers of the types of data.
pub const LIVE: i32 = 1;
pub const FROZEN: i32 = 2;
pub const DELAYED: i32 = 3;
pub const DELAYED_FROZEN: i32 = 4;

/// What a subscription may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Quotes of a quarter of an hour ago, under tick types of their own.
    pub delayed: bool,
    /// The last quote while there is none.
    pub frozen: bool,
}

/// What a subscription sees at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// IB's number of the type.
    pub kind: i32,
    /// Whether bid and ask are there at all.
    pub quoted: bool,
    pub quote: Quote,
}

impl View {
    /// The view of a client that asked for data of type `wanted`.
    ///
    /// # Errors
    ///
    /// When the login may not see it: code and text.
    pub fn of(listing: &Listing, wanted: i32, exchange: &str) -> Result<Self, (i32, String)> {
        let frozen = matches!(wanted, FROZEN | DELAYED_FROZEN);
        let delayed = matches!(wanted, DELAYED | DELAYED_FROZEN);
        match listing.permission {
            Permission::Live => Ok(Self { delayed: false, frozen }),
            Permission::Delayed if delayed => Ok(Self { delayed: true, frozen }),
            Permission::Delayed => Err(not_subscribed(
                listing,
                exchange,
                "Requested market data is not subscribed.Delayed market data is available.",
            )),
            Permission::None => {
                let text = "Requested market data is not subscribed.";
                Err(not_subscribed(listing, exchange, text))
            }
        }
    }

    /// A regulatory snapshot is paid for by the piece: it needs no subscription.
    pub fn regulatory() -> Self {
        Self { delayed: false, frozen: true }
    }

    /// The instant whose quote is seen at `now`.
    pub fn instant(self, now: Timestamp) -> Timestamp {
        if self.delayed { now.checked_sub(DELAY).unwrap_or(now) } else { now }
    }

    pub fn look(self, world: &World, listing: &Listing) -> Seen {
        let at = self.instant(world.now);
        let trades = world.market.trades(listing, at);
        let quote = world.market.quote(listing, at);
        let kind = match (self.delayed, self.frozen && !trades) {
            (false, false) => LIVE,
            (false, true) => FROZEN,
            (true, false) => DELAYED,
            (true, true) => DELAYED_FROZEN,
        };
        Seen { kind, quoted: trades || self.frozen, quote }
    }
}

/// With the source of the data behind it, as IB writes it: twice.
fn not_subscribed(listing: &Listing, exchange: &str, text: &str) -> (i32, String) {
    let exchange = if exchange == "SMART" { "BEST" } else { exchange };
    let source = format!("{exchange}/{}/Top", listing.sec_type.as_str());
    (354, format!("{text}Error&{source}&{source}"))
}
