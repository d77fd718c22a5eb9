//! When an order may trade and when it ends: sessions, auctions, good-till times.
//!
//! * A day order ends with the session that it was sent for. Sent after that session, it is for
//!   the next one. With `--hours always` a session is the New York day, midnight to midnight.
//! * Only an order with a limit trades in extended hours, and a stock's only if it asks to
//!   (`outsideRth`); IB ignores the flag on other types.
//! * MOC and LOC trade in the closing auction, orders with time in force OPG in the opening
//!   auction; with `--hours always` both are at midnight. What an auction leaves is cancelled.
//! * With `--hours exchange` an auction takes no orders shortly before it: on the close ten
//!   minutes (NYSE 15:50, <https://www.interactivebrokers.com/en/trading/orders/moc.php>), on the
//!   open two (Nasdaq 9:28), and none on the open during the session.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::terms::{Kind, Price, Terms, TimeInForce};
use crate::sim::hours::{Hours, Schedule, TradingDay};
use crate::sim::universe::{Listing, SecType};

/// How long before the close its auction takes no more orders.
const CLOSE_CUT_OFF: SignedDuration = SignedDuration::from_mins(10);

/// The same before the opening.
const OPEN_CUT_OFF: SignedDuration = SignedDuration::from_mins(2);

/// The instants that matter to one order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// The auction that it is for.
    pub auction: Option<Timestamp>,
    /// From here to its auction it can be neither cancelled nor changed.
    pub locked_from: Option<Timestamp>,
    /// The end of the session that it trades in; absent while it cannot trade.
    pub live_until: Option<Timestamp>,
    /// When it is to be looked at next.
    pub alarm: Option<Timestamp>,
}

/// What time says of an order at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It trades, until then.
    Live { until: Timestamp },
    /// Nothing before that opening.
    Closed { opens: Timestamp },
    /// Nothing before that instant, which is not an opening.
    Later { at: Timestamp },
    /// The calendar knows no session for it.
    Never,
}

impl Stage {
    /// When the stage is over.
    pub fn ends(self) -> Option<Timestamp> {
        match self {
            Self::Live { until } => Some(until),
            Self::Closed { opens } => Some(opens),
            Self::Later { at } => Some(at),
            Self::Never => None,
        }
    }
}

/// The auction of an order took its last orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLate;

/// One order's view of the calendar.
#[derive(Clone, Copy, Debug)]
pub struct Timetable<'a> {
    pub schedule: &'a Schedule,
    pub listing: &'a Listing,
    pub price: Price,
    pub tif: TimeInForce,
    pub terms: &'a Terms,
}

