//! Requests as the clients write them, with `|` for the NUL.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::sim::messages::{
    AccountDataRequest, AccountSummaryRequest, AccountUpdatesMultiRequest, CancelOrderRequest,
    ComboLeg, ContractDataRequest, ExecutionRequest, HeadTimestampRequest, HistoricalDataRequest,
    MarketDataRequest, Order, OrderCondition, PlaceOrderRequest, RealTimeBarsRequest,
    StartApiRequest,
};

fn frame(version: i32, text: &str) -> Result<Frame, BadRequest> {
    decode(version, text.replace('|', "\0").as_bytes())
}

fn parsed<M: Message + Default>(version: i32, text: &str) -> M {
    M::decode(frame(version, text).unwrap().payload.as_slice()).unwrap()
}

/// A limit order as `ib_async` sends it, up to the fields that depend on the version.
const LIMIT: &str = "3|31|756733|SPY|STK||0.0|||SMART||USD|||||BUY|10|LMT|559.5||GTC||DU1|O|0|r1|1|0|\
                     0|0|0|0|1|0||0.0|||||";
const LIMIT_MIDDLE: &str = "||0||-1|0|||0|||0|0||0||||||0|||||0|||||||||||0|||0|0|||1||0|0|0|0|||\
                            ||||7||||3.5|||||0|0|0|0|";

#[test]
fn an_order_is_the_same_at_every_version_that_moved_its_fields() {
    for (version, tail) in [
        (157, ""),
        (158, "60|"),
        (160, "60|2|"),
        (162, "60|2|1|"),
        (163, "60|2|1|"),
        (164, "60|2|1|"),
        (166, "60|2|1|8229|"),
        (169, "60|2|1|8229|20260102 10:00:00|"),
        (170, "60|2|1|8229|20260102 10:00:00|"),
        (176, "60|2|1|8229|20260102 10:00:00|"),
        (177, "60|2|1|8229|20260102 10:00:00|"),
        (178, "60|2|1|8229|20260102 10:00:00|"),
    ] {
        // The advisor's profile has a field before 177.
        let profile = if version < 177 { "|" } else { "" };
        let text = format!("{LIMIT}{profile}{LIMIT_MIDDLE}{tail}");
        let PlaceOrderRequest { order_id, contract, order, .. } = parsed(version, &text);
        let (contract, order) = (contract.unwrap(), order.unwrap());
        assert_eq!(order_id, Some(31), "{version}");
        assert_eq!(
            contract,
            Contract {
                con_id: Some(756_733),
                symbol: Some("SPY".into()),
                sec_type: Some("STK".into()),
                exchange: Some("SMART".into()),
                currency: Some("USD".into()),
                ..Contract::default()
            }
        );
        let latest = |since: i32, value: i32| (version >= since).then_some(value);
        let expected = Order {
            action: Some("BUY".into()),
            total_quantity: Some("10".into()),
            order_type: Some("LMT".into()),
            lmt_price: Some(559.5),
            tif: Some("GTC".into()),
            account: Some("DU1".into()),
            open_close: Some("O".into()),
            origin: Some(0),
            order_ref: Some("r1".into()),
            transmit: Some(true),
            parent_id: Some(0),
            display_size: Some(0),
            trigger_method: Some(0),
            outside_rth: Some(true),
            discretionary_amt: Some(0.0),
            short_sale_slot: Some(0),
            exempt_code: Some(-1),
            oca_type: Some(0),
            what_if: Some(true),
            adjustable_trailing_unit: Some(7),
            cash_qty: Some(3.5),
            duration: latest(158, 60),
            post_to_ats: latest(160, 2),
            auto_cancel_parent: (version >= 162).then_some(true),
            advanced_error_override: (version >= 166).then(|| "8229".into()),
            manual_order_time: (version >= 169).then(|| "20260102 10:00:00".into()),
            ..Order::default()
        };
        assert_eq!(order, expected, "{version}");
    }
}

