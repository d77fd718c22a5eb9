//! Reads bars from CSV files. All that is wrong is reported together, with file and line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use rust_decimal::Decimal;

use super::{Bar, Bars, Range, Replay};
use crate::sim::clock::Zone;
use crate::sim::hours::{Hours, Schedule};
use crate::sim::universe::{Listing, Universe};

/// Bars of all files together: some 200 megabytes.
const ROWS_MAX: usize = 2_000_000;

/// Files in one folder. More are not price data.
const FILES_MAX: usize = 10_000;

/// Problems told of one file: the rest is likely to be the same mistake.
const PROBLEMS_MAX: usize = 20;

/// The length of an intraday bar that has no neighbour to tell it.
const LONE_BAR: SignedDuration = SignedDuration::from_mins(1);

/// Larger prices and volumes are mistakes, and leave the decimal type too little room.
const PRICE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
const VOLUME_MAX: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);

/// The columns that a file must have, in any order and any case. Others are ignored.
const COLUMNS: [&str; 6] = ["date", "open", "high", "low", "close", "volume"];

/// Why bars were refused.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the bars in {} cannot be read", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("these bars cannot be replayed:\n  {}", .0.join("\n  "))]
    Problems(Vec<String>),
}

/// A day, or an instant in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Day(Date),
    Instant(Timestamp),
}

/// A line of a file that holds together by itself.
struct Row {
    line: u64,
    when: When,
    range: Range,
}

impl Replay {
    /// Reads the CSV files at `paths`; of a folder, all that it holds. A file is named after the
    /// contract whose bars it has, by local symbol or symbol: `EUR.USD.csv`, `SPY.csv`.
    ///
    /// # Errors
    ///
    /// When a path cannot be read, or anything in a file is not as it must be: all problems.
    pub fn read(paths: &[PathBuf], universe: &Universe) -> Result<Self, ReplayError> {
        let mut reading = Reading::new(universe);
        for path in paths {
            for file in files(path)? {
                reading.file(&file)?;
            }
        }
        if reading.problems.is_empty() {
            Ok(Self(reading.bars))
        } else {
            Err(ReplayError::Problems(reading.problems))
        }
    }
}

/// The file itself, or the CSV files of a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, ReplayError> {
    let failed = |source| ReplayError::Io { path: path.to_owned(), source };
    if !path.metadata().map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if csv {
            files.push(file);
        }
        if files.len() > FILES_MAX {
            let problem = format!("{}: more than {FILES_MAX} files", path.display());
            return Err(ReplayError::Problems(vec![problem]));
        }
    }
    files.sort();
    if files.is_empty() {
        let problem = format!("{}: expected files such as SPY.csv, found none", path.display());
        return Err(ReplayError::Problems(vec![problem]));
    }
    Ok(files)
}

/// What was read so far.
struct Reading<'u> {
    universe: &'u Universe,
    zone: Zone,
    /// Daily bars lie in the sessions of the exchange, whatever hours the simulator keeps.
    schedule: Schedule,
    rows: usize,
    bars: BTreeMap<i32, Bars>,
    problems: Vec<String>,
}

