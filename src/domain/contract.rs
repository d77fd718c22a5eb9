//! Contracts: asked for, identified, described.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ContractId;

/// An ISO 4217 code, three upper-case letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// Upper-cases the code.
    pub fn new(code: &str) -> Self {
        Self(code.trim().to_ascii_uppercase())
    }

    /// US dollar.
    pub fn usd() -> Self {
        Self("USD".to_owned())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// IB's security types [IB secType]. One that is not listed is kept as text and never traded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SecType {
    /// Stocks and ETFs.
    Stock,
    /// Futures.
    Future,
    /// Currency pairs.
    Cash,
    /// Anything else.
    Other(String),
}

impl SecType {
    /// IB's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stock => "STK",
            Self::Future => "FUT",
            Self::Cash => "CASH",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for SecType {
    fn from(text: String) -> Self {
        match text.as_str() {
            "STK" => Self::Stock,
            "FUT" => Self::Future,
            "CASH" => Self::Cash,
            _ => Self::Other(text),
        }
    }
}

impl From<SecType> for String {
    fn from(sec_type: SecType) -> Self {
        sec_type.as_str().to_owned()
    }
}

impl fmt::Display for SecType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One contract, identified, with the names by which a person knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instrument {
    /// IB's number: alone decides identity.
    pub id: ContractId,
    /// Such as `SPY`; `EUR` for the pair EUR.USD.
    pub symbol: String,
    /// IB's security type.
    pub sec_type: SecType,
    /// The currency in which it is quoted and paid for.
    pub currency: Currency,
}

impl fmt::Display for Instrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sec_type {
            SecType::Cash => write!(f, "{}.{}", self.symbol, self.currency),
            _ => f.write_str(&self.symbol),
        }
    }
}

/// A contract as the gateway describes it: all that sizing and sending need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Which contract.
    pub instrument: Instrument,
    /// Where orders go, such as `SMART` or `IDEALPRO`.
    pub exchange: String,
    /// The listing exchange, where there is one.
    pub primary_exchange: Option<String>,
    /// Units of the underlying per contract; 1 for stocks and currency pairs.
    pub multiplier: Decimal,
    /// The smallest step of a price.
    pub min_tick: Decimal,
    /// The smallest step of a quantity.
    pub size_increment: Decimal,
    /// The smallest quantity.
    pub min_size: Decimal,
}

/// How a strategy names a contract: by IB's number, or by symbol and what makes it unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractQuery {
    /// IB's number. With it, the rest only has to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub con_id: Option<ContractId>,
    /// Such as `SPY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Default `STK`.
    #[serde(default = "ContractQuery::default_sec_type")]
    pub sec_type: SecType,
    /// Default `USD`.
    #[serde(default = "Currency::usd")]
    pub currency: Currency,
    /// Default `SMART`, for currency pairs `IDEALPRO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// The listing exchange, where a symbol alone is ambiguous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_exchange: Option<String>,
}

impl ContractQuery {
    /// A US stock or ETF by symbol.
    pub fn stock(symbol: &str) -> Self {
        Self {
            con_id: None,
            symbol: Some(symbol.to_owned()),
            sec_type: SecType::Stock,
            currency: Currency::usd(),
            exchange: None,
            primary_exchange: None,
        }
    }

    /// By IB's number alone.
    pub fn by_id(id: ContractId) -> Self {
        Self { con_id: Some(id), symbol: None, ..Self::stock("") }
    }

    /// Where to ask for it and to send it: as given, else the usual venue of its kind.
    pub fn routing(&self) -> &str {
        match (&self.exchange, &self.sec_type) {
            (Some(exchange), _) => exchange,
            (None, SecType::Cash) => "IDEALPRO",
            (None, _) => "SMART",
        }
    }

    fn default_sec_type() -> SecType {
        SecType::Stock
    }
}

impl fmt::Display for ContractQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.symbol, self.con_id) {
            (Some(symbol), Some(id)) => write!(f, "{symbol} ({id})"),
            (Some(symbol), None) => write!(f, "{symbol} {} {}", self.sec_type, self.currency),
            (None, Some(id)) => write!(f, "contract {id}"),
            (None, None) => f.write_str("a contract with neither symbol nor con_id"),
        }
    }
}