#[test]
fn fields_that_depend_on_others_are_read_where_they_are() {
    let text = "3|32|756733|SPY|STK||0.0|||SMART||USD|||||SELL|0.5|LMT|5e-05|||||O|0||1|0|0|0|0|0|0|0\
        ||0.0|||||||0||-1|0|||0|||0|0||0||||||0|||None||0|||||0|0||0||||1||0.5||||0|||0||||D|1|0|||0|0\
        |Adaptive|1|adaptivePriority|Normal||1||0|0|0|3|1|o|1|10.5|756733|SMART|2|3|a|0\
        |20260102 10:00:00|5|a|STK|SMART|SPY|0|1|||||||0||t|v||||||0|0|0|0|||0|||";
    let order = parsed::<PlaceOrderRequest>(178, text).order.unwrap();
    assert_eq!(order.total_quantity.as_deref(), Some("0.5"));
    assert_eq!(order.lmt_price, Some(0.000_05));
    // Answers say `None` where there is no order type, and clients repeat it.
    assert_eq!(order.delta_neutral_order_type, None);
    assert_eq!((order.scale_init_level_size, order.scale_price_increment), (Some(1), Some(0.5)));
    assert_eq!((order.hedge_type.as_deref(), order.hedge_param.as_deref()), (Some("D"), Some("1")));
    assert_eq!(order.algo_strategy.as_deref(), Some("Adaptive"));
    assert_eq!(order.algo_params.get("adaptivePriority").map(String::as_str), Some("Normal"));
    assert_eq!(order.what_if, Some(true));
    let [price, time, execution] = order.conditions.as_slice() else {
        panic!("{:?}", order.conditions)
    };
    let expected = OrderCondition {
        kind: Some(1),
        is_more: Some(true),
        price: Some(10.5),
        con_id: Some(756_733),
        exchange: Some("SMART".into()),
        trigger_method: Some(2),
        ..OrderCondition::default()
    };
    assert_eq!(*price, expected);
    assert_eq!(time.time.as_deref(), Some("20260102 10:00:00"));
    assert_eq!(time.is_conjunction_connection, Some(true));
    assert_eq!(execution.symbol.as_deref(), Some("SPY"));
    assert_eq!(order.conditions_cancel_order, Some(true));
    assert_eq!(order.soft_dollar_tier.unwrap().value.as_deref(), Some("v"));
}

#[test]
fn a_combination_and_an_offset_to_the_middle_are_read() {
    let text = "3|33|0|A,B|BAG||0.0|||SMART||USD|||||BUY|1|PEG BEST||||||O|0||1|0|0|0|0|0|0|0|2|1|1|BUY\
        |SMART|0|0||-1|2|2|SELL|SMART|0|0||-1|2|1.5|2.5|1|NonGuaranteed|1||0.0|||||||0||-1|0|||0|||0|0\
        ||0||||||0|||||0|||||||||||0|||0|0|||0||0|0|0|0|||||||0|||||||||0|0|0|0|||0|||100|Infinite|0.01\
        |0.005|";
    let PlaceOrderRequest { contract, order, .. } = parsed(178, text);
    let (contract, order) = (contract.unwrap(), order.unwrap());
    let second = ComboLeg {
        con_id: Some(2),
        ratio: Some(2),
        action: Some("SELL".into()),
        exchange: Some("SMART".into()),
        open_close: Some(0),
        short_sales_slot: Some(0),
        designated_location: None,
        exempt_code: Some(-1),
        per_leg_price: Some(2.5),
    };
    assert_eq!(contract.combo_legs.len(), 2);
    assert_eq!(contract.combo_legs[1], second);
    assert_eq!(order.smart_combo_routing_params.len(), 1);
    assert_eq!(order.compete_against_best_offset, Some(f64::INFINITY));
    assert_eq!((order.mid_offset_at_whole, order.mid_offset_at_half), (Some(0.01), Some(0.005)));
    // Before 170 these fields do not exist.
    let order = parsed::<PlaceOrderRequest>(169, text).order.unwrap();
    assert_eq!(order.min_compete_size, None);
}

#[test]
fn short_requests_are_read_in_their_layouts() {
    let start: StartApiRequest = parsed(157, "71|2|7||");
    assert_eq!(start.client_id, Some(7));
    for (version, text) in [(157, "4|1|31|"), (169, "4|1|31||")] {
        assert_eq!(parsed::<CancelOrderRequest>(version, text).order_id, Some(31));
    }
    let summary: AccountSummaryRequest = parsed(178, "62|1|4|All|A,B|");
    assert_eq!((summary.req_id, summary.tags.as_deref()), (Some(4), Some("A,B")));
    let updates: AccountDataRequest = parsed(178, "6|2|1|DU1|");
    assert_eq!((updates.subscribe, updates.acct_code.as_deref()), (Some(true), Some("DU1")));
    assert_eq!(parsed::<AccountDataRequest>(178, "6|2|0||").subscribe, None);
    let multi: AccountUpdatesMultiRequest = parsed(178, "76|1|4|DU1||1|");
    assert_eq!((multi.req_id, multi.ledger_and_nlv), (Some(4), Some(true)));
    let executions: ExecutionRequest = parsed(178, "7|3|4|0||||||BUY|");
    assert_eq!(executions.execution_filter.unwrap().side.as_deref(), Some("BUY"));
}

