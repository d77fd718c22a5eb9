//! Open and completed orders: some hundred fields, several of them counts or names on which the
//! next ones depend.

use super::{Layout, Text, contract};
use crate::sim::messages::{
    CompletedOrder, Contract, OpenOrder, Order, OrderCondition, OrderState, SoftDollarTier,
};

/// Gateways send a word where there is no such order type, and the fields that go with one.
const NO_ORDER_TYPE: &str = "None";

/// What stands for "neither call nor put" in an order.
const NO_RIGHT: &str = "?";

impl Layout for OpenOrder {
    fn lay_out(&self, to: &mut Text) {
        let legs = self.contract.clone().unwrap_or_default();
        let order = self.order.clone().unwrap_or_default();
        let state = self.order_state.clone().unwrap_or_default();
        to.begin::<Self>().int(self.order_id);
        contract(to, &legs, NO_RIGHT);
        main(to, &order);
        to.int(order.client_id).long(order.perm_id);
        session(to, &order);
        // The shares of an advisor's accounts.
        to.blank();
        advisor(to, &order);
        restrictions(to, &order);
        to.int(None)
            .double_or_blank(order.starting_price)
            .double_or_blank(order.stock_ref_price)
            .double_or_blank(order.delta)
            .double_or_blank(order.stock_range_lower)
            .double_or_blank(order.stock_range_upper)
            .int_or_unset(order.display_size)
            .flag(order.block_order)
            .flag(order.sweep_to_fill)
            .flag(order.all_or_none)
            .int_or_blank(order.min_qty)
            .int(order.oca_type)
            // Electronic trade only, firm quote only and the cap on them: long out of use.
            .flag(None)
            .flag(None)
            .blank()
            .int(order.parent_id)
            .int(order.trigger_method)
            .double_or_blank(order.volatility)
            .int_or_blank(order.volatility_type);
        open_delta_neutral(to, &order);
        to.flag(order.continuous_update)
            .int_or_blank(order.reference_price_type)
            .double_or_blank(order.trail_stop_price)
            .double_or_blank(order.trailing_percent)
            // Basis points of exchange-for-physical orders, and their type.
            .blank()
            .blank()
            .text(legs.combo_legs_descrip.as_ref());
        combination(to, &legs, &order);
        scale(to, &order);
        hedge(to, &order);
        to.flag(order.opt_out_smart_routing);
        clearing(to, &legs, &order);
        algorithm(to, &order);
        to.flag(order.solicited).flag(order.what_if);
        consequences(to, &state, order.what_if == Some(true));
        to.flag(order.randomize_size).flag(order.randomize_price);
        pegged(to, &order);
        conditions(to, &order);
        adjusted(to, &order);
        latest(to, &order);
    }
}

impl Layout for CompletedOrder {
    fn lay_out(&self, to: &mut Text) {
        let legs = self.contract.clone().unwrap_or_default();
        let order = self.order.clone().unwrap_or_default();
        let state = self.order_state.clone().unwrap_or_default();
        to.begin::<Self>();
        contract(to, &legs, NO_RIGHT);
        main(to, &order);
        to.long(order.perm_id);
        session(to, &order);
        advisor(to, &order);
        restrictions(to, &order);
        to.double_or_blank(order.starting_price)
            .double_or_blank(order.stock_ref_price)
            .double_or_blank(order.delta)
            .double_or_blank(order.stock_range_lower)
            .double_or_blank(order.stock_range_upper)
            .int_or_unset(order.display_size)
            .flag(order.sweep_to_fill)
            .flag(order.all_or_none)
            .int_or_blank(order.min_qty)
            .int(order.oca_type)
            .int(order.trigger_method)
            .double_or_blank(order.volatility)
            .int_or_blank(order.volatility_type);
        completed_delta_neutral(to, &order);
        to.flag(order.continuous_update)
            .int_or_blank(order.reference_price_type)
            .double_or_blank(order.trail_stop_price)
            .double_or_blank(order.trailing_percent)
            .text(legs.combo_legs_descrip.as_ref());
        combination(to, &legs, &order);
        scale(to, &order);
        hedge(to, &order);
        clearing(to, &legs, &order);
        algorithm(to, &order);
        to.flag(order.solicited)
            .text(state.status.as_ref())
            .flag(order.randomize_size)
            .flag(order.randomize_price);
        pegged(to, &order);
        conditions(to, &order);
        completion(to, &order, &state);
        offsets(to, &order);
    }
}

fn main(to: &mut Text, order: &Order) {
    to.text(order.action.as_ref())
        .decimal(order.total_quantity.as_ref())
        .text(order.order_type.as_ref())
        .double_or_zero(order.lmt_price)
        .double_or_zero(order.aux_price)
        .text(order.tif.as_ref())
        .text(order.oca_group.as_ref())
        .text(order.account.as_ref())
        .text(order.open_close.as_ref())
        .int(order.origin)
        .text(order.order_ref.as_ref());
}

