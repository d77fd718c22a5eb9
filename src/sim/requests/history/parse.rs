//! A request for bars, understood or refused in IB's words.

use jiff::{SignedDuration, Span, Timestamp};

use super::Refused;
use crate::sim::messages::HistoricalDataRequest;
use crate::sim::universe::{Listing, SecType};
use crate::sim::world::World;

/// IB refuses longer durations in seconds and asks for days.
const SECONDS_MAX: i64 = 86_400;

/// IB refuses longer durations in days and asks for years.
const DAYS_MAX: i32 = 365;

/// Longer than any history.
const YEARS_MAX: i32 = 100;

/// The shortest bars that can be kept up to date.
const UPDATED_MIN_SECONDS: i64 = 5;

/// What one bar covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Not longer than eight hours.
    Seconds(i64),
    Day,
    Week,
    Month,
}

/// What bars are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Trades,
    Midpoint,
    Bid,
    Ask,
    BidAsk,
    /// The sessions themselves instead of bars.
    Schedule,
}

impl Show {
    /// As IB names it in errors.
    pub fn title(self) -> &'static str {
        match self {
            Self::Trades => "Trades",
            Self::Midpoint => "Midpoint",
            Self::Bid => "Bid",
            Self::Ask => "Ask",
            Self::BidAsk => "BidAsk",
            Self::Schedule => "Schedule",
        }
    }
}

/// How far back a request reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The last trading days.
    Days(usize),
    /// Everything after an instant.
    After(Timestamp),
}

/// A request understood.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    pub listing: &'a Listing,
    pub regular_hours: bool,
    /// Not later than now.
    pub end: Timestamp,
    pub reach: Reach,
    pub size: Size,
    pub show: Show,
    /// Times of bars as Unix seconds instead of text.
    pub epoch: bool,
}

pub fn invalid(cause: &str) -> Refused {
    (321, format!("Error validating request.-'bT' : cause - {cause}"))
}

pub fn service_error(text: &str) -> Refused {
    (162, format!("Historical Market Data Service error message:{text}"))
}

pub fn understand<'a>(
    world: &World,
    request: &HistoricalDataRequest,
    listing: &'a Listing,
) -> Result<Query<'a>, Refused> {
    let shown = request.what_to_show.as_deref().unwrap_or_default();
    let show = show(listing, shown)?;
    let end_text = request.end_date_time.as_deref().unwrap_or_default().trim();
    let end = end(world, end_text)?;
    let (reach, least_seconds) =
        reach(world, end, request.duration.as_deref().unwrap_or_default())?;
    let size = size(request.bar_size_setting.as_deref().unwrap_or_default())?;
    if let Size::Seconds(seconds) = size
        && seconds < least_seconds
    {
        return Err(service_error(&format!("invalid step: {seconds}")));
    }
    if request.keep_up_to_date == Some(true) {
        if !end_text.is_empty() {
            return Err(invalid("Historical data end date/time must be empty to keep up to date"));
        }
        let short = matches!(size, Size::Seconds(seconds) if seconds < UPDATED_MIN_SECONDS);
        if short || show == Show::Schedule {
            return Err(invalid("Bars of 5 seconds and longer can be kept up to date"));
        }
    }
    if shown == "ADJUSTED_LAST" && !end_text.is_empty() {
        return Err(invalid("End date not supported with adjusted last"));
    }
    let regular_hours = request.use_rth == Some(true);
    let epoch = request.format_date == Some(2);
    Ok(Query { listing, regular_hours, end, reach, size, show, epoch })
}

fn end(world: &World, text: &str) -> Result<Timestamp, Refused> {
    if text.is_empty() {
        return Ok(world.now);
    }
    let end = world.zone.parse(text).ok_or_else(|| {
        invalid(&format!(
            "Historical data query end date/time string [{text}] is invalid.  Format is \
             'YYYYMMDD{{SPACE}}hh:mm:ss[{{SPACE}}TMZ]'."
        ))
    })?;
    Ok(end.min(world.now))
}

/// What can be shown of a contract. Nothing here has split or dividend, so adjusted prices are
/// the prices; what the simulator has no numbers for has no data.
pub fn show(listing: &Listing, text: &str) -> Result<Show, Refused> {
    let nothing = |what: &str| {
        let (symbol, kind) = (&listing.symbol, listing.sec_type.as_str());
        let exchange = listing.exchanges.first().map(String::as_str).unwrap_or_default();
        let text = format!("No historical market data for {symbol}/{kind}@{exchange} {what}");
        Err(service_error(&text))
    };
    match text {
        "TRADES" | "ADJUSTED_LAST" if listing.sec_type == SecType::Cash => nothing("Last"),
        "TRADES" | "ADJUSTED_LAST" => Ok(Show::Trades),
        "MIDPOINT" => Ok(Show::Midpoint),
        "BID" => Ok(Show::Bid),
        "ASK" => Ok(Show::Ask),
        "BID_ASK" => Ok(Show::BidAsk),
        "SCHEDULE" => Ok(Show::Schedule),
        "HISTORICAL_VOLATILITY" | "OPTION_IMPLIED_VOLATILITY" | "FEE_RATE" | "AGGTRADES" => {
            nothing(text)
        }
        _ => Err(invalid(&format!(
            "Incorrect what to show setting {text}: TRADES, MIDPOINT, BID, ASK, BID_ASK, \
             ADJUSTED_LAST and SCHEDULE have data here"
        ))),
    }
}

