//! What the broker tells us: quotes, bars, positions, account values.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Account, Currency, Instrument};

/// Whose money is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TradingMode {
    /// IB's paper accounts, and the simulated gateway.
    Paper,
    /// Real money.
    Live,
}

impl TradingMode {
    /// `paper` or `live`: as settings and document paths spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for TradingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for TradingMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "paper" => Ok(Self::Paper),
            "live" => Ok(Self::Live),
            other => Err(format!("{other:?} is neither \"paper\" nor \"live\"")),
        }
    }
}

/// IB's market data types: live 1, frozen 2, delayed 3, delayed-frozen 4
/// (<https://interactivebrokers.github.io/tws-api/market_data_type.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarketDataType {
    /// Needs a subscription.
    Live,
    /// The last live values after the close.
    Frozen,
    /// 15 to 20 minutes old, free.
    Delayed,
    /// The last delayed values after the close.
    DelayedFrozen,
}

/// The best prices at one instant. Absent means that the gateway gave none: -1, 0 and NaN are
/// not prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Highest buyer.
    pub bid: Option<Decimal>,
    /// Lowest seller.
    pub ask: Option<Decimal>,
    /// Last trade.
    pub last: Option<Decimal>,
    /// Previous close.
    pub close: Option<Decimal>,
    /// When the last of these reached us: freshness is measured from here.
    pub at: Timestamp,
    /// What kind of data the gateway said it was.
    pub data_type: MarketDataType,
}

/// One bar of history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Its day (`2026-03-09`), or its start in UTC for intraday bars.
    pub start: String,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Units traded.
    pub volume: Decimal,
}

/// What an account holds of one contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Whose.
    pub account: Account,
    /// Of what.
    pub instrument: Instrument,
    /// Signed: short is negative.
    pub quantity: Decimal,
    /// Per unit of the contract, commission included, in its currency; for futures IB has the
    /// multiplier in it.
    pub average_cost: Decimal,
}

/// An account's money, as the account download gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountValues {
    /// Whose.
    pub account: Account,
    /// The currency of all sums below that name none.
    pub base_currency: Currency,
    /// Cash plus market value.
    pub net_liquidation: Decimal,
    /// Sum of the absolute market values.
    pub gross_position_value: Decimal,
    /// What margin leaves for new positions.
    pub available_funds: Decimal,
    /// What could be bought.
    pub buying_power: Decimal,
    /// Cash by currency, in that currency.
    pub cash: BTreeMap<Currency, Decimal>,
    /// Base currency per unit of each currency; 1 for the base itself.
    pub exchange_rates: BTreeMap<Currency, Decimal>,
}
