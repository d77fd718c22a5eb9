//! The layouts of the answers, one file a family.

mod account;
mod contracts;
mod market_data;
mod orders;
mod session;
mod trading;

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;

use super::writer::{Layout, Text};
use crate::sim::messages::Contract;

/// The eleven fields that name a contract in an answer. `no_right` stands where a contract is
/// neither call nor put: gateways differ in it from message to message.
fn contract(to: &mut Text, contract: &Contract, no_right: &str) {
    named(to, contract, no_right, contract.exchange.as_ref());
}

/// The same, with another exchange.
fn named(to: &mut Text, contract: &Contract, no_right: &str, exchange: Option<&String>) {
    to.int(contract.con_id)
        .text(contract.symbol.as_ref())
        .text(contract.sec_type.as_ref())
        .text(contract.last_trade_date_or_contract_month.as_ref())
        .double_or_zero(contract.strike)
        .text_or(contract.right.as_ref(), no_right)
        .word(&multiplier(contract))
        .text(exchange)
        .text(contract.currency.as_ref())
        .text(contract.local_symbol.as_ref())
        .text(contract.trading_class.as_ref());
}

/// Text in this generation, without decimals where it has none.
fn multiplier(contract: &Contract) -> String {
    contract.multiplier.map(|multiplier| multiplier.to_string()).unwrap_or_default()
}
