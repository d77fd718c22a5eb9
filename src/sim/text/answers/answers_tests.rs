//! Answers as the clients read them, with `|` for the NUL.

use std::collections::BTreeMap;

use super::*;
use crate::sim::messages::*;

/// The body of the frame that `message` becomes.
fn body<M: Layout>(version: i32, message: &M) -> String {
    let mut frames = Vec::new();
    Text::new(version).push(&mut frames, message);
    let (length, body) = frames.split_at(4);
    assert_eq!(u32::from_be_bytes(length.try_into().unwrap()) as usize, body.len());
    String::from_utf8(body.to_vec()).unwrap().replace('\0', "|")
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn spy(exchange: &str) -> Contract {
    Contract {
        con_id: Some(756_733),
        symbol: some("SPY"),
        sec_type: some("STK"),
        exchange: some(exchange),
        currency: some("USD"),
        local_symbol: some("SPY"),
        trading_class: some("SPY"),
        ..Contract::default()
    }
}

#[test]
fn a_frame_is_a_length_and_fields_that_each_end_in_a_nul() {
    let mut frames = Vec::new();
    Text::new(157).push(&mut frames, &NextValidId { order_id: Some(1) });
    Text::new(157).push(&mut frames, &ManagedAccounts { accounts_list: some("DU1") });
    assert_eq!(frames, b"\0\0\0\x069\x001\x001\0\0\0\0\x0915\x001\0DU1\0");
}

#[test]
fn an_error_has_one_field_more_from_166_and_never_a_time() {
    let error = ErrorMessage {
        id: Some(-1),
        error_time: Some(1),
        error_code: Some(200),
        error_msg: some("Kürzel \\ ?"),
        advanced_order_reject_json: None,
    };
    assert_eq!(body(165, &error), "4|2|-1|200|K\\u00fcrzel \\u005c ?|");
    assert_eq!(body(166, &error), "4|2|-1|200|K\\u00fcrzel \\u005c ?||");
}

#[test]
fn positions_and_portfolio_rows_have_exactly_their_fields() {
    let position = Position {
        account: some("DU1"),
        contract: Some(spy("ARCA")),
        position: some("10"),
        avg_cost: Some(560.1),
    };
    assert_eq!(body(157, &position), "61|3|DU1|756733|SPY|STK||0.0|||ARCA|USD|SPY|SPY|10|560.1|");
    let row = PortfolioValue {
        contract: Some(spy("ARCA")),
        position: some("10"),
        market_price: None,
        market_value: Some(5600.0),
        average_cost: Some(560.1),
        unrealized_pnl: Some(-1.0),
        realized_pnl: None,
        account_name: some("DU1"),
    };
    assert_eq!(
        body(178, &row),
        "7|8|756733|SPY|STK||0.0|0||ARCA|USD|SPY|SPY|10|0.0|5600.0|560.1|-1.0|0.0|DU1|"
    );
    let mut listed = row.clone();
    listed.contract = Some(Contract { primary_exch: some("NYSE"), ..spy("SMART") });
    assert!(body(178, &listed).contains("|NYSE|USD|"), "the listing exchange goes first");
}

#[test]
fn a_multiplier_is_text_without_decimals_it_does_not_have() {
    let future = |multiplier| Position {
        contract: Some(Contract { multiplier: Some(multiplier), ..spy("CME") }),
        ..Position::default()
    };
    assert!(body(178, &future(50.0)).contains("|0.0||50|CME|"));
    assert!(body(178, &future(0.1)).contains("|0.0||0.1|CME|"));
}

fn details() -> ContractData {
    ContractData {
        req_id: Some(4),
        contract: Some(Contract { primary_exch: some("ARCA"), ..spy("SMART") }),
        contract_details: Some(ContractDetails {
            market_name: some("SPY"),
            min_tick: some("0.01"),
            order_types: some("LMT,MKT"),
            valid_exchanges: some("SMART,ARCA"),
            price_magnifier: Some(1),
            long_name: some("A \\ B"),
            time_zone_id: some("US/Eastern"),
            trading_hours: some("H"),
            liquid_hours: some("L"),
            sec_id_list: BTreeMap::from([("ISIN".to_owned(), "US1".to_owned())]),
            market_rule_ids: some("26,26"),
            stock_type: some("ETF"),
            min_size: some("0.0001"),
            size_increment: some("1"),
            suggested_size_increment: some("100"),
            ..ContractDetails::default()
        }),
    }
}

#[test]
fn contract_details_change_at_163_and_164() {
    let middle = "LMT,MKT|SMART,ARCA|1|0|A \\u005c B|ARCA|||||US/Eastern|H|L|||1|ISIN|US1|2147483647\
                  |||26,26||ETF|";
    let old = format!("10|8|4|SPY|STK||0.0||SMART|USD|SPY|SPY|SPY|756733|0.01|1||{middle}");
    let new = format!("10|4|SPY|STK||0.0||SMART|USD|SPY|SPY|SPY|756733|0.01||{middle}");
    assert_eq!(body(157, &details()), old);
    assert_eq!(body(162, &details()), old);
    assert_eq!(body(163, &details()), format!("{old}0.0001|"));
    assert_eq!(body(164, &details()), format!("{new}0.0001|1|100|"));
    assert_eq!(body(178, &details()), format!("{new}0.0001|1|100|"));
}

#[test]
fn symbol_samples_say_more_from_176() {
    let samples = SymbolSamples {
        req_id: Some(4),
        contract_descriptions: vec![ContractDescription {
            contract: Some(Contract { primary_exch: some("ARCA"), ..spy("SMART") }),
            derivative_sec_types: vec!["OPT".to_owned(), "WAR".to_owned()],
        }],
    };
    let old = "79|4|1|756733|SPY|STK|ARCA|USD|2|OPT|WAR|";
    assert_eq!(body(175, &samples), old);
    assert_eq!(body(176, &samples), format!("{old}||"));
}

#[test]
fn an_execution_has_one_field_more_at_178() {
    let details = ExecutionDetails {
        req_id: Some(-1),
        contract: Some(spy("ARCA")),
        execution: Some(Execution {
            order_id: Some(31),
            exec_id: some("0.1"),
            time: some("20260102 10:00:00 US/Eastern"),
            acct_number: some("DU1"),
            exchange: some("ARCA"),
            side: some("BOT"),
            shares: some("10"),
            price: Some(560.0),
            perm_id: Some(1_000_000_001),
            client_id: Some(7),
            is_liquidation: Some(false),
            cum_qty: some("10"),
            avg_price: Some(560.0),
            order_ref: some("r1"),
            last_liquidity: Some(2),
            ..Execution::default()
        }),
    };
    let old = "11|-1|31|756733|SPY|STK||0.0|||ARCA|USD|SPY|SPY|0.1|20260102 10:00:00 US/Eastern|DU1|\
               ARCA|BOT|10|560.0|1000000001|7|0|10|560.0|r1||||2|";
    assert_eq!(body(177, &details), old);
    assert_eq!(body(178, &details), format!("{old}0|"));
}

#[test]
fn a_commission_report_and_an_order_status_have_exactly_their_fields() {
    let report = CommissionAndFeesReport {
        exec_id: some("0.1"),
        commission_and_fees: Some(1.0),
        currency: some("USD"),
        ..CommissionAndFeesReport::default()
    };
    let unset = "1.7976931348623157E308";
    assert_eq!(body(157, &report), format!("59|1|0.1|1.0|USD|{unset}|{unset}||"));
    let status = OrderStatus {
        order_id: Some(31),
        status: some("Submitted"),
        filled: some("0"),
        remaining: some("10"),
        avg_fill_price: Some(0.0),
        perm_id: Some(9),
        client_id: Some(7),
        ..OrderStatus::default()
    };
    assert_eq!(body(157, &status), "3|31|Submitted|0|10|0.0|9|0|0.0|7||0.0|");
}

#[test]
fn bars_wait_for_their_range_and_are_their_own_end() {
    let mut text = Text::new(157);
    let mut frames = Vec::new();
    let bar = HistoricalDataBar {
        date: some("20260102"),
        open: Some(1.0),
        high: Some(2.0),
        low: Some(0.5),
        close: Some(1.5),
        volume: some("100"),
        wap: some("1.25"),
        bar_count: Some(3),
    };
    let bars = HistoricalData { req_id: Some(4), historical_data_bars: vec![bar] };
    text.push(&mut frames, &bars);
    assert!(frames.is_empty());
    let end = |req_id| HistoricalDataEnd {
        req_id: Some(req_id),
        start_date_str: some("a"),
        end_date_str: some("b"),
    };
    text.push(&mut frames, &end(5));
    assert!(frames.is_empty(), "the end of another request");
    text.push(&mut frames, &end(4));
    let body = String::from_utf8(frames.split_off(4)).unwrap().replace('\0', "|");
    assert_eq!(body, "17|4|a|b|1|20260102|1.0|2.0|0.5|1.5|100|1.25|3|");
    frames.clear();
    text.push(&mut frames, &end(4));
    assert!(frames.is_empty(), "once");
}

#[test]
fn ticks_and_ends_have_their_version_fields() {
    let price = TickPrice {
        req_id: Some(4),
        tick_type: Some(1),
        price: Some(560.0),
        size: some("300"),
        attr_mask: Some(0),
    };
    assert_eq!(body(157, &price), "1|6|4|1|560.0|300|0|");
    assert_eq!(body(157, &PositionEnd {}), "62|1|");
    assert_eq!(body(157, &CompletedOrdersEnd {}), "102|");
    assert_eq!(body(157, &CurrentTime { current_time: Some(5) }), "49|1|5|");
    let bar = HistoricalDataBar {
        date: some("20260102"),
        open: Some(1.0),
        high: Some(2.0),
        low: Some(0.5),
        close: Some(1.5),
        volume: some("100"),
        wap: some("1.25"),
        bar_count: Some(3),
    };
    let update = HistoricalDataUpdate { req_id: Some(4), historical_data_bar: Some(bar) };
    assert_eq!(body(157, &update), "90|4|3|20260102|1.0|1.5|2.0|0.5|1.25|100|");
    let head = HeadTimestamp { req_id: Some(4), head_timestamp: some("20100104-14:30:00") };
    assert_eq!(body(157, &head), "88|4|20100104-14:30:00|");
}

fn limit() -> Order {
    Order {
        client_id: Some(7),
        perm_id: Some(9),
        action: some("BUY"),
        total_quantity: some("10"),
        order_type: some("LMT"),
        lmt_price: Some(559.5),
        tif: some("DAY"),
        account: some("DU1"),
        order_ref: some("r1"),
        filled_quantity: some("4"),
        ..Order::default()
    }
}

const UNSET: &str = "1.7976931348623157E308";

#[test]
fn an_open_order_changes_at_158_160_162_170_and_177() {
    let order = OpenOrder {
        order_id: Some(31),
        contract: Some(spy("SMART")),
        order: Some(limit()),
        order_state: Some(OrderState { status: some("Submitted"), ..OrderState::default() }),
    };
    let head = "5|31|756733|SPY|STK||0.0|?||SMART|USD|SPY|SPY|BUY|10|LMT|559.5|0.0|DAY||DU1||0|r1|7|9|0|0|\
                0.0||||||";
    let margins = format!("{UNSET}|").repeat(9);
    let rest = format!(
        "|||||0||-1|0||||||2147483647|0|0|0||0|0|0||0|0|||None||0||||?|0|0||0|||||||0|0|0|2147483647|\
         2147483647|||0||IB|0|0||0|0|Submitted|{margins}|||||0|0|0|None|{UNSET}|{UNSET}|{UNSET}|{UNSET}|\
         {UNSET}|{UNSET}|0||||0.0|0|0|0|0|"
    );
    let unset = "2147483647|";
    for (version, profile, tail) in [
        (157, "|", String::new()),
        (158, "|", unset.to_owned()),
        (160, "|", format!("{unset}{unset}")),
        (162, "|", format!("{unset}{unset}0|")),
        (169, "|", format!("{unset}{unset}0|")),
        (170, "|", format!("{unset}{unset}0||||||")),
        (176, "|", format!("{unset}{unset}0||||||")),
        (177, "", format!("{unset}{unset}0||||||")),
        (178, "", format!("{unset}{unset}0||||||")),
    ] {
        assert_eq!(body(version, &order), format!("{head}{profile}{rest}{tail}"), "{version}");
    }
}

#[test]
fn a_what_if_has_numbers_for_all_nine_margins() {
    let state = OrderState {
        status: some("PreSubmitted"),
        init_margin_change: Some(100.5),
        ..OrderState::default()
    };
    let order = OpenOrder {
        order: Some(Order { what_if: Some(true), ..limit() }),
        order_state: Some(state),
        ..OpenOrder::default()
    };
    let nine = "|0|1|PreSubmitted|0.0|0.0|0.0|100.5|0.0|0.0|0.0|0.0|0.0|";
    assert!(body(178, &order).contains(nine), "{}", body(178, &order));
}

#[test]
fn fields_that_depend_on_others_follow_them() {
    let order = Order {
        order_type: some("PEG BENCH"),
        scale_price_increment: Some(0.5),
        hedge_type: some("D"),
        hedge_param: some("1"),
        algo_strategy: some("Adaptive"),
        algo_params: BTreeMap::from([("adaptivePriority".to_owned(), "Normal".to_owned())]),
        conditions: vec![
            OrderCondition {
                kind: Some(1),
                is_more: Some(true),
                price: Some(10.5),
                con_id: Some(1),
                exchange: some("SMART"),
                trigger_method: Some(2),
                ..OrderCondition::default()
            },
            OrderCondition {
                kind: Some(5),
                is_conjunction_connection: Some(true),
                sec_type: some("STK"),
                exchange: some("SMART"),
                symbol: some("SPY"),
                ..OrderCondition::default()
            },
        ],
        ..limit()
    };
    let contract = Contract {
        combo_legs: vec![ComboLeg {
            con_id: Some(1),
            ratio: Some(2),
            action: some("BUY"),
            exchange: some("SMART"),
            per_leg_price: Some(1.5),
            ..ComboLeg::default()
        }],
        delta_neutral_contract: Some(DeltaNeutralContract {
            con_id: Some(3),
            delta: Some(0.5),
            price: Some(2.5),
        }),
        ..spy("SMART")
    };
    let open = OpenOrder { contract: Some(contract), order: Some(order), ..OpenOrder::default() };
    let text = body(178, &open);
    for part in [
        "|1|1|2|BUY|SMART|0|0||-1|1|1.5|0|2147483647|2147483647|0.5||2147483647||0|2147483647|2147483647|0|D|1|",
        "|IB|0|1|3|0.5|2.5|Adaptive|1|adaptivePriority|Normal|",
        "|0|0|0|0|0.0|0.0||2|1|o|1|10.5|1|SMART|2|5|a|STK|SMART|SPY|0|0|None|",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_completed_order_changes_at_170_and_177() {
    let order = CompletedOrder {
        contract: Some(spy("SMART")),
        order: Some(limit()),
        order_state: Some(OrderState {
            status: some("Filled"),
            completed_time: some("20260102 10:00:00 US/Eastern"),
            completed_status: some("Filled Size: 4"),
            ..OrderState::default()
        }),
    };
    let head = "101|756733|SPY|STK||0.0|?||SMART|USD|SPY|SPY|BUY|10|LMT|559.5|0.0|DAY||DU1||0|r1|9|0|0|0.0||\
                |||";
    let rest = format!(
        "|||||0||-1||||||2147483647|0|0||0|0|||None||0|0|0||0|||||0|0|0|2147483647|2147483647||||IB|0|0||\
         0|Filled|0|0|0|{UNSET}|{UNSET}|0.0|0|0||4|2147483647|0||0|0|9223372036854775807|\
         20260102 10:00:00 US/Eastern|Filled Size: 4|"
    );
    for (version, profile, tail) in [
        (157, "|", ""),
        (169, "|", ""),
        (170, "|", "|||||"),
        (176, "|", "|||||"),
        (177, "", "|||||"),
    ] {
        assert_eq!(body(version, &order), format!("{head}{profile}{rest}{tail}"), "{version}");
    }
}
