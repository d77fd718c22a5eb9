use jiff::SignedDuration;
use jiff::civil::{Weekday, date};
use proptest::prelude::*;

use super::*;
use crate::sim::universe::{BUILT_IN, Universe};

fn universe() -> Universe {
    let first_start = "2026-01-02T15:00:00Z".parse().unwrap();
    Universe::parse(BUILT_IN).unwrap().with_futures(first_start)
}

/// What an order meets at an instant.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    Extended,
    Regular,
}

fn phase_of(schedule: &Schedule, listing: &Listing, at: Timestamp) -> Phase {
    match schedule.current_or_next(listing, at) {
        Some(day) if (day.open..day.close).contains(&at) => Phase::Regular,
        Some(day) if (day.first..day.last).contains(&at) => Phase::Extended,
        _ => Phase::Closed,
    }
}

fn exchange() -> Schedule {
    Schedule::new(Hours::Exchange)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `None`: closed. Otherwise the hour at which the regular session ends.
fn ends(calendar: Calendar, date: Date) -> Option<(i8, i8)> {
    match calendar.rest(date) {
        Rest::All => None,
        Rest::From(hour, minute) => Some((hour, minute)),
        Rest::None => Some(calendar.times().close),
    }
}

/// Months and days.
type Days = Vec<(i8, i8)>;

/// All days of a year, weekends apart, on which the exchange rests or closes early.
fn exceptions(calendar: Calendar, year: i16) -> (Days, Days) {
    let first = date(year, 1, 1);
    let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
    let days: Vec<_> =
        days.take_while(|day| day.year() == year).filter(|day| !dates::is_weekend(*day)).collect();
    let of = |wanted: fn(Rest) -> bool| {
        let days = days.iter().filter(|day| wanted(calendar.rest(**day)));
        days.map(|day| (day.month(), day.day())).collect()
    };
    (of(|rest| rest == Rest::All), of(|rest| matches!(rest, Rest::From(..))))
}

/// A year, the days without trading, and the short ones.
type Published = (i16, &'static [(i8, i8)], &'static [(i8, i8)]);

// https://www.nyse.com/trade/hours-calendars and
// https://www.nyse.com/publicdocs/nyse/NYSE_Historical_Closings.pdf
#[test]
fn new_york_rests_on_the_days_that_it_published() {
    #[rustfmt::skip]
    let published: [Published; 7] = [
        (2002, &[(1,1),(1,21),(2,18),(3,29),(5,27),(7,4),(9,2),(11,28),(12,25)],
            &[(7,5),(11,29),(12,24)]),
        (2012, &[(1,2),(1,16),(2,20),(4,6),(5,28),(7,4),(9,3),(10,29),(10,30),(11,22),(12,25)],
            &[(7,3),(11,23),(12,24)]),
        (2021, &[(1,1),(1,18),(2,15),(4,2),(5,31),(7,5),(9,6),(11,25),(12,24)], &[(11,26)]),
        (2022, &[(1,17),(2,21),(4,15),(5,30),(6,20),(7,4),(9,5),(11,24),(12,26)], &[(11,25)]),
        (2023, &[(1,2),(1,16),(2,20),(4,7),(5,29),(6,19),(7,4),(9,4),(11,23),(12,25)],
            &[(7,3),(11,24)]),
        (2025, &[(1,1),(1,9),(1,20),(2,17),(4,18),(5,26),(6,19),(7,4),(9,1),(11,27),(12,25)],
            &[(7,3),(11,28),(12,24)]),
        (2026, &[(1,1),(1,19),(2,16),(4,3),(5,25),(6,19),(7,3),(9,7),(11,26),(12,25)],
            &[(11,27),(12,24)]),
    ];
    for (year, closed, early) in published {
        let (rests, short) = exceptions(Calendar::UsEquity, year);
        assert_eq!((rests.as_slice(), short.as_slice()), (closed, early), "{year}");
    }
}

// https://www.londonstockexchange.com/equities-trading/business-days
#[test]
fn london_rests_on_its_bank_holidays_and_on_those_of_its_monarchs() {
    let (closed, early) = exceptions(Calendar::Lse, 2022);
    let expected =
        [(1, 3), (4, 15), (4, 18), (5, 2), (6, 2), (6, 3), (8, 29), (9, 19), (12, 26), (12, 27)];
    assert_eq!(closed, expected);
    assert_eq!(early, [(12, 23), (12, 30)]);
    let (closed, early) = exceptions(Calendar::Lse, 2025);
    let expected = [(1, 1), (4, 18), (4, 21), (5, 5), (5, 26), (8, 25), (12, 25), (12, 26)];
    assert_eq!((closed.as_slice(), early.as_slice()), (&expected[..], &[(12, 24), (12, 31)][..]));
}

// https://www.tsx.com/en/trading/calendars-and-trading-hours
#[test]
fn toronto_rests_on_canadian_holidays() {
    let (closed, early) = exceptions(Calendar::Tsx, 2025);
    let expected =
        [(1, 1), (2, 17), (4, 18), (5, 19), (7, 1), (8, 4), (9, 1), (10, 13), (12, 25), (12, 26)];
    assert_eq!((closed.as_slice(), early.as_slice()), (&expected[..], &[(12, 24)][..]));
    assert_eq!(ends(Calendar::Tsx, date(2021, 12, 27)), None, "Christmas was a Saturday");
    assert_eq!(ends(Calendar::Tsx, date(2021, 12, 28)), None, "and Boxing Day a Sunday");
}

// https://www.xetra.com/xetra-en/trading/trading-calendar-and-trading-hours
#[test]
fn xetra_rests_on_eight_days_and_ends_its_year_early() {
    let (closed, early) = exceptions(Calendar::Xetra, 2025);
    let expected = [(1, 1), (4, 18), (4, 21), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31)];
    assert_eq!((closed.as_slice(), early.as_slice()), (&expected[..], &[(12, 30)][..]));
}

