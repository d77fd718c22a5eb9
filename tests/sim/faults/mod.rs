//! Each fault as a real client sees it: `ibapi`, or a peer that sees every frame where `ibapi`
//! hides what matters. One file a hop; [`HOPS`] says which tests show which fault.

mod account;
mod handshake;
mod link;
mod lists;
mod market;
mod orders;
pub mod peer;
mod reports;
mod settings;
mod tcp;

use ibapi::orders::{OrderStatusKind, OrderUpdate};
use rungate::sim::Fault;

use super::robustness::Raw;
use super::*;

/// Every fault, by hop, with a test that shows it.
const HOPS: &[(&str, &[(&str, &str)])] = &[
    (
        "tcp",
        &[
            ("refuse-connections", "so_many_connections_are_refused_and_the_next_is_served"),
            ("mute-handshake", "a_handshake_stops_after_the_version"),
            ("reset-after-bytes", "a_connection_is_reset_after_its_first_bytes"),
            ("end-after-frames", "a_connection_ends_in_order_after_its_frames"),
            ("dribble", "frames_that_come_a_byte_at_a_time_are_whole"),
            ("cut-frame", "a_frame_is_cut_in_half"),
            ("freeze", "a_frozen_order_is_worked_after_its_client_is_gone"),
            ("drop-connections", "a_reset_is_a_reset_and_a_drop_an_orderly_end"),
            ("mute", "a_mute_gateway_swallows_requests_until_it_speaks_again"),
            ("drop-after-orders", "of_the_orders_before_a_reset_only_the_first_are_applied"),
            ("swallow-requests", "requests_of_one_kind_are_swallowed_and_others_answered"),
            ("refuse-requests", "a_refused_request_gets_its_error_under_its_id"),
        ],
    ),
    (
        "handshake",
        &[
            ("notices-first", "a_hundred_notices_before_the_id_leave_a_client_without_one"),
            ("no-next-valid-id", "a_start_without_next_id_tells_the_accounts"),
            ("next-valid-id", "a_chosen_next_id_is_told"),
            ("account-list", "a_chosen_list_of_accounts_is_told"),
            ("client-id-in-use", "a_free_client_id_is_said_to_be_in_use"),
            ("keep-client-id", "a_client_id_stays_occupied_after_its_connection"),
            ("seats", "there_are_fewer_seats_than_usual"),
            ("server-version", "another_version_is_answered"),
        ],
    ),
    (
        "settings",
        &[
            ("restart", "a_restart_with_wiped_settings_starts_ids_again_while_orders_live_on"),
            ("roll-back-ids", "ids_that_were_used_are_issued_once_more"),
            ("forget-ids", "a_forgotten_id_names_no_order_any_more"),
            ("read-only", "a_strictly_read_only_gateway_ends_no_list"),
            ("dialog", "a_dialog_holds_the_first_order_and_swallows_the_others"),
            ("precaution", "precautions_refuse_by_size_and_by_value"),
            ("time-zone", "executions_are_stamped_in_the_zone_of_the_gateway"),
            ("language", "errors_come_in_the_language_of_the_gateway"),
        ],
    ),
    (
        "link",
        &[
            ("link-down", "orders_written_while_the_link_is_down_go_out_when_it_is_back"),
            ("link-notice", "a_lost_link_may_be_told_again_and_again"),
        ],
    ),
    (
        "orders",
        &[
            ("lose-order", "an_order_is_lost_at_each_of_four_places"),
            ("lose-some-orders", "so_many_of_each_handful_of_orders_are_dropped"),
            ("delay-order", "a_delayed_order_reaches_the_broker_later"),
            ("order-errors", "an_error_comes_before_an_order_that_fills"),
            ("cancel-by-broker", "an_order_is_cancelled_by_the_broker"),
            ("hold-inactive", "an_inactive_order_comes_to_life_and_fills"),
            ("cancel-answer", "a_cancel_is_answered_not_found_although_the_order_works"),
            ("swallow-cancel", "a_swallowed_cancel_is_never_confirmed"),
            ("fill-on-cancel", "an_order_fills_while_its_cancel_is_on_the_way"),
            ("hold-fills", "orders_work_unfilled_while_fills_are_held"),
            ("fill-whole", "an_order_fills_whole_whatever_the_quote_displays"),
        ],
    ),
    (
        "reports",
        &[
            ("drop-reports", "an_order_that_fills_may_have_no_status"),
            ("duplicate-reports", "frames_come_twice"),
            ("reorder-reports", "the_fill_comes_before_the_acknowledgement"),
            ("delay-reports", "an_execution_comes_later_than_its_status"),
            ("hold-reports", "withheld_frames_arrive_when_they_are_let_go"),
            ("blank-order-ref", "references_are_blank_in_live_frames_and_lists"),
            ("zero-perm-id", "the_first_frames_have_no_perm_id"),
            ("wrong-order-id", "a_status_names_another_order_id"),
            ("correct-execution", "an_execution_is_corrected_under_a_higher_revision"),
            ("phantom-execution", "a_fill_is_reported_again_under_another_id"),
            ("sentinel-values", "a_commission_that_is_unset_is_a_huge_number"),
            ("status-word", "a_status_nobody_knows"),
            ("commission-first", "the_commission_comes_before_its_execution"),
            ("empty-last-status", "the_last_status_after_a_partial_fill_says_nothing_was_filled"),
            ("what-if-unset-first", "a_what_if_begins_without_margins"),
        ],
    ),
    (
        "lists",
        &[
            ("withhold-end", "a_list_without_its_end"),
            ("end-without-rows", "an_end_without_rows_though_there_are_executions"),
            ("truncate-list", "a_list_is_cut_short_with_and_without_its_connection"),
            ("late-end", "an_end_comes_later_than_its_rows"),
            ("interleave-lists", "two_lists_are_answered_as_one"),
            ("unset-completed-ids", "completed_orders_have_no_order_id"),
            ("hide-executions", "the_latest_executions_are_missing"),
        ],
    ),
    (
        "account",
        &[
            ("account-not-ready", "an_account_that_is_not_ready_says_so_and_has_nothing"),
            ("lag-positions", "positions_lag_behind_fills"),
            ("shuffle-account-rows", "account_values_come_in_changing_order"),
            ("missing-tags", "some_tags_are_missing"),
        ],
    ),
    (
        "market",
        &[
            ("pin-price", "a_pinned_price_fills_what_it_reaches"),
            ("tick-values", "ticks_have_prices_that_are_none"),
            ("no-ticks", "no_ticks_although_the_farms_are_well"),
            ("competing-session", "another_session_takes_the_market_data"),
            ("farm-flap", "the_farms_break_and_are_well_again"),
            ("reset-data-type", "the_market_data_type_is_reset"),
            ("set-clock", "the_clock_jumps_over_midnight"),
            ("advance-clock", "the_clock_jumps_ahead"),
        ],
    ),
];

