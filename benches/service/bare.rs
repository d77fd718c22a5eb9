//! The least that could do the same work.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ibapi::contracts::Contract;
use ibapi::orders::{Action, OrderStatusKind, OrderUpdate, order_builder};
use ibapi::prelude::{StreamExt, Subscription, SubscriptionItem};
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::client::PATIENCE;
use crate::rig::symbol;

/// Another API client than the service's.
const CLIENT_ID: i32 = 99;

/// What a bare handler does with a body before it answers 204.
#[derive(Clone, Debug)]
pub enum Duty {
    /// Reads it.
    Read,
    /// Reads it and writes it to a disk, durably.
    Keep(Arc<Mutex<Connection>>),
}

impl Duty {
    /// A SQLite file with the durability of the service's store.
    pub fn keep_in(file: &Path) -> Self {
        let connection = Connection::open(file).expect("a SQLite file");
        connection.pragma_update(None, "journal_mode", "WAL").expect("write-ahead logging");
        connection.pragma_update(None, "synchronous", "FULL").expect("durable commits");
        connection.execute("CREATE TABLE bodies (body BLOB NOT NULL)", []).expect("a table");
        Self::Keep(Arc::new(Mutex::new(connection)))
    }

    async fn done(self, body: Bytes) {
        let Self::Keep(connection) = self else { return };
        let write = move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            connection.execute("INSERT INTO bodies VALUES (?1)", [&*body]).expect("a write");
        };
        tokio::task::spawn_blocking(write).await.expect("the write ends");
    }
}

/// Serves one connection.
pub async fn serve(duty: Duty) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("an option of the socket");
        let answer = service_fn(move |request: Request<Incoming>| {
            let duty = duty.clone();
            async move {
                let body = request.into_body().collect().await.expect("a body").to_bytes();
                duty.done(body).await;
                let mut answer = Response::new(Empty::<Bytes>::new());
                *answer.status_mut() = StatusCode::NO_CONTENT;
                Ok::<_, Infallible>(answer)
            }
        });
        http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await
    });
    addr
}

/// A program that only knows `ibapi`: places market orders, writes nothing down.
pub struct Trader {
    client: ibapi::Client,
    updates: Subscription<OrderUpdate>,
    contracts: Vec<Contract>,
    holds: bool,
}

/// What is still missing of one order.
#[derive(Debug, Default)]
struct Confirmed {
    filled: bool,
    execution: Option<String>,
    commission: bool,
}

impl Trader {
    /// Connects, to trade the first `lines` contracts.
    pub async fn connect(gateway: SocketAddr, lines: usize) -> Self {
        let address = gateway.to_string();
        let connecting = ibapi::Client::builder().address(&address).client_id(CLIENT_ID).connect();
        let client = timeout(PATIENCE, connecting).await.expect("in time").expect("a connection");
        let updates = client.order_update_stream().await.expect("the order stream");
        let contracts = (0..lines).map(|index| Contract::stock(symbol(index)).build()).collect();
        Self { client, updates, contracts, holds: false }
    }

    /// Buys one of each, or sells it again, and waits until every order is `Filled`, executed and
    /// paid for.
    pub async fn trade(&mut self) -> Duration {
        let action = if self.holds { Action::Sell } else { Action::Buy };
        self.holds = !self.holds;
        let started = Instant::now();
        timeout(PATIENCE, self.place(action)).await.expect("confirmed in time");
        started.elapsed()
    }

    async fn place(&mut self, action: Action) {
        let order = order_builder::market_order(action, 1.0);
        let mut pending = BTreeMap::new();
        for contract in &self.contracts {
            let id = self.client.next_order_id();
            pending.insert(id, Confirmed::default());
            self.client.submit_order(id, contract, &order).await.expect("sent");
        }
        while !pending.is_empty() {
            let update = self.updates.next().await.expect("the stream goes on").expect("an update");
            if let SubscriptionItem::Data(update) = update {
                note(&mut pending, update);
                pending.retain(|_, seen| !(seen.filled && seen.commission));
            }
        }
    }
}

fn note(pending: &mut BTreeMap<i32, Confirmed>, update: OrderUpdate) {
    match update {
        OrderUpdate::OrderStatus(row) => {
            if let Some(seen) = pending.get_mut(&row.order_id) {
                seen.filled |= row.status == OrderStatusKind::Filled;
            }
        }
        OrderUpdate::ExecutionData(row) => {
            if let Some(seen) = pending.get_mut(&row.execution.order_id) {
                seen.execution = Some(row.execution.execution_id);
            }
        }
        OrderUpdate::CommissionReport(row) => {
            let its = pending.values_mut().find(|seen| {
                seen.execution.as_deref().is_some_and(|known| known == row.execution_id)
            });
            if let Some(seen) = its {
                seen.commission = true;
            }
        }
        OrderUpdate::OpenOrder(_) | OrderUpdate::OrderBound(_) => {}
    }
}
