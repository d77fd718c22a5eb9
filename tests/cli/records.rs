//! Commands that read the records, and the one that decides about an order.

use rungate::store::{DocPath, open_store};
use serde_json::{Value, json};

use crate::terminal::{Ended, Terminal};

/// A folder in which the main job was run once.
async fn after_the_job() -> Terminal {
    let terminal = Terminal::new();
    let job = terminal.run(&["dev", "--once", "--port", "0"]).await;
    assert_eq!(job.code, 0, "{job:?}");
    terminal
}

/// The first order on record.
async fn an_order(terminal: &Terminal) -> Value {
    terminal.run(&["orders", "--json"]).await.json()["orders"][0].clone()
}

#[tokio::test]
async fn every_reader_has_a_table_and_a_document() {
    let terminal = after_the_job().await;
    for command in ["runs", "orders", "positions", "targets", "config"] {
        let told = terminal.run(&[command]).await;
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.out.contains("balanced"), "{command}: {}", told.out);
        assert!(!told.out.contains("DU1234567"), "{command} shows the account: {}", told.out);
        let document = terminal.run(&[command, "--json"]).await;
        assert!(document.json().is_object(), "{command}");
    }
    let order = an_order(&terminal).await;
    let (name, run) = (order["order_ref"].as_str().unwrap(), order["run_key"].as_str().unwrap());
    let story = terminal.run(&["orders", name]).await;
    assert!(story.out.contains("executed"), "{}", story.out);
    assert!(!story.out.contains("DU1234567"), "{}", story.out);
    let run = terminal.run(&["runs", run, "--json"]).await.json();
    assert_eq!(run["orders"].as_array().unwrap().len(), 4);
    assert_eq!(run["activity"]["outcome"]["status"], "done");
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    let terminal = after_the_job().await;
    for arguments in [&["runs", "--json"][..], &["orders"], &["--help"]] {
        let (code, err) = terminal.run_into_closed_pipe(arguments).await;
        assert!(!err.contains("panicked"), "{err}");
        assert_eq!(code, 0, "{arguments:?}: {err}");
    }
}

#[tokio::test]
async fn a_wrong_path_is_told_and_makes_no_store() {
    let terminal = Terminal::new().with("STORE_URL", "sqlite:typo.db");
    for command in ["runs", "orders", "positions", "targets", "config"] {
        let told = terminal.run(&[command]).await;
        assert_eq!(told.code, 64, "{command}: {told:?}");
        assert!(told.err.contains("typo.db"), "{command}: {}", told.err);
    }
    assert!(!terminal.path("typo.db").exists());
}

#[tokio::test]
async fn whose_money_must_be_said() {
    let terminal = Terminal::new().without("TRADING_MODE").with("STORE_URL", "sqlite:new.db");
    for arguments in [&["halt"][..], &["resume"], &["positions"], &["config"]] {
        let told = terminal.run(arguments).await;
        assert_eq!(told.code, 64, "{arguments:?}: {told:?}");
        assert!(told.err.contains("--mode"), "{arguments:?}: {}", told.err);
    }
    let named = terminal.run(&["halt", "--mode", "live", "--by", "ops"]).await;
    assert_eq!(named.out, "live: never set (off) → off, by ops\n", "{named:?}");
}

#[tokio::test]
async fn an_unknown_run_or_order_is_refused_by_name() {
    let terminal = after_the_job().await;
    for arguments in [["runs", "nobody"], ["orders", "rg-nobody"]] {
        let told = terminal.run(&arguments).await;
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains(arguments[1]), "{}", told.err);
    }
}

/// An order that was sent and never answered, beside those of the job.
async fn park_one(terminal: &Terminal, order: &Value) -> String {
    let path = |name: &str| DocPath::new(format!("orders/{name}")).expect("a path");
    let url = format!("sqlite:{}", terminal.path("rungate-dev/rungate.db").display());
    let store = open_store(&url).expect("the records");
    let model = path(order["order_ref"].as_str().expect("a reference"));
    let mut body = store.get(&model).await.expect("an answer").expect("the order").body;
    let name = "rg-0123456789abcdef0123";
    body["spec"]["line"]["order_ref"] = json!(name);
    let events = body["events"].as_array_mut().expect("a list");
    events.retain(|entry| entry["event"] == "sending");
    events.push(json!({
        "at": "2026-03-09T14:30:00Z", "fence": 1, "event": "parked", "reason": "nobody shows it",
    }));
    (body["status"], body["open"]) = (json!("parked"), json!(true));
    store.create(&path(name), &body).await.expect("a new document");
    name.to_owned()
}

#[tokio::test]
async fn a_person_decides_about_a_parked_order_and_about_no_other() {
    let terminal = after_the_job().await;
    let order = an_order(&terminal).await;
    let resolve = async |name: &str, how: &str| -> Ended {
        let arguments = ["orders", "resolve", name, "--as", how, "--why", "seen", "--by", "ops"];
        terminal.run(&arguments).await
    };
    let filled = resolve(order["order_ref"].as_str().unwrap(), "cancelled").await;
    assert_eq!(filled.code, 2, "{filled:?}");
    assert!(filled.err.contains("only a parked order"), "{}", filled.err);

    let parked = park_one(&terminal, &order).await;
    let open = terminal.run(&["orders", "--open", "--json"]).await.json();
    assert_eq!(open["orders"].as_array().unwrap().len(), 1);
    let contradiction = resolve(&parked, "filled").await;
    assert_eq!(contradiction.code, 2, "{contradiction:?}");
    assert!(contradiction.err.contains("the ledger has 0 of"), "{}", contradiction.err);
    let resolved = resolve(&parked, "cancelled").await;
    assert_eq!(resolved.code, 0, "{resolved:?}");
    assert!(resolved.out.contains("parked → cancelled, by ops: seen"), "{}", resolved.out);
    assert_eq!(resolve(&parked, "cancelled").await.code, 2);

    let story = terminal.run(&["orders", &parked]).await;
    assert!(story.out.contains("cancelled by ops: seen"), "{}", story.out);
    let open = terminal.run(&["orders", "--open", "--json"]).await.json();
    assert_eq!(open["orders"], json!([]));
}

#[tokio::test]
async fn a_message_without_a_topic_goes_nowhere() {
    let told = Terminal::new().run(&["trigger", "ping"]).await;
    assert_eq!(told.code, 64, "{told:?}");
    assert!(told.err.contains("PUBSUB_TOPIC") && told.err.contains("--push"), "{}", told.err);
}

#[tokio::test]
async fn every_command_teaches() {
    let terminal = Terminal::new();
    let commands =
        ["dev", "trigger", "runs", "orders", "positions", "targets", "config", "halt", "resume"];
    for command in commands {
        let help = terminal.run(&[command, "--help"]).await;
        assert_eq!(help.code, 0, "{help:?}");
        assert!(help.out.contains("Example"), "{command}: {}", help.out);
    }
    for command in [["orders", "resolve"], ["config", "set"]] {
        let help = terminal.run(&[command[0], command[1], "--help"]).await;
        assert!(help.out.contains("Example"), "{command:?}: {}", help.out);
    }
}