fn session(to: &mut Text, order: &Order) {
    to.flag(order.outside_rth)
        .flag(order.hidden)
        .double_or_zero(order.discretionary_amt)
        .text(order.good_after_time.as_ref());
}

fn advisor(to: &mut Text, order: &Order) {
    to.text(order.fa_group.as_ref())
        .text(order.fa_method.as_ref())
        .text(order.fa_percentage.as_ref());
    if !to.since(177) {
        // Profiles are gone; their field went later.
        to.blank();
    }
    to.text(order.model_code.as_ref());
}

fn restrictions(to: &mut Text, order: &Order) {
    to.text(order.good_till_date.as_ref())
        .text(order.rule80_a.as_ref())
        .double_or_blank(order.percent_offset)
        .text(order.settling_firm.as_ref())
        .int(order.short_sale_slot)
        .text(order.designated_location.as_ref())
        .number(order.exempt_code.unwrap_or(-1));
}

fn open_delta_neutral(to: &mut Text, order: &Order) {
    to.text_or(order.delta_neutral_order_type.as_ref(), NO_ORDER_TYPE)
        .double_or_blank(order.delta_neutral_aux_price)
        .int(order.delta_neutral_con_id)
        .text(order.delta_neutral_settling_firm.as_ref())
        .text(order.delta_neutral_clearing_account.as_ref())
        .text(order.delta_neutral_clearing_intent.as_ref())
        .text_or(order.delta_neutral_open_close.as_ref(), "?")
        .flag(order.delta_neutral_short_sale)
        .int(order.delta_neutral_short_sale_slot)
        .text(order.delta_neutral_designated_location.as_ref());
}

fn completed_delta_neutral(to: &mut Text, order: &Order) {
    to.text_or(order.delta_neutral_order_type.as_ref(), NO_ORDER_TYPE)
        .double_or_blank(order.delta_neutral_aux_price)
        .int(order.delta_neutral_con_id)
        .flag(order.delta_neutral_short_sale)
        .int(order.delta_neutral_short_sale_slot)
        .text(order.delta_neutral_designated_location.as_ref());
}

fn combination(to: &mut Text, contract: &Contract, order: &Order) {
    let legs = &contract.combo_legs;
    to.count(legs.len());
    for leg in legs {
        to.int(leg.con_id)
            .int(leg.ratio)
            .text(leg.action.as_ref())
            .text(leg.exchange.as_ref())
            .int(leg.open_close)
            .int(leg.short_sales_slot)
            .text(leg.designated_location.as_ref())
            .number(leg.exempt_code.unwrap_or(-1));
    }
    let priced = legs.iter().any(|leg| leg.per_leg_price.is_some());
    to.count(if priced { legs.len() } else { 0 });
    for leg in legs.iter().filter(|_| priced) {
        to.double_or_blank(leg.per_leg_price);
    }
    to.pairs(&order.smart_combo_routing_params);
}

fn scale(to: &mut Text, order: &Order) {
    to.int_or_unset(order.scale_init_level_size)
        .int_or_unset(order.scale_subs_level_size)
        .double_or_blank(order.scale_price_increment);
    if order.scale_price_increment.is_some_and(|increment| increment > 0.0) {
        to.double_or_blank(order.scale_price_adjust_value)
            .int_or_unset(order.scale_price_adjust_interval)
            .double_or_blank(order.scale_profit_offset)
            .flag(order.scale_auto_reset)
            .int_or_unset(order.scale_init_position)
            .int_or_unset(order.scale_init_fill_qty)
            .flag(order.scale_random_percent);
    }
}

fn hedge(to: &mut Text, order: &Order) {
    to.text(order.hedge_type.as_ref());
    if order.hedge_type.as_ref().is_some_and(|kind| !kind.is_empty()) {
        to.text(order.hedge_param.as_ref());
    }
}

fn clearing(to: &mut Text, contract: &Contract, order: &Order) {
    to.text(order.clearing_account.as_ref())
        .text_or(order.clearing_intent.as_ref(), "IB")
        .flag(order.not_held)
        .flag(Some(contract.delta_neutral_contract.is_some()));
    if let Some(hedge) = &contract.delta_neutral_contract {
        to.int(hedge.con_id).double_or_zero(hedge.delta).double_or_zero(hedge.price);
    }
}

fn algorithm(to: &mut Text, order: &Order) {
    to.text(order.algo_strategy.as_ref());
    if order.algo_strategy.as_ref().is_some_and(|strategy| !strategy.is_empty()) {
        to.pairs(&order.algo_params);
    }
}

