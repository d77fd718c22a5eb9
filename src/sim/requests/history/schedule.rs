//! The sessions of a contract instead of its bars.

use jiff::Timestamp;

use super::parse::Query;
use super::sessions;
use crate::sim::messages::{HistoricalSchedule, HistoricalSession};
use crate::sim::world::World;

/// All sessions that the query reaches, whole.
pub fn answer(world: &World, req_id: Option<i32>, query: &Query<'_>) -> HistoricalSchedule {
    let stamp = |at: Timestamp| Some(world.zone.plain(at));
    let sessions = sessions::covered(world, query);
    let bounds = (sessions.first(), sessions.last());
    HistoricalSchedule {
        req_id,
        start_date_time: stamp(bounds.0.map_or(query.end, |session| session.start)),
        end_date_time: stamp(bounds.1.map_or(query.end, |session| session.end)),
        time_zone: Some(world.zone.name().to_owned()),
        historical_sessions: sessions
            .iter()
            .map(|session| HistoricalSession {
                start_date_time: stamp(session.start),
                end_date_time: stamp(session.end),
                ref_date: Some(session.date.strftime("%Y%m%d").to_string()),
            })
            .collect(),
    }
}
