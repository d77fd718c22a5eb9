//! `rungate dev`, and what can be done while it is up.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use rungate::clock::Clock;

use crate::terminal::{Follow, Running, Terminal};

/// The ids of the executions that the simulated broker itself has on record: the whole in the
/// first line of its file, a change in each line behind it.
fn broker_executions(terminal: &Terminal) -> BTreeSet<String> {
    let text = std::fs::read_to_string(terminal.path("rungate-dev/gateway.json"));
    let mut ids = BTreeSet::new();
    for line in text.expect("the broker's state").lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let executions = line["broker"]["executions"].as_array().into_iter().flatten();
        ids.extend(executions.map(|execution| execution["exec_id"].to_string()));
    }
    ids
}

async fn orders(terminal: &Terminal) -> Vec<Value> {
    let listed = terminal.run(&["orders", "--json"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    listed.json()["orders"].as_array().expect("a list").clone()
}

/// Starts `rungate dev` and waits until it has shown the main job. Returns where it listens.
async fn start(terminal: &Terminal) -> (Running, String) {
    let mut dev = terminal.start(&["dev", "--port", "0"], Follow::Output);
    let url =
        dev.line(|line| line.trim().strip_prefix("service ").map(str::trim).map(str::to_owned));
    let url = url.await;
    dev.line(|line| line.starts_with("Ctrl-C").then_some(())).await;
    (dev, url)
}

#[tokio::test]
async fn the_first_start_trades_and_a_second_one_on_the_same_day_does_not() {
    let terminal = Terminal::new();
    let first = terminal.run(&["dev", "--once", "--port", "0"]).await;
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("4 orders were traded by this start"), "{}", first.out);
    assert!(first.out.contains("seeded    config/common, control/paper"), "{}", first.out);
    let before = orders(&terminal).await;
    assert_eq!(before.len(), 4);
    for order in &before {
        assert_eq!(order["state"], "filled", "{order}");
        assert_eq!(order["filled"], order["quantity"], "{order}");
    }
    let executions = broker_executions(&terminal);
    assert!(executions.len() >= 4, "one an order, more where size was short: {executions:?}");

    let second = terminal.run(&["dev", "--once", "--port", "0"]).await;
    assert_eq!(second.code, 0, "{second:?}");
    assert!(second.out.contains("nothing was traded by this start"), "{}", second.out);
    assert_eq!(second.out.matches("answered from its record").count(), 3, "{}", second.out);
    assert_eq!(orders(&terminal).await, before);
    assert_eq!(broker_executions(&terminal), executions);
}

#[tokio::test]
async fn two_starts_at_once_do_not_share_a_folder() {
    let terminal = Terminal::new();
    let (dev, _) = start(&terminal).await;
    let second = terminal.run(&["dev", "--once", "--port", "0"]).await;
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("another `rungate dev`"), "{}", second.err);
    let (code, _) = dev.interrupt().await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_halt_refuses_what_would_trade_and_a_resume_lets_it() {
    let terminal = Terminal::new();
    let (dev, url) = start(&terminal).await;
    let trigger = async |arguments: &[&str]| {
        terminal.run(&[&["trigger"], arguments, &["--push", &url]].concat()).await
    };
    let now = Clock::system().now();
    let book = json!({
        "strategy": "balanced", "as_of": now, "valid_until": now + jiff::Span::new().hours(1),
        "flat": true,
    });
    let flat = trigger(&["set-targets", "--params", &book.to_string()]).await;
    assert_eq!(flat.code, 0, "{flat:?}");

    let rehearsal = trigger(&["allocation", "--param", "dry_run=true"]).await;
    assert_eq!(rehearsal.code, 0, "{rehearsal:?}");
    assert!(rehearsal.out.contains("dry run: 2 orders would be sent"), "{}", rehearsal.out);
    assert!(rehearsal.out.contains("balanced -"), "{}", rehearsal.out);

    let halted = terminal.run(&["halt", "--reason", "a test", "--by", "ops"]).await;
    assert_eq!((halted.code, halted.out.as_str()), (0, "paper: on → off, by ops: a test\n"));
    let refused = trigger(&["allocation"]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.out.contains("because"), "{}", refused.out);
    assert_eq!(orders(&terminal).await.len(), 4);

    let resumed = terminal.run(&["resume", "--json"]).await;
    assert_eq!(resumed.json()["before"], "off");
    assert_eq!(resumed.json()["after"], "on");
    let done = trigger(&["allocation", "--run-key", "after-the-halt", "--json"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.json()["outcome"]["summary"], "2 of 2 orders filled", "{done:?}");
    let again = trigger(&["allocation", "--run-key", "after-the-halt", "--json"]).await;
    assert_eq!(again.json()["outcome"]["replayed"], true, "{again:?}");
    assert_eq!(orders(&terminal).await.len(), 6);

    let reconciled = trigger(&["reconcile"]).await;
    assert_eq!(reconciled.code, 0, "{reconciled:?}");
    let positions = terminal.run(&["positions", "--json"]).await.json();
    assert_eq!(positions["holdings"]["balanced"]["positions"], json!({}));
    assert_eq!(positions["portfolio"]["contracts"].as_object().unwrap().len(), 2);
    let (code, _) = dev.interrupt().await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_message_that_can_never_work_is_told_before_it_is_sent() {
    let terminal = Terminal::new();
    let (dev, url) = start(&terminal).await;
    let typo = terminal.run(&["trigger", "allocate", "--push", &url]).await;
    assert_eq!(typo.code, 64);
    assert!(typo.err.contains("allocation"), "{}", typo.err);
    let unknown = ["trigger", "allocation", "--param", "dryrun=true", "--push", &url];
    let unknown = terminal.run(&unknown).await;
    assert_eq!(unknown.code, 64);
    assert!(unknown.err.contains("dryrun"), "{}", unknown.err);
    let sent = terminal.run(&["trigger", "allocate", "--unchecked", "--push", &url]).await;
    assert_eq!(sent.code, 64, "{sent:?}");
    assert!(sent.out.starts_with("rejected"), "{}", sent.out);
    dev.interrupt().await;
}

#[tokio::test]
async fn a_gateway_that_is_away_has_its_own_exit_code() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let terminal = Terminal::new()
        .with("STORE_URL", "sqlite:rungate.db")
        .with("IB_GATEWAY_ADDR", &nobody.to_string())
        .with("PORT", "0");
    let mut serve = terminal.start(&["serve"], Follow::Log);
    let addr = serve.line(|line| {
        let entry: Value = serde_json::from_str(line).ok()?;
        (entry["message"] == "listening").then(|| entry["addr"].as_str().unwrap().to_owned())
    });
    let url = format!("http://{}/push", addr.await);
    let ping = terminal.run(&["trigger", "ping", "--push", &url]).await;
    assert_eq!(ping.code, 3, "{ping:?}");
    assert!(ping.out.starts_with("failed"), "{}", ping.out);
    let (code, _) = serve.interrupt().await;
    assert_eq!(code, 0);
}
