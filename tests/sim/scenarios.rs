//! Faults from the command line and from scenario files.

use std::path::Path;

use rungate::sim::{Fault, Place, Rule, Scenario, SimError};

use super::*;

/// The scenario that the documentation shows.
const SAMPLE: &str = include_str!("../../data/sample-scenario.toml");

fn options(scenario: &Path) -> Options {
    Options { scenario: Some(scenario.to_owned()), ..Options::loopback(1) }
}

#[tokio::test]
async fn the_sample_scenario_plays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    std::fs::write(&file, SAMPLE).unwrap();
    let simulator = Simulator::start(options(&file)).await.unwrap();
    pin_spy(&simulator);
    assert_eq!(simulator.faults().list().len(), Scenario::parse(SAMPLE).unwrap().rules.len());
    // Its first fault: the second order is read, and never reaches the broker.
    let client = connect(&simulator, CLIENT).await;
    for order_id in 1..=3 {
        client.submit_order(order_id, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    }
    settle(&client).await;
    let truth = simulator.truth();
    let ids: Vec<_> = truth.orders.values().map(|order| order.order_id).collect();
    assert_eq!(ids, [1, 3]);
}

#[tokio::test]
async fn what_a_scenario_does_is_decided_by_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    let play = async |seed: u64| {
        let text = format!(
            "seed = {seed}\n[[fault]]\nfault = \"lose-order\"\nplace = \"unread\"\n\
             probability = 0.5\n"
        );
        std::fs::write(&file, text).unwrap();
        let simulator = Simulator::start(options(&file)).await.unwrap();
        pin_spy(&simulator);
        let client = connect(&simulator, CLIENT).await;
        for order_id in 1..=20 {
            client.submit_order(order_id, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
        }
        settle(&client).await;
        let truth = simulator.truth();
        truth.orders.values().map(|order| order.order_id).collect::<Vec<_>>()
    };
    let (first, second, third) = (play(1).await, play(1).await, play(2).await);
    assert_eq!(first, second);
    assert_ne!(first, third);
    assert!((5..=15).contains(&first.len()), "{first:?}");
}

#[tokio::test]
async fn a_scenario_that_cannot_be_played_is_refused_with_every_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    let text = "[[fault]]\nfault = \"mute\"\nplase = 1\n\n[[fault]]\nfault = \"silence\"\n";
    std::fs::write(&file, text).unwrap();
    let error = Simulator::start(options(&file)).await.unwrap_err();
    assert!(matches!(error, SimError::Scenario(_)), "{error:?}");
    let error = error.to_string();
    let name = file.display();
    assert!(error.contains(&format!("{name}:3: mute: unknown field `plase`")), "{error}");
    assert!(error.contains(&format!("{name}:5: silence: unknown variant")), "{error}");

    std::fs::write(
        &file,
        "[[fault]]\nfault = \"pin-price\"\nsymbol = \"NOSUCH\"\nbid = 1\nask = 2\n",
    )
    .unwrap();
    let error = Simulator::start(options(&file)).await.unwrap_err().to_string();
    assert!(error.contains("local symbol NOSUCH"), "{error}");
    let missing = folder.path().join("missing.toml");
    assert!(Simulator::start(options(&missing)).await.is_err());
}

#[tokio::test]
async fn faults_of_the_command_line_stand_from_the_start() {
    let mut faults = vec![rungate::sim::parse_fault("next-valid-id,id=900").unwrap()];
    faults.push(Rule::from(Fault::LoseOrder { place: Place::Gateway }).times(1));
    let options = Options { faults, ..Options::loopback(1) };
    let simulator = Simulator::start(options).await.unwrap();
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.next_order_id(), 900);
    client.submit_order(900, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    settle(&client).await;
    assert!(simulator.truth().orders.is_empty());
}
