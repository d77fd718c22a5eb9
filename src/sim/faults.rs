//! Faults on request.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::SimError;
use super::client::Close;
use super::feeds;
use super::reports;
use super::world::{Shared, World};

/// Prices beyond this are typing errors, and their products would leave the decimal type.
const PRICE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// The switches as they stand.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    pub refuse_connections: bool,
    pub mute: bool,
    pub mute_handshake: bool,
    pub lose_orders: u32,
    /// Orders still to be applied before the reset; `None` when the fault is off.
    pub drop_after: Option<u32>,
    pub hold_acks: bool,
    pub hold_fills: bool,
    pub read_only: bool,
    pub account_not_ready: bool,
}

/// The fault switches of a running simulator. All act at once and are off at the start.
#[derive(Clone, Debug)]
pub struct Faults {
    shared: Arc<Shared>,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    fn set(&self, change: impl FnOnce(&mut Switches)) {
        self.shared.with(|world| change(&mut world.switches));
    }

    /// Resets every new connection as soon as it is accepted.
    ///
    /// The port stays bound: it could not be had back for certain once it was given up.
    pub fn refuse_connections(&self, on: bool) {
        self.set(|switches| switches.refuse_connections = on);
    }

    /// Handshake and start go well; every later request is swallowed.
    pub fn mute(&self, on: bool) {
        self.set(|switches| switches.mute = on);
    }

    /// New connections are accepted, read, and never answered.
    pub fn mute_handshake(&self, on: bool) {
        self.set(|switches| switches.mute_handshake = on);
    }

    /// Closes every connection now.
    pub fn drop_connections(&self) {
        self.shared.with(|world| {
            for client in world.clients.values() {
                client.close(Close::Finish);
            }
        });
    }

    /// The next `count` orders are read, never applied, and never answered.
    pub fn lose_orders(&self, count: u32) {
        self.set(|switches| switches.lose_orders = count);
    }

    /// Applies `count` more orders, tells nobody of orders and fills meanwhile, then resets the
    /// connection that sent the last of them. With 0 every connection is reset now.
    pub fn drop_after_orders(&self, count: u32) {
        self.shared.with(|world| {
            if count > 0 {
                world.switches.drop_after = Some(count);
                return;
            }
            for client in world.clients.values() {
                client.close(Close::Reset);
            }
        });
    }

    /// Orders reach the broker; their frames are withheld until this is switched off, and lost
    /// when the connection ends before.
    pub fn hold_acks(&self, on: bool) {
        self.shared.with(|world| {
            world.switches.hold_acks = on;
            if !on {
                for client in world.clients.values_mut() {
                    client.release();
                }
            }
        });
    }

    /// Orders are accepted and work, and none fills until this is switched off.
    pub fn hold_fills(&self, on: bool) {
        self.shared.with(|world| {
            world.switches.hold_fills = on;
            sweep(world);
        });
    }

    /// Orders fill whole, whatever size the quote displays, until this is switched off.
    pub fn fill_whole(&self, on: bool) {
        self.shared.with(|world| world.broker.limit_sizes(!on));
    }

    /// Fixes the quote of a contract, by its local symbol (`SPY`, `EUR.USD`), until the simulator
    /// ends. Working orders that it reaches fill at once.
    ///
    /// # Errors
    ///
    /// When the universe has no such contract, or the prices are not `0 < bid <= ask`.
    pub fn set_price(&self, symbol: &str, bid: Decimal, ask: Decimal) -> Result<(), SimError> {
        if bid <= Decimal::ZERO || bid > ask || ask > PRICE_MAX {
            return Err(SimError::BadQuote { symbol: symbol.to_owned(), bid, ask });
        }
        self.shared.with(|world| {
            let universe = world.market.universe();
            let found = universe.named(symbol).find(|listing| listing.local_symbol() == symbol);
            let Some(con_id) = found.map(|listing| listing.con_id) else {
                return Err(SimError::UnknownSymbol(symbol.to_owned()));
            };
            world.market.pin(con_id, bid, ask);
            sweep(world);
            feeds::quotes(world);
            Ok(())
        })
    }

    /// Orders and cancels are refused as by a gateway set to read-only.
    pub fn read_only(&self, on: bool) {
        self.set(|switches| switches.read_only = on);
    }

    /// With `false` the account is as in its nightly reset: `AccountReady` is false and every
    /// amount zero. Subscribers hear of the change.
    pub fn account_ready(&self, ready: bool) {
        self.shared.with(|world| {
            world.switches.account_not_ready = !ready;
            feeds::account_values(world);
        });
    }
}

fn sweep(world: &mut World) {
    let events = world.trade(|broker, rules| broker.sweep(rules));
    reports::report(world, &events);
}
