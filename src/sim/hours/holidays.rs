//! Days on which an exchange rests or closes early, by rule for any year, and the closures that
//! no rule gives.
//!
//! New York Stock Exchange: <https://www.nyse.com/trade/hours-calendars>, its Rule 7.2 for
//! holidays on a weekend, and <https://www.nyse.com/publicdocs/nyse/NYSE_Historical_Closings.pdf>.
//! CME Group: <https://www.cmegroup.com/trading-hours.html>; the hours of a holiday have changed
//! over the years, and those of 2022 and later are taken for all. Toronto:
//! <https://www.tsx.com/en/trading/calendars-and-trading-hours>. London:
//! <https://www.londonstockexchange.com/equities-trading/business-days>. Xetra:
//! <https://www.xetra.com/xetra-en/trading/trading-calendar-and-trading-hours>, as kept since 2022.

use jiff::civil::{Date, Weekday};

use super::dates::{from_easter, is_nth, is_observed, is_on, is_put_off, is_weekend};

/// Days from Easter Sunday to Good Friday and Easter Monday.
const GOOD_FRIDAY: i32 = -2;
const EASTER_MONDAY: i32 = 1;

/// Days without trading in New York beside the holidays: the attacks of 2001, the funerals of
/// presidents, the hurricane of 2012.
const NYSE_CLOSURES: [Date; 10] = [
    Date::constant(2001, 9, 11),
    Date::constant(2001, 9, 12),
    Date::constant(2001, 9, 13),
    Date::constant(2001, 9, 14),
    Date::constant(2004, 6, 11),
    Date::constant(2007, 1, 2),
    Date::constant(2012, 10, 29),
    Date::constant(2012, 10, 30),
    Date::constant(2018, 12, 5),
    Date::constant(2025, 1, 9),
];

/// Good Fridays on which the employment report came out and equity index futures traded until it
/// was digested.
const REPORT_FRIDAYS: [Date; 5] = [
    Date::constant(2010, 4, 2),
    Date::constant(2012, 4, 6),
    Date::constant(2015, 4, 3),
    Date::constant(2021, 4, 2),
    Date::constant(2023, 4, 7),
];

/// Bank holidays of the United Kingdom that were moved, and the ones that they replaced.
const UK_MOVED: [(Date, Date); 4] = [
    (Date::constant(2002, 5, 27), Date::constant(2002, 6, 4)),
    (Date::constant(2012, 5, 28), Date::constant(2012, 6, 4)),
    (Date::constant(2020, 5, 4), Date::constant(2020, 5, 8)),
    (Date::constant(2022, 5, 30), Date::constant(2022, 6, 2)),
];

/// Bank holidays of the United Kingdom for a single occasion.
const UK_SINGLE: [Date; 6] = [
    Date::constant(2002, 6, 3),
    Date::constant(2011, 4, 29),
    Date::constant(2012, 6, 5),
    Date::constant(2022, 6, 3),
    Date::constant(2022, 9, 19),
    Date::constant(2023, 5, 8),
];

/// How much of a day there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// An ordinary day.
    None,
    /// Trading ends at this hour and minute of the exchange.
    From(i8, i8),
    /// No trading.
    All,
}

/// New York Stock Exchange, Nasdaq and the other exchanges of US stocks.
pub fn nyse(date: Date) -> Rest {
    if is_weekend(date) || is_nyse_holiday(date) || NYSE_CLOSURES.contains(&date) {
        return Rest::All;
    }
    let early = is_day_after_thanksgiving(date)
        || is_on(date, 12, 24)
        || is_short_before_independence_day(date)
        // The day after a Christmas on Thursday, by decree of that year.
        || date == Date::constant(2003, 12, 26);
    if early { Rest::From(13, 0) } else { Rest::None }
}

fn is_nyse_holiday(date: Date) -> bool {
    let year = date.year();
    is_new_year(date)
        || is_monday_holiday(date)
        || from_easter(date) == Some(GOOD_FRIDAY)
        || (year >= 2022 && is_observed(date, 6, 19))
        || is_observed(date, 7, 4)
        || is_thanksgiving(date)
        || is_observed(date, 12, 25)
}

/// A New Year's Day on a Saturday is not made up for: Friday ends the books of a year.
fn is_new_year(date: Date) -> bool {
    is_on(date, 1, 1) || (date.weekday() == Weekday::Monday && is_on(date, 1, 2))
}

/// Martin Luther King Jr. Day, Washington's Birthday, Memorial Day, Labor Day.
fn is_monday_holiday(date: Date) -> bool {
    is_nth(date, 1, 3, Weekday::Monday)
        || is_nth(date, 2, 3, Weekday::Monday)
        || is_nth(date, 5, -1, Weekday::Monday)
        || is_nth(date, 9, 1, Weekday::Monday)
}

fn is_thanksgiving(date: Date) -> bool {
    is_nth(date, 11, 4, Weekday::Thursday)
}

fn is_day_after_thanksgiving(date: Date) -> bool {
    date.yesterday().is_ok_and(is_thanksgiving)
}

/// July 3 before a holiday on a working day. Until 2012 a holiday on Thursday had its short day
/// behind it.
fn is_short_before_independence_day(date: Date) -> bool {
    match date.weekday() {
        Weekday::Monday | Weekday::Tuesday | Weekday::Thursday => is_on(date, 7, 3),
        Weekday::Wednesday => date.year() >= 2013 && is_on(date, 7, 3),
        Weekday::Friday => date.year() < 2013 && is_on(date, 7, 5),
        Weekday::Saturday | Weekday::Sunday => false,
    }
}

