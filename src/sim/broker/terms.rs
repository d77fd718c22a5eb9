//! What an order says about its price, its time, and its relatives.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// At which price an order may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Price {
    Market,
    Limit(Decimal),
}

/// How an order seeks its fill within its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// At the far side of the quote: MKT, LMT.
    #[default]
    Plain,
    /// As [`Plain`](Self::Plain) once the market has reached `at`: STP, STP LMT.
    Stop { at: Decimal, trigger: Trigger },
    /// In the closing auction: MOC, LOC.
    AtClose,
    /// Halfway between bid and ask: MIDPRICE. A limit is its cap.
    Midprice,
    /// IB's Adaptive algorithm, with a market or a limit order.
    Adaptive(Patience),
}

/// Which price a stop looks at
/// (<https://interactivebrokers.github.io/tws-api/trigger_method_limit.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    Last,
    BidAsk,
    LastOrBidAsk,
    Midpoint,
}

/// The priority of an Adaptive order: how near to the far side of the quote it goes, and how much
/// of the displayed size it takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Patience {
    Urgent,
    Normal,
    Patient,
}

/// How long an order works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeInForce {
    /// To the end of its session.
    Day,
    GoodTillCancelled,
    ImmediateOrCancel,
    FillOrKill,
    /// In the opening auction and no longer.
    AtOpening,
    GoodTillDate(Timestamp),
}

/// What a fill of one order does to the others of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OcaKind {
    /// The first fill cancels them.
    Cancel,
    /// They lose the same share of what they have left.
    Reduce,
}

/// A one-cancels-all group of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oca {
    pub name: String,
    pub kind: OcaKind,
}

/// The rest of what an order asks for; by default nothing special.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub kind: Kind,
    /// Not before this instant.
    pub after: Option<Timestamp>,
    /// Trades in extended hours too.
    pub outside_rth: bool,
    /// Fills whole or not at all.
    pub all_or_none: bool,
    pub oca: Option<Oca>,
    /// Entered, or put, out of action.
    pub inactive: bool,
}
