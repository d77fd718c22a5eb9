//! Value types that every module speaks in. They use nothing of ours.

mod contract;
mod ids;
mod market;
mod order;

pub use contract::{Contract, ContractQuery, Currency, Instrument, SecType};
pub use ids::{
    Account, ContractId, ExecutionId, InvalidName, OrderId, OrderRef, PermId, RunKey, StrategyId,
};
pub use market::{AccountValues, Bar, MarketDataType, Position, Quote, TradingMode};
pub use order::{
    Commission, CompletedOrder, Execution, OpenOrder, OrderTicket, OrderType, Side, TimeInForce,
};