/// What trades at CME Group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Globex {
    /// Futures on stock indexes.
    Equity,
    /// Futures on interest rates.
    Rates,
    /// Metals (COMEX) and energy (NYMEX). Their hours are written in New York's time.
    Commodities,
    /// Livestock, which rests on every holiday.
    Livestock,
}

/// CME Globex by product, in the time of its exchange.
pub fn cme(product: Globex, date: Date) -> Rest {
    let good_friday = from_easter(date) == Some(GOOD_FRIDAY);
    if good_friday && REPORT_FRIDAYS.contains(&date) {
        match product {
            Globex::Equity => return Rest::From(8, 15),
            Globex::Rates => return Rest::From(10, 15),
            Globex::Commodities | Globex::Livestock => {}
        }
    }
    let closed = is_weekend(date) || good_friday || is_new_year(date) || is_observed(date, 12, 25);
    if closed {
        return Rest::All;
    }
    if is_nyse_holiday(date) {
        return match product {
            Globex::Equity | Globex::Rates => Rest::From(12, 0),
            Globex::Commodities => Rest::From(14, 30),
            Globex::Livestock => Rest::All,
        };
    }
    // Days of mourning: stocks rest, and the futures on them trade until the hour they would open.
    let mourning = [Date::constant(2018, 12, 5), Date::constant(2025, 1, 9)];
    if product == Globex::Equity && mourning.contains(&date) {
        return Rest::From(8, 30);
    }
    let short = is_day_after_thanksgiving(date) || is_on(date, 12, 24);
    match product {
        Globex::Equity if short || is_short_before_independence_day(date) => Rest::From(12, 15),
        Globex::Rates if short => Rest::From(12, 15),
        Globex::Commodities if short => Rest::From(13, 45),
        Globex::Livestock if short => Rest::From(12, 5),
        Globex::Equity | Globex::Rates | Globex::Commodities | Globex::Livestock => Rest::None,
    }
}

/// IDEALPRO rests on weekends, on New Year's Day and on Christmas Day.
pub fn forex(date: Date) -> Rest {
    let rests = is_weekend(date) || is_on(date, 1, 1) || is_on(date, 12, 25);
    if rests { Rest::All } else { Rest::None }
}

/// Toronto Stock Exchange.
pub fn tsx(date: Date) -> Rest {
    let victoria_day =
        date.weekday() == Weekday::Monday && date.month() == 5 && (18..=24).contains(&date.day());
    let closed = is_weekend(date)
        || is_put_off(date, 1, 1)
        || (date.year() >= 2008 && is_nth(date, 2, 3, Weekday::Monday))
        || from_easter(date) == Some(GOOD_FRIDAY)
        || victoria_day
        || is_put_off(date, 7, 1)
        || is_nth(date, 8, 1, Weekday::Monday)
        || is_nth(date, 9, 1, Weekday::Monday)
        || is_nth(date, 10, 2, Weekday::Monday)
        || is_christmas_or_boxing_day(date);
    if closed {
        return Rest::All;
    }
    if is_on(date, 12, 24) { Rest::From(13, 0) } else { Rest::None }
}

/// December 25 and 26, each put off to the next working day that is free.
fn is_christmas_or_boxing_day(date: Date) -> bool {
    let last = match date.weekday() {
        Weekday::Saturday | Weekday::Sunday => return false,
        Weekday::Monday | Weekday::Tuesday => 28,
        Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => 26,
    };
    date.month() == 12 && (25..=last).contains(&date.day())
}

/// London Stock Exchange.
pub fn lse(date: Date) -> Rest {
    let bank_holiday = is_nth(date, 5, 1, Weekday::Monday)
        || is_nth(date, 5, -1, Weekday::Monday)
        || is_nth(date, 8, -1, Weekday::Monday);
    let moved_away = UK_MOVED.iter().any(|(from, _)| *from == date);
    let moved_here = UK_MOVED.iter().any(|(_, to)| *to == date);
    let closed = is_weekend(date)
        || is_put_off(date, 1, 1)
        || matches!(from_easter(date), Some(GOOD_FRIDAY | EASTER_MONDAY))
        || (bank_holiday && !moved_away)
        || moved_here
        || UK_SINGLE.contains(&date)
        || is_christmas_or_boxing_day(date);
    if closed {
        return Rest::All;
    }
    // The last working days before Christmas and before New Year.
    let eve = is_on(date, 12, 24) || is_on(date, 12, 31);
    let friday = date.weekday() == Weekday::Friday && date.month() == 12;
    let before = friday && matches!(date.day(), 22 | 23 | 29 | 30);
    if eve || before { Rest::From(12, 30) } else { Rest::None }
}

/// Xetra, where IB's exchange IBIS trades.
pub fn xetra(date: Date) -> Rest {
    let days = [(1, 1), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31)];
    let closed = is_weekend(date)
        || days.iter().any(|(month, day)| is_on(date, *month, *day))
        || matches!(from_easter(date), Some(GOOD_FRIDAY | EASTER_MONDAY));
    if closed {
        return Rest::All;
    }
    let friday = date.weekday() == Weekday::Friday && date.month() == 12;
    let last_of_year = is_on(date, 12, 30) || (friday && matches!(date.day(), 28 | 29));
    if last_of_year { Rest::From(14, 0) } else { Rest::None }
}
