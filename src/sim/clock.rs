//! The simulator's clock, which can be set, sped up and stopped; the one place where it asks for
//! the real time; and IB's ways to write a time.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The zone of the simulated gateway and of the exchanges that it reaches.
const ZONE: &str = "America/New_York";

/// How IB spells [`ZONE`].
const ZONE_NAME: &str = "US/Eastern";

/// Milliseconds between two prices of the simulated market.
pub const STEP_MS: i64 = 250;

/// A day passes in less than a second at this speed. More would skip most of its prices.
pub const SPEED_MAX: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);

/// The clock can be set from here...
const FIRST: Timestamp = Timestamp::constant(946_684_800, 0);

/// ...to here, 2000 to 2100: prices stand still farther than 34 years from the first start.
const LAST: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// The longest way forward in one command. Every session on the way is worked, with all clients
/// waiting: two years take some seconds.
const FORWARD_MAX: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);

/// Real time. The simulated one is [`SimClock`]'s.
#[expect(clippy::disallowed_methods, reason = "the simulator's only look at the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// What the clock was asked to do and cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    #[error("the clock cannot be set to {0}: give a time from {FIRST} to {LAST}")]
    OutOfRange(Timestamp),
    #[error("the clock cannot go from {from} to {to} at once: {} days at most", FORWARD_MAX.as_hours() / 24)]
    TooFar { from: Timestamp, to: Timestamp },
    #[error("the clock cannot run at {0} times real time: give a number from 0 to {SPEED_MAX}")]
    Speed(Decimal),
    #[error("the clock cannot go forward by {0:#}: only `set` moves it back")]
    Backward(SignedDuration),
}

/// The time of the simulated world: real time times a speed, from where it was last set.
#[derive(Clone, Debug)]
pub struct SimClock {
    /// The real time at which the clock showed `at`.
    since: Timestamp,
    at: Timestamp,
    speed: Decimal,
}

impl SimClock {
    /// A clock that shows `at` when it is `real` outside.
    ///
    /// # Errors
    ///
    /// A time or a speed out of range.
    pub fn new(real: Timestamp, at: Timestamp, speed: Decimal) -> Result<Self, ClockError> {
        let mut clock = Self { since: real, at, speed: Decimal::ONE };
        clock.set_speed(real, speed)?;
        clock.set(real, at)?;
        Ok(clock)
    }

    /// What it shows when it is `real` outside. It stands while real time is before the moment at
    /// which it was set, as after a correction of the machine's own clock.
    pub fn at(&self, real: Timestamp) -> Timestamp {
        let elapsed = real.duration_since(self.since).max(SignedDuration::ZERO);
        let scaled = Decimal::from_i128_with_scale(elapsed.as_nanos(), 0).checked_mul(self.speed);
        let nanos = scaled.and_then(|nanos| nanos.trunc().to_i128()).unwrap_or(i128::MAX);
        let elapsed = SignedDuration::try_from_nanos_i128(nanos).unwrap_or(SignedDuration::MAX);
        self.at.checked_add(elapsed).unwrap_or(LAST).min(LAST)
    }

    /// Shows `at` from now on.
    ///
    /// # Errors
    ///
    /// [`ClockError::OutOfRange`]
    pub fn set(&mut self, real: Timestamp, at: Timestamp) -> Result<(), ClockError> {
        if !(FIRST..=LAST).contains(&at) {
            return Err(ClockError::OutOfRange(at));
        }
        (self.since, self.at) = (real, at);
        Ok(())
    }

    /// Runs at `speed` times real time from now on; at 0 it stands.
    ///
    /// # Errors
    ///
    /// [`ClockError::Speed`]
    pub fn set_speed(&mut self, real: Timestamp, speed: Decimal) -> Result<(), ClockError> {
        if !(Decimal::ZERO..=SPEED_MAX).contains(&speed) {
            return Err(ClockError::Speed(speed));
        }
        (self.since, self.at) = (real, self.at(real));
        self.speed = speed;
        Ok(())
    }

    /// Seconds of this clock in one of real time.
    pub fn speed(&self) -> Decimal {
        self.speed
    }

    /// Whether a command may move the clock from `from` to `to`. Back is always possible.
    ///
    /// # Errors
    ///
    /// [`ClockError::TooFar`]
    pub fn reachable(from: Timestamp, to: Timestamp) -> Result<(), ClockError> {
        if to.duration_since(from) > FORWARD_MAX {
            return Err(ClockError::TooFar { from, to });
        }
        Ok(())
    }
}

