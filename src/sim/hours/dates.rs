//! Days that holidays are named by: the n-th weekday of a month, Easter, the day on which a
//! holiday is kept when it falls on a weekend.

use jiff::civil::{Date, Weekday};

/// Whether `date` is a Saturday or a Sunday.
pub fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Whether `date` is this day of the year.
pub fn is_on(date: Date, month: i8, day: i8) -> bool {
    (date.month(), date.day()) == (month, day)
}

/// Whether `date` is the n-th `weekday` of `month`; -1 is the last one.
pub fn is_nth(date: Date, month: i8, nth: i8, weekday: Weekday) -> bool {
    date.month() == month
        && date.nth_weekday_of_month(nth, weekday).is_ok_and(|holiday| holiday == date)
}

/// Whether a holiday of this day of the year is kept on `date`: on Friday when it falls on a
/// Saturday, on Monday when it falls on a Sunday.
pub fn is_observed(date: Date, month: i8, day: i8) -> bool {
    let falls_on = |other: Result<Date, jiff::Error>| other.is_ok_and(|d| is_on(d, month, day));
    match date.weekday() {
        Weekday::Friday => is_on(date, month, day) || falls_on(date.tomorrow()),
        Weekday::Monday => is_on(date, month, day) || falls_on(date.yesterday()),
        Weekday::Saturday | Weekday::Sunday => false,
        _ => is_on(date, month, day),
    }
}

/// Whether a holiday of this day of the year is kept on `date`, put off to the next working day
/// when it falls on a weekend.
pub fn is_put_off(date: Date, month: i8, day: i8) -> bool {
    let falls_on = |days: i64| {
        date.checked_sub(jiff::Span::new().days(days)).is_ok_and(|d| is_on(d, month, day))
    };
    match date.weekday() {
        Weekday::Monday => falls_on(0) || falls_on(1) || falls_on(2),
        Weekday::Saturday | Weekday::Sunday => false,
        _ => falls_on(0),
    }
}

/// Days from Easter Sunday of its year to `date`; negative before it.
pub fn from_easter(date: Date) -> Option<i32> {
    let (month, day) = easter(i32::from(date.year()));
    let easter = Date::new(date.year(), month, day).ok()?;
    Some(date.since(easter).ok()?.get_days())
}

/// Month and day of Easter Sunday in the Gregorian calendar, by the anonymous algorithm
/// (<https://en.wikipedia.org/wiki/Date_of_Easter#Anonymous_Gregorian_algorithm>).
fn easter(year: i32) -> (i8, i8) {
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let moved = (century + 8) / 25;
    let epact = (19 * golden + century - century / 4 - (century - moved + 1) / 3 + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let sum = epact + to_sunday - 7 * late + 114;
    // March or April, and a day of it: both fit.
    let small = |number: i32| i8::try_from(number).unwrap_or_default();
    (small(sum / 31), small(sum % 31 + 1))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    // https://en.wikipedia.org/wiki/List_of_dates_for_Easter
    #[test]
    fn easter_is_where_the_tables_have_it() {
        for (year, month, day) in [
            (2000, 4, 23),
            (2008, 3, 23),
            (2011, 4, 24),
            (2024, 3, 31),
            (2026, 4, 5),
            (2038, 4, 25),
        ] {
            assert_eq!(easter(year), (month, day), "{year}");
        }
        assert_eq!(from_easter(date(2026, 4, 3)), Some(-2));
    }

    #[test]
    fn a_holiday_on_a_weekend_is_kept_beside_it() {
        assert!(is_observed(date(2026, 7, 3), 7, 4), "a Saturday's on Friday");
        assert!(is_observed(date(2021, 7, 5), 7, 4), "a Sunday's on Monday");
        assert!(!is_observed(date(2021, 7, 4), 7, 4), "and not on the day itself");
        assert!(is_put_off(date(2021, 12, 27), 12, 25), "or on the next working day");
    }
}
