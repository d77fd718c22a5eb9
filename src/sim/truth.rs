//! What the broker really has: for checkers that must not trust a client's view.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Serialize;

use super::broker::Account;
use super::broker::order::{Order, Price, Side};
use super::reports;
use super::universe::Listing;
use super::world::World;

/// The broker at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// By permId.
    pub orders: BTreeMap<i64, TrueOrder>,
    /// In the order in which they happened.
    pub executions: Vec<TrueExecution>,
    /// By account.
    pub accounts: BTreeMap<String, TrueAccount>,
    /// Of the first account: by contract id; none of them zero.
    pub positions: BTreeMap<i32, TruePosition>,
    /// Of the first account: by currency.
    pub cash: BTreeMap<String, Decimal>,
    /// Of the first account.
    pub net_liquidation: Decimal,
}

/// An account. Amounts are in the base currency where no other is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrueAccount {
    /// By contract id; none of them zero.
    pub positions: BTreeMap<i32, TruePosition>,
    /// By currency.
    pub cash: BTreeMap<String, Decimal>,
    /// Cash, market value of stocks and gain of open futures, at the mid of the quotes.
    pub net_liquidation: Decimal,
    pub initial_margin: Decimal,
    pub maintenance_margin: Decimal,
    /// Initial margin that working orders would need on top.
    pub reserved_margin: Decimal,
    /// Of open positions, less the commissions paid for them.
    pub unrealized: Decimal,
    /// Of all that was ever closed.
    pub realized: Decimal,
    /// Of what was closed today.
    pub realized_today: Decimal,
    /// Net liquidation when the day began.
    pub day_opening: Decimal,
}

/// Which contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueContract {
    pub con_id: i32,
    /// `SPY`, `EUR.USD`.
    pub local_symbol: String,
    /// `STK`, `CASH` or `FUT`.
    pub sec_type: String,
    pub currency: String,
}

/// An order that the broker has or had. Refused orders are not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueOrder {
    pub perm_id: i64,
    pub order_id: i32,
    pub client_id: i32,
    pub account: String,
    /// Empty if the client wrote none.
    pub order_ref: String,
    pub contract: TrueContract,
    pub side: Side,
    /// IB's word: `MKT`, `LMT`, `STP` …
    pub order_type: String,
    /// IB's word: `DAY`, `GTC` …
    pub tif: String,
    pub quantity: Decimal,
    pub filled: Decimal,
    /// Absent for market orders.
    pub limit: Option<Decimal>,
    /// The stop price, as the client sent it.
    pub aux: Option<Decimal>,
    /// IB's word: `Submitted`, `Filled`, `Cancelled` …
    pub status: String,
}

/// A fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrueExecution {
    pub exec_id: String,
    pub perm_id: i64,
    pub account: String,
    pub order_ref: String,
    pub contract: TrueContract,
    pub side: Side,
    pub shares: Decimal,
    pub price: Decimal,
    /// In `commission_currency`.
    pub commission: Decimal,
    pub commission_currency: String,
    /// In the currency of the contract; absent when the fill closed nothing.
    pub realized: Option<Decimal>,
    pub at: Timestamp,
}

/// A holding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TruePosition {
    pub contract: TrueContract,
    /// Negative when short.
    pub quantity: Decimal,
    /// A unit, multiplier and commission included.
    pub average_cost: Decimal,
    /// What was ever closed in this contract brought in, in its currency.
    pub realized: Decimal,
}

impl Truth {
    pub(super) fn of(world: &World) -> Self {
        let executions = world.broker.executions().iter().map(|execution| TrueExecution {
            exec_id: execution.exec_id.clone(),
            perm_id: execution.perm_id,
            account: execution.account.clone(),
            order_ref: execution.order_ref.clone(),
            contract: contract(world, execution.con_id),
            side: execution.side,
            shares: execution.shares,
            price: execution.price,
            commission: execution.commission,
            commission_currency: reports::paid_in(world, execution.con_id),
            realized: execution.realized,
            at: execution.at,
        });
        let of_account = |(name, known): (&str, &Account)| (name.to_owned(), account(world, known));
        let accounts: BTreeMap<_, _> = world.broker.accounts().map(of_account).collect();
        let first = world.broker.account("").and_then(|(name, _)| accounts.get(name));
        let TrueAccount { positions, cash, net_liquidation, .. } =
            first.cloned().unwrap_or_default();
        Self {
            orders: world.broker.orders().map(|order| (order.perm_id, of(world, order))).collect(),
            executions: executions.collect(),
            accounts,
            positions,
            cash,
            net_liquidation,
        }
    }
}

fn account(world: &World, account: &Account) -> TrueAccount {
    let positions = account.books.held().map(|(con_id, position)| {
        let position = TruePosition {
            contract: contract(world, con_id),
            quantity: position.quantity,
            average_cost: position.average_cost(),
            realized: position.realized,
        };
        (con_id, position)
    });
    let value = account.value(&world.market, world.now).unwrap_or_default();
    TrueAccount {
        positions: positions.collect(),
        cash: account.books.cash.clone(),
        net_liquidation: value.net_liquidation(),
        initial_margin: value.initial_margin,
        maintenance_margin: value.maintenance_margin,
        reserved_margin: value.reserved,
        unrealized: value.unrealized,
        realized: value.realized,
        realized_today: value.realized_today,
        day_opening: account.day.equity,
    }
}

fn of(world: &World, order: &Order) -> TrueOrder {
    TrueOrder {
        perm_id: order.perm_id,
        order_id: order.order_id,
        client_id: order.client_id,
        account: order.account.clone(),
        order_ref: order.order_ref().to_owned(),
        contract: contract(world, order.con_id),
        side: order.side,
        order_type: order.wire.order_type.clone().unwrap_or_default(),
        tif: order.wire.tif.clone().filter(|tif| !tif.is_empty()).unwrap_or("DAY".to_owned()),
        quantity: order.quantity,
        filled: order.filled,
        limit: match order.price {
            Price::Market => None,
            Price::Limit(limit) => Some(limit),
        },
        aux: order.wire.aux_price.and_then(Decimal::from_f64).filter(|aux| !aux.is_zero()),
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
