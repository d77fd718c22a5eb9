//! Placing and cancelling, and the lists.

use super::{Reader, contract, delta_neutral, is_combination};
use crate::sim::messages::{
    AutoOpenOrdersRequest, CancelOrderRequest, ComboLeg, CompletedOrdersRequest, Contract,
    ExecutionFilter, ExecutionRequest, Order, OrderCondition, PlaceOrderRequest, SoftDollarTier,
};

pub fn cancel(fields: &mut Reader<'_>) -> CancelOrderRequest {
    fields.skip(1);
    CancelOrderRequest { order_id: fields.int() }
}

pub fn auto_open(fields: &mut Reader<'_>) -> AutoOpenOrdersRequest {
    fields.skip(1);
    AutoOpenOrdersRequest { auto_bind: fields.flag() }
}

pub fn completed(fields: &mut Reader<'_>) -> CompletedOrdersRequest {
    CompletedOrdersRequest { api_only: fields.flag() }
}

pub fn executions(fields: &mut Reader<'_>) -> ExecutionRequest {
    fields.skip(1);
    let req_id = fields.int();
    let execution_filter = ExecutionFilter {
        client_id: fields.int(),
        acct_code: fields.text(),
        time: fields.text(),
        symbol: fields.text(),
        sec_type: fields.text(),
        exchange: fields.text(),
        side: fields.text(),
        ..ExecutionFilter::default()
    };
    ExecutionRequest { req_id, execution_filter: Some(execution_filter) }
}

pub fn place(fields: &mut Reader<'_>) -> PlaceOrderRequest {
    let order_id = fields.int();
    let mut contract = contract(fields);
    contract.sec_id_type = fields.text();
    contract.sec_id = fields.text();
    let mut order = Order::default();
    main(fields, &mut order);
    if is_combination(&contract) {
        combination(fields, &mut contract, &mut order);
    }
    advisor(fields, &mut order);
    restrictions(fields, &mut order);
    delta_neutral_order(fields, &mut order);
    order.continuous_update = fields.flag();
    order.reference_price_type = fields.int();
    order.trail_stop_price = fields.double();
    order.trailing_percent = fields.double();
    scale(fields, &mut order);
    order.opt_out_smart_routing = fields.flag();
    order.clearing_account = fields.text();
    order.clearing_intent = fields.text();
    order.not_held = fields.flag();
    contract.delta_neutral_contract = delta_neutral(fields);
    algorithm(fields, &mut order);
    order.what_if = fields.flag();
    order.order_misc_options = fields.options();
    order.solicited = fields.flag();
    order.randomize_size = fields.flag();
    order.randomize_price = fields.flag();
    pegged(fields, &mut order);
    conditions(fields, &mut order);
    adjusted(fields, &mut order);
    latest(fields, &contract, &mut order);
    PlaceOrderRequest {
        order_id,
        contract: Some(contract),
        order: Some(order),
        attached_orders: None,
    }
}

fn main(fields: &mut Reader<'_>, order: &mut Order) {
    order.action = fields.text();
    order.total_quantity = fields.decimal();
    order.order_type = fields.text();
    order.lmt_price = fields.double();
    order.aux_price = fields.double();
    order.tif = fields.text();
    order.oca_group = fields.text();
    order.account = fields.text();
    order.open_close = fields.text();
    order.origin = fields.int();
    order.order_ref = fields.text();
    order.transmit = fields.flag();
    order.parent_id = fields.int();
    order.block_order = fields.flag();
    order.sweep_to_fill = fields.flag();
    order.display_size = fields.int();
    order.trigger_method = fields.int();
    order.outside_rth = fields.flag();
    order.hidden = fields.flag();
}

