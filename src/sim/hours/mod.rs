//! When contracts trade: by the calendar of their exchange, or always.

mod calendar;
mod dates;
mod holidays;

use std::cell::RefCell;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use calendar::Calendar;
use calendar::Times;
use holidays::Rest;

use super::clock::Zone;
use super::universe::Listing;

/// How far ahead a day of trading is looked for: no exchange rests longer.
const AHEAD_DAYS: usize = 14;

/// Days in the trading hours of contract details, as IB sends them.
const TEXT_DAYS: usize = 6;

/// When markets are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Hours {
    /// Every contract trades at any hour of any day, in one regular session from midnight to
    /// midnight
    Always,
    /// Every contract trades by the calendar of its exchange
    Exchange,
}

/// One day of trading. Its extended session may begin on the day before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradingDay {
    /// The day that its bars and its day orders belong to.
    pub date: Date,
    /// The first instant of extended trading.
    pub first: Timestamp,
    /// Opening and closing of the regular session. Currencies and futures have only that one:
    /// IB ignores the attribute "outside regular trading hours" for them.
    pub open: Timestamp,
    pub close: Timestamp,
    /// The end of extended trading.
    pub last: Timestamp,
}

/// The answer of [`Schedule::current_or_next`] for every instant from `since` to the day's end.
#[derive(Clone, Copy, Debug)]
struct Known {
    since: Timestamp,
    day: TradingDay,
}

/// The sessions of all contracts.
#[derive(Clone, Debug)]
pub struct Schedule {
    hours: Hours,
    zone: Zone,
    /// By the index of the calendar.
    zones: Vec<TimeZone>,
    /// The last answer by calendar: each working order asks at every step of the market.
    known: RefCell<[Option<Known>; Calendar::ALL.len()]>,
}

impl Schedule {
    pub fn new(hours: Hours) -> Self {
        let zones = Calendar::ALL.map(|calendar| zone_of(calendar.times())).to_vec();
        let known = RefCell::new([None; Calendar::ALL.len()]);
        Self { hours, zone: Zone::exchange(), zones, known }
    }

    pub fn hours(&self) -> Hours {
        self.hours
    }

    /// The trading day of `date`; `None` on a day without trading.
    pub fn day(&self, listing: &Listing, date: Date) -> Option<TradingDay> {
        let over = listing.last_trade_date.is_some_and(|last| date > last);
        if over { None } else { self.calendar_day(listing.calendar(), date) }
    }

    fn calendar_day(&self, calendar: Calendar, date: Date) -> Option<TradingDay> {
        if self.hours == Hours::Always {
            let open = self.zone.instant(date, 0, 0)?;
            let close = self.zone.instant(date, 24, 0)?;
            return Some(TradingDay { date, first: open, open, close, last: close });
        }
        let (times, rest) = (calendar.times(), calendar.rest(date));
        let (close, last) = match rest {
            Rest::None => (times.close, times.last),
            Rest::From(hour, minute) => {
                let after = hour.saturating_add(times.after_early_hours);
                ((hour, minute), (after, minute))
            }
            Rest::All => return None,
        };
        let at = |date, clock| self.instant(calendar, date, clock);
        let begins = if times.evening { date.yesterday().ok()? } else { date };
        Some(TradingDay {
            date,
            first: at(begins, times.first)?,
            open: at(begins, times.open)?,
            close: at(date, close)?,
            last: at(date, last)?,
        })
    }

    /// The hours that IB calls liquid; `None` on a day without them.
    pub fn liquid_hours(&self, listing: &Listing, date: Date) -> Option<(Timestamp, Timestamp)> {
        let day = self.day(listing, date)?;
        let (calendar, times) = (listing.calendar(), listing.calendar().times());
        let whole = times.liquid == (times.first, times.last);
        if whole || self.hours == Hours::Always {
            return Some((day.first, day.last));
        }
        let open = self.instant(calendar, date, times.liquid.0)?;
        let close = self.instant(calendar, date, times.liquid.1)?.min(day.close);
        (open < close).then_some((open, close))
    }

    /// The trading day that is on at `at`, or else the next one. `None` when a future has no day
    /// left.
    pub fn current_or_next(&self, listing: &Listing, at: Timestamp) -> Option<TradingDay> {
        let calendar = listing.calendar();
        let known = self.known.borrow().get(calendar.index()).copied().flatten();
        let day = match known {
            Some(Known { since, day }) if (since..day.last).contains(&at) => day,
            Some(_) | None => {
                let day = self.search(calendar, at)?;
                if let Some(known) = self.known.borrow_mut().get_mut(calendar.index()) {
                    *known = Some(Known { since: at, day });
                }
                day
            }
        };
        let over = listing.last_trade_date.is_some_and(|last| day.date > last);
        (!over).then_some(day)
    }

