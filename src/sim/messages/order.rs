//! The order, field for field: it is echoed to its owner as it was sent.

use std::collections::BTreeMap;

use prost::Message;

/// An order. Absent booleans are false; `transmit` absent means that the order is held.
///
/// Decimals (`total_quantity`, `filled_quantity`) are text and never empty.
#[derive(Clone, PartialEq, Message)]
pub struct Order {
    #[prost(int32, optional, tag = "1")]
    pub client_id: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub order_id: Option<i32>,
    #[prost(int64, optional, tag = "3")]
    pub perm_id: Option<i64>,
    #[prost(int32, optional, tag = "4")]
    pub parent_id: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub action: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub total_quantity: Option<String>,
    #[prost(int32, optional, tag = "7")]
    pub display_size: Option<i32>,
    #[prost(string, optional, tag = "8")]
    pub order_type: Option<String>,
    #[prost(double, optional, tag = "9")]
    pub lmt_price: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub aux_price: Option<f64>,
    #[prost(string, optional, tag = "11")]
    pub tif: Option<String>,
    #[prost(string, optional, tag = "12")]
    pub account: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub settling_firm: Option<String>,
    #[prost(string, optional, tag = "14")]
    pub clearing_account: Option<String>,
    #[prost(string, optional, tag = "15")]
    pub clearing_intent: Option<String>,
    #[prost(bool, optional, tag = "16")]
    pub all_or_none: Option<bool>,
    #[prost(bool, optional, tag = "17")]
    pub block_order: Option<bool>,
    #[prost(bool, optional, tag = "18")]
    pub hidden: Option<bool>,
    #[prost(bool, optional, tag = "19")]
    pub outside_rth: Option<bool>,
    #[prost(bool, optional, tag = "20")]
    pub sweep_to_fill: Option<bool>,
    #[prost(double, optional, tag = "21")]
    pub percent_offset: Option<f64>,
    #[prost(double, optional, tag = "22")]
    pub trailing_percent: Option<f64>,
    #[prost(double, optional, tag = "23")]
    pub trail_stop_price: Option<f64>,
    #[prost(int32, optional, tag = "24")]
    pub min_qty: Option<i32>,
    #[prost(string, optional, tag = "25")]
    pub good_after_time: Option<String>,
    #[prost(string, optional, tag = "26")]
    pub good_till_date: Option<String>,
    #[prost(string, optional, tag = "27")]
    pub oca_group: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub order_ref: Option<String>,
    #[prost(string, optional, tag = "29")]
    pub rule80_a: Option<String>,
    #[prost(int32, optional, tag = "30")]
    pub oca_type: Option<i32>,
    #[prost(int32, optional, tag = "31")]
    pub trigger_method: Option<i32>,
    #[prost(string, optional, tag = "32")]
    pub active_start_time: Option<String>,
    #[prost(string, optional, tag = "33")]
    pub active_stop_time: Option<String>,
    #[prost(string, optional, tag = "34")]
    pub fa_group: Option<String>,
    #[prost(string, optional, tag = "35")]
    pub fa_method: Option<String>,
    #[prost(string, optional, tag = "36")]
    pub fa_percentage: Option<String>,
    #[prost(double, optional, tag = "37")]
    pub volatility: Option<f64>,
    #[prost(int32, optional, tag = "38")]
    pub volatility_type: Option<i32>,
    #[prost(bool, optional, tag = "39")]
    pub continuous_update: Option<bool>,
    #[prost(int32, optional, tag = "40")]
    pub reference_price_type: Option<i32>,
    #[prost(string, optional, tag = "41")]
    pub delta_neutral_order_type: Option<String>,
    #[prost(double, optional, tag = "42")]
    pub delta_neutral_aux_price: Option<f64>,
    #[prost(int32, optional, tag = "43")]
    pub delta_neutral_con_id: Option<i32>,
    #[prost(string, optional, tag = "44")]
    pub delta_neutral_open_close: Option<String>,
    #[prost(bool, optional, tag = "45")]
    pub delta_neutral_short_sale: Option<bool>,
    #[prost(int32, optional, tag = "46")]
    pub delta_neutral_short_sale_slot: Option<i32>,
    #[prost(string, optional, tag = "47")]
    pub delta_neutral_designated_location: Option<String>,
    #[prost(int32, optional, tag = "48")]
    pub scale_init_level_size: Option<i32>,
    #[prost(int32, optional, tag = "49")]
    pub scale_subs_level_size: Option<i32>,
    #[prost(double, optional, tag = "50")]
    pub scale_price_increment: Option<f64>,
    #[prost(double, optional, tag = "51")]
    pub scale_price_adjust_value: Option<f64>,
    #[prost(int32, optional, tag = "52")]
    pub scale_price_adjust_interval: Option<i32>,
    #[prost(double, optional, tag = "53")]
    pub scale_profit_offset: Option<f64>,
    #[prost(bool, optional, tag = "54")]
    pub scale_auto_reset: Option<bool>,
    #[prost(int32, optional, tag = "55")]
    pub scale_init_position: Option<i32>,
    #[prost(int32, optional, tag = "56")]
    pub scale_init_fill_qty: Option<i32>,
    #[prost(bool, optional, tag = "57")]
    pub scale_random_percent: Option<bool>,
    #[prost(string, optional, tag = "58")]
    pub scale_table: Option<String>,
    #[prost(string, optional, tag = "59")]
    pub hedge_type: Option<String>,
    #[prost(string, optional, tag = "60")]
    pub hedge_param: Option<String>,
    #[prost(string, optional, tag = "61")]
    pub algo_strategy: Option<String>,
    #[prost(btree_map = "string, string", tag = "62")]
    pub algo_params: BTreeMap<String, String>,
    #[prost(string, optional, tag = "63")]
    pub algo_id: Option<String>,
    #[prost(btree_map = "string, string", tag = "64")]
    pub smart_combo_routing_params: BTreeMap<String, String>,
    #[prost(bool, optional, tag = "65")]
    pub what_if: Option<bool>,
    #[prost(bool, optional, tag = "66")]
    pub transmit: Option<bool>,
    #[prost(bool, optional, tag = "67")]
    pub override_percentage_constraints: Option<bool>,
    #[prost(string, optional, tag = "68")]
    pub open_close: Option<String>,
    #[prost(int32, optional, tag = "69")]
    pub origin: Option<i32>,
    #[prost(int32, optional, tag = "70")]
    pub short_sale_slot: Option<i32>,
    #[prost(string, optional, tag = "71")]
    pub designated_location: Option<String>,
    #[prost(int32, optional, tag = "72")]
    pub exempt_code: Option<i32>,
    #[prost(string, optional, tag = "73")]
    pub delta_neutral_settling_firm: Option<String>,
    #[prost(string, optional, tag = "74")]
    pub delta_neutral_clearing_account: Option<String>,
    #[prost(string, optional, tag = "75")]
    pub delta_neutral_clearing_intent: Option<String>,
    #[prost(double, optional, tag = "76")]
    pub discretionary_amt: Option<f64>,
    #[prost(bool, optional, tag = "77")]
    pub opt_out_smart_routing: Option<bool>,
    #[prost(double, optional, tag = "78")]
    pub starting_price: Option<f64>,
    #[prost(double, optional, tag = "79")]
    pub stock_ref_price: Option<f64>,
    #[prost(double, optional, tag = "80")]
    pub delta: Option<f64>,
    #[prost(double, optional, tag = "81")]
    pub stock_range_lower: Option<f64>,
    #[prost(double, optional, tag = "82")]
    pub stock_range_upper: Option<f64>,
    #[prost(bool, optional, tag = "83")]
    pub not_held: Option<bool>,
    #[prost(btree_map = "string, string", tag = "84")]
    pub order_misc_options: BTreeMap<String, String>,
    #[prost(bool, optional, tag = "85")]
    pub solicited: Option<bool>,
    #[prost(bool, optional, tag = "86")]
    pub randomize_size: Option<bool>,
    #[prost(bool, optional, tag = "87")]
    pub randomize_price: Option<bool>,
    #[prost(int32, optional, tag = "88")]
    pub reference_contract_id: Option<i32>,
    #[prost(double, optional, tag = "89")]
    pub pegged_change_amount: Option<f64>,
    #[prost(bool, optional, tag = "90")]
    pub is_pegged_change_amount_decrease: Option<bool>,
    #[prost(double, optional, tag = "91")]
    pub reference_change_amount: Option<f64>,
    #[prost(string, optional, tag = "92")]
    pub reference_exchange_id: Option<String>,
    #[prost(string, optional, tag = "93")]
    pub adjusted_order_type: Option<String>,
    #[prost(double, optional, tag = "94")]
    pub trigger_price: Option<f64>,
    #[prost(double, optional, tag = "95")]
    pub adjusted_stop_price: Option<f64>,
    #[prost(double, optional, tag = "96")]
    pub adjusted_stop_limit_price: Option<f64>,
    #[prost(double, optional, tag = "97")]
    pub adjusted_trailing_amount: Option<f64>,
    #[prost(int32, optional, tag = "98")]
    pub adjustable_trailing_unit: Option<i32>,
    #[prost(double, optional, tag = "99")]
    pub lmt_price_offset: Option<f64>,
    #[prost(message, repeated, tag = "100")]
    pub conditions: Vec<OrderCondition>,
    #[prost(bool, optional, tag = "101")]
    pub conditions_cancel_order: Option<bool>,
    #[prost(bool, optional, tag = "102")]
    pub conditions_ignore_rth: Option<bool>,
    #[prost(string, optional, tag = "103")]
    pub model_code: Option<String>,
    #[prost(string, optional, tag = "104")]
    pub ext_operator: Option<String>,
    #[prost(message, optional, tag = "105")]
    pub soft_dollar_tier: Option<SoftDollarTier>,
    #[prost(double, optional, tag = "106")]
    pub cash_qty: Option<f64>,
    #[prost(string, optional, tag = "107")]
    pub mifid2_decision_maker: Option<String>,
    #[prost(string, optional, tag = "108")]
    pub mifid2_decision_algo: Option<String>,
    #[prost(string, optional, tag = "109")]
    pub mifid2_execution_trader: Option<String>,
    #[prost(string, optional, tag = "110")]
    pub mifid2_execution_algo: Option<String>,
    #[prost(bool, optional, tag = "111")]
    pub dont_use_auto_price_for_hedge: Option<bool>,
    #[prost(bool, optional, tag = "112")]
    pub is_oms_container: Option<bool>,
    #[prost(bool, optional, tag = "113")]
    pub discretionary_up_to_limit_price: Option<bool>,
    #[prost(string, optional, tag = "114")]
    pub auto_cancel_date: Option<String>,
    #[prost(string, optional, tag = "115")]
    pub filled_quantity: Option<String>,
    #[prost(int32, optional, tag = "116")]
    pub ref_futures_con_id: Option<i32>,
    #[prost(bool, optional, tag = "117")]
    pub auto_cancel_parent: Option<bool>,
    #[prost(string, optional, tag = "118")]
    pub shareholder: Option<String>,
    #[prost(bool, optional, tag = "119")]
    pub imbalance_only: Option<bool>,
    #[prost(int32, optional, tag = "120")]
    pub route_marketable_to_bbo: Option<i32>,
    #[prost(int64, optional, tag = "121")]
    pub parent_perm_id: Option<i64>,
    #[prost(int32, optional, tag = "122")]
    pub use_price_mgmt_algo: Option<i32>,
    #[prost(int32, optional, tag = "123")]
    pub duration: Option<i32>,
    #[prost(int32, optional, tag = "124")]
    pub post_to_ats: Option<i32>,
    #[prost(string, optional, tag = "125")]
    pub advanced_error_override: Option<String>,
    #[prost(string, optional, tag = "126")]
    pub manual_order_time: Option<String>,
    #[prost(int32, optional, tag = "127")]
    pub min_trade_qty: Option<i32>,
    #[prost(int32, optional, tag = "128")]
    pub min_compete_size: Option<i32>,
    #[prost(double, optional, tag = "129")]
    pub compete_against_best_offset: Option<f64>,
    #[prost(double, optional, tag = "130")]
    pub mid_offset_at_whole: Option<f64>,
    #[prost(double, optional, tag = "131")]
    pub mid_offset_at_half: Option<f64>,
    #[prost(string, optional, tag = "132")]
    pub customer_account: Option<String>,
    #[prost(bool, optional, tag = "133")]
    pub professional_customer: Option<bool>,
    #[prost(string, optional, tag = "134")]
    pub bond_accrued_interest: Option<String>,
    #[prost(bool, optional, tag = "135")]
    pub include_overnight: Option<bool>,
    #[prost(int32, optional, tag = "136")]
    pub manual_order_indicator: Option<i32>,
    #[prost(string, optional, tag = "137")]
    pub submitter: Option<String>,
    #[prost(bool, optional, tag = "138")]
    pub deactivate: Option<bool>,
    #[prost(bool, optional, tag = "139")]
    pub post_only: Option<bool>,
    #[prost(bool, optional, tag = "140")]
    pub allow_pre_open: Option<bool>,
    #[prost(bool, optional, tag = "141")]
    pub ignore_open_auction: Option<bool>,
    #[prost(int32, optional, tag = "142")]
    pub seek_price_improvement: Option<i32>,
    #[prost(int32, optional, tag = "143")]
    pub what_if_type: Option<i32>,
    #[prost(int32, optional, tag = "144")]
    pub hedge_max_size: Option<i32>,
    #[prost(bool, optional, tag = "145")]
    pub conditions_include_overnight: Option<bool>,
}

/// A condition that an order waits for.
#[derive(Clone, PartialEq, Message)]
pub struct OrderCondition {
    #[prost(int32, optional, tag = "1")]
    pub kind: Option<i32>,
    #[prost(bool, optional, tag = "2")]
    pub is_conjunction_connection: Option<bool>,
    #[prost(bool, optional, tag = "3")]
    pub is_more: Option<bool>,
    #[prost(int32, optional, tag = "4")]
    pub con_id: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub exchange: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub symbol: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub sec_type: Option<String>,
    #[prost(int32, optional, tag = "8")]
    pub percent: Option<i32>,
    #[prost(double, optional, tag = "9")]
    pub change_percent: Option<f64>,
    #[prost(double, optional, tag = "10")]
    pub price: Option<f64>,
    #[prost(int32, optional, tag = "11")]
    pub trigger_method: Option<i32>,
    #[prost(string, optional, tag = "12")]
    pub time: Option<String>,
    #[prost(int32, optional, tag = "13")]
    pub volume: Option<i32>,
}

/// A soft dollar tier.
#[derive(Clone, PartialEq, Message)]
pub struct SoftDollarTier {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub display_name: Option<String>,
}
