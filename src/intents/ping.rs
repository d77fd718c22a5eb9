//! `ping`: is the gateway there, and do our clocks agree?

use serde::Deserialize;
use serde_json::json;

use super::{Context, IntentError};
use crate::runs::Outcome;

/// Takes no parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {}

impl Ping {
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<Outcome, IntentError> {
        cx.prepare_if_any().await?;
        let connected = cx.gateway().connected().await?;
        let broker_time = cx.gateway().server_time().await?;
        let skew = cx.now().duration_since(broker_time).as_secs();
        let details = json!({
            "broker_time": broker_time,
            // IB tells whole seconds, so up to one of these is rounding.
            "clock_skew_seconds": skew,
            "server_version": connected.server_version,
            "connection": connected.generation,
        });
        cx.note("ping", &details);
        Ok(Outcome::done(format!("IB Gateway's time is {broker_time}")).with_details(details))
    }
}