    fn search(&self, calendar: Calendar, at: Timestamp) -> Option<TradingDay> {
        // Around midnight the zones of exchanges differ by a day at most.
        let mut date = self.zone.date(at).yesterday().ok()?;
        for _ in 0..AHEAD_DAYS {
            if let Some(day) = self.calendar_day(calendar, date)
                && at < day.last
            {
                return Some(day);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The last trading day that was over at `at`.
    pub fn previous(&self, listing: &Listing, at: Timestamp) -> Option<TradingDay> {
        let mut date = self.zone.date(at).tomorrow().ok()?;
        if let Some(last) = listing.last_trade_date {
            date = date.min(last);
        }
        for _ in 0..AHEAD_DAYS {
            if let Some(day) = self.day(listing, date)
                && day.last <= at
            {
                return Some(day);
            }
            date = date.yesterday().ok()?;
        }
        None
    }

    /// The next instant after `at` at which a session of the contract begins or ends.
    pub fn next_boundary(&self, listing: &Listing, at: Timestamp) -> Option<Timestamp> {
        let day = self.current_or_next(listing, at)?;
        [day.first, day.open, day.close, day.last].into_iter().filter(|edge| *edge > at).min()
    }

    /// The end of the day at the exchange of the simulator.
    pub fn next_midnight(&self, at: Timestamp) -> Option<Timestamp> {
        self.zone.instant(self.zone.date(at), 24, 0)
    }

    /// Whether a future's last session is over. Nothing else expires.
    pub fn has_expired(&self, listing: &Listing, at: Timestamp) -> bool {
        let Some(last) = listing.last_trade_date else { return false };
        match self.day(listing, last) {
            Some(day) => at >= day.last,
            None => self.date(listing, at) > last,
        }
    }

    /// The calendar day of the contract's exchange.
    pub fn date(&self, listing: &Listing, at: Timestamp) -> Date {
        match self.zones.get(listing.calendar().index()) {
            Some(zone) if self.hours == Hours::Exchange => {
                at.to_zoned_datetime(zone.clone()).date()
            }
            Some(_) | None => self.zone.date(at),
        }
    }

    /// IB's name of the zone that [`Schedule::trading_text`] is written in.
    pub fn zone_name(&self, listing: &Listing) -> &str {
        match self.hours {
            Hours::Always => self.zone.name(),
            Hours::Exchange => listing.calendar().times().ib_zone,
        }
    }

    /// The sessions of the next days as contract details have them:
    /// `20260102:0400-20260102:2000;20260103:CLOSED;…`, in the time of the exchange.
    pub fn trading_text(&self, listing: &Listing, at: Timestamp) -> String {
        self.text(listing, at, |date| self.day(listing, date).map(|day| (day.first, day.last)))
    }

    /// The same for liquid hours.
    pub fn liquid_text(&self, listing: &Listing, at: Timestamp) -> String {
        self.text(listing, at, |date| self.liquid_hours(listing, date))
    }

    fn text(
        &self,
        listing: &Listing,
        at: Timestamp,
        session: impl Fn(Date) -> Option<(Timestamp, Timestamp)>,
    ) -> String {
        let mut days = Vec::new();
        let mut date = self.date(listing, at);
        let begins_on = |date: Date| {
            let next = date.tomorrow().ok().and_then(&session);
            next.is_some_and(|(first, _)| self.date(listing, first) == date)
        };
        for _ in 0..AHEAD_DAYS {
            if days.len() == TEXT_DAYS {
                break;
            }
            match session(date) {
                Some(_) if self.hours == Hours::Always => {
                    let date = date.strftime("%Y%m%d");
                    days.push(format!("{date}:0000-{date}:2359"));
                }
                Some((first, last)) => {
                    days.push(format!(
                        "{}-{}",
                        self.stamp(listing, first),
                        self.stamp(listing, last)
                    ));
                }
                // A day whose evening belongs to the next session is named by that one.
                None if begins_on(date) => {}
                None => days.push(format!("{}:CLOSED", date.strftime("%Y%m%d"))),
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        days.join(";")
    }

    fn stamp(&self, listing: &Listing, at: Timestamp) -> String {
        let zone = self.zones.get(listing.calendar().index()).cloned().unwrap_or(TimeZone::UTC);
        at.to_zoned_datetime(zone).strftime("%Y%m%d:%H%M").to_string()
    }

    /// A wall clock that a change to or from summer time skips or repeats is read as most people
    /// do.
    fn instant(&self, calendar: Calendar, date: Date, clock: (i8, i8)) -> Option<Timestamp> {
        let zone = self.zones.get(calendar.index())?;
        let local = date.at(clock.0, clock.1, 0, 0);
        zone.to_ambiguous_timestamp(local).compatible().ok()
    }
}

/// The zone of an exchange, or UTC on a machine without a time zone database.
fn zone_of(times: &Times) -> TimeZone {
    TimeZone::get(times.zone).unwrap_or_else(|error| {
        tracing::warn!(%error, "no time zone database: the simulator runs in UTC");
        TimeZone::UTC
    })
}

#[cfg(test)]
#[path = "hours_tests.rs"]
mod tests;