// https://www.cmegroup.com/trading-hours.html: Thanksgiving 2024, Good Friday 2023 and 2024,
// Christmas 2024, Independence Day 2024.
#[test]
fn cme_halts_at_noon_on_holidays_and_closes_on_three() {
    let thanksgiving = date(2024, 11, 28);
    assert_eq!(ends(Calendar::CmeEquity, thanksgiving), Some((12, 0)));
    assert_eq!(ends(Calendar::CmeRates, thanksgiving), Some((12, 0)));
    assert_eq!(ends(Calendar::Comex, thanksgiving), Some((14, 30)));
    assert_eq!(ends(Calendar::CmeLivestock, thanksgiving), None);
    let after = date(2024, 11, 29);
    assert_eq!(ends(Calendar::CmeEquity, after), Some((12, 15)));
    assert_eq!(ends(Calendar::Nymex, after), Some((13, 45)));
    for closed in [date(2024, 12, 25), date(2024, 3, 29), date(2024, 1, 1), date(2022, 12, 26)] {
        for calendar in [Calendar::CmeEquity, Calendar::CmeRates, Calendar::Nymex] {
            assert_eq!(ends(calendar, closed), None, "{calendar:?} {closed}");
        }
    }
    assert_eq!(ends(Calendar::CmeEquity, date(2023, 4, 7)), Some((8, 15)), "employment report");
    assert_eq!(ends(Calendar::CmeEquity, date(2024, 7, 3)), Some((12, 15)));
    assert_eq!(ends(Calendar::CmeRates, date(2024, 7, 3)), Some((16, 0)));
}

