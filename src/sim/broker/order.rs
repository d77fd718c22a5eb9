//! One order as the broker has it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::terms::{Kind, Oca, OcaKind, Terms};
use super::timing::Times;
use crate::sim::messages;

pub use super::terms::{Price, TimeInForce};

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    pub terms: Terms,
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
    /// With IB and not yet at the exchange: before the opening, an auction, a time or a trigger.
    Queued,
    Working,
    /// Deactivated by its owner. It can be sent again.
    Inactive,
    Filled,
    Cancelled,
}

impl State {
    /// Whether the order can still fill.
    pub fn is_open(self) -> bool {
        match self {
            Self::Held | Self::Waiting | Self::Queued | Self::Working | Self::Inactive => true,
            Self::Filled | Self::Cancelled => false,
        }
    }

    /// IB's word for it.
    pub fn status(self) -> &'static str {
        match self {
            Self::Held => "ApiPending",
            Self::Waiting | Self::Queued => "PreSubmitted",
            Self::Working => "Submitted",
            Self::Inactive => "Inactive",
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
    /// What is to be filled in all. Its group may have reduced it.
    pub quantity: Decimal,
    /// What the owner last asked for.
    pub asked: Decimal,
    pub price: Price,
    pub tif: TimeInForce,
    pub terms: Terms,
    pub parent_id: Option<i32>,
    /// permId of the parent.
    pub parent_perm_id: Option<i64>,
    pub state: State,
    /// Whether the stop was reached.
    pub triggered: bool,
    pub times: Times,
    pub filled: Decimal,
    /// Sum of price times quantity over all fills.
    pub filled_value: Decimal,
    pub last_price: Option<Decimal>,
    pub end: Option<End>,
    #[serde(with = "super::wire_order")]
    pub wire: messages::Order,
}

impl Order {
    /// An order that was not transmitted yet.
    pub fn new(perm_id: i64, proposal: Proposal, parent_perm_id: Option<i64>) -> Self {
        Self {
            perm_id,
            account: proposal.account,
            client_id: proposal.client_id,
            order_id: proposal.order_id,
            con_id: proposal.con_id,
            exchange: proposal.exchange,
            side: proposal.side,
            quantity: proposal.quantity,
            asked: proposal.quantity,
            price: proposal.price,
            tif: proposal.tif,
            terms: proposal.terms,
            parent_id: proposal.parent_id,
            parent_perm_id,
            state: State::Held,
            triggered: false,
            times: Times::default(),
            filled: Decimal::ZERO,
            filled_value: Decimal::ZERO,
            last_price: None,
            end: None,
            wire: proposal.wire,
        }
    }

    /// Takes on the terms of a request under the same id. Its group is for ever.
    pub fn change(&mut self, proposal: Proposal) {
        let was_stop = matches!(self.terms.kind, Kind::Stop { .. });
        let is_stop = matches!(proposal.terms.kind, Kind::Stop { .. });
        self.triggered &= was_stop && is_stop;
        self.quantity = proposal.quantity;
        self.asked = proposal.quantity;
        self.price = proposal.price;
        self.tif = proposal.tif;
        self.terms = Terms { oca: self.terms.oca.take(), ..proposal.terms };
        self.wire = proposal.wire;
    }

    pub fn remaining(&self) -> Decimal {
        self.quantity - self.filled
    }

    /// What the owner wrote on the order; empty if nothing.
    pub fn order_ref(&self) -> &str {
        self.wire.order_ref.as_deref().unwrap_or_default()
    }

    /// A stop whose price was not reached yet.
    pub fn is_armed(&self) -> bool {
        matches!(self.terms.kind, Kind::Stop { .. }) && !self.triggered
    }

    /// Whether it may fill at `at`: at the exchange, and the exchange open for it.
    pub fn is_live(&self, at: Timestamp) -> bool {
        self.times.live_until.is_some_and(|until| at < until)
    }

    /// The one-cancels-all group that it is in. Children of one parent are in one, named after
    /// the parent's permId and reduced by each other's fills, unless they name another.
    pub fn group(&self) -> Option<Oca> {
        let family = || {
            let name = self.parent_perm_id?.to_string();
            Some(Oca { name, kind: OcaKind::Reduce })
        };
        self.terms.oca.clone().or_else(family)
    }

    /// Why it is not at the exchange, in IB's words; `None` when it is, or when the market is
    /// closed.
    fn why_held(&self) -> Option<&'static str> {
        match (self.state, self.is_armed()) {
            (State::Waiting, true) => Some("child,trigger"),
            (State::Waiting, false) => Some("child"),
            (State::Queued, true) => Some("trigger"),
            _ => None,
        }
    }

    /// The numbers of an order status, under a status of its own.
    pub fn progress(&self, status: &'static str) -> Progress {
        Progress {
            status,
            filled: self.filled,
            remaining: self.remaining(),
            average: self.filled_value.checked_div(self.filled),
            last: self.last_price,
            why_held: self.why_held(),
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
    /// `trigger`, `child`; absent when nothing of the kind holds it.
    pub why_held: Option<&'static str>,
}
