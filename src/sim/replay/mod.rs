//! Bars that the user supplies, replayed: prices go along them, and history is made of them.
//!
//! Inside a bar the price goes in three straight legs of equal time: a bar that closes no lower
//! than it opened from its open to its low, to its high, to its close; any other from its open to
//! its high, to its low, to its close. A daily bar takes the regular session of its day. Between
//! bars the price stands at the last close, before the first one at its open.

mod read;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::universe::Listing;

pub use read::ReplayError;

/// Straight legs of the price in one bar.
const LEGS: usize = 3;

/// Decimals of a price between two corners of a bar: more than any tick has.
const PRICE_DECIMALS: u32 = 10;

/// Prices of a range of time, and the volume in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    pub volume: Decimal,
}

impl Range {
    /// This range and a later one as one.
    pub fn then(self, later: Self) -> Self {
        Self {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume.saturating_add(later.volume),
        }
    }
}

/// One bar: from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bar {
    start: Timestamp,
    end: Timestamp,
    range: Range,
}

impl Bar {
    /// Where the price turns, from the open to the close.
    fn corners(&self) -> [Decimal; LEGS + 1] {
        let Range { open, high, low, close, .. } = self.range;
        if close >= open { [open, low, high, close] } else { [open, high, low, close] }
    }

    /// How far through the bar `at` is, from 0 to [`LEGS`].
    fn legs(&self, at: Timestamp) -> Decimal {
        let part = |from: Timestamp, to: Timestamp| to.as_millisecond() - from.as_millisecond();
        let passed = part(self.start, at.clamp(self.start, self.end));
        let length = part(self.start, self.end).max(1);
        Decimal::from(passed) * Decimal::from(LEGS) / Decimal::from(length)
    }

    /// The price at `at`, which is in the bar.
    fn price(&self, at: Timestamp) -> Decimal {
        let corners = self.corners();
        let mut legs = self.legs(at);
        for leg in corners.windows(2) {
            let [from, to] = leg else { continue };
            if legs < Decimal::ONE {
                return (from + (to - from) * legs).round_dp(PRICE_DECIMALS);
            }
            legs -= Decimal::ONE;
        }
        self.range.close
    }

    /// What of the bar lies in `from..to`, which overlaps it.
    fn part(&self, from: Timestamp, to: Timestamp) -> Range {
        if from <= self.start && self.end <= to {
            return self.range;
        }
        let (first, last) = (self.legs(from), self.legs(to));
        let (open, close) = (self.price(from), self.price(to.min(self.end)));
        let (mut high, mut low) = (open.max(close), open.min(close));
        for (place, corner) in self.corners().into_iter().enumerate() {
            let place = Decimal::from(place);
            if first <= place && place <= last {
                (high, low) = (high.max(corner), low.min(corner));
            }
        }
        let share = (last - first) / Decimal::from(LEGS);
        let volume = self.range.volume.checked_mul(share).unwrap_or(self.range.volume).round();
        Range { open, high, low, close, volume }
    }
}

/// The bars of one contract, in order; at least one, none of them overlapping another.
#[derive(Clone, Debug)]
pub struct Bars(Vec<Bar>);

impl Bars {
    /// The price at any instant.
    pub fn price(&self, at: Timestamp) -> Decimal {
        let begun = self.0.partition_point(|bar| bar.start <= at);
        match begun.checked_sub(1).and_then(|place| self.0.get(place)) {
            Some(bar) => bar.price(at),
            None => self.0.first().map(|bar| bar.range.open).unwrap_or_default(),
        }
    }

    /// What the bars have from `from` up to `to`; `None` when no bar is there.
    pub fn range(&self, from: Timestamp, to: Timestamp) -> Option<Range> {
        let first = self.0.partition_point(|bar| bar.end <= from);
        let bars = self.0.get(first..)?.iter().take_while(|bar| bar.start < to);
        bars.map(|bar| bar.part(from, to)).reduce(Range::then)
    }

    /// When the first bar begins.
    pub fn start(&self) -> Option<Timestamp> {
        self.0.first().map(|bar| bar.start)
    }
}

/// All bars that are replayed, by contract id.
#[derive(Clone, Debug, Default)]
pub struct Replay(BTreeMap<i32, Bars>);

impl Replay {
    /// The bars of a contract, if there are any.
    pub fn of(&self, listing: &Listing) -> Option<&Bars> {
        self.0.get(&listing.con_id)
    }

    /// When the earliest bar begins.
    pub fn start(&self) -> Option<Timestamp> {
        self.0.values().filter_map(Bars::start).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn bar(start: &str, end: &str, prices: [i64; 4], volume: i64) -> Bar {
        let [open, high, low, close] = prices.map(Decimal::from);
        let range = Range { open, high, low, close, volume: Decimal::from(volume) };
        Bar { start: at(start), end: at(end), range }
    }

    /// One that rises, and after a rest one that falls.
    fn bars() -> Bars {
        Bars(vec![
            bar("2026-03-02T15:00:00Z", "2026-03-02T15:30:00Z", [100, 130, 90, 110], 300),
            bar("2026-03-02T16:00:00Z", "2026-03-02T16:30:00Z", [110, 120, 60, 90], 900),
        ])
    }

    #[test]
    fn the_price_goes_to_the_nearer_end_first_and_stands_between_bars() {
        let bars = bars();
        for (time, price) in [
            ("2026-03-01T00:00:00Z", 100),
            ("2026-03-02T15:00:00Z", 100),
            ("2026-03-02T15:05:00Z", 95),
            ("2026-03-02T15:10:00Z", 90),
            ("2026-03-02T15:15:00Z", 110),
            ("2026-03-02T15:20:00Z", 130),
            ("2026-03-02T15:25:00Z", 120),
            ("2026-03-02T15:30:00Z", 110),
            ("2026-03-02T15:59:59Z", 110),
            ("2026-03-02T16:10:00Z", 120),
            ("2026-03-02T16:20:00Z", 60),
            ("2026-03-02T16:30:00Z", 90),
            ("2027-01-01T00:00:00Z", 90),
        ] {
            assert_eq!(bars.price(at(time)), Decimal::from(price), "{time}");
        }
    }

    #[test]
    fn a_range_is_made_of_whole_bars_and_of_what_has_passed_of_the_last() {
        let bars = bars();
        let range = |from: &str, to: &str| {
            let range = bars.range(at(from), at(to))?;
            let prices = [range.open, range.high, range.low, range.close, range.volume];
            Some(prices.map(|price| price.normalize().to_string()))
        };
        let text = |values: [&str; 5]| Some(values.map(str::to_owned));
        let day = ("2026-03-02T14:30:00Z", "2026-03-02T21:00:00Z");
        assert_eq!(range(day.0, day.1), text(["100", "130", "60", "90", "1200"]));
        // Ten minutes into the first bar: neither its high nor its close is known.
        assert_eq!(range(day.0, "2026-03-02T15:10:00Z"), text(["100", "100", "90", "90", "100"]));
        assert_eq!(
            range("2026-03-02T15:15:00Z", "2026-03-02T15:25:00Z"),
            text(["110", "130", "110", "120", "100"])
        );
        assert_eq!(range("2026-03-02T15:30:00Z", "2026-03-02T16:00:00Z"), None);
        assert_eq!(range("2026-03-02T16:30:00Z", day.1), None);
    }
}
