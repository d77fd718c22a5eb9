//! What the broker really has: for checkers that must not trust a client's view.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::broker::books::Books;
use super::broker::order::{Order, Price, Side};
use super::universe::Listing;
use super::world::World;

/// The broker at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// By permId.
    pub orders: BTreeMap<i64, TrueOrder>,
    /// In the order in which they happened.
    pub executions: Vec<TrueExecution>,
    /// By contract id; none of them zero.
    pub positions: BTreeMap<i32, TruePosition>,
    /// By currency.
    pub cash: BTreeMap<String, Decimal>,
    /// Cash plus market value at the mid of the quotes, in the base currency.
    pub net_liquidation: Decimal,
}

/// Which contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueContract {
    pub con_id: i32,
    /// `SPY`, `EUR.USD`.
    pub local_symbol: String,
    /// `STK` or `CASH`.
    pub sec_type: String,
    pub currency: String,
}

/// An order that the broker has or had. Refused orders are not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueOrder {
    pub perm_id: i64,
    pub order_id: i32,
    pub client_id: i32,
    /// Empty if the client wrote none.
    pub order_ref: String,
    pub contract: TrueContract,
    pub side: Side,
    pub quantity: Decimal,
    pub filled: Decimal,
    /// Absent for market orders.
    pub limit: Option<Decimal>,
    /// IB's word: `Submitted`, `Filled`, `Cancelled` …
    pub status: String,
}

/// A fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueExecution {
    pub exec_id: String,
    pub perm_id: i64,
    pub order_ref: String,
    pub contract: TrueContract,
    pub side: Side,
    pub shares: Decimal,
    pub price: Decimal,
    /// In the base currency.
    pub commission: Decimal,
    pub at: Timestamp,
}

/// A holding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TruePosition {
    pub contract: TrueContract,
    /// Negative when short.
    pub quantity: Decimal,
    /// A unit, commission included.
    pub average_cost: Decimal,
}

impl Truth {
    pub(super) fn of(world: &World) -> Self {
        let first = world.broker.account("").map(|(_, account)| account.books.clone());
        let books = first.unwrap_or_else(|| Books::new(Decimal::ZERO));
        let valuation = books.value(&world.market, world.now).unwrap_or_default();
        let executions = world.broker.executions().iter().map(|execution| TrueExecution {
            exec_id: execution.exec_id.clone(),
            perm_id: execution.perm_id,
            order_ref: execution.order_ref.clone(),
            contract: contract(world, execution.con_id),
            side: execution.side,
            shares: execution.shares,
            price: execution.price,
            commission: execution.commission,
            at: execution.at,
        });
        let positions = books.held().map(|(con_id, position)| {
            let quantity = position.quantity;
            let average_cost = position.average_cost();
            (con_id, TruePosition { contract: contract(world, con_id), quantity, average_cost })
        });
        Self {
            orders: world.broker.orders().map(|order| (order.perm_id, of(world, order))).collect(),
            executions: executions.collect(),
            positions: positions.collect(),
            cash: books.cash.clone(),
            net_liquidation: valuation.net_liquidation(),
        }
    }
}

fn of(world: &World, order: &Order) -> TrueOrder {
    TrueOrder {
        perm_id: order.perm_id,
        order_id: order.order_id,
        client_id: order.client_id,
        order_ref: order.order_ref().to_owned(),
        contract: contract(world, order.con_id),
        side: order.side,
        quantity: order.quantity,
        filled: order.filled,
        limit: match order.price {
            Price::Market => None,
            Price::Limit(limit) => Some(limit),
        },
        status: order.state.status().to_owned(),
    }
}

fn contract(world: &World, con_id: i32) -> TrueContract {
    let listing = world.market.universe().get(con_id);
    TrueContract {
        con_id,
        local_symbol: listing.map(Listing::local_symbol).unwrap_or_default(),
        sec_type: listing.map(|listing| listing.sec_type.as_str()).unwrap_or_default().to_owned(),
        currency: listing.map(|listing| listing.currency.clone()).unwrap_or_default(),
    }
}
