//! What survives a restart, and files that do not fit.

use std::path::Path;

use rungate::sim::SimError;

use super::*;

fn options(state: &Path) -> Options {
    Options { state: Some(state.to_owned()), ..Options::loopback(1) }
}

#[tokio::test]
async fn orders_positions_and_ids_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let simulator = Simulator::start(options(&state)).await.unwrap();
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    let bought = Order { order_ref: "a".into(), ..market(Action::Buy, 10.0) };
    client.submit_order(3, &spy(), &bought).await.unwrap();
    let resting = Order { order_ref: "b".into(), ..limit(Action::Buy, 10.0, 400.0) };
    client.submit_order(4, &spy(), &resting).await.unwrap();
    settle(&client).await;
    let before = simulator.truth();
    let addr = simulator.addr();
    client.disconnect().await;
    simulator.stop().await;

    let again = Options { listen: addr.to_string(), ..options(&state) };
    let simulator = Simulator::start(again).await.unwrap();
    assert_eq!(simulator.addr(), addr, "the same address can be had at once");
    let after = simulator.truth();
    assert_eq!(after.orders, before.orders);
    assert_eq!(after.executions, before.executions);
    assert_eq!(after.positions, before.positions);
    assert_eq!(after.cash, before.cash);
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.next_order_id(), 5);
    let mut open = client.open_orders().await.unwrap();
    let rows = open.collect_to_end_within(DEADLINE).await.unwrap();
    assert!(matches!(&rows[0], Orders::OrderData(row) if row.order.order_ref == "b"), "{rows:?}");
    let again = Order { total_quantity: 20.0, ..resting };
    client.submit_order(4, &spy(), &again).await.unwrap();
    settle(&client).await;
    assert_eq!(simulator.truth().orders.len(), 2, "the order is still the same order");
}

#[tokio::test]
async fn a_state_file_of_another_account_or_universe_is_refused_with_all_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let (state, universe) = (folder.path().join("s.json"), folder.path().join("u.toml"));
    let simulator = Simulator::start(options(&state)).await.unwrap();
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 1.0)).await;
    simulator.stop().await;

    let built_in = include_str!("../../data/universe.toml");
    std::fs::write(&universe, built_in.replace("con_id = 756733", "con_id = 900000999")).unwrap();
    let other =
        Options { accounts: vec!["DU9999999".into()], universe: Some(universe), ..options(&state) };
    let error = Simulator::start(other).await.unwrap_err().to_string();
    assert!(error.contains("other accounts"), "{error}");
    assert!(error.contains("position in unknown contract 756733"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage");
    std::fs::write(&garbage, "not a state file").unwrap();
    assert!(matches!(Simulator::start(options(&garbage)).await, Err(SimError::State(_))));
    let universe = Options { universe: Some(garbage), ..Options::loopback(1) };
    assert!(matches!(Simulator::start(universe).await, Err(SimError::UniverseRefused { .. })));
    let nowhere =
        Options { state: Some(folder.path().join("no/such/folder")), ..Options::loopback(1) };
    assert!(matches!(Simulator::start(nowhere).await, Err(SimError::State(_))));
    let missing = folder.path().join("missing");
    let universe = Options { universe: Some(missing), ..Options::loopback(1) };
    assert!(matches!(Simulator::start(universe).await, Err(SimError::UniverseFile { .. })));
    let account = Options { accounts: vec!["a,b".into()], cash: dec("-1"), ..Options::loopback(1) };
    let error = Simulator::start(account).await.unwrap_err().to_string();
    assert!(error.contains("--account") && error.contains("--cash"), "{error}");
    let taken = start().await;
    let listen = Options { listen: taken.addr().to_string(), ..Options::loopback(1) };
    assert!(matches!(Simulator::start(listen).await, Err(SimError::Listen { .. })));
}

#[tokio::test]
async fn the_command_ends_when_it_is_told_to() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(rungate::sim::run(Options::loopback(1), async {
        stopped.await.unwrap();
    }));
    stop.send(()).unwrap();
    within(run).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_reported_is_in_the_file_already() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let simulator = Simulator::start(options(&state)).await.unwrap();
    let client = connect(&simulator, CLIENT).await;
    trade(&client, &spy(), &market(Action::Buy, 10.0)).await;
    // As a crash right after the report would leave it.
    let copy = folder.path().join("copy.json");
    std::fs::copy(&state, &copy).unwrap();
    let again = Simulator::start(options(&copy)).await.unwrap();
    assert_eq!(again.truth().executions, simulator.truth().executions);
    assert_eq!(again.truth().executions.len(), 1);
}
