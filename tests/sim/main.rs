//! The simulated gateway, judged by a client that we did not write: `ibapi`, unmodified, over a
//! real socket.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails its test at that line")]

mod account;
mod books;
mod clock;
mod contracts;
mod control;
mod faults;
mod futures;
mod history;
mod market_data;
mod order_errors;
mod order_times;
mod order_types;
mod orders;
mod robustness;
mod scenarios;
mod session;
mod state;
mod text;

use std::future::Future;
use std::time::Duration;

use ibapi::accounts::PositionUpdate;
use ibapi::contracts::Contract;
use ibapi::orders::{Action, Order, OrderOutcome, order_builder};
use ibapi::prelude::*;
use rungate::sim::{Options, Simulator};

/// A deadline for what takes milliseconds: only a broken simulator, or a machine at a standstill,
/// needs longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// The client id of tests that need only one.
const CLIENT: i32 = 31;

async fn start() -> Simulator {
    Simulator::start(Options::loopback(1)).await.unwrap()
}

async fn connect(simulator: &Simulator, client_id: i32) -> Client {
    connect_to(&simulator.addr().to_string(), client_id).await.unwrap()
}

async fn connect_to(addr: &str, client_id: i32) -> Result<Client, Error> {
    within(Client::builder().address(addr).client_id(client_id).connect()).await
}

/// Waits for `work`, not for ever.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("it took longer than the deadline")
}

fn spy() -> Contract {
    Contract::stock("SPY").build()
}

fn market(action: Action, quantity: f64) -> Order {
    order_builder::market_order(action, quantity)
}

fn limit(action: Action, quantity: f64, price: f64) -> Order {
    order_builder::limit_order(action, quantity, price)
}

/// Places an order under the client's next id and waits for its end.
async fn trade(client: &Client, contract: &Contract, order: &Order) -> (i32, OrderOutcome) {
    let order_id = client.next_order_id();
    client.submit_order(order_id, contract, order).await.unwrap();
    (order_id, client.wait_for_fill(order_id, DEADLINE).await.unwrap())
}

/// Asks for the time, and so waits until all that was sent before has been worked.
async fn settle(client: &Client) {
    within(client.server_time()).await.unwrap();
}

/// The code of the error that a request ended with.
fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> i32 {
    match result {
        Err(Error::Notice(notice)) => notice.code,
        other => panic!("expected an error of the gateway, got {other:?}"),
    }
}

/// The code that an order was refused with.
async fn refused(client: &Client, contract: &Contract, order: &Order) -> i32 {
    match trade(client, contract, order).await.1 {
        OrderOutcome::Rejected(notice) => notice.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn dec(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

/// SPY at 559.99 to 560.01 from now on.
fn pin_spy(simulator: &Simulator) {
    simulator.faults().set_price("SPY", dec("559.99"), dec("560.01")).unwrap();
}

async fn positions(client: &Client) -> Vec<ibapi::accounts::Position> {
    let mut subscription = client.positions().await.unwrap();
    // A batch ends with the end marker; the stream goes on.
    let rows = within(subscription.next_batch(DEADLINE)).await.unwrap().unwrap();
    rows.into_iter()
        .filter_map(|row| match row {
            PositionUpdate::Position(position) => Some(position),
            PositionUpdate::PositionEnd => None,
        })
        .collect()
}
