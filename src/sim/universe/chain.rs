//! Futures by product: which expiries there are, what they are called and what they cost.

use jiff::civil::{Date, Weekday};
use jiff::{Span, Unit};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Deserialize;

use super::{Listing, ticks};
use crate::sim::hours::Calendar;

/// Contract months kept behind the first start, for requests that include expired futures: IB
/// keeps two years.
const MONTHS_BEHIND: i32 = 24;

/// Contract months ahead of the first start: five years of trading and a chain of two at their
/// end. Together with those behind less than ten years, so that a local symbol, which has one
/// digit for the year, names one contract.
const MONTHS_AHEAD: i32 = 84;

const _: () = assert!(MONTHS_BEHIND + MONTHS_AHEAD < 120);

/// Contract ids of a product: its own and those of its months, numbered `YYMM`.
pub const IDS: i32 = 10_000;

/// A chain shorter than this would leave nobody a contract to roll into.
pub const LISTED_MIN: usize = 2;

/// More would not fit into the months ahead.
pub const LISTED_MAX: usize = 24;

/// Days that a holiday season can move an expiry by.
const SEARCH_DAYS: usize = 31;

/// The letters of the months, as all futures exchanges have them.
const LETTERS: [char; 12] = ['F', 'G', 'H', 'J', 'K', 'M', 'N', 'Q', 'U', 'V', 'X', 'Z'];

/// How the last day of trading follows from the contract month. Business days are those of New
/// York's stock exchange: CME counts the same ones but for rare days of mourning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expiry {
    /// The third Friday, or the day of New York's stock exchange before it (index futures).
    ThirdFriday,
    /// The seventh business day before the last one of the month (Treasury notes).
    SevenBeforeLast,
    /// The third last business day of the month (gold).
    ThirdLast,
    /// The last business day of the month (live cattle).
    Last,
    /// Three business days before the 25th of the month before, or before the last business day
    /// ahead of the 25th when that is none (crude oil).
    CrudeOil,
}

/// A product of the universe file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub expiry: Expiry,
    /// Contract months, 1 to 12.
    pub months: Vec<i8>,
    /// How many expiries can be traded at a time.
    pub listed: usize,
    /// What a year until the expiry adds to the price, as a logarithm: 0.03 is 3 percent.
    pub carry: f64,
    /// What all expiries share. Its contract id is the product's, and its price that of an expiry
    /// on the day of the first start.
    pub contract: Listing,
}

impl Product {
    /// All expiries around `today`, ascending.
    pub fn futures(&self, today: Date) -> Vec<Listing> {
        let first = today.first_of_month();
        let months = (-MONTHS_BEHIND..=MONTHS_AHEAD)
            .filter_map(|months| first.checked_add(Span::new().months(months)).ok())
            .filter(|month| self.months.contains(&month.month()));
        let mut expiries: Vec<_> =
            months.filter_map(|month| Some((month, self.expiry.last_trade_date(month)?))).collect();
        expiries.sort_unstable();
        let days: Vec<_> = expiries.iter().map(|(_, day)| *day).collect();
        let futures = expiries.iter().enumerate().map(|(place, (month, day))| {
            let before = place.checked_sub(self.listed).and_then(|place| days.get(place));
            let since = before.and_then(|day| day.tomorrow().ok());
            self.future(today, *month, *day, since)
        });
        futures.collect()
    }

    fn future(&self, today: Date, month: Date, last: Date, since: Option<Date>) -> Listing {
        let (year, number) = (month.year(), month.month());
        let letter = usize::try_from(number - 1).ok().and_then(|place| LETTERS.get(place));
        let local =
            format!("{}{}{}", self.contract.trading_class(), letter.unwrap_or(&'?'), year % 10);
        let id = i32::from(year % 100) * 100 + i32::from(number);
        Listing {
            con_id: self.contract.con_id.saturating_add(id),
            price: self.price(today, last),
            last_trade_date: Some(last),
            contract_month: month.strftime("%Y%m").to_string(),
            exchange_symbol: local,
            carry: self.carry,
            product: Some(self.contract.con_id),
            listed_since: since,
            ..self.contract.clone()
        }
    }

    /// The product's price with the carry until `last`, on a tick.
    fn price(&self, today: Date, last: Date) -> Decimal {
        let days = today.until((Unit::Day, last)).map_or(0, |span| span.get_days());
        let factor = (self.carry * f64::from(days) / 365.0).exp();
        let price = Decimal::from_f64(factor)
            .and_then(|factor| factor.round_dp(12).checked_mul(self.contract.price))
            .unwrap_or(self.contract.price);
        ticks::round(price, self.contract.tick_at(price)).max(self.contract.min_tick)
    }
}

impl Expiry {
    /// The last day of trading of the contract of `month`, a first day of a month.
    pub fn last_trade_date(self, month: Date) -> Option<Date> {
        let end = month.last_of_month();
        match self {
            Self::ThirdFriday => {
                let friday = month.nth_weekday_of_month(3, Weekday::Friday).ok()?;
                business_days(friday).next()
            }
            Self::SevenBeforeLast => business_days(end).nth(7),
            Self::ThirdLast => business_days(end).nth(2),
            Self::Last => business_days(end).next(),
            Self::CrudeOil => {
                let before = month.yesterday().ok()?;
                let day = before.first_of_month().checked_add(Span::new().days(24)).ok()?;
                business_days(day).nth(3)
            }
        }
    }
}

/// The business days from `last` backwards.
fn business_days(last: Date) -> impl Iterator<Item = Date> {
    let days = std::iter::successors(Some(last), |day| day.yesterday().ok());
    days.take(SEARCH_DAYS).filter(|day| Calendar::UsEquity.is_trading_day(*day))
}