impl<'u> Reading<'u> {
    fn new(universe: &'u Universe) -> Self {
        Self {
            universe,
            zone: Zone::exchange(),
            schedule: Schedule::new(Hours::Exchange),
            rows: 0,
            bars: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), ReplayError> {
        let mut problems = Vec::new();
        let listing = match listing_of(self.universe, path) {
            Ok(listing) => Some(listing),
            Err(problem) => {
                problems.push(format!("{}: {problem}", path.display()));
                None
            }
        };
        let rows = self.rows_of(path, &mut problems)?;
        if let Some(listing) = listing
            && problems.is_empty()
        {
            let bars = self.bars_of(listing, &rows);
            check_order(path, &rows, &bars, &mut problems);
            if problems.is_empty() && self.bars.insert(listing.con_id, Bars(bars)).is_some() {
                let name = listing.local_symbol();
                problems.push(format!("{}: {name} has bars of another file", path.display()));
            }
        }
        self.problems.append(&mut problems);
        Ok(())
    }

    fn rows_of(
        &mut self,
        path: &Path,
        problems: &mut Vec<String>,
    ) -> Result<Vec<Row>, ReplayError> {
        let failed = |source| ReplayError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(io::BufReader::new(file));
        let mut records = reader.records();
        let mut complain = |line: u64, problem: String| {
            problems.push(format!("{}:{line}: {problem}", path.display()));
            problems.len() >= PROBLEMS_MAX
        };
        let columns = match records.next() {
            Some(Ok(header)) => columns(&header),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!("expected the columns {}, found nothing", COLUMNS.join(","))),
        };
        let columns = match columns {
            Ok(columns) => columns,
            Err(problem) => {
                complain(1, problem);
                return Ok(Vec::new());
            }
        };
        let mut rows = Vec::new();
        for record in records {
            self.rows = self.rows.saturating_add(1);
            if self.rows > ROWS_MAX {
                complain(1, format!("more than {ROWS_MAX} bars in all files together"));
                break;
            }
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    complain(error.position().map_or(1, csv::Position::line), error.to_string());
                    break;
                }
            };
            let line = record.position().map_or(1, csv::Position::line);
            match row(&self.zone, &record, &columns, line) {
                Ok(row) => rows.push(row),
                Err(problem) => {
                    if complain(line, problem) {
                        break;
                    }
                }
            }
        }
        if rows.is_empty() && problems.is_empty() {
            problems.push(format!("{}:1: expected at least one bar", path.display()));
        }
        Ok(rows)
    }

    /// The rows as bars with a beginning and an end.
    fn bars_of(&self, listing: &Listing, rows: &[Row]) -> Vec<Bar> {
        let length = interval(rows);
        let bars = rows.iter().enumerate().map(|(place, row)| {
            let (start, end) = match row.when {
                When::Day(date) => self.session(listing, date),
                When::Instant(start) => {
                    let end = start.saturating_add(length).unwrap_or(start);
                    match rows.get(place.saturating_add(1)).map(|next| next.when) {
                        Some(When::Instant(next)) if next > start => (start, end.min(next)),
                        _ => (start, end),
                    }
                }
            };
            Bar { start, end, range: row.range }
        });
        bars.collect()
    }

    /// Regular hours, or the whole of a day that the calendar has no session for.
    fn session(&self, listing: &Listing, date: Date) -> (Timestamp, Timestamp) {
        if let Some(day) = self.schedule.day(listing, date) {
            return (day.open, day.close);
        }
        let midnight = |hour| self.zone.instant(date, hour, 0).unwrap_or(Timestamp::MIN);
        (midnight(0), midnight(24))
    }
}

/// The contract that a file is named after.
fn listing_of<'u>(universe: &'u Universe, path: &Path) -> Result<&'u Listing, String> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let local: Vec<_> = universe.iter().filter(|listing| listing.local_symbol() == name).collect();
    let plain = universe.iter().filter(|listing| listing.symbol == name);
    let found = if local.is_empty() { plain.collect() } else { local };
    match found.as_slice() {
        [listing] => Ok(listing),
        [] => Err(format!(
            "expected a file named after a contract of the universe, such as SPY.csv or \
             EUR.USD.csv; there is no {name}"
        )),
        _ => Err(format!("several contracts are called {name}: name the file by local symbol")),
    }
}

/// Where each of [`COLUMNS`] is.
fn columns(header: &StringRecord) -> Result<[usize; COLUMNS.len()], String> {
    let mut columns = [0; COLUMNS.len()];
    for (place, name) in columns.iter_mut().zip(COLUMNS) {
        let named = |field: &str| field.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name);
        let mut found = (0..).zip(header.iter()).filter(|(_, field)| named(field));
        *place = match (found.next(), found.next()) {
            (Some((place, _)), None) => place,
            (None, _) => {
                let expected = COLUMNS.join(",");
                return Err(format!("expected the columns {expected}; {name} is missing"));
            }
            (Some(_), Some(_)) => return Err(format!("the column {name} is there twice")),
        };
    }
    Ok(columns)
}

