//! `rungate serve`: the service.

use tokio::signal::unix::{SignalKind, signal};

use super::app::{App, gateway_config, open};
use super::{Exit, Lookup};
use crate::clock::Clock;
use crate::config::Settings;
use crate::gateway::Gateway;
use crate::telemetry;

/// Serves until SIGTERM or SIGINT. A bad setting ends it before a port is bound.
pub(super) async fn run(lookup: Lookup) -> anyhow::Result<Exit> {
    let (settings, mode) = Settings::for_account(lookup)?;
    telemetry::init(&settings.logs)?;
    let shutdown = terminated()?;
    let store = open(&settings)?;
    let gateway = Gateway::shared(&gateway_config(&settings, mode), &Clock::system()).await;
    let app = App::build(&settings, mode, store, gateway.clone()).await?;
    tracing::info!(addr = %app.addr(), mode = %mode, gateway = %settings.gateway.addr, "listening");
    let drained = app.serve(shutdown).await;
    if !drained.is_clean() {
        // Nothing is lost: what was sent is on record, and the next delivery continues.
        tracing::warn!(
            connections = drained.connections,
            tasks = drained.tasks,
            "left before everything had drained"
        );
    }
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Resolves at the first SIGTERM (Cloud Run) or SIGINT (a terminal).
pub(super) fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
