//! The sessions that bars lie in: those of the exchange's calendar.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::parse::{Query, Reach, Size};
use crate::sim::hours::Schedule;
use crate::sim::universe::Listing;
use crate::sim::world::World;

/// No bars before this day, unless they are replayed.
const FIRST_DAY: Date = Date::constant(2010, 1, 4);

/// A listing whose history begins later than this many days after the first is none.
const FIRST_SESSION_DAYS: usize = 14;

/// One day of bars. It may begin on the evening before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub date: Date,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// The session of a day; `None` on a day without one.
pub fn of(world: &World, listing: &Listing, date: Date, regular_hours: bool) -> Option<Session> {
    let (start, end) = hours(world.market.calendar(), listing, date, regular_hours)?;
    Some(Session { date, start, end })
}

/// The session that is on, for bars that are kept up to date. Where markets never close there is
/// always one.
pub fn current(world: &World, listing: &Listing, regular_hours: bool) -> Option<Session> {
    let schedule = world.market.schedule();
    let date = schedule.current_or_next(listing, world.now)?.date;
    let (start, end) = hours(schedule, listing, date, regular_hours)?;
    (start..end).contains(&world.now).then_some(Session { date, start, end })
}

/// Regular are the hours that IB calls liquid.
fn hours(
    schedule: &Schedule,
    listing: &Listing,
    date: Date,
    regular: bool,
) -> Option<(Timestamp, Timestamp)> {
    if regular {
        return schedule.liquid_hours(listing, date);
    }
    schedule.day(listing, date).map(|day| (day.first, day.last))
}

fn first_day(world: &World, listing: &Listing) -> Date {
    let replayed = world.market.replay().of(listing).and_then(|bars| bars.start());
    let listed = listing.listed_since.unwrap_or(FIRST_DAY).max(FIRST_DAY);
    replayed.map_or(listed, |start| world.zone.date(start))
}

/// When the history of a contract begins.
pub fn first(world: &World, listing: &Listing, regular_hours: bool) -> Option<Timestamp> {
    let mut date = first_day(world, listing);
    for _ in 0..FIRST_SESSION_DAYS {
        if let Some(session) = of(world, listing, date, regular_hours) {
            let replayed = world.market.replay().of(listing).and_then(|bars| bars.start());
            return Some(replayed.map_or(session.start, |start| start.max(session.start)));
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// The sessions that a query covers, in order; the last one may be unfinished. Weeks and months
/// are covered from their beginning.
pub fn covered(world: &World, query: &Query<'_>) -> Vec<Session> {
    let mut sessions = Vec::new();
    let first_day = first_day(world, query.listing);
    // A session can begin on the evening before its day.
    let mut date = world.zone.date(query.end).tomorrow().unwrap_or(Date::MAX);
    let mut until = match query.reach {
        Reach::Days(_) => None,
        Reach::After(first) => Some(period_start(query.size, world.zone.date(first))),
    };
    while date >= first_day && until.is_none_or(|until| date >= until) {
        if let Some(session) = of(world, query.listing, date, query.regular_hours)
            && session.start < query.end
        {
            sessions.push(session);
            if matches!(query.reach, Reach::Days(days) if sessions.len() == days) {
                until = Some(period_start(query.size, date));
            }
        }
        let Ok(before) = date.yesterday() else { break };
        date = before;
    }
    sessions.reverse();
    sessions
}

/// The first day of the bar that `date` belongs to.
pub fn period_start(size: Size, date: Date) -> Date {
    match size {
        Size::Seconds(_) | Size::Day => date,
        Size::Week => {
            let days = i32::from(date.weekday().to_monday_zero_offset());
            date.checked_sub(days.days()).unwrap_or(date)
        }
        Size::Month => date.first_of_month(),
    }
}
