use serde_json::json;

use super::*;

fn record(state: &str, outcome: Value) -> RunRecord {
    let ended = (!outcome.is_null()).then_some("2026-03-09T14:30:02.5Z");
    serde_json::from_value(json!({
        "run_key": "daily-allocation.allocation.2026-03-09", "intent": "allocation",
        "parameters": { "dry_run": false }, "state": state,
        "lease": { "owner": "a", "fence": 1, "expires_at": "2026-03-09T14:31:00Z" },
        "message_ids": ["17", "18"], "attempts": 2, "created_at": "2026-03-09T14:30:00Z",
        "ended_at": ended, "planned_at": "2026-03-09T14:30:01Z", "outcome": outcome,
        "activity": "20260309T143000Z-ab-1",
    }))
    .unwrap()
}

#[test]
fn a_list_tells_how_each_run_ended() {
    let runs = [
        record("ended", json!({ "status": "done", "summary": "4 of 4 orders filled" })),
        record("failed", json!({ "status": "failed", "summary": "the gateway is away" })),
        record("running", Value::Null),
    ];
    insta::assert_snapshot!(list_text(&runs, 7, Look::Plain), @r"
    created               run                                     intent      now                     took  summary
    2026-03-09 14:30:00Z  daily-allocation.allocation.2026-03-09  allocation  done (2 attempts)     2.50 s  4 of 4 orders filled
    2026-03-09 14:30:00Z  daily-allocation.allocation.2026-03-09  allocation  failed (2 attempts)   2.50 s  the gateway is away
    2026-03-09 14:30:00Z  daily-allocation.allocation.2026-03-09  allocation  running (2 attempts)       –
    3 of 7 runs; --limit shows more
    ");
}

#[test]
fn one_run_tells_what_to_look_at_and_why_not() {
    let outcome = json!({
        "status": "refused", "summary": "risk refuses the plan", "attention": ["a break"],
        "details": { "reasons": ["the trading switch is off"] },
    });
    insta::assert_snapshot!(run_text(&record("ended", outcome), &[], Look::Plain), @r#"
    run         daily-allocation.allocation.2026-03-09
    intent      allocation
    parameters  {"dry_run":false}
    now         refused
    created     2026-03-09 14:30:00Z
    planned     2026-03-09 14:30:01Z
    ended       2026-03-09 14:30:02Z
    attempts    2
    messages    17, 18
    activity    activity/20260309T143000Z-ab-1
    summary     risk refuses the plan
    look at     a break
    because     the trading switch is off
    "#);
}
