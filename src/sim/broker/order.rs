//! One order as the broker has it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::sim::messages;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    /// As orders say it.
    pub fn action(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }

    /// As executions say it.
    pub fn bought_or_sold(self) -> &'static str {
        match self {
            Self::Buy => "BOT",
            Self::Sell => "SLD",
        }
    }

    /// `quantity` with the sign that it has in a position.
    pub fn signed(self, quantity: Decimal) -> Decimal {
        match self {
            Self::Buy => quantity,
            Self::Sell => -quantity,
        }
    }
}

/// At which price an order may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Price {
    Market,
    Limit(Decimal),
}

/// How long an order works. The simulated market never closes, so a day order works like one
/// that is good till cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeInForce {
    Day,
    GoodTillCancelled,
    ImmediateOrCancel,
}

/// What a client asked for, found valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub account: String,
    pub client_id: i32,
    pub order_id: i32,
    pub con_id: i32,
    /// As the request named it: `SMART` stays `SMART`.
    pub exchange: String,
    pub side: Side,
    /// Positive.
    pub quantity: Decimal,
    pub price: Price,
    pub tif: TimeInForce,
    /// False holds the order back until a sibling or a second request transmits it.
    pub transmit: bool,
    /// The order of the same client that must fill first.
    pub parent_id: Option<i32>,
    /// The order as it was sent, to be echoed.
    pub wire: messages::Order,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not transmitted.
    Held,
    /// Transmitted; its parent has not filled yet.
    Waiting,
    Working,
    Filled,
    Cancelled,
}

impl State {
    /// Whether the order can still fill.
    pub fn is_open(self) -> bool {
        match self {
            Self::Held | Self::Waiting | Self::Working => true,
            Self::Filled | Self::Cancelled => false,
        }
    }

    /// IB's word for it.
    pub fn status(self) -> &'static str {
        match self {
            Self::Held => "ApiPending",
            Self::Waiting => "PreSubmitted",
            Self::Working => "Submitted",
            Self::Filled => "Filled",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// How and when an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub at: Timestamp,
    /// `Filled Size: 100`, `Cancelled by Trader`.
    pub how: String,
}

/// An order, open or ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Unique over all clients, for ever.
    pub perm_id: i64,
    pub account: String,
    pub client_id: i32,
    pub order_id: i32,
    pub con_id: i32,
    pub exchange: String,
    pub side: Side,
    pub quantity: Decimal,
    pub price: Price,
    pub tif: TimeInForce,
    pub parent_id: Option<i32>,
    pub state: State,
    pub filled: Decimal,
    /// Sum of price times quantity over all fills.
    pub filled_value: Decimal,
    pub last_price: Option<Decimal>,
    pub end: Option<End>,
    #[serde(with = "super::wire_order")]
    pub wire: messages::Order,
}

impl Order {
    pub fn new(perm_id: i64, proposal: Proposal, state: State) -> Self {
        Self {
            perm_id,
            account: proposal.account,
            client_id: proposal.client_id,
            order_id: proposal.order_id,
            con_id: proposal.con_id,
            exchange: proposal.exchange,
            side: proposal.side,
            quantity: proposal.quantity,
            price: proposal.price,
            tif: proposal.tif,
            parent_id: proposal.parent_id,
            state,
            filled: Decimal::ZERO,
            filled_value: Decimal::ZERO,
            last_price: None,
            end: None,
            wire: proposal.wire,
        }
    }

    pub fn remaining(&self) -> Decimal {
        self.quantity - self.filled
    }

    /// What the owner wrote on the order; empty if nothing.
    pub fn order_ref(&self) -> &str {
        self.wire.order_ref.as_deref().unwrap_or_default()
    }

    /// The numbers of an order status, under a status of its own.
    pub fn progress(&self, status: &'static str) -> Progress {
        Progress {
            status,
            filled: self.filled,
            remaining: self.remaining(),
            average: self.filled_value.checked_div(self.filled),
            last: self.last_price,
        }
    }
}

/// How far an order was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub status: &'static str,
    pub filled: Decimal,
    pub remaining: Decimal,
    /// Average price; absent before the first fill.
    pub average: Option<Decimal>,
    pub last: Option<Decimal>,
}
