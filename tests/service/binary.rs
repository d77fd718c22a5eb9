//! The binary itself: settings, start, signals.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use hyper::Method;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::http::{envelope, send};
use crate::world::World;

/// Far more than a start or an orderly end takes.
const WITHIN: Duration = Duration::from_secs(20);

pub fn serve(world: &World, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rungate"));
    command
        .arg("serve")
        .env_clear()
        .env("TRADING_MODE", "paper")
        .env("PORT", "0")
        .env("IB_GATEWAY_ADDR", world.simulator.addr().to_string())
        .env("STORE_URL", format!("sqlite:{}", world.database().display()))
        .env("LOG_FORMAT", "json")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Starts the service and waits until it says where it listens.
pub async fn listening(mut command: Command) -> (Child, SocketAddr, Lines<BufReader<ChildStderr>>) {
    let mut child = command.spawn().expect("the binary");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let addr = async {
        loop {
            let line = lines.next_line().await.expect("a log").expect("more log");
            let entry: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if entry["message"] == "listening" {
                break entry["addr"].as_str().expect("an address").parse().expect("an address");
            }
        }
    };
    let addr = timeout(WITHIN, addr).await.expect("a start in time");
    (child, addr, lines)
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("a running child").to_string();
    let sent = Command::new("kill").args([name, &id]).status().await.expect("kill");
    assert!(sent.success());
}

#[tokio::test]
async fn sigterm_drains_and_ends_with_success() {
    let world = World::new().await;
    let (mut child, addr, _lines) = listening(serve(&world, &[])).await;
    let ready = send(addr, Method::GET, "/readyz", String::new()).await.unwrap();
    assert_eq!(ready.body["gateway"], "not asked for yet", "the gateway is opened lazily");
    let tick = envelope("1", &json!({ "intent": "ping" }), &json!({}));
    let ping = send(addr, Method::POST, "/", tick.to_string()).await.unwrap();
    assert_eq!(ping.outcome(), "done", "{}", ping.body);
    signal(&child, "-TERM").await;
    let ended = timeout(WITHIN, child.wait()).await.expect("an end in time").unwrap();
    assert_eq!(ended.code(), Some(0));
}

/// Has a process send an order that the broker takes and never reports, ends the process with
/// `signal_name` while it waits, and returns the message to deliver again.
async fn cut_off(world: &World, settings: &[(&str, &str)], signal_name: &str) -> String {
    let service = world.service().await;
    let spy = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.5" }]);
    world.book(&service, "alpha", spy).await;
    service.stop().await;
    world.simulator.faults().hold_acks(true);
    let (mut child, addr, _lines) = listening(serve(world, settings)).await;
    let tick = envelope("t", &json!({ "intent": "allocation" }), &json!({})).to_string();
    let asked = tokio::spawn({
        let tick = tick.clone();
        async move { send(addr, Method::POST, "/push", tick).await }
    });
    let at_broker = async {
        while world.orders().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(WITHIN, at_broker).await.expect("an order at the broker");
    signal(&child, signal_name).await;
    timeout(WITHIN, child.wait()).await.expect("an end in time").expect("a status");
    assert!(asked.await.expect("no panic").is_none(), "the sender got no answer");
    world.simulator.faults().hold_acks(false);
    tick
}

#[tokio::test]
async fn killed_while_orders_are_out_the_next_process_finds_them() {
    let world = World::new().await;
    let short = [
        ("HANDLER_BUDGET_SECONDS", "1"),
        ("ACK_DEADLINE_SECONDS", "2"),
        ("REQUEST_TIMEOUT_SECONDS", "2"),
        ("LEASE_SECONDS", "3"),
    ];
    let tick = cut_off(&world, &short, "-KILL").await;

    let (mut child, addr, _lines) = listening(serve(&world, &short)).await;
    let redelivered = async {
        loop {
            let answer = send(addr, Method::POST, "/push", tick.clone()).await.unwrap();
            if answer.status.is_success() {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let answer = timeout(WITHIN, redelivered).await.expect("an end of the run");
    assert_eq!(answer.body["summary"], "1 of 1 orders filled", "{}", answer.body);
    assert_eq!(world.orders().len(), 1);
    assert_eq!(world.holdings("alpha").await[0].1, world.position("SPY"));
    signal(&child, "-TERM").await;
    timeout(WITHIN, child.wait()).await.expect("an end in time").unwrap();
}

#[tokio::test]
async fn what_sigterm_cuts_off_the_next_process_continues_at_once() {
    let world = World::new().await;
    // With the budgets of production: nobody could wait for this lease to run out.
    let tick = cut_off(&world, &[], "-TERM").await;

    let (_child, addr, _lines) = listening(serve(&world, &[])).await;
    let answer = send(addr, Method::POST, "/push", tick).await.unwrap();
    assert_eq!(answer.body["summary"], "1 of 1 orders filled", "{}", answer.body);
    assert_eq!(world.orders().len(), 1);
}

#[tokio::test]
async fn bad_settings_end_the_start_with_64_and_every_reason() {
    let world = World::new().await;
    let bad = [("TRADING_MODE", "papr"), ("IB_CLIENT_ID", "0"), ("LEASE_SECONDS", "5")];
    let (code, text) = failed_start(serve(&world, &bad)).await;
    assert_eq!(code, Some(64), "{text}");
    for part in ["TRADING_MODE", "papr", "IB_CLIENT_ID", "LEASE_SECONDS"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_without_authentication() {
    let world = World::new().await;
    let (code, text) = failed_start(serve(&world, &[("BIND_ADDR", "0.0.0.0")])).await;
    assert_eq!(code, Some(64), "{text}");
    assert!(text.contains("BIND_ADDR") && text.contains("authentication"), "{text}");
}

#[tokio::test]
async fn live_mode_refuses_a_paper_account() {
    let world = World::new().await;
    let live = [("TRADING_MODE", "live"), ("IB_ACCOUNT", "DU1234567")];
    let (code, text) = failed_start(serve(&world, &live)).await;
    assert_eq!(code, Some(64), "{text}");
    assert!(!text.contains("DU1234567"), "account numbers redact themselves: {text}");
    // Without an account to compare, the gateway's word decides at the first message.
    let (_child, addr, _lines) = listening(serve(&world, &[("TRADING_MODE", "live")])).await;
    let tick = envelope("1", &json!({ "intent": "ping" }), &json!({}));
    let ping = send(addr, Method::POST, "/push", tick.to_string()).await.unwrap();
    assert_eq!(ping.outcome(), "refused", "{}", ping.body);
    assert!(!ping.body.to_string().contains("DU1234567"), "{}", ping.body);
}

async fn failed_start(mut command: Command) -> (Option<i32>, String) {
    let mut child = command.spawn().expect("the binary");
    let mut stderr = child.stderr.take().expect("a pipe");
    let ended = timeout(WITHIN, child.wait()).await.expect("an end in time").expect("a status");
    let mut text = String::new();
    stderr.read_to_string(&mut text).await.expect("text");
    (ended.code(), text)
}
