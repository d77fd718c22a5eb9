//! The gateway session against the simulated gateway, over a real socket.

#[path = "gateway/connection.rs"]
mod connection;
#[path = "gateway/lists.rs"]
mod lists;
#[path = "gateway/orders.rs"]
mod orders;
#[path = "gateway/queries.rs"]
mod queries;

use std::time::Duration;

use rungate::clock::Clock;
use rungate::domain::{
    Contract, ContractQuery, OrderId, OrderRef, OrderTicket, OrderType, Side, TimeInForce,
    TradingMode,
};
use rungate::gateway::{Gateway, GatewayConfig, Link, OrderEvent, SubmitError, Timing};
use rungate::sim::{Options, Simulator};
use rust_decimal::Decimal;
use tokio::sync::broadcast;
use tokio::time::timeout;

/// The deadline of every wait in these tests: nothing here takes long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The client id of the gateway under test.
pub const CLIENT_ID: i32 = 31;

/// Budgets that a loaded machine keeps and a test does not feel.
pub fn timing() -> Timing {
    Timing {
        connect: Duration::from_secs(8),
        backoff_first: Duration::from_millis(50),
        backoff_max: Duration::from_millis(200),
        ..Timing::default()
    }
}

pub fn config(addr: &str, timing: Timing) -> GatewayConfig {
    GatewayConfig {
        addr: addr.to_owned(),
        client_id: CLIENT_ID,
        mode: TradingMode::Paper,
        account: None,
        timing,
    }
}

/// A simulator and a gateway that talks to it.
pub struct Rig {
    pub sim: Simulator,
    pub gateway: Gateway,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(timing()).await
    }

    pub async fn with(timing: Timing) -> Self {
        let sim = Simulator::start(Options::loopback(7)).await.expect("the simulator starts");
        let gateway = Gateway::open(config(&sim.addr().to_string(), timing), Clock::system());
        Self { sim, gateway }
    }

    pub async fn spy(&self) -> Contract {
        self.stock("SPY").await
    }

    pub async fn stock(&self, symbol: &str) -> Contract {
        let mut found =
            self.gateway.contracts(&ContractQuery::stock(symbol)).await.known().expect("contracts");
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    /// A market order for ten SPY.
    /// Sends on the connection of the moment.
    pub async fn submit(&self, ticket: &OrderTicket) -> Result<(), SubmitError> {
        let now = self.gateway.connected().await.map_err(SubmitError::NotSent)?;
        self.gateway.submit(ticket, now.generation).await
    }

    pub async fn market_order(&self, id: i32) -> OrderTicket {
        let spy = self.spy().await;
        OrderTicket {
            order_id: OrderId(id),
            order_ref: OrderRef::from_record(format!("rg-test-{id}")),
            instrument: spy.instrument,
            exchange: spy.exchange,
            side: Side::Buy,
            quantity: Decimal::TEN,
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            account: self.gateway.connected().await.expect("a connection").account,
        }
    }

    /// An order to buy ten SPY at a dollar: it works and never fills.
    pub async fn resting_order(&self, id: i32) -> OrderTicket {
        let order_type = OrderType::Limit { price: Decimal::ONE };
        OrderTicket { order_type, ..self.market_order(id).await }
    }

    pub async fn link_becomes(&self, wanted: impl FnMut(&Link) -> bool) -> Link {
        timeout(PATIENCE, self.gateway.link_becomes(wanted)).await.expect("the link does not")
    }
}

/// The next event that `wanted` picks; others before it are passed over.
pub async fn event<T>(
    events: &mut broadcast::Receiver<OrderEvent>,
    wanted: impl Fn(OrderEvent) -> Option<T>,
) -> T {
    let found = async {
        loop {
            if let Some(found) = wanted(events.recv().await.expect("the events go on")) {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("the event does not come")
}
