//! When contracts trade: by the calendar of their exchange, or always.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};

use super::clock::Zone;
use super::universe::{Listing, SecType};

/// How far ahead a day of trading is looked for: no exchange rests longer.
const AHEAD_DAYS: usize = 14;

/// When markets are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Hours {
    /// Every contract trades at any hour of any day, in one regular session from midnight to
    /// midnight
    Always,
    /// Every contract trades by the calendar of its exchange
    Exchange,
}

/// What an order meets at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Closed,
    /// Open, for orders that may trade outside regular hours.
    Extended,
    Regular,
}

/// One day of trading. Its extended session may begin on the day before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradingDay {
    /// The day that its bars and its day orders belong to.
    pub date: Date,
    /// The first instant of extended trading.
    pub first: Timestamp,
    /// Opening and closing of the regular session.
    pub open: Timestamp,
    pub close: Timestamp,
    /// The end of extended trading.
    pub last: Timestamp,
}

/// The sessions of all contracts.
#[derive(Clone, Debug)]
pub struct Schedule {
    hours: Hours,
    zone: Zone,
}

impl Schedule {
    pub fn new(hours: Hours) -> Self {
        Self { hours, zone: Zone::exchange() }
    }

    pub fn hours(&self) -> Hours {
        self.hours
    }

    /// The trading day of `date`; `None` on a day without trading.
    pub fn day(&self, listing: &Listing, date: Date) -> Option<TradingDay> {
        let at = |hour, minute| self.zone.instant(date, hour, minute);
        if self.hours == Hours::Always {
            let (open, close) = (at(0, 0)?, at(24, 0)?);
            return Some(TradingDay { date, first: open, open, close, last: close });
        }
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return None;
        }
        match listing.sec_type {
            SecType::Cash | SecType::Future => {
                let (open, close) = (at(0, 0)?, at(17, 0)?);
                Some(TradingDay { date, first: open, open, close, last: close })
            }
            SecType::Stock => Some(TradingDay {
                date,
                first: at(4, 0)?,
                open: at(9, 30)?,
                close: at(16, 0)?,
                last: at(20, 0)?,
            }),
        }
    }

    /// The trading day that is on at `at`, or else the next one.
    pub fn current_or_next(&self, listing: &Listing, at: Timestamp) -> Option<TradingDay> {
        let mut date = self.zone.date(at).yesterday().ok()?;
        for _ in 0..AHEAD_DAYS {
            if let Some(day) = self.day(listing, date)
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

    /// The end of the day at the exchange.
    pub fn next_midnight(&self, at: Timestamp) -> Option<Timestamp> {
        self.zone.instant(self.zone.date(at), 24, 0)
    }

    /// What an order meets at `at`.
    pub fn phase(&self, listing: &Listing, at: Timestamp) -> Phase {
        match self.current_or_next(listing, at) {
            Some(day) if (day.open..day.close).contains(&at) => Phase::Regular,
            Some(day) if (day.first..day.last).contains(&at) => Phase::Extended,
            _ => Phase::Closed,
        }
    }
}
