//! One order to test with.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::OrderSpec;
use crate::domain::{
    Account, ContractId, Currency, Instrument, OrderRef, OrderType, RunKey, SecType, Side,
    StrategyId, TimeInForce,
};
use crate::portfolio::Line;
use crate::risk::Effect;

/// The contract that is ordered.
pub(super) fn spy() -> Instrument {
    Instrument {
        id: ContractId(756_733),
        symbol: "SPY".to_owned(),
        sec_type: SecType::Stock,
        currency: Currency::usd(),
    }
}

/// Buys so many SPY at the market, for strategy `a`.
pub(super) fn spec(quantity: i64) -> OrderSpec {
    let run_key = RunKey::new("allocation.1").unwrap();
    let line = Line {
        order_ref: OrderRef::derive(&run_key, spy().id),
        instrument: spy(),
        exchange: "SMART".to_owned(),
        side: Side::Buy,
        quantity: quantity.into(),
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
        step: Decimal::ONE,
        reference_price: None,
        value: None,
        contributions: BTreeMap::from([(StrategyId::new("a").unwrap(), quantity.into())]),
    };
    OrderSpec { run_key, account: Account::new("DU1234567"), effect: Effect::Increases, line }
}
