use super::*;
use crate::sim::universe::BUILT_IN;

const HEADER: &str = "date,open,high,low,close,volume\n";

fn read(files: &[(&str, &str)]) -> Result<Replay, ReplayError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Replay::read(&[folder.path().to_owned()], &Universe::parse(BUILT_IN).unwrap())
}

/// The problems of one file, without its path.
fn problems(name: &str, text: &str) -> Vec<String> {
    match read(&[(name, text)]) {
        Err(ReplayError::Problems(problems)) => problems
            .into_iter()
            .map(|problem| problem.split_once(name).unwrap().1.to_owned())
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn starts(replay: &Replay) -> Vec<String> {
    let bars = replay.0.values().next().unwrap();
    bars.0.iter().map(|bar| format!("{}/{}", bar.start, bar.end)).collect()
}

#[test]
fn daily_bars_lie_in_the_regular_session_of_their_day() {
    let rows = "2026-03-06,1,2,1,2,7\n20260309,2,3,1,1,8\n";
    let replay = read(&[("SPY.csv", &format!("{HEADER}{rows}"))]).unwrap();
    assert_eq!(
        starts(&replay),
        ["2026-03-06T14:30:00Z/2026-03-06T21:00:00Z", "2026-03-09T13:30:00Z/2026-03-09T20:00:00Z"]
    );
    assert_eq!(replay.start(), Some("2026-03-06T14:30:00Z".parse().unwrap()));
}

#[test]
fn intraday_bars_last_until_the_next_and_the_last_as_long_as_the_shortest() {
    let rows = "2026-03-06T09:30:00,1,2,1,2,7\n2026-03-06 09:35:00,1,2,1,2,\n\
                2026-03-06T15:40:00Z,2,3,1,1,8\n";
    let replay = read(&[("SPY.csv", &format!("{HEADER}{rows}"))]).unwrap();
    assert_eq!(
        starts(&replay),
        [
            "2026-03-06T14:30:00Z/2026-03-06T14:35:00Z",
            "2026-03-06T14:35:00Z/2026-03-06T14:40:00Z",
            "2026-03-06T15:40:00Z/2026-03-06T15:45:00Z"
        ]
    );
}

#[test]
fn columns_are_found_by_name_and_files_by_symbol() {
    let text = "\u{feff}Volume,Close,Adj Close,Low,High,Open,Date\n5,1.2,9,1,2,1.1,20260306\n";
    let replay = read(&[("EUR.USD.csv", text), ("notes.txt", "no bars")]).unwrap();
    let (con_id, bars) = replay.0.first_key_value().unwrap();
    assert_eq!(*con_id, 12_087_792);
    assert_eq!(bars.0[0].range.open, Decimal::new(11, 1));
    assert_eq!(bars.0[0].range.close, Decimal::new(12, 1));
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_was_expected() {
    let text = format!(
        "{HEADER}2026-03-02,1,2,1,2,1\nyesterday,1,2,1,2,1\n2026-03-04,0,2,1,2,1\n\
         2026-03-05,1,2,3,2,1\n2026-03-06,1,2,1,2.5,1\n2026-03-09,1,2,1,x,1\n\
         2026-03-10,1,2,1,2,-3\n2026-03-11,1,2\n"
    );
    let told = problems("SPY.csv", &text);
    let expected = [
        ":3: expected a date such as 2026-03-02 or 2026-03-02T09:30:00, found `yesterday`",
        ":4: expected a positive price of at most 1000000000 as open, found `0`",
        ":5: the low of 3 is above the high of 2",
        ":6: the close of 2.5 is not between 1 and 2",
        ":7: expected a positive price of at most 1000000000 as close, found `x`",
        ":8: expected a volume of at least 0 and at most 1000000000000000, found `-3`",
        ":9: expected a positive price of at most 1000000000 as low, found ``",
    ];
    assert_eq!(told, expected);
}

#[test]
fn dates_must_ascend_and_be_of_one_kind() {
    let row = |date: &str| format!("{date},1,2,1,2,1\n");
    let file = |dates: [&str; 2]| format!("{HEADER}{}{}", row(dates[0]), row(dates[1]));
    for (dates, expected) in [
        (["2026-03-03", "2026-03-02"], "expected a later date"),
        (["2026-03-03", "2026-03-03"], "expected a later date"),
        (["2026-03-03", "2026-03-04T09:30:00"], "found both"),
        (["2026-11-01T01:59:00", "2026-11-01T01:00:00"], "expected a later date"),
    ] {
        let told = problems("SPY.csv", &file(dates));
        assert!(told[0].starts_with(":3: ") && told[0].contains(expected), "{told:?}");
    }
}

#[test]
fn files_that_are_no_bars_at_all_are_refused() {
    assert!(problems("SPY.csv", "")[0].contains("expected the columns date,open"));
    assert!(problems("SPY.csv", "date,open,high,low,close\n")[0].contains("volume is missing"));
    assert!(problems("SPY.csv", "date,date,open,high,low,close,volume\n")[0].contains("twice"));
    assert!(problems("SPY.csv", HEADER)[0].contains("at least one bar"));
    let row = format!("{HEADER}2026-03-02,1,2,1,2,1\n");
    assert!(problems("NOSUCH.csv", &row)[0].contains("there is no NOSUCH"));
    assert!(problems("USD.csv", &row)[0].contains("several contracts are called USD"));
    let many = format!("{HEADER}{}", "bad\n".repeat(100));
    assert_eq!(problems("SPY.csv", &many).len(), PROBLEMS_MAX);

    let folder = tempfile::tempdir().unwrap();
    let universe = Universe::parse(BUILT_IN).unwrap();
    let empty = Replay::read(&[folder.path().to_owned()], &universe);
    assert!(matches!(empty, Err(ReplayError::Problems(_))));
    let missing = Replay::read(&[folder.path().join("missing.csv")], &universe);
    assert!(matches!(missing, Err(ReplayError::Io { .. })));
    std::fs::write(folder.path().join("SPY.csv"), [0xff, 0xfe, 0x00]).unwrap();
    let garbage = Replay::read(&[folder.path().to_owned()], &universe);
    assert!(matches!(garbage, Err(ReplayError::Problems(_))));
}