impl Timetable<'_> {
    /// The instants of an order that is accepted at `at`.
    ///
    /// # Errors
    ///
    /// When it is for an auction that takes no more orders.
    pub fn times(&self, at: Timestamp) -> Result<Times, TooLate> {
        let start = self.terms.after.map_or(at, |after| after.max(at));
        let mut times = Times::default();
        match (self.terms.kind, self.tif) {
            (Kind::AtClose, _) => self.for_close(start, &mut times)?,
            (_, TimeInForce::AtOpening) => self.for_opening(start, &mut times)?,
            (_, TimeInForce::Day) => times.expires = self.window(start).map(|(_, closes)| closes),
            (_, TimeInForce::GoodTillDate(until)) => times.expires = Some(until),
            (
                _,
                TimeInForce::GoodTillCancelled
                | TimeInForce::ImmediateOrCancel
                | TimeInForce::FillOrKill,
            ) => {}
        }
        Ok(times)
    }

    fn for_close(&self, start: Timestamp, times: &mut Times) -> Result<(), TooLate> {
        let day = self.day(start, |day| day.close);
        times.auction = day.map(|day| day.close);
        if self.schedule.hours() == Hours::Exchange
            && let Some(cut_off) = day.and_then(|day| day.close.checked_sub(CLOSE_CUT_OFF).ok())
        {
            times.locked_from = Some(cut_off);
            if start >= cut_off {
                return Err(TooLate);
            }
        }
        Ok(())
    }

    fn for_opening(&self, start: Timestamp, times: &mut Times) -> Result<(), TooLate> {
        let day = self.day(start, |day| day.open);
        times.auction = day.map(|day| day.open);
        if self.schedule.hours() == Hours::Exchange {
            let cut_off = day.and_then(|day| day.open.checked_sub(OPEN_CUT_OFF).ok());
            times.locked_from = cut_off;
            let today = self.schedule.current_or_next(self.listing, start);
            let in_session = today.is_some_and(|day| day.open <= start && start < day.close);
            if in_session || cut_off.is_some_and(|cut_off| start >= cut_off) {
                return Err(TooLate);
            }
        }
        Ok(())
    }

    /// The first trading day whose `instant` is after `from`.
    fn day(
        &self,
        from: Timestamp,
        instant: impl Fn(&TradingDay) -> Timestamp,
    ) -> Option<TradingDay> {
        let day = self.schedule.current_or_next(self.listing, from)?;
        if instant(&day) > from {
            return Some(day);
        }
        self.schedule.current_or_next(self.listing, day.last)
    }

    /// The hours, first and last instant, in which the order may next trade from `from` on.
    fn window(&self, from: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let extended = matches!(self.price, Price::Limit(_))
            && self.terms.kind != Kind::Midprice
            && (self.terms.outside_rth || self.listing.sec_type != SecType::Stock);
        if extended {
            let day = self.day(from, |day| day.last)?;
            return Some((day.first, day.last));
        }
        let day = self.day(from, |day| day.close)?;
        Some((day.open, day.close))
    }

    /// What an order with these `times` may do at `at`.
    pub fn stage(&self, times: &Times, at: Timestamp) -> Stage {
        if let Some(auction) = times.auction {
            return Stage::Later { at: auction };
        }
        if let Some(after) = self.terms.after.filter(|after| *after > at) {
            return Stage::Later { at: after };
        }
        match self.window(at) {
            Some((opens, until)) if opens <= at => Stage::Live { until },
            Some((opens, _)) => Stage::Closed { opens },
            None => Stage::Never,
        }
    }

    /// The opening that the order waits for, if the market is closed for it at `at`. Not the one
    /// whose auction it is for: it is at the exchange before.
    pub fn closed_until(&self, at: Timestamp) -> Option<Timestamp> {
        if self.tif == TimeInForce::AtOpening {
            return None;
        }
        let (opens, _) = self.window(at)?;
        (opens > at).then_some(opens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::universe::{BUILT_IN, Universe};

    /// An instant of Monday, 2 March 2026, or of the days around it, in New York.
    fn at(text: &str) -> Timestamp {
        format!("2026-03-{text}-05:00").parse().unwrap()
    }

    fn spy() -> Listing {
        Universe::parse(BUILT_IN).unwrap().get(756_733).unwrap().clone()
    }

    fn times(
        hours: Hours,
        tif: TimeInForce,
        terms: &Terms,
        from: &str,
    ) -> Result<(Times, Stage), TooLate> {
        let (schedule, listing) = (Schedule::new(hours), spy());
        let price = Price::Limit(rust_decimal::Decimal::ONE);
        let own = Timetable { schedule: &schedule, listing: &listing, price, tif, terms };
        let times = own.times(at(from))?;
        let stage = own.stage(&times, at(from));
        Ok((times, stage))
    }

    #[test]
    fn a_day_order_ends_with_its_session_or_with_the_next() {
        let plain = Terms::default();
        let extended = Terms { outside_rth: true, ..Terms::default() };
        let live = |until| Stage::Live { until: at(until) };
        let closed = |opens| Stage::Closed { opens: at(opens) };
        for (terms, from, expires, stage) in [
            (&plain, "02T10:00", "02T16:00", live("02T16:00")),
            (&plain, "02T08:00", "02T16:00", closed("02T09:30")),
            (&plain, "02T16:00", "03T16:00", closed("03T09:30")),
            (&extended, "02T16:00", "02T20:00", live("02T20:00")),
            (&extended, "02T20:00", "03T20:00", closed("03T04:00")),
            // Summer time began on the eighth: one hour earlier by the winter's clock.
            (&plain, "06T17:00", "09T15:00", closed("09T08:30")),
        ] {
            let (times, found) = times(Hours::Exchange, TimeInForce::Day, terms, from).unwrap();
            assert_eq!((times.expires, found), (Some(at(expires)), stage), "{from}");
        }
    }

    #[test]
    fn auctions_take_no_orders_after_their_cut_off() {
        let on_close = Terms { kind: Kind::AtClose, ..Terms::default() };
        let close = |from| times(Hours::Exchange, TimeInForce::Day, &on_close, from);
        let auction =
            |found: Result<(Times, Stage), TooLate>| found.map(|(times, _)| times.auction);
        assert_eq!(auction(close("02T15:49:59")), Ok(Some(at("02T16:00"))));
        assert_eq!(auction(close("02T15:50:00")), Err(TooLate));
        assert_eq!(auction(close("02T16:00:00")), Ok(Some(at("03T16:00"))));
        let plain = Terms::default();
        let open = |from| times(Hours::Exchange, TimeInForce::AtOpening, &plain, from);
        assert_eq!(auction(open("02T09:27:59")), Ok(Some(at("02T09:30"))));
        assert_eq!(auction(open("02T09:28:00")), Err(TooLate));
        assert_eq!(auction(open("02T12:00:00")), Err(TooLate));
        assert_eq!(auction(open("02T16:00:00")), Ok(Some(at("03T09:30"))));
    }

    #[test]
    fn a_market_that_never_closes_has_its_auctions_and_its_day_end_at_midnight() {
        let on_close = Terms { kind: Kind::AtClose, ..Terms::default() };
        let (moc, _) = times(Hours::Always, TimeInForce::Day, &on_close, "02T23:59:59").unwrap();
        assert_eq!(moc.auction, Some(at("03T00:00")));
        let plain = Terms::default();
        let (opg, _) = times(Hours::Always, TimeInForce::AtOpening, &plain, "02T12:00").unwrap();
        assert_eq!(opg.auction, Some(at("03T00:00")));
        let (day, stage) = times(Hours::Always, TimeInForce::Day, &plain, "01T12:00").unwrap();
        assert_eq!(day.expires, Some(at("02T00:00")));
        assert_eq!(stage, Stage::Live { until: at("02T00:00") });
    }

    #[test]
    fn good_after_time_counts_from_that_time() {
        let later = Terms { after: Some(at("03T10:00")), ..Terms::default() };
        let (times, stage) = times(Hours::Exchange, TimeInForce::Day, &later, "02T10:00").unwrap();
        assert_eq!(times.expires, Some(at("03T16:00")));
        assert_eq!(stage, Stage::Later { at: at("03T10:00") });
    }
}
