//! IB's own Python client: every request that the simulator answers, at both ends of its versions
//! in protobuf and, since this client still speaks it, in text.

use futures::future::join_all;

use crate::gateway::{Gateway, PROTOBUF, TEXT};
use crate::python::judge;

/// Runs a script at every end of the versions, each with a gateway of its own, at the same time:
/// each mostly waits.
async fn at_all_ends(script: &str, options: &[&str]) {
    let judged = PROTOBUF.into_iter().chain(TEXT).map(|version| async move {
        let gateway = Gateway::at_version(version, options).await;
        judge(script, &gateway, version).await;
    });
    join_all(judged).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_sessions() {
    at_all_ends("session.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_contracts() {
    at_all_ends("contracts.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_market_data() {
    at_all_ends("market_data.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_history() {
    at_all_ends("history.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_accounts() {
    at_all_ends("account.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_orders() {
    at_all_ends("orders.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_lists_of_orders() {
    at_all_ends("order_lists.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_several_accounts() {
    at_all_ends("several_accounts.py", &["--account", "DU1234567,DU7654321"]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_futures() {
    at_all_ends("futures.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_bars_that_follow_the_market() {
    let options = ["--clock", "2026-03-02T10:00:02", "--speed", "20"];
    at_all_ends("bar_streams.py", &options).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_the_pace_of_messages() {
    let gateway = Gateway::start(&[]).await;
    judge("pacing.py", &gateway, 226).await;
}
