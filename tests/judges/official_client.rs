//! IB's own Python client: every request that the simulator answers, at both ends of its versions.

use crate::gateway::{Gateway, VERSIONS};
use crate::python::judge;

/// Runs a script at both versions, each with a gateway of its own, at the same time.
async fn at_both_versions(script: &str, options: &[&str]) {
    let [lowest, highest] = VERSIONS.map(|version| async move {
        let gateway = Gateway::at_version(version, options).await;
        judge(script, &gateway, version).await;
    });
    tokio::join!(lowest, highest);
}

#[tokio::test]
async fn the_official_client_agrees_on_sessions() {
    at_both_versions("session.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_contracts() {
    at_both_versions("contracts.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_market_data() {
    at_both_versions("market_data.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_history() {
    at_both_versions("history.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_accounts() {
    at_both_versions("account.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_orders() {
    at_both_versions("orders.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_lists_of_orders() {
    at_both_versions("order_lists.py", &[]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_several_accounts() {
    at_both_versions("several_accounts.py", &["--account", "DU1234567,DU7654321"]).await;
}

#[tokio::test]
async fn the_official_client_agrees_on_the_pace_of_messages() {
    let gateway = Gateway::start(&[]).await;
    judge("pacing.py", &gateway, 226).await;
}