/// Margins are unset for an order that was placed. For one that was tried out clients wait for
/// numbers.
fn consequences(to: &mut Text, state: &OrderState, tried: bool) {
    to.text(state.status.as_ref());
    for margin in [
        state.init_margin_before,
        state.maint_margin_before,
        state.equity_with_loan_before,
        state.init_margin_change,
        state.maint_margin_change,
        state.equity_with_loan_change,
        state.init_margin_after,
        state.maint_margin_after,
        state.equity_with_loan_after,
    ] {
        to.double_or_unset(margin.or_else(|| tried.then_some(0.0)));
    }
    to.double_or_blank(state.commission_and_fees)
        .double_or_blank(state.min_commission_and_fees)
        .double_or_blank(state.max_commission_and_fees)
        .text(state.commission_and_fees_currency.as_ref())
        .prose(state.warning_text.as_ref());
}

fn pegged(to: &mut Text, order: &Order) {
    if let Some("PEG BENCH" | "PEGBENCH") = order.order_type.as_deref() {
        to.int(order.reference_contract_id)
            .flag(order.is_pegged_change_amount_decrease)
            .double_or_zero(order.pegged_change_amount)
            .double_or_zero(order.reference_change_amount)
            .text(order.reference_exchange_id.as_ref());
    }
}

fn conditions(to: &mut Text, order: &Order) {
    to.count(order.conditions.len());
    for condition in &order.conditions {
        one_condition(to, condition);
    }
    if !order.conditions.is_empty() {
        to.flag(order.conditions_ignore_rth).flag(order.conditions_cancel_order);
    }
}

/// Kinds: 1 price, 3 time, 4 margin, 5 execution, 6 volume, 7 percent change.
fn one_condition(to: &mut Text, condition: &OrderCondition) {
    let and = condition.is_conjunction_connection == Some(true);
    to.int(condition.kind).word(if and { "a" } else { "o" });
    if condition.kind == Some(5) {
        to.text(condition.sec_type.as_ref())
            .text(condition.exchange.as_ref())
            .text(condition.symbol.as_ref());
        return;
    }
    to.flag(condition.is_more);
    match condition.kind {
        Some(1) => to.double_or_zero(condition.price),
        Some(3) => to.text(condition.time.as_ref()),
        Some(4) => to.int(condition.percent),
        Some(6) => to.int(condition.volume),
        _ => to.double_or_zero(condition.change_percent),
    };
    if let Some(1 | 6 | 7) = condition.kind {
        to.int(condition.con_id).text(condition.exchange.as_ref());
    }
    if condition.kind == Some(1) {
        to.int(condition.trigger_method);
    }
}

fn adjusted(to: &mut Text, order: &Order) {
    to.text_or(order.adjusted_order_type.as_ref(), NO_ORDER_TYPE)
        .double_or_unset(order.trigger_price)
        .double_or_unset(order.trail_stop_price)
        .double_or_unset(order.lmt_price_offset)
        .double_or_unset(order.adjusted_stop_price)
        .double_or_unset(order.adjusted_stop_limit_price)
        .double_or_unset(order.adjusted_trailing_amount)
        .int(order.adjustable_trailing_unit);
    let SoftDollarTier { name, value, display_name } =
        order.soft_dollar_tier.clone().unwrap_or_default();
    to.text(name.as_ref())
        .text(value.as_ref())
        .text(display_name.as_ref())
        .double_or_zero(order.cash_qty)
        .flag(order.dont_use_auto_price_for_hedge)
        .flag(order.is_oms_container)
        .flag(order.discretionary_up_to_limit_price)
        .int(order.use_price_mgmt_algo);
}

/// Fields that came one by one.
fn latest(to: &mut Text, order: &Order) {
    if to.since(158) {
        to.int_or_unset(order.duration);
    }
    if to.since(160) {
        to.int_or_unset(order.post_to_ats);
    }
    if to.since(162) {
        to.flag(order.auto_cancel_parent);
    }
    offsets(to, order);
}

fn offsets(to: &mut Text, order: &Order) {
    if to.since(170) {
        to.int_or_blank(order.min_trade_qty)
            .int_or_blank(order.min_compete_size)
            .double_or_blank(order.compete_against_best_offset)
            .double_or_blank(order.mid_offset_at_whole)
            .double_or_blank(order.mid_offset_at_half);
    }
}

fn completion(to: &mut Text, order: &Order, state: &OrderState) {
    to.double_or_unset(order.trail_stop_price)
        .double_or_unset(order.lmt_price_offset)
        .double_or_zero(order.cash_qty)
        .flag(order.dont_use_auto_price_for_hedge)
        .flag(order.is_oms_container)
        .text(order.auto_cancel_date.as_ref())
        .decimal(order.filled_quantity.as_ref())
        .int_or_unset(order.ref_futures_con_id)
        .flag(order.auto_cancel_parent)
        .text(order.shareholder.as_ref())
        .flag(order.imbalance_only)
        .int(order.route_marketable_to_bbo)
        .long_or_unset(order.parent_perm_id)
        .text(state.completed_time.as_ref())
        .prose(state.completed_status.as_ref());
}
