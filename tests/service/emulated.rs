//! The whole road with Google's own Pub/Sub emulator in the middle: `rungate trigger` publishes,
//! the emulator pushes, the service trades, and what is not acknowledged comes again.

use std::time::Duration;

use rungate::config::PubSubSettings;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::binary::{listening, serve};
use crate::emulator::{Emulator, PROJECT, PushPolicy};
use crate::world::{World, book};

/// A delivery takes milliseconds, a redelivery of the emulator about a second, and a dead letter
/// five of them.
const WITHIN: Duration = Duration::from_secs(60);

/// Between two looks at the records.
const LOOK: Duration = Duration::from_millis(50);

/// Publishes with the command that users have.
async fn trigger(emulator: &Emulator, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_rungate"))
        .arg("trigger")
        .args(arguments)
        .env_clear()
        .env("PUBSUB_PROJECT", PROJECT)
        .env("PUBSUB_TOPIC", "ticks")
        .env("PUBSUB_EMULATOR_HOST", emulator.host().as_str())
        .kill_on_drop(true)
        .output();
    let output = timeout(WITHIN, output).await.expect("an end in time").expect("the binary");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

/// Looks at a run's record until it is as wanted.
async fn run_becomes(world: &World, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("runs/{key}");
    let looking = async {
        loop {
            let record = world.document(&path).await;
            if wanted(&record) {
                return record;
            }
            sleep(LOOK).await;
        }
    };
    match timeout(WITHIN, looking).await {
        Ok(record) => record,
        Err(_elapsed) => panic!("{path} is not as wanted: {}", world.document(&path).await),
    }
}

fn ended(record: &Value) -> bool {
    record["state"] == "ended"
}

#[tokio::test]
async fn published_messages_become_filled_orders_once_through_redelivery() {
    let Some(emulator) = Emulator::start().await else { return };
    let world = World::new().await;
    let (_service, addr, _log) = listening(serve(&world, &[])).await;
    emulator.topic("ticks").await;
    emulator.topic("dead").await;
    let policy = PushPolicy { dead_letter: Some("dead"), ..PushPolicy::default() };
    let endpoint = format!("http://{addr}/push");
    emulator.push_subscription("push", "ticks", &endpoint, policy).await;

    let spy = json!([{ "contract": { "symbol": "SPY" }, "weight": "0.4" },
                     { "contract": { "symbol": "AGG" }, "weight": "0.4" }]);
    let payload = book("alpha", spy).to_string();
    trigger(&emulator, &["set-targets", "--params", &payload, "--run-key", "book"]).await;
    run_becomes(&world, "book", ended).await;
    // The gateway is away at the first delivery: 503, and the emulator delivers again.
    world.simulator.faults().refuse_connections(true);
    world.simulator.faults().drop_connections();
    trigger(&emulator, &["allocation", "--run-key", "rebalance"]).await;
    run_becomes(&world, "rebalance", |record| record["state"] == "failed").await;
    assert!(world.orders().is_empty());
    world.simulator.faults().refuse_connections(false);
    let record = run_becomes(&world, "rebalance", ended).await;

    assert_eq!(record["outcome"]["summary"], "2 of 2 orders filled", "{record}");
    assert!(record["attempts"].as_u64() >= Some(2), "{record}");
    assert_eq!(world.orders().len(), 2);
    // A second message for the same work is answered from the record.
    trigger(&emulator, &["allocation", "--run-key", "rebalance"]).await;
    trigger(&emulator, &["ping", "--run-key", "after"]).await;
    run_becomes(&world, "after", ended).await;
    assert_eq!(world.orders().len(), 2);
    assert_eq!(world.holdings("alpha").await.len(), 2);
}

#[tokio::test]
async fn a_poisoned_message_ends_in_the_dead_letter_topic_and_harms_nobody() {
    let Some(emulator) = Emulator::start().await else { return };
    let world = World::new().await;
    let (_service, addr, _log) = listening(serve(&world, &[])).await;
    emulator.topic("ticks").await;
    emulator.topic("dead").await;
    emulator.pull_subscription("morgue", "dead").await;
    let policy = PushPolicy { dead_letter: Some("dead"), ..PushPolicy::default() };
    let endpoint = format!("http://{addr}/push");
    emulator.push_subscription("push", "ticks", &endpoint, policy).await;

    trigger(&emulator, &["alocation", "--unchecked", "--param", "x=1"]).await;
    trigger(&emulator, &["ping", "--run-key", "beside"]).await;

    run_becomes(&world, "beside", ended).await;
    let dead = emulator.pull("morgue", WITHIN).await;
    assert_eq!(dead.attributes["intent"], "alocation");
    assert_eq!(dead.data, br#"{"x":1}"#);
}

#[tokio::test]
async fn with_a_quarantine_topic_a_poisoned_message_is_kept_there_and_acknowledged() {
    let Some(emulator) = Emulator::start().await else { return };
    let world = World::new().await;
    emulator.topic("ticks").await;
    emulator.topic("quarantine").await;
    emulator.pull_subscription("kept", "quarantine").await;
    let PubSubSettings { project, .. } = emulator.settings("ticks", Some("quarantine"));
    let settings = [
        ("PUBSUB_PROJECT", project.as_deref().expect("a project")),
        ("QUARANTINE_TOPIC", "quarantine"),
        ("PUBSUB_EMULATOR_HOST", emulator.host().as_str()),
    ];
    let (_service, addr, _log) = listening(serve(&world, &settings)).await;
    let endpoint = format!("http://{addr}/push");
    emulator.push_subscription("push", "ticks", &endpoint, PushPolicy::default()).await;

    trigger(&emulator, &["allocation", "--unchecked", "--param", "dryrun=true"]).await;

    let kept = emulator.pull("kept", WITHIN).await;
    assert!(kept.attributes["quarantine-reason"].contains("dryrun"), "{:?}", kept.attributes);
    let envelope: Value = serde_json::from_slice(&kept.data).expect("the envelope as it came");
    assert_eq!(envelope["message"]["attributes"]["intent"], "allocation");
    assert!(world.documents("runs").await.is_empty());
}
