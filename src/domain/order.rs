//! Orders and what the broker reports of them, in our words.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Account, Currency, ExecutionId, Instrument, OrderId, OrderRef, PermId};

/// Buy or sell. Opening a short is a sell like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Adds to the position.
    Buy,
    /// Takes from it.
    Sell,
}

impl Side {
    /// The side that moves a position by `delta`.
    pub fn of(delta: Decimal) -> Self {
        if delta.is_sign_negative() { Self::Sell } else { Self::Buy }
    }

    /// `quantity` with this side's sign.
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

/// How an order may execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum OrderType {
    /// At the market [IB MKT].
    Market,
    /// At this price or better [IB LMT].
    Limit {
        /// In the contract's currency.
        price: Decimal,
    },
}

/// How long an order lives. Always sent: IB fills a missing one from a preset (error 10349).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeInForce {
    /// Until the session ends [IB DAY].
    Day,
    /// Until cancelled [IB GTC].
    GoodTillCancelled,
    /// What fills at once; the rest is cancelled [IB IOC].
    ImmediateOrCancel,
}

/// Everything that goes over the wire for one order. Frozen with the plan; only the id is
/// assigned later, together with the write-ahead record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTicket {
    /// Ours, from the durable allocator.
    pub order_id: OrderId,
    /// Our name for the line.
    pub order_ref: OrderRef,
    /// Of what.
    pub instrument: Instrument,
    /// Where the order goes.
    pub exchange: String,
    /// Which way.
    pub side: Side,
    /// More than zero, in steps of the contract's size increment.
    pub quantity: Decimal,
    /// Market or limit.
    pub order_type: OrderType,
    /// Always explicit.
    pub time_in_force: TimeInForce,
    /// Always explicit.
    pub account: Account,
}

/// An order that works at the broker: one row of a snapshot, or a live report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// Unique per client id only; 0 or less for orders entered by hand.
    pub order_id: OrderId,
    /// The API client that placed it.
    pub client_id: i32,
    /// 0 in the first frames of an order.
    pub perm_id: PermId,
    /// Absent on manual orders.
    pub order_ref: Option<OrderRef>,
    /// Whose.
    pub account: Account,
    /// Of what.
    pub instrument: Instrument,
    /// Which way.
    pub side: Side,
    /// Ordered in all.
    pub quantity: Decimal,
    /// IB's word, unchanged: `PreSubmitted`, `Submitted`, `Inactive`, …
    pub status: String,
    /// From the status row that follows the order, where there was one.
    pub filled: Option<Decimal>,
}

/// An order that ended today, as the completed-orders snapshot gives it. It says that and how an
/// order ended; quantities come from executions (IB's `totalQuantity` here is what was left).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletedOrder {
    /// Absent where IB sends its unset marker.
    pub order_id: Option<OrderId>,
    /// The API client that placed it.
    pub client_id: Option<i32>,
    /// IB's number.
    pub perm_id: PermId,
    /// Absent on manual orders.
    pub order_ref: Option<OrderRef>,
    /// Of what.
    pub instrument: Instrument,
    /// Which way.
    pub side: Side,
    /// IB's word: `Filled`, `Cancelled`, `Inactive`, …
    pub status: String,
    /// Free text, such as `Cancelled by Trader`.
    pub detail: Option<String>,
}

/// One fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Identity of the fill.
    pub execution_id: ExecutionId,
    /// Unique per client id only.
    pub order_id: OrderId,
    /// The API client that placed the order.
    pub client_id: i32,
    /// IB's number for the order.
    pub perm_id: PermId,
    /// Absent on manual orders.
    pub order_ref: Option<OrderRef>,
    /// Whose.
    pub account: Account,
    /// Of what.
    pub instrument: Instrument,
    /// Which way.
    pub side: Side,
    /// This fill alone, more than zero.
    pub quantity: Decimal,
    /// In the contract's currency.
    pub price: Decimal,
    /// The order's total after this fill.
    pub cumulative_quantity: Decimal,
    /// IB's text for the time, with its zone, unchanged.
    pub time: String,
    /// Comes later, or not at all: a fill is booked without it.
    pub commission: Option<Commission>,
}

/// What one fill cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commission {
    /// Which fill.
    pub execution_id: ExecutionId,
    /// What was charged.
    pub amount: Decimal,
    /// In what.
    pub currency: Currency,
    /// Absent where the fill opened a position.
    pub realized_pnl: Option<Decimal>,
    /// When the report reached us.
    pub reported_at: Timestamp,
}