/// `30 D`, `1 Y`; a bare number means seconds. With it the shortest bars, in seconds, that IB
/// gives for such a duration
/// (<https://ibkrcampus.com/campus/ibkr-api-page/twsapi-doc/#hist-step-size>).
fn reach(world: &World, end: Timestamp, text: &str) -> Result<(Reach, i64), Refused> {
    let malformed = || {
        invalid(&format!(
            "Historical data query duration string [{text}] is invalid.  Format is \
             '{{integer}}{{SPACE}}{{unit (S|D|W|M|Y)}}'."
        ))
    };
    let (count, unit) = text.trim().split_once(' ').unwrap_or((text.trim(), "S"));
    let count: i32 = count.parse().ok().filter(|count| *count > 0).ok_or_else(malformed)?;
    let longer = |than: &str, units: &str| {
        let text = format!(
            "Historical data requests for durations longer than {than} must be made in {units}."
        );
        Err(invalid(&text))
    };
    let (span, least_seconds) = match unit.trim() {
        "S" if i64::from(count) > SECONDS_MAX => return longer("86400 seconds", "days"),
        "S" => {
            let seconds = SignedDuration::from_secs(i64::from(count));
            return match end.checked_sub(seconds) {
                Ok(first) => Ok((Reach::After(first), 1)),
                Err(_before_time) => Err(malformed()),
            };
        }
        "D" if count > DAYS_MAX => return longer("365 days", "years"),
        "D" => return Ok((Reach::Days(usize::try_from(count).unwrap_or_default()), 5)),
        "W" if count > DAYS_MAX / 7 => return longer("365 days", "years"),
        "W" => (Span::new().weeks(count), 10),
        "M" if count > 12 => return longer("365 days", "years"),
        "M" => (Span::new().months(count), 30),
        "Y" if count <= YEARS_MAX => (Span::new().years(count), 60),
        _ => return Err(malformed()),
    };
    let first = world.zone.date(end).checked_sub(span).and_then(jiff::civil::Date::tomorrow);
    let first = first.ok().and_then(|first| world.zone.instant(first, 0, 0));
    Ok((Reach::After(first.ok_or_else(malformed)?), least_seconds))
}

fn size(text: &str) -> Result<Size, Refused> {
    let seconds = |count: &str, allowed: &[i64], seconds: i64| {
        let count: i64 = count.parse().ok()?;
        allowed.contains(&count).then_some(Size::Seconds(count * seconds))
    };
    let found = match text.trim() {
        "1W" | "1 W" | "1 week" => Some(Size::Week),
        "1M" | "1 M" | "1 month" => Some(Size::Month),
        "1D" | "1 D" | "1 day" => Some(Size::Day),
        other => match other.split_once(' ') {
            Some((count, "sec" | "secs")) => seconds(count, &[1, 5, 10, 15, 30], 1),
            Some((count, "min" | "mins")) => seconds(count, &[1, 2, 3, 5, 10, 15, 20, 30], 60),
            Some((count, "hour" | "hours")) => seconds(count, &[1, 2, 3, 4, 8], 3600),
            _ => None,
        },
    };
    found.ok_or_else(|| {
        invalid(
            "Historical data bar size setting is invalid. Legal ones are: 1 secs, 5 secs, 10 secs, \
             15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, \
             1 hour, 2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1W, 1M",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_size_of_ib_is_read_in_every_spelling() {
        for (text, expected) in [
            ("1 secs", Size::Seconds(1)),
            ("1 sec", Size::Seconds(1)),
            ("30 secs", Size::Seconds(30)),
            ("1 min", Size::Seconds(60)),
            ("20 mins", Size::Seconds(1200)),
            ("1 hour", Size::Seconds(3600)),
            ("8 hours", Size::Seconds(28_800)),
            ("1 day", Size::Day),
            ("1W", Size::Week),
            ("1 week", Size::Week),
            ("1M", Size::Month),
            ("1 month", Size::Month),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "1", "7 mins", "2 days", "-1 min", "1 fortnight", "99999999999999999 secs"]
        {
            assert_eq!(size(text).unwrap_err().0, 321, "{text}");
        }
    }
}