#[test]
fn a_stock_trades_early_and_late_and_shorter_before_a_holiday() {
    let (universe, schedule) = (universe(), exchange());
    let spy = universe.get(756_733).unwrap();
    let phase = |text: &str| phase_of(&schedule, spy, at(text));
    assert_eq!(phase("2026-01-02T08:59:59Z"), Phase::Closed);
    assert_eq!(phase("2026-01-02T09:00:00Z"), Phase::Extended);
    assert_eq!(phase("2026-01-02T14:30:00Z"), Phase::Regular);
    assert_eq!(phase("2026-01-02T21:00:00Z"), Phase::Extended);
    assert_eq!(phase("2026-01-03T01:00:00Z"), Phase::Closed);
    // 27 November 2026, the day after Thanksgiving.
    assert_eq!(phase("2026-11-27T17:59:59Z"), Phase::Regular);
    assert_eq!(phase("2026-11-27T18:00:00Z"), Phase::Extended);
    assert_eq!(phase("2026-11-27T22:00:00Z"), Phase::Closed);
    // In summer New York opens an hour earlier by Greenwich's clock.
    assert_eq!(phase("2026-03-06T13:30:00Z"), Phase::Extended);
    assert_eq!(phase("2026-03-09T13:30:00Z"), Phase::Regular);
}

#[test]
fn a_session_of_futures_or_currencies_begins_on_the_evening_before() {
    let (universe, schedule) = (universe(), exchange());
    let es = universe.named("ESH6").next().unwrap();
    let monday = schedule.day(es, date(2026, 1, 5)).unwrap();
    assert_eq!(monday.first, at("2026-01-04T23:00:00Z"));
    assert_eq!(monday.last, at("2026-01-05T22:00:00Z"));
    assert_eq!(
        phase_of(&schedule, es, at("2026-01-05T22:30:00Z")),
        Phase::Closed,
        "the daily break"
    );
    assert_eq!(phase_of(&schedule, es, at("2026-01-05T23:30:00Z")), Phase::Regular);
    assert_eq!(phase_of(&schedule, es, at("2026-01-04T22:59:59Z")), Phase::Closed, "a Sunday");
    let liquid = schedule.liquid_hours(es, date(2026, 1, 5));
    assert_eq!(liquid, Some((at("2026-01-05T14:30:00Z"), at("2026-01-05T21:00:00Z"))));
    let euro = universe.named("EUR.USD").next().unwrap();
    let monday = schedule.day(euro, date(2026, 1, 5)).unwrap();
    assert_eq!(
        (monday.first, monday.last),
        (at("2026-01-04T22:15:00Z"), at("2026-01-05T22:00:00Z"))
    );
    assert_eq!(phase_of(&schedule, euro, at("2026-01-05T22:10:00Z")), Phase::Closed);
}

#[test]
fn a_future_has_expired_when_its_last_session_is_over() {
    let universe = universe();
    let es = universe.named("ESH6").next().unwrap();
    assert_eq!(es.last_trade_date, Some(date(2026, 3, 20)));
    for hours in [Hours::Exchange, Hours::Always] {
        let schedule = Schedule::new(hours);
        let day = schedule.day(es, date(2026, 3, 20)).unwrap();
        let before = day.last - SignedDuration::from_secs(1);
        assert!(!schedule.has_expired(es, before) && schedule.has_expired(es, day.last));
        assert_eq!(schedule.current_or_next(es, before), Some(day));
        assert_eq!(schedule.current_or_next(es, day.last), None);
        assert_eq!(phase_of(&schedule, es, day.last), Phase::Closed);
    }
}

