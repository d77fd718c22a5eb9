//! The messages, field for field, with IB's field numbers.
//!
//! Written from IB's published description of the TWS API
//! (<https://ibkrcampus.com/campus/ibkr-api-page/twsapi-doc/>) and from the bytes its clients send.
//! Every singular field is optional on the wire: absent and zero are two different things. What
//! this cut does not use is left out; a decoder skips what it does not know.

pub mod account;
pub mod contract;
pub mod market_data;
pub mod order;
pub mod request;
pub mod session;
pub mod trading;

use super::text::Layout;

pub use account::*;
pub use contract::*;
pub use market_data::*;
pub use order::*;
pub use session::*;
pub use trading::*;

/// A message that goes to a client.
pub trait Answer: prost::Message + Layout + Clone + 'static {
    /// The message id in IB's list; on the wire [`PROTOBUF`] is added.
    const ID: i32;
}

/// What an order's owner is told of it. Faults lose, double, delay and reorder these one by one.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    OpenOrder(Box<OpenOrder>),
    Status(Box<OrderStatus>),
    Execution(Box<ExecutionDetails>),
    Commission(Box<CommissionAndFeesReport>),
    Error(Box<ErrorMessage>),
}

/// Added to a message id whose payload is protobuf.
pub const PROTOBUF: i32 = 200;

macro_rules! answers {
    ($($message:ident = $id:literal,)*) => {
        $(impl Answer for $message {
            const ID: i32 = $id;
        })*
    };
}

answers! {
    TickPrice = 1,
    TickSize = 2,
    OrderStatus = 3,
    ErrorMessage = 4,
    OpenOrder = 5,
    AccountValue = 6,
    PortfolioValue = 7,
    AccountUpdateTime = 8,
    NextValidId = 9,
    ContractData = 10,
    ExecutionDetails = 11,
    ManagedAccounts = 15,
    HistoricalData = 17,
    TickGeneric = 45,
    TickString = 46,
    CurrentTime = 49,
    RealTimeBarTick = 50,
    ContractDataEnd = 52,
    OpenOrdersEnd = 53,
    AccountDataEnd = 54,
    ExecutionDetailsEnd = 55,
    TickSnapshotEnd = 57,
    MarketDataType = 58,
    CommissionAndFeesReport = 59,
    Position = 61,
    PositionEnd = 62,
    AccountSummary = 63,
    AccountSummaryEnd = 64,
    PositionMulti = 71,
    PositionMultiEnd = 72,
    AccountUpdateMulti = 73,
    AccountUpdateMultiEnd = 74,
    FamilyCodes = 78,
    SymbolSamples = 79,
    TickReqParams = 81,
    SmartComponents = 82,
    HeadTimestamp = 88,
    HistoricalDataUpdate = 90,
    MarketRule = 93,
    PnL = 94,
    PnLSingle = 95,
    CompletedOrder = 101,
    CompletedOrdersEnd = 102,
    HistoricalSchedule = 106,
    UserInfo = 107,
    HistoricalDataEnd = 108,
    CurrentTimeInMillis = 109,
}
