//! Positions, account values, profit and loss.

use super::Reader;
use crate::sim::messages::{
    AccountDataRequest, AccountSummaryRequest, AccountUpdatesMultiRequest, PnLRequest,
    PnLSingleRequest, PositionsMultiRequest,
};

pub fn updates(fields: &mut Reader<'_>) -> AccountDataRequest {
    fields.skip(1);
    AccountDataRequest { subscribe: fields.flag(), acct_code: fields.text() }
}

pub fn summary(fields: &mut Reader<'_>) -> AccountSummaryRequest {
    fields.skip(1);
    AccountSummaryRequest { req_id: fields.int(), group: fields.text(), tags: fields.text() }
}

pub fn positions_multi(fields: &mut Reader<'_>) -> PositionsMultiRequest {
    fields.skip(1);
    PositionsMultiRequest {
        req_id: fields.int(),
        account: fields.text(),
        model_code: fields.text(),
    }
}

pub fn updates_multi(fields: &mut Reader<'_>) -> AccountUpdatesMultiRequest {
    fields.skip(1);
    AccountUpdatesMultiRequest {
        req_id: fields.int(),
        account: fields.text(),
        model_code: fields.text(),
        ledger_and_nlv: fields.flag(),
    }
}

pub fn pnl(fields: &mut Reader<'_>) -> PnLRequest {
    PnLRequest { req_id: fields.int(), account: fields.text(), model_code: fields.text() }
}

pub fn pnl_single(fields: &mut Reader<'_>) -> PnLSingleRequest {
    PnLSingleRequest {
        req_id: fields.int(),
        account: fields.text(),
        model_code: fields.text(),
        con_id: fields.int(),
    }
}
