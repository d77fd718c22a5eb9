//! Requests in text, turned into the messages that protobuf carries. One file a family; a row for
//! each request.
//!
//! A version number that is a field of a request is a constant of the client and tells nothing.

mod account;
mod contracts;
mod market_data;
mod orders;
mod session;

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;

use prost::Message;

use super::reader::Reader;
use crate::sim::messages::{Contract, DeltaNeutralContract, RequestId, request};
use crate::sim::wire::Frame;

/// Why a request cannot be worked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// The peer speaks something else.
    #[error("the message does not begin with a request id in text")]
    NotAMessage,
    /// Only this request is no good.
    #[error("request {id} has `{field}` where a number belongs")]
    Number {
        id: i32,
        /// The request or order that the request says it is.
        subject: Option<i32>,
        field: String,
    },
}

/// Reads the body of a text frame. A request that is not known becomes a message of its request
/// id alone, so that it can be refused under it.
///
/// # Errors
///
/// [`BadRequest`]
pub fn decode(version: i32, body: &[u8]) -> Result<Frame, BadRequest> {
    let body = String::from_utf8_lossy(body);
    let mut fields = Reader::new(&body, version);
    let id = fields.int().filter(|id| *id > 0).ok_or(BadRequest::NotAMessage)?;
    let payload = payload(id, &mut fields);
    match fields.bad() {
        None => Ok(Frame { id, payload }),
        Some(field) => {
            let field = field.to_owned();
            Err(BadRequest::Number { id, subject: subject(id, &body, version), field })
        }
    }
}

fn payload(id: i32, fields: &mut Reader<'_>) -> Vec<u8> {
    match id {
        request::START_API => session::start(fields).encode_to_vec(),
        request::CONTRACT_DATA => contracts::details(fields).encode_to_vec(),
        request::MATCHING_SYMBOLS => contracts::matching_symbols(fields).encode_to_vec(),
        request::SMART_COMPONENTS => contracts::smart_components(fields).encode_to_vec(),
        request::MARKET_RULE => contracts::market_rule(fields).encode_to_vec(),
        request::MARKET_DATA_TYPE => market_data::data_type(fields).encode_to_vec(),
        request::MARKET_DATA => market_data::quotes(fields).encode_to_vec(),
        request::HISTORICAL_DATA => market_data::bars(fields).encode_to_vec(),
        request::REAL_TIME_BARS => market_data::real_time_bars(fields).encode_to_vec(),
        request::HEAD_TIMESTAMP => market_data::head_timestamp(fields).encode_to_vec(),
        request::ACCOUNT_DATA => account::updates(fields).encode_to_vec(),
        request::ACCOUNT_SUMMARY => account::summary(fields).encode_to_vec(),
        request::POSITIONS_MULTI => account::positions_multi(fields).encode_to_vec(),
        request::ACCOUNT_UPDATES_MULTI => account::updates_multi(fields).encode_to_vec(),
        request::PNL => account::pnl(fields).encode_to_vec(),
        request::PNL_SINGLE => account::pnl_single(fields).encode_to_vec(),
        request::PLACE_ORDER => orders::place(fields).encode_to_vec(),
        request::CANCEL_ORDER => orders::cancel(fields).encode_to_vec(),
        request::AUTO_OPEN_ORDERS => orders::auto_open(fields).encode_to_vec(),
        request::COMPLETED_ORDERS => orders::completed(fields).encode_to_vec(),
        request::EXECUTIONS => orders::executions(fields).encode_to_vec(),
        _ => RequestId { req_id: request_id(id, fields) }.encode_to_vec(),
    }
}

/// Where a request has its id, of those that have one. Older requests have a version before it.
fn request_id(id: i32, fields: &mut Reader<'_>) -> Option<i32> {
    match id {
        1 | 2 | 4 | 7 | 9..=11 | 21 | 23 | 25 | 50..=57 | 62 | 63 | 67..=70 | 74..=77 => {
            fields.skip(1);
            fields.int()
        }
        3 | 20 | 22 | 78 | 79 | 81 | 83 | 84 | 86..=90 | 92..=98 | 100..=104 => fields.int(),
        _ => None,
    }
}

/// The id that an error about this request goes under.
fn subject(id: i32, body: &str, version: i32) -> Option<i32> {
    let mut fields = Reader::new(body, version);
    fields.skip(1);
    request_id(id, &mut fields)
}

/// The twelve fields that name a contract in a request.
fn contract(fields: &mut Reader<'_>) -> Contract {
    Contract {
        con_id: fields.int(),
        symbol: fields.text(),
        sec_type: fields.text(),
        last_trade_date_or_contract_month: fields.text(),
        strike: fields.double().filter(|strike| *strike != 0.0),
        // Both stand for neither.
        right: fields.text().filter(|right| right != "?" && right != "0"),
        multiplier: fields.text().and_then(|multiplier| multiplier.parse().ok()),
        exchange: fields.text(),
        primary_exch: fields.text(),
        currency: fields.text(),
        local_symbol: fields.text(),
        trading_class: fields.text(),
        ..Contract::default()
    }
}

/// The hedge of a delta neutral order, if the field before it says that there is one.
fn delta_neutral(fields: &mut Reader<'_>) -> Option<DeltaNeutralContract> {
    let present = fields.flag() == Some(true);
    present.then(|| DeltaNeutralContract {
        con_id: fields.int(),
        delta: fields.double(),
        price: fields.double(),
    })
}

/// Whether a contract has the fields of a combination.
fn is_combination(contract: &Contract) -> bool {
    contract.sec_type.as_deref() == Some("BAG")
}
