use serde_json::{Value, json};

use super::*;
use crate::store::{DocPath, Document, Version};

/// An order of 100 SPY that was filled in two parts, with the whole life on record.
fn document(events: Value) -> Document {
    let spy = json!({ "id": 756733, "symbol": "SPY", "sec_type": "STK", "currency": "USD" });
    let body = json!({
        "spec": {
            "run_key": "daily-allocation.allocation.2026-03-09", "account": "DU1234567",
            "effect": "increases",
            "line": {
                "order_ref": "rg-2566c4beabe05aaf0249", "instrument": spy, "exchange": "SMART",
                "side": "buy", "quantity": "100",
                "order_type": { "type": "limit", "price": "560.50" },
                "time_in_force": "day", "step": "1", "reference_price": "560.005",
                "value": "56000.5", "contributions": { "balanced": "60", "tactical": "40" },
            },
        },
        "created_at": "2026-03-09T14:30:00Z", "status": "planned", "open": true,
        "run_key": "daily-allocation.allocation.2026-03-09", "contract_id": 756733, "fence": 3,
        "events": events,
    });
    let path = DocPath::new("orders/rg-2566c4beabe05aaf0249").unwrap();
    Document { path, version: Version::new("1"), body }
}

fn order(events: Value) -> Tracked {
    Tracked::from_document(&document(events)).unwrap()
}

fn fill(quantity: &str, total: &str, id: &str) -> Value {
    json!({
        "at": "2026-03-09T14:30:02Z", "fence": 3, "event": "executed", "execution_id": id,
        "quantity": quantity, "price": "560.25", "cumulative_quantity": total,
        "time": "20260309 10:30:02 US/Eastern",
    })
}

fn cost(id: &str) -> Value {
    json!({
        "at": "2026-03-09T14:30:02.1Z", "fence": 3, "event": "commissioned",
        "execution_id": id, "amount": "1.00", "currency": "USD",
        "realized_pnl": null, "reported_at": "2026-03-09T14:30:02.1Z",
    })
}

fn sending() -> Value {
    json!({
        "at": "2026-03-09T14:30:01Z", "fence": 3, "event": "sending",
        "order_id": 7, "client_id": 10, "next_valid_id": 7,
    })
}

fn filled() -> Tracked {
    order(json!([
        sending(),
        {
            "at": "2026-03-09T14:30:01.25Z", "fence": 3, "event": "acknowledged",
            "perm_id": 900, "status": "Submitted",
        },
        fill("40", "40", "0000e0d5.1.01"),
        cost("0000e0d5.1.01"),
        fill("60", "100", "0000e0d5.2.01"),
        cost("0000e0d5.2.01"),
        { "at": "2026-03-09T14:30:03Z", "fence": 3, "event": "attributed", "filled": "100" },
    ]))
}

#[test]
fn a_list_has_a_line_for_each_order() {
    let parked = json!({
        "at": "2026-03-09T14:33:00Z", "fence": 3, "event": "parked", "reason": "nobody shows it",
    });
    let orders = [filled(), order(json!([sending(), parked])), order(json!([]))];
    insta::assert_snapshot!(list_text(&orders, 5, Look::Plain), @r"
    created               order reference          order                    now      filled      at  commission  for
    2026-03-09 14:30:00Z  rg-2566c4beabe05aaf0249  buy 100 SPY limit 560.5  filled      100  560.25        2.00  balanced 60, tactical 40
    2026-03-09 14:30:00Z  rg-2566c4beabe05aaf0249  buy 100 SPY limit 560.5  parked        0       –           –  balanced 60, tactical 40
    2026-03-09 14:30:00Z  rg-2566c4beabe05aaf0249  buy 100 SPY limit 560.5  planned       0       –           –  balanced 60, tactical 40
    3 of 5 orders; --limit shows more
    ");
}

#[test]
fn an_order_tells_its_whole_story() {
    insta::assert_snapshot!(order_text(&filled(), Look::Plain), @r"
    order       buy 100 SPY limit 560.5
    reference   rg-2566c4beabe05aaf0249
    account     DU…67
    run         daily-allocation.allocation.2026-03-09
    for         balanced 60, tactical 40
    now         filled
    filled      100 of 100
    at          560.25
    booked      100

    #  at                        event         what                                               lease
    1  2026-03-09 14:30:01.000Z  sending       order id 7, client 10, gateway's next id 7             3
    2  2026-03-09 14:30:01.250Z  acknowledged  Submitted, permId 900                                  3
    3  2026-03-09 14:30:02.000Z  executed      40 at 560.25, 40 in all, execution 0000e0d5.1.01       3
    4  2026-03-09 14:30:02.100Z  commission    1.00 USD, execution 0000e0d5.1.01                      3
    5  2026-03-09 14:30:02.000Z  executed      60 at 560.25, 100 in all, execution 0000e0d5.2.01      3
    6  2026-03-09 14:30:02.100Z  commission    1.00 USD, execution 0000e0d5.2.01                      3
    7  2026-03-09 14:30:03.000Z  attributed    100                                                    3
    ");
}

#[test]
fn an_empty_list_is_said_in_words() {
    assert_eq!(list_text(&[], 0, Look::Plain), "no such orders are on record\n");
}

#[test]
fn a_program_gets_numbers_as_strings_and_no_account() {
    let document = order_tables::document(&filled());
    assert_eq!(document["filled"], "100");
    assert_eq!(document["state"], "filled");
    assert_eq!(document["commission"], "2.00");
    assert!(!document.to_string().contains("DU1234567"), "{document}");
}