fn row(
    zone: &Zone,
    record: &StringRecord,
    columns: &[usize; COLUMNS.len()],
    line: u64,
) -> Result<Row, String> {
    let [date, open, high, low, close, volume] = columns.map(|column| record.get(column));
    let date = date.unwrap_or_default();
    let when = when(zone, date).ok_or_else(|| {
        format!("expected a date such as 2026-03-02 or 2026-03-02T09:30:00, found `{date}`")
    })?;
    let [open, high, low, close] =
        [price("open", open)?, price("high", high)?, price("low", low)?, price("close", close)?];
    if low > high {
        return Err(format!("the low of {low} is above the high of {high}"));
    }
    for (name, price) in [("open", open), ("close", close)] {
        if !(low..=high).contains(&price) {
            return Err(format!("the {name} of {price} is not between {low} and {high}"));
        }
    }
    let volume = self::volume(volume.unwrap_or_default())?;
    Ok(Row { line, when, range: Range { open, high, low, close, volume } })
}

fn price(name: &str, text: Option<&str>) -> Result<Decimal, String> {
    let text = text.unwrap_or_default();
    let price: Option<Decimal> = text.parse().ok();
    price.filter(|price| *price > Decimal::ZERO && *price <= PRICE_MAX).ok_or_else(|| {
        format!("expected a positive price of at most {PRICE_MAX} as {name}, found `{text}`")
    })
}

/// Nothing at all means that nothing was counted.
fn volume(text: &str) -> Result<Decimal, String> {
    if text.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let volume: Option<Decimal> = text.parse().ok();
    volume.filter(|volume| (Decimal::ZERO..=VOLUME_MAX).contains(volume)).ok_or_else(|| {
        format!("expected a volume of at least 0 and at most {VOLUME_MAX}, found `{text}`")
    })
}

fn when(zone: &Zone, text: &str) -> Option<When> {
    if let Ok(zoned) = text.parse::<ZonedDateTime>() {
        return Some(When::Instant(zoned.timestamp()));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(When::Instant(at));
    }
    if text.contains('[') {
        return None;
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits <= "YYYYMMDD".len() {
        return text.parse().ok().map(When::Day);
    }
    let local = text.parse::<DateTime>();
    let local = local.or_else(|_| DateTime::strptime("%Y%m%d %H:%M:%S", text)).ok()?;
    zone.resolve(local).map(When::Instant)
}

/// The shortest time between two rows.
fn interval(rows: &[Row]) -> SignedDuration {
    let instants = rows.iter().filter_map(|row| match row.when {
        When::Instant(at) => Some(at),
        When::Day(_) => None,
    });
    let instants: Vec<_> = instants.collect();
    let gaps = instants.windows(2).filter_map(|pair| match pair {
        [before, after] => Some(after.duration_since(*before)),
        _ => None,
    });
    gaps.filter(SignedDuration::is_positive).min().unwrap_or(LONE_BAR)
}

/// Bars come one after the other, all by day or all by time.
fn check_order(path: &Path, rows: &[Row], bars: &[Bar], problems: &mut Vec<String>) {
    for (rows, bars) in rows.windows(2).zip(bars.windows(2)) {
        let ([before, after], [first, second]) = (rows, bars) else { continue };
        let problem = match (before.when, after.when) {
            (When::Day(_), When::Instant(_)) | (When::Instant(_), When::Day(_)) => {
                "expected dates only or times only, found both"
            }
            _ if first.start >= second.start => {
                "expected a later date than on the line before; local times that the end of \
                 summer time repeats need an offset"
            }
            _ if first.end > second.start => "the bar begins before the one before it has ended",
            _ => continue,
        };
        problems.push(format!("{}:{}: {problem}", path.display(), after.line));
        if problems.len() >= PROBLEMS_MAX {
            return;
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
