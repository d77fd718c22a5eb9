//! Contracts: details, search, price increments.

use super::{Reader, contract};
use crate::sim::messages::{
    ContractDataRequest, MarketRuleRequest, MatchingSymbolsRequest, SmartComponentsRequest,
};

pub fn details(fields: &mut Reader<'_>) -> ContractDataRequest {
    fields.skip(1);
    let req_id = fields.int();
    let mut wanted = contract(fields);
    wanted.include_expired = fields.flag();
    wanted.sec_id_type = fields.text();
    wanted.sec_id = fields.text();
    if fields.since(176) {
        wanted.issuer_id = fields.text();
    }
    ContractDataRequest { req_id, contract: Some(wanted) }
}

pub fn matching_symbols(fields: &mut Reader<'_>) -> MatchingSymbolsRequest {
    MatchingSymbolsRequest { req_id: fields.int(), pattern: fields.text() }
}

pub fn market_rule(fields: &mut Reader<'_>) -> MarketRuleRequest {
    MarketRuleRequest { market_rule_id: fields.int() }
}

pub fn smart_components(fields: &mut Reader<'_>) -> SmartComponentsRequest {
    SmartComponentsRequest { req_id: fields.int(), bbo_exchange: fields.text() }
}