#[test]
fn details_tell_the_hours_as_ib_writes_them() {
    let (universe, schedule) = (universe(), exchange());
    let spy = universe.get(756_733).unwrap();
    let friday = at("2026-01-02T15:00:00Z");
    assert_eq!(
        schedule.trading_text(spy, friday),
        "20260102:0400-20260102:2000;20260103:CLOSED;20260104:CLOSED;20260105:0400-20260105:2000;\
         20260106:0400-20260106:2000;20260107:0400-20260107:2000"
    );
    // As a gateway told them for a micro future: the week of Presidents' Day 2022.
    let first_start = at("2022-01-03T15:00:00Z");
    let old = Universe::parse(BUILT_IN).unwrap().with_futures(first_start);
    let mnq = old.named("MNQH2").next().unwrap();
    assert_eq!(
        schedule.trading_text(mnq, at("2022-02-15T12:00:00Z")),
        "20220214:1700-20220215:1600;20220215:1700-20220216:1600;20220216:1700-20220217:1600;\
         20220217:1700-20220218:1600;20220219:CLOSED;20220220:1700-20220221:1200"
    );
    assert!(schedule.liquid_text(mnq, at("2022-02-18T12:00:00Z")).starts_with(
        "20220218:0830-20220218:1500;20220219:CLOSED;20220220:CLOSED;20220221:0830-20220221:1200"
    ));
    assert_eq!(schedule.zone_name(mnq), "US/Central");
    let always = Schedule::new(Hours::Always);
    let text = always.trading_text(spy, friday);
    assert!(text.starts_with("20260102:0000-20260102:2359;20260103:0000-20260103:2359"), "{text}");
    assert_eq!(always.liquid_text(spy, friday), text);
}

fn endless(listing: &Listing) -> Listing {
    let mut listing = listing.clone();
    listing.last_trade_date = None;
    listing
}

/// One contract of each calendar, none of which expires.
fn one_of_each(universe: &Universe) -> Vec<Listing> {
    let of = |calendar| universe.iter().find(move |listing| listing.calendar() == calendar);
    let listings = Calendar::ALL.into_iter().filter_map(of);
    listings.map(endless).collect()
}

#[test]
fn every_calendar_has_a_contract() {
    assert_eq!(one_of_each(&universe()).len(), Calendar::ALL.len());
}

#[test]
fn sessions_of_half_a_century_are_in_order_and_do_not_overlap() {
    let (universe, schedule) = (universe(), exchange());
    for listing in one_of_each(&universe) {
        let mut before: Option<TradingDay> = None;
        let mut today = date(2000, 1, 1);
        while today < date(2050, 1, 1) {
            if let Some(day) = schedule.day(&listing, today) {
                let ordered = [day.first, day.open, day.close, day.last];
                assert!(ordered.is_sorted() && day.open < day.close, "{day:?}");
                assert!(before.is_none_or(|before| before.last <= day.first), "{day:?}");
                if let Some((open, close)) = schedule.liquid_hours(&listing, today) {
                    assert!(day.open <= open && open < close && close <= day.close, "{day:?}");
                }
                before = Some(day);
            }
            today = today.tomorrow().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn from_any_instant_there_is_a_session_whatever_was_asked_before(
        instants in prop::collection::vec(946_684_800_i64..2_524_608_000, 1..8),
    ) {
        let (universe, schedule) = (universe(), exchange());
        for second in instants {
            let instant = Timestamp::from_second(second).unwrap();
            for listing in one_of_each(&universe) {
                let day = schedule.current_or_next(&listing, instant).unwrap();
                prop_assert_eq!(Some(day), exchange().current_or_next(&listing, instant));
                prop_assert!(instant < day.last);
                prop_assert!(day.first - instant < SignedDuration::from_hours(24 * 7));
                let open = (day.open..day.close).contains(&instant);
                prop_assert_eq!(phase_of(&schedule, &listing, instant) == Phase::Regular, open);
            }
        }
    }
}

#[test]
fn on_the_days_that_clocks_change_a_session_keeps_its_local_hours() {
    let (universe, schedule) = (universe(), exchange());
    let es = endless(universe.named("ES").next().unwrap());
    // Clocks go forward on Sunday, 8 March 2026, and back on Sunday, 1 November 2026.
    for (monday, first) in
        [(date(2026, 3, 9), "2026-03-08T22:00:00Z"), (date(2026, 11, 2), "2026-11-01T23:00:00Z")]
    {
        assert_eq!(monday.weekday(), Weekday::Monday);
        let day = schedule.day(&es, monday).unwrap();
        assert_eq!(day.first, at(first));
        assert_eq!(day.last - day.first, SignedDuration::from_hours(23));
    }
}