#[test]
fn requests_for_a_contract_are_read_in_their_layouts() {
    const SPY: &str = "756733|SPY|STK||0.0|?||SMART||USD|||";
    for (version, tail, issuer) in [(157, "0|||", None), (176, "0|||e1|", Some("e1"))] {
        let request: ContractDataRequest = parsed(version, &format!("9|8|4|{SPY}{tail}"));
        let contract = request.contract.unwrap();
        assert_eq!(request.req_id, Some(4));
        assert_eq!(contract.issuer_id.as_deref(), issuer, "{version}");
        // A question mark stands for "neither call nor put".
        assert_eq!((contract.right, contract.strike), (None, None));
    }
    let quotes: MarketDataRequest = parsed(178, &format!("1|11|4|{SPY}0|233|1|0||"));
    assert_eq!((quotes.req_id, quotes.snapshot), (Some(4), Some(true)));
    assert_eq!(quotes.generic_tick_list.as_deref(), Some("233"));
    let hedged: MarketDataRequest = parsed(178, &format!("1|11|4|{SPY}1|9|0.5|1.5||1|0||"));
    assert_eq!(hedged.contract.unwrap().delta_neutral_contract.unwrap().con_id, Some(9));
    assert_eq!(hedged.snapshot, Some(true));
    let bars: HistoricalDataRequest =
        parsed(178, &format!("20|4|{SPY}0|20260102 15:00:00 UTC|5 mins|1 D|1|TRADES|2|1||"));
    assert_eq!(bars.end_date_time.as_deref(), Some("20260102 15:00:00 UTC"));
    assert_eq!(
        (bars.use_rth, bars.format_date, bars.keep_up_to_date),
        (Some(true), Some(2), Some(true))
    );
    assert_eq!(bars.bar_size_setting.as_deref(), Some("5 mins"));
    assert_eq!(bars.duration.as_deref(), Some("1 D"));
    let live: RealTimeBarsRequest = parsed(178, &format!("50|3|4|{SPY}5|TRADES|1||"));
    assert_eq!((live.req_id, live.bar_size, live.use_rth), (Some(4), Some(5), Some(true)));
    assert_eq!(live.contract.unwrap().con_id, Some(756_733));
    let head: HeadTimestampRequest = parsed(178, &format!("87|4|{SPY}0|1|TRADES|1|"));
    assert_eq!((head.req_id, head.what_to_show.as_deref()), (Some(4), Some("TRADES")));
}

#[test]
fn a_request_without_a_layout_keeps_its_id_where_it_has_one() {
    let id = |text: &str| parsed::<RequestId>(178, text).req_id;
    for text in ["2|2|5|", "25|1|5|", "63|1|5|", "93|5|", "104|5|", "78|5|SPY||STK|1|", "10|5|5|1|"]
    {
        assert_eq!(id(text), Some(5), "{text}");
    }
    for text in ["49|1|", "61|1|", "16|1|", "24|1|", "80|", "999|3|5|"] {
        assert_eq!(id(text), None, "{text}");
    }
}

#[test]
fn what_is_no_number_is_refused_under_the_id_of_its_request() {
    let refused = |text: &str| match frame(178, text) {
        Err(BadRequest::Number { id, subject, field }) => (id, subject, field),
        other => panic!("{text}: {other:?}"),
    };
    let bad = "3|31|756733|SPY|STK||0.0|||SMART||USD|||||BUY|ten|LMT|";
    assert_eq!(refused(bad), (3, Some(31), "ten".to_owned()));
    assert_eq!(refused("9|8|4|x|SPY|"), (9, Some(4), "x".to_owned()));
    assert_eq!(refused("62|1|five|All|"), (62, None, "five".to_owned()));
    assert_eq!(refused("91|many|"), (91, None, "many".to_owned()));
    for nothing in ["", "|", "x|1|", "-5|", "0|", "1.5|"] {
        assert_eq!(frame(178, nothing), Err(BadRequest::NotAMessage), "{nothing:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_and_what_is_read_is_a_message(
        id in 0..110_i32,
        fields in prop::collection::vec(
            prop_oneof![
                Just(String::new()),
                any::<i32>().prop_map(|number| number.to_string()),
                any::<f64>().prop_map(|number| number.to_string()),
                (0..5_i32).prop_map(|number| number.to_string()),
                prop::sample::select(vec!["BAG", "PEG BENCH", "PEG MID", "None", "a=b;c", "Infinity"])
                    .prop_map(str::to_owned),
                ".{0,6}",
            ],
            0..150,
        ),
        version in 157..=178_i32,
    ) {
        let body = format!("{id}\0{}", fields.join("\0"));
        if let Ok(Frame { id: read, payload }) = decode(version, body.as_bytes()) {
            prop_assert_eq!(read, id);
            if id == request::PLACE_ORDER {
                let order = PlaceOrderRequest::decode(payload.as_slice()).unwrap().order.unwrap();
                let quantity = order.total_quantity;
                prop_assert!(quantity.is_none_or(|quantity| quantity.parse::<Decimal>().is_ok()));
            }
        }
    }
}
