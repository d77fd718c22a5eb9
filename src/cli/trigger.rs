//! `rungate trigger`: a message, published or posted.

use super::Exit;
use super::courier::Told;

/// How a command ends that was answered with this outcome.
pub(super) fn exit_of(told: &Told, gateway_away: bool) -> Exit {
    match told.status.as_str() {
        "done" if told.attention.is_empty() => Exit::Done,
        "done" => Exit::Partial,
        "refused" => Exit::Refused,
        // Malformed: nothing about it can work.
        "rejected" => Exit::Usage,
        "failed" if gateway_away => Exit::GatewayAway,
        _ => Exit::Error,
    }
}
