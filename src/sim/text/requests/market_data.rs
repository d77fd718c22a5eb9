//! Quotes and bars.

use super::{Reader, contract, delta_neutral, is_combination};
use crate::sim::messages::{
    ComboLeg, HeadTimestampRequest, HistoricalDataRequest, MarketDataRequest,
    MarketDataTypeRequest, RealTimeBarsRequest,
};

pub fn data_type(fields: &mut Reader<'_>) -> MarketDataTypeRequest {
    fields.skip(1);
    MarketDataTypeRequest { market_data_type: fields.int() }
}

pub fn quotes(fields: &mut Reader<'_>) -> MarketDataRequest {
    fields.skip(1);
    let req_id = fields.int();
    let mut wanted = contract(fields);
    if is_combination(&wanted) {
        wanted.combo_legs = fields.list(leg);
    }
    wanted.delta_neutral_contract = delta_neutral(fields);
    MarketDataRequest {
        req_id,
        contract: Some(wanted),
        generic_tick_list: fields.text(),
        snapshot: fields.flag(),
        regulatory_snapshot: fields.flag(),
    }
}

/// A leg of which only prices are wanted.
fn leg(fields: &mut Reader<'_>) -> ComboLeg {
    ComboLeg {
        con_id: fields.int(),
        ratio: fields.int(),
        action: fields.text(),
        exchange: fields.text(),
        ..ComboLeg::default()
    }
}

pub fn bars(fields: &mut Reader<'_>) -> HistoricalDataRequest {
    let req_id = fields.int();
    let mut wanted = contract(fields);
    wanted.include_expired = fields.flag();
    let end_date_time = fields.text();
    let bar_size_setting = fields.text();
    let duration = fields.text();
    let use_rth = fields.flag();
    let what_to_show = fields.text();
    let format_date = fields.int();
    if is_combination(&wanted) {
        wanted.combo_legs = fields.list(leg);
    }
    HistoricalDataRequest {
        req_id,
        contract: Some(wanted),
        end_date_time,
        bar_size_setting,
        duration,
        use_rth,
        what_to_show,
        format_date,
        keep_up_to_date: fields.flag(),
    }
}

pub fn head_timestamp(fields: &mut Reader<'_>) -> HeadTimestampRequest {
    let req_id = fields.int();
    let mut wanted = contract(fields);
    wanted.include_expired = fields.flag();
    HeadTimestampRequest {
        req_id,
        contract: Some(wanted),
        use_rth: fields.flag(),
        what_to_show: fields.text(),
        format_date: fields.int(),
    }
}

pub fn real_time_bars(fields: &mut Reader<'_>) -> RealTimeBarsRequest {
    fields.skip(1);
    RealTimeBarsRequest {
        req_id: fields.int(),
        contract: Some(contract(fields)),
        bar_size: fields.int(),
        what_to_show: fields.text(),
        use_rth: fields.flag(),
    }
}