fn combination(fields: &mut Reader<'_>, contract: &mut Contract, order: &mut Order) {
    contract.combo_legs = fields.list(|fields| ComboLeg {
        con_id: fields.int(),
        ratio: fields.int(),
        action: fields.text(),
        exchange: fields.text(),
        open_close: fields.int(),
        short_sales_slot: fields.int(),
        designated_location: fields.text(),
        exempt_code: fields.int(),
        per_leg_price: None,
    });
    let prices = fields.list(Reader::double);
    for (leg, price) in contract.combo_legs.iter_mut().zip(prices) {
        leg.per_leg_price = price;
    }
    order.smart_combo_routing_params = fields.pairs();
}

fn advisor(fields: &mut Reader<'_>, order: &mut Order) {
    // The shares of an advisor's accounts: not in use any more.
    fields.skip(1);
    order.discretionary_amt = fields.double();
    order.good_after_time = fields.text();
    order.good_till_date = fields.text();
    order.fa_group = fields.text();
    order.fa_method = fields.text();
    order.fa_percentage = fields.text();
    if !fields.since(177) {
        fields.skip(1);
    }
    order.model_code = fields.text();
}

fn restrictions(fields: &mut Reader<'_>, order: &mut Order) {
    order.short_sale_slot = fields.int();
    order.designated_location = fields.text();
    order.exempt_code = fields.int();
    order.oca_type = fields.int();
    order.rule80_a = fields.text();
    order.settling_firm = fields.text();
    order.all_or_none = fields.flag();
    order.min_qty = fields.int();
    order.percent_offset = fields.double();
    // Electronic trade only, firm quote only, the cap on them, and the auction strategy.
    fields.skip(4);
    order.starting_price = fields.double();
    order.stock_ref_price = fields.double();
    order.delta = fields.double();
    order.stock_range_lower = fields.double();
    order.stock_range_upper = fields.double();
    order.override_percentage_constraints = fields.flag();
    order.volatility = fields.double();
    order.volatility_type = fields.int();
}

/// Answers have the word `None` for "no such type", and clients send it back.
fn delta_neutral_order(fields: &mut Reader<'_>, order: &mut Order) {
    let kind = fields.text();
    order.delta_neutral_aux_price = fields.double();
    if kind.is_none() {
        return;
    }
    order.delta_neutral_con_id = fields.int();
    order.delta_neutral_settling_firm = fields.text();
    order.delta_neutral_clearing_account = fields.text();
    order.delta_neutral_clearing_intent = fields.text();
    order.delta_neutral_open_close = fields.text().filter(|side| side != "?");
    order.delta_neutral_short_sale = fields.flag();
    order.delta_neutral_short_sale_slot = fields.int();
    order.delta_neutral_designated_location = fields.text();
    order.delta_neutral_order_type = kind.filter(|kind| kind != "None");
}

fn scale(fields: &mut Reader<'_>, order: &mut Order) {
    order.scale_init_level_size = fields.int();
    order.scale_subs_level_size = fields.int();
    order.scale_price_increment = fields.double();
    if order.scale_price_increment.is_some_and(|increment| increment > 0.0) {
        order.scale_price_adjust_value = fields.double();
        order.scale_price_adjust_interval = fields.int();
        order.scale_profit_offset = fields.double();
        order.scale_auto_reset = fields.flag();
        order.scale_init_position = fields.int();
        order.scale_init_fill_qty = fields.int();
        order.scale_random_percent = fields.flag();
    }
    order.scale_table = fields.text();
    order.active_start_time = fields.text();
    order.active_stop_time = fields.text();
    order.hedge_type = fields.text();
    if order.hedge_type.is_some() {
        order.hedge_param = fields.text();
    }
}

fn algorithm(fields: &mut Reader<'_>, order: &mut Order) {
    order.algo_strategy = fields.text();
    if order.algo_strategy.is_some() {
        order.algo_params = fields.pairs();
    }
    order.algo_id = fields.text();
}

