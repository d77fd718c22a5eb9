//! How time passes: never over a boundary without working it.
//!
//! Sessions open and close, and days end, at their own instants, with the world's clock at exactly
//! that instant, whether time runs or a command moves it. Between two boundaries some steps of the
//! prices are worked as well, so that orders meet the market on the way.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::clock::{self, ClockError, SimClock};
use super::feeds;
use super::reports;
use super::world::World;

/// Steps of the prices worked between two boundaries when time leaps: enough to fill what the
/// market reaches, few enough for a leap over a year.
const STEPS_BETWEEN: i64 = 8;

/// Instants worked in one leap. Only a machine whose own clock jumped by decades needs more; the
/// rest of such a leap is worked as one.
const INSTANTS_MAX: usize = 200_000;

impl World {
    /// Lets time pass up to `at`, which is not worked itself: that is for the step or the request
    /// that has come. Nothing happens when `at` is not later than now.
    pub fn pass_to(&mut self, at: Timestamp) {
        if at <= self.now {
            return;
        }
        let leaps = self.market.step(at).saturating_sub(self.market.step(self.now)) > 1;
        if at >= self.boundary || leaps {
            self.leap(at);
        }
        self.now = at;
    }

    fn leap(&mut self, at: Timestamp) {
        for _ in 0..INSTANTS_MAX {
            let until = self.boundary.min(at);
            self.work_between(until);
            self.now = until;
            if until < self.boundary {
                return;
            }
            self.work();
            self.boundary = self.market.next_boundary(until);
            if self.now >= at {
                return;
            }
        }
        tracing::warn!(%at, "the clock leapt too far to work every session on the way");
        self.now = at;
        self.boundary = self.market.next_boundary(at);
    }

    /// Works some steps after now and before `until`, for the orders that may fill in them.
    fn work_between(&mut self, until: Timestamp) {
        let from = self.now;
        let steps = self.market.step(until).saturating_sub(self.market.step(from));
        let parts = steps.min(STEPS_BETWEEN.saturating_add(1));
        let span = until.duration_since(from);
        for part in 1..parts {
            if self.broker.open_orders().next().is_none() {
                return;
            }
            let nanos = span.as_nanos() * i128::from(part) / i128::from(parts);
            let Some(passed) = SignedDuration::try_from_nanos_i128(nanos) else { return };
            let Ok(instant) = from.checked_add(passed) else { return };
            self.now = instant;
            self.work();
        }
    }

    /// Works all orders at this instant and reports what happened.
    pub fn work(&mut self) {
        self.worked = Some(self.market.step(self.now));
        let events = self.trade(|broker, rules| broker.sweep(rules));
        reports::report(self, &events);
    }

    /// The same, unless this step of the prices was worked already.
    pub fn work_step(&mut self) {
        if self.worked != Some(self.market.step(self.now)) {
            self.work();
        }
    }

    /// Sets the clock. Forward, every session on the way is worked. Back, nothing is undone:
    /// orders and executions keep their stamps, which may then lie in the future.
    ///
    /// # Errors
    ///
    /// When the time is out of range or too far ahead.
    pub fn set_clock(&mut self, at: Timestamp) -> Result<(), ClockError> {
        SimClock::reachable(self.now, at)?;
        self.clock.set(clock::now(), at)?;
        if at < self.now {
            self.now = at;
            self.boundary = self.market.next_boundary(at);
        }
        self.pass_to(at);
        self.work();
        feeds::quotes(self);
        feeds::account_values(self);
        Ok(())
    }

    /// Moves the clock forward by `span`.
    ///
    /// # Errors
    ///
    /// When `span` is negative or too long, or leads out of range.
    pub fn advance(&mut self, span: SignedDuration) -> Result<Timestamp, ClockError> {
        if span.is_negative() {
            return Err(ClockError::Backward(span));
        }
        let to = self.now.saturating_add(span).unwrap_or(Timestamp::MAX);
        self.set_clock(to)?;
        Ok(to)
    }

    /// Lets the clock run at `speed` times real time; 0 stops it.
    ///
    /// # Errors
    ///
    /// When the speed is negative or too large.
    pub fn set_speed(&mut self, speed: Decimal) -> Result<(), ClockError> {
        self.clock.set_speed(clock::now(), speed)
    }
}