/// The names that a fault can have, as the parser lists them.
fn names() -> Vec<String> {
    let unknown = serde_json::from_str::<Fault>(r#"{"fault":"?"}"#).unwrap_err().to_string();
    let list = unknown.split_once("expected one of").expect("the parser lists them").1;
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_fault_has_a_test_that_shows_it() {
    let shown: Vec<&str> =
        HOPS.iter().flat_map(|(_, tests)| tests.iter().map(|(fault, _)| *fault)).collect();
    for name in names() {
        assert!(shown.contains(&name.as_str()), "no test shows {name}");
    }
    assert_eq!(shown.len(), names().len());
    let sources = [
        include_str!("mod.rs"),
        include_str!("account.rs"),
        include_str!("handshake.rs"),
        include_str!("link.rs"),
        include_str!("lists.rs"),
        include_str!("market.rs"),
        include_str!("orders.rs"),
        include_str!("reports.rs"),
        include_str!("settings.rs"),
        include_str!("tcp.rs"),
    ]
    .concat();
    for (_, tests) in HOPS {
        for (fault, test) in *tests {
            assert!(sources.contains(&format!("async fn {test}()")), "{fault}: no {test}");
        }
    }
}

#[test]
fn every_fault_has_a_row_in_the_documentation() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/", "gateway-sim.md"));
    for name in names() {
        assert!(page.contains(&format!("| `{name}` |")), "docs/gateway-sim.md lacks {name}");
    }
}

/// What nothing happens in: long enough for a frame over loopback, which takes microseconds.
const QUIET: Duration = Duration::from_millis(300);

/// A client that does not try again by itself.
async fn once(simulator: &Simulator, client_id: i32) -> Client {
    let addr = simulator.addr().to_string();
    let client = Client::builder().address(addr).client_id(client_id).max_reconnect_attempts(0);
    within(client.connect()).await.unwrap()
}

/// Waits until the client saw its connection go.
async fn gone(updates: &mut Subscription<OrderUpdate>) {
    within(async { while let Some(Ok(_)) = updates.next().await {} }).await;
}

#[tokio::test]
async fn refused_connections_are_reset_and_later_ones_served() {
    let simulator = start().await;
    simulator.faults().refuse_connections(true);
    assert!(connect_to(&simulator.addr().to_string(), CLIENT).await.is_err());
    simulator.faults().refuse_connections(false);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_mute_gateway_swallows_requests_until_it_speaks_again() {
    let simulator = start().await;
    simulator.faults().mute(true);
    let client = connect(&simulator, CLIENT).await;
    assert!(tokio::time::timeout(QUIET, client.server_time()).await.is_err());
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert!(tokio::time::timeout(QUIET, client.server_time()).await.is_err());
    simulator.faults().mute(false);
    settle(&client).await;
    assert!(simulator.truth().orders.is_empty(), "what was swallowed is gone");
}

#[tokio::test]
async fn a_mute_handshake_says_nothing_and_keeps_the_connection() {
    let simulator = start().await;
    simulator.faults().mute_handshake(true);
    let mut raw = Raw::connect(&simulator).await;
    assert!(tokio::time::timeout(QUIET, raw.hello("v213..226")).await.is_err());
    simulator.faults().mute_handshake(false);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn dropped_connections_end_and_can_be_made_again() {
    let simulator = start().await;
    let client = once(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().drop_connections();
    gone(&mut updates).await;
    drop(client);
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_reset_after_no_more_orders_is_a_reset_now() {
    let simulator = start().await;
    let client = once(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().drop_after_orders(0);
    gone(&mut updates).await;
    drop(client);
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_drop_an_orderly_end() {
    let simulator = start().await;
    let raw = Raw::started(&simulator, 8).await;
    simulator.faults().drop_connections();
    assert!(raw.end().await.is_ok());
    let raw = Raw::started(&simulator, 9).await;
    simulator.faults().drop_after_orders(0);
    let error = raw.end().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_lost_order_is_nowhere_and_its_id_stays_free() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    simulator.faults().lose_orders(1);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().orders.is_empty());
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    let outcome = client.wait_for_fill(1, DEADLINE).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn orders_before_a_reset_are_applied_and_never_answered() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = once(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().drop_after_orders(2);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    client.submit_order(2, &spy(), &market(Action::Buy, 2.0)).await.unwrap();
    let mut frames = 0;
    within(async {
        while let Some(Ok(item)) = updates.next().await {
            frames += u32::from(matches!(item, SubscriptionItem::Data(_)));
        }
    })
    .await;
    assert_eq!(frames, 0, "no frame came back");
    assert_eq!(simulator.truth().executions.len(), 2);

    // The fault is over: the next connection is as any other, and nothing is replayed to it.
    drop(client);
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.next_order_id(), 3);
    assert_eq!(positions(&client).await[0].position, 3.0);
    trade(&client, &spy(), &market(Action::Sell, 3.0)).await;
}

#[tokio::test]
async fn withheld_frames_arrive_when_they_are_let_go() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let mut updates = client.order_update_stream().await.unwrap();
    simulator.faults().hold_acks(true);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    assert_eq!(simulator.truth().executions.len(), 1, "the order reached the broker");
    assert!(tokio::time::timeout(QUIET, updates.next()).await.is_err());
    simulator.faults().hold_acks(false);
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        if let SubscriptionItem::Data(OrderUpdate::OrderStatus(row)) = item
            && row.status == OrderStatusKind::Filled
        {
            return;
        }
    }
}

#[tokio::test]
async fn orders_work_unfilled_while_fills_are_held() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    simulator.faults().hold_fills(true);
    client.submit_order(1, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    let status = |simulator: &Simulator| {
        simulator.truth().orders.into_values().next().map(|order| order.status)
    };
    assert_eq!(status(&simulator).as_deref(), Some("Submitted"));
    simulator.faults().hold_fills(false);
    assert_eq!(status(&simulator).as_deref(), Some("Filled"));
    let outcome = client.wait_for_fill(1, DEADLINE).await.unwrap();
    assert!(matches!(outcome, OrderOutcome::Filled(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_read_only_gateway_refuses_orders_and_cancels() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(1, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    settle(&client).await;
    simulator.faults().read_only(true);
    let mut order = client.place_order(2, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert_eq!(code(within(order.next()).await.unwrap()), 321);
    let mut cancel = client.cancel_order(1, "").await.unwrap();
    assert_eq!(code(within(cancel.next()).await.unwrap()), 321);
    client.global_cancel().await.unwrap();
    settle(&client).await;
    let truth = simulator.truth();
    let statuses: Vec<_> = truth.orders.values().map(|order| order.status.as_str()).collect();
    assert_eq!(statuses, ["Submitted"]);
}

#[tokio::test]
async fn an_account_that_is_not_ready_says_so_and_has_nothing() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    simulator.faults().account_ready(false);
    let account = AccountId("DU1234567".into());
    let mut updates = client.account_updates(&account).await.unwrap();
    let rows = within(updates.next_batch(DEADLINE)).await.unwrap().unwrap();
    let value = |wanted: &str| {
        rows.iter().find_map(|row| match row {
            AccountUpdate::AccountValue(row) if row.key == wanted => Some(row.value.as_str()),
            _ => None,
        })
    };
    assert_eq!((value("AccountReady"), value("NetLiquidation")), (Some("false"), Some("0.00")));
    simulator.faults().account_ready(true);
    loop {
        let item = within(updates.next()).await.unwrap().unwrap();
        let SubscriptionItem::Data(AccountUpdate::AccountValue(row)) = item else { continue };
        if row.key == "NetLiquidation" {
            assert_eq!(row.value, "1000000.00");
            return;
        }
    }
}

#[tokio::test]
async fn a_price_that_makes_no_sense_is_not_set() {
    let simulator = start().await;
    let faults = simulator.faults();
    assert!(faults.set_price("NOSUCH", dec("1"), dec("2")).is_err());
    assert!(faults.set_price("SPY", dec("2"), dec("1")).is_err());
    assert!(faults.set_price("SPY", dec("0"), dec("1")).is_err());
    faults.set_price("SPY", dec("1"), dec("2")).unwrap();
}