fn pegged(fields: &mut Reader<'_>, order: &mut Order) {
    if let Some("PEG BENCH" | "PEGBENCH") = order.order_type.as_deref() {
        order.reference_contract_id = fields.int();
        order.is_pegged_change_amount_decrease = fields.flag();
        order.pegged_change_amount = fields.double();
        order.reference_change_amount = fields.double();
        order.reference_exchange_id = fields.text();
    }
}

fn conditions(fields: &mut Reader<'_>, order: &mut Order) {
    order.conditions = fields.list(condition);
    if !order.conditions.is_empty() {
        order.conditions_ignore_rth = fields.flag();
        order.conditions_cancel_order = fields.flag();
    }
}

/// Kinds: 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 percent change.
fn condition(fields: &mut Reader<'_>) -> OrderCondition {
    let kind = fields.int();
    let and = fields.text().as_deref() == Some("a");
    let mut condition = OrderCondition {
        kind,
        is_conjunction_connection: and.then_some(true),
        ..OrderCondition::default()
    };
    if kind == Some(5) {
        condition.sec_type = fields.text();
        condition.exchange = fields.text();
        condition.symbol = fields.text();
        return condition;
    }
    condition.is_more = fields.flag();
    match kind {
        Some(1) => condition.price = fields.double(),
        Some(3) => condition.time = fields.text(),
        Some(4) => condition.percent = fields.int(),
        Some(6) => condition.volume = fields.int(),
        _ => condition.change_percent = fields.double(),
    }
    if let Some(1 | 6 | 7) = kind {
        condition.con_id = fields.int();
        condition.exchange = fields.text();
    }
    if kind == Some(1) {
        condition.trigger_method = fields.int();
    }
    condition
}

fn adjusted(fields: &mut Reader<'_>, order: &mut Order) {
    order.adjusted_order_type = fields.kind();
    order.trigger_price = fields.double();
    order.lmt_price_offset = fields.double();
    order.adjusted_stop_price = fields.double();
    order.adjusted_stop_limit_price = fields.double();
    order.adjusted_trailing_amount = fields.double();
    order.adjustable_trailing_unit = fields.int();
    order.ext_operator = fields.text();
    let (name, value) = (fields.text(), fields.text());
    order.soft_dollar_tier =
        name.is_some().then_some(SoftDollarTier { name, value, display_name: None });
    order.cash_qty = fields.double();
    order.mifid2_decision_maker = fields.text();
    order.mifid2_decision_algo = fields.text();
    order.mifid2_execution_trader = fields.text();
    order.mifid2_execution_algo = fields.text();
    order.dont_use_auto_price_for_hedge = fields.flag();
    order.is_oms_container = fields.flag();
    order.discretionary_up_to_limit_price = fields.flag();
    order.use_price_mgmt_algo = fields.flag().map(i32::from);
}

/// Fields that came one by one.
fn latest(fields: &mut Reader<'_>, contract: &Contract, order: &mut Order) {
    if fields.since(158) {
        order.duration = fields.int();
    }
    if fields.since(160) {
        order.post_to_ats = fields.int();
    }
    if fields.since(162) {
        order.auto_cancel_parent = fields.flag();
    }
    if fields.since(166) {
        order.advanced_error_override = fields.text();
    }
    if fields.since(169) {
        order.manual_order_time = fields.text();
    }
    if fields.since(170) {
        offsets(fields, contract, order);
    }
}

fn offsets(fields: &mut Reader<'_>, contract: &Contract, order: &mut Order) {
    if contract.exchange.as_deref() == Some("IBKRATS") {
        order.min_trade_qty = fields.int();
    }
    let to_the_middle = match order.order_type.as_deref() {
        Some("PEG BEST" | "PEGBEST") => {
            order.min_compete_size = fields.int();
            order.compete_against_best_offset = fields.double();
            order.compete_against_best_offset == Some(f64::INFINITY)
        }
        kind => matches!(kind, Some("PEG MID" | "PEGMID")),
    };
    if to_the_middle {
        order.mid_offset_at_whole = fields.double();
        order.mid_offset_at_half = fields.double();
    }
}
