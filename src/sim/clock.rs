//! The simulator's clock: the one place where it asks for the time, and IB's ways to write it.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The zone of the simulated gateway and of the exchanges that it reaches.
const ZONE: &str = "America/New_York";

/// How IB spells [`ZONE`].
const ZONE_NAME: &str = "US/Eastern";

/// Milliseconds between two prices of the simulated market.
pub const STEP_MS: i64 = 250;

/// Now.
#[expect(clippy::disallowed_methods, reason = "the simulator's only look at the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Turns instants into the texts that clients parse.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    name: Cow<'static, str>,
}

impl Zone {
    /// New York, or UTC on a machine without a time zone database.
    pub fn exchange() -> Self {
        match TimeZone::get(ZONE) {
            Ok(zone) => Self { zone, name: Cow::Borrowed(ZONE_NAME) },
            Err(error) => {
                tracing::warn!(%error, "no time zone database: the simulator runs in UTC");
                Self { zone: TimeZone::UTC, name: Cow::Borrowed("UTC") }
            }
        }
    }

    /// A zone of the IANA database, its name in times replaced by `spelled`.
    ///
    /// # Errors
    ///
    /// When the database has no such zone.
    pub fn spelled_as(zone: &str, spelled: Option<&str>) -> Result<Self, jiff::Error> {
        let name = Cow::Owned(spelled.unwrap_or(zone).to_owned());
        Ok(Self { zone: TimeZone::get(zone)?, name })
    }

    /// IB's name of the zone.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `20260102 15:04:05 US/Eastern`
    pub fn stamp(&self, at: Timestamp) -> String {
        let local = at.to_zoned_datetime(self.zone.clone()).strftime("%Y%m%d %H:%M:%S");
        // A gateway that was told to writes no zone.
        if self.name.is_empty() { local.to_string() } else { format!("{local} {}", self.name) }
    }

    /// `15:04`
    pub fn minute(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// The calendar day of the exchange.
    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.zone.clone()).date()
    }

    /// `hour:minute` of `date` as an instant. Hour 24 is midnight at its end.
    pub fn instant(&self, date: Date, hour: i8, minute: i8) -> Option<Timestamp> {
        let (date, hour) = if hour == 24 { (date.tomorrow().ok()?, 0) } else { (date, hour) };
        resolve(&self.zone, date.at(hour, minute, 0, 0))
    }

    /// Reads a time as clients send it: `YYYYMMDD HH:MM:SS`, the same with a zone behind it, or
    /// `YYYYMMDD-HH:MM:SS` (UTC, with or without a `Z`).
    pub fn parse(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let utc = text.trim_end_matches('Z');
        if let Ok(local) = DateTime::strptime("%Y%m%d-%H:%M:%S", utc) {
            return resolve(&TimeZone::UTC, local);
        }
        let (clock, zone) = match text.splitn(3, ' ').collect::<Vec<_>>().as_slice() {
            [day, time, name] => (format!("{day} {time}"), self.named(name.trim())?),
            [day, time] => (format!("{day} {time}"), self.zone.clone()),
            [day] => (format!("{day} 00:00:00"), self.zone.clone()),
            _ => return None,
        };
        let local = DateTime::strptime("%Y%m%d %H:%M:%S", &clock).ok()?;
        resolve(&zone, local)
    }

    fn named(&self, name: &str) -> Option<TimeZone> {
        if name == self.name || name == "EST" || name == "EDT" {
            return Some(self.zone.clone());
        }
        if name == "UTC" || name == "GMT" {
            return Some(TimeZone::UTC);
        }
        TimeZone::get(name).ok()
    }

    /// `YYYYMMDD:HHMM-YYYYMMDD:HHMM` for `days` days from `at`, from `open` to `close` o'clock
    /// written as `HHMM`; weekends too, since the simulated market never closes.
    pub fn hours(&self, at: Timestamp, days: i32, open: &str, close: &str) -> String {
        let first = self.date(at);
        let sessions = (0..days).filter_map(|day| first.checked_add(day.days()).ok());
        let sessions: Vec<_> = sessions
            .map(|date| {
                let date = date.strftime("%Y%m%d");
                format!("{date}:{open}-{date}:{close}")
            })
            .collect();
        sessions.join(";")
    }
}

/// A wall clock that a change to or from summer time skips or repeats is read as most people do.
fn resolve(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_time_is_read() {
        let zone = Zone::exchange();
        let noon: Timestamp = "2026-01-02T17:00:00Z".parse().unwrap();
        for text in [
            "20260102 12:00:00",
            "20260102 12:00:00 US/Eastern",
            "20260102 12:00:00 America/New_York",
            "20260102 17:00:00 UTC",
            "20260102-17:00:00",
            "20260102-17:00:00Z",
        ] {
            assert_eq!(zone.parse(text), Some(noon), "{text}");
        }
        for text in ["", "tomorrow", "20261302 12:00:00", "20260102 12:00:00 Mars/Olympus"] {
            assert_eq!(zone.parse(text), None, "{text}");
        }
        assert_eq!(zone.stamp(noon), "20260102 12:00:00 US/Eastern");
    }
}