/// Reads a time as a person writes it: `2026-03-02T09:29:30`, in the zone of the exchange, with an
/// offset (`Z`, `-05:00`), or with a `[Zone/Name]`.
///
/// # Errors
///
/// What would have been read.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    if let Ok(zoned) = text.parse::<ZonedDateTime>() {
        return Ok(zoned.timestamp());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    // A zone that is not known is not just left out.
    let local = text.parse::<DateTime>().ok().filter(|_| !text.contains('['));
    local.and_then(|local| Zone::exchange().resolve(local)).ok_or_else(|| {
        "write 2026-03-02T09:29:30 for a time in New York, or put an offset or [Zone/Name] behind it"
            .to_owned()
    })
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

    /// `2026-01-02 15:04:05 US/Eastern`
    pub fn sentence(&self, at: Timestamp) -> String {
        let local = at.to_zoned_datetime(self.zone.clone());
        format!("{} {}", local.strftime("%Y-%m-%d %H:%M:%S"), self.name)
    }

    /// `20260102-15:04:05`, for a message that names the zone elsewhere.
    pub fn plain(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y%m%d-%H:%M:%S").to_string()
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

    /// A wall clock of the zone as an instant.
    pub fn resolve(&self, local: DateTime) -> Option<Timestamp> {
        resolve(&self.zone, local)
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
}

/// A wall clock that a change to or from summer time skips or repeats is read as most people do.
fn resolve(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_runs_at_its_speed_from_where_it_was_set() {
        let real = at("2026-11-24T12:00:00Z");
        let later = |seconds| real + SignedDuration::from_secs(seconds);
        let start = at("2026-03-02T14:29:30Z");
        let mut clock = SimClock::new(real, start, Decimal::new(25, 1)).unwrap();
        assert_eq!(clock.at(real), start);
        assert_eq!(clock.at(later(10)), start + SignedDuration::from_secs(25));
        assert_eq!(clock.at(later(-10)), start, "it does not run back with the machine's clock");

        clock.set_speed(later(10), Decimal::ZERO).unwrap();
        assert_eq!(clock.at(later(1000)), start + SignedDuration::from_secs(25));
        clock.set(later(1000), start).unwrap();
        clock.set_speed(later(1000), Decimal::ONE).unwrap();
        assert_eq!(clock.at(later(1001)), start + SignedDuration::from_secs(1));
    }

    #[test]
    fn a_clock_at_real_time_shows_real_time_to_the_nanosecond() {
        let real = at("2026-11-24T12:00:00.123456789Z");
        let clock = SimClock::new(real, real, Decimal::ONE).unwrap();
        let later = at("2027-02-01T03:04:05.987654321Z");
        assert_eq!(clock.at(later), later);
    }

    #[test]
    fn what_a_clock_cannot_do_is_refused_and_changes_nothing() {
        let real = at("2026-11-24T12:00:00Z");
        let mut clock = SimClock::new(real, real, Decimal::ONE).unwrap();
        let early = at("1999-12-31T23:59:59Z");
        assert_eq!(clock.set(real, early), Err(ClockError::OutOfRange(early)));
        for speed in [Decimal::NEGATIVE_ONE, SPEED_MAX + Decimal::ONE] {
            assert_eq!(clock.set_speed(real, speed), Err(ClockError::Speed(speed)));
        }
        assert_eq!(clock.at(real), real);
        clock.set_speed(real, SPEED_MAX).unwrap();
        assert_eq!(clock.at(at("9999-01-01T00:00:00Z")), LAST);
        assert!(SimClock::reachable(real, at("2028-11-24T12:00:00Z")).is_ok());
        assert!(SimClock::reachable(real, at("2029-11-24T12:00:00Z")).is_err());
        assert!(SimClock::reachable(real, early).is_ok());
    }

    #[test]
    fn a_persons_spellings_of_a_time_are_read() {
        for text in [
            "2026-03-02T09:29:30",
            "2026-03-02 09:29:30",
            "2026-03-02T09:29:30-05:00",
            "2026-03-02T14:29:30Z",
            "2026-03-02T15:29:30[Europe/Berlin]",
        ] {
            assert_eq!(parse_time(text), Ok(at("2026-03-02T14:29:30Z")), "{text}");
        }
        for text in ["", "09:29:30", "2026-13-02T09:29:30", "2026-03-02T09:29:30[Mars/Olympus]"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

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
