//! The calendars of exchanges: when a day of trading begins and ends, and when it does not.

use jiff::civil::Date;
use serde::Deserialize;

use super::holidays::{self, Globex, Rest};

/// Hour and minute of the exchange.
type Clock = (i8, i8);

/// The calendar that a contract trades by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    /// Stocks and ETFs in New York.
    UsEquity,
    /// Currency pairs on IDEALPRO.
    Forex,
    /// CME futures on stock indexes.
    CmeEquity,
    /// CBOT futures on interest rates.
    CmeRates,
    /// CME livestock futures.
    CmeLivestock,
    /// NYMEX futures.
    Nymex,
    /// COMEX futures.
    Comex,
    /// Stocks in Toronto.
    Tsx,
    /// Stocks in London.
    Lse,
    /// Stocks on Xetra (IBIS).
    Xetra,
}

impl Calendar {
    pub const ALL: [Self; 10] = [
        Self::UsEquity,
        Self::Forex,
        Self::CmeEquity,
        Self::CmeRates,
        Self::CmeLivestock,
        Self::Nymex,
        Self::Comex,
        Self::Tsx,
        Self::Lse,
        Self::Xetra,
    ];

    /// Its place in [`Calendar::ALL`].
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|calendar| *calendar == self).unwrap_or_default()
    }

    /// The times of an ordinary day.
    pub fn times(self) -> &'static Times {
        match self {
            Self::UsEquity => &US_EQUITY,
            Self::Forex => &FOREX,
            Self::CmeEquity => &CME_EQUITY,
            Self::CmeRates => &CME_RATES,
            Self::CmeLivestock => &CME_LIVESTOCK,
            Self::Nymex => &NYMEX,
            Self::Comex => &COMEX,
            Self::Tsx => &TSX,
            Self::Lse => &LSE,
            Self::Xetra => &XETRA,
        }
    }

    /// Whether there is trading on `date`, short or not.
    pub fn is_trading_day(self, date: Date) -> bool {
        self.rest(date) != Rest::All
    }

    /// How much of `date` there is.
    pub fn rest(self, date: Date) -> Rest {
        match self {
            Self::UsEquity => holidays::nyse(date),
            Self::Forex => holidays::forex(date),
            Self::CmeEquity => holidays::cme(Globex::Equity, date),
            Self::CmeRates => holidays::cme(Globex::Rates, date),
            Self::CmeLivestock => holidays::cme(Globex::Livestock, date),
            Self::Nymex | Self::Comex => holidays::cme(Globex::Commodities, date),
            Self::Tsx => holidays::tsx(date),
            Self::Lse => holidays::lse(date),
            Self::Xetra => holidays::xetra(date),
        }
    }
}

/// The times of an ordinary day, in the exchange's own zone.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The zone's name in the time zone database, and as IB spells it.
    pub zone: &'static str,
    pub ib_zone: &'static str,
    /// Whether trading begins on the evening before.
    pub evening: bool,
    /// Extended trading begins.
    pub first: Clock,
    /// The regular session.
    pub open: Clock,
    pub close: Clock,
    /// Extended trading ends.
    pub last: Clock,
    /// How long extended trading goes on behind an early close.
    pub after_early_hours: i8,
    /// What IB calls liquid hours.
    pub liquid: (Clock, Clock),
}

impl Times {
    /// One session, without extended trading around it.
    const fn one(zone: (&'static str, &'static str), first: Clock, last: Clock) -> Self {
        Self {
            zone: zone.0,
            ib_zone: zone.1,
            evening: false,
            first,
            open: first,
            close: last,
            last,
            after_early_hours: 0,
            liquid: (first, last),
        }
    }

    /// One session that begins on the evening before.
    const fn overnight(self, liquid: (Clock, Clock)) -> Self {
        Self { evening: true, liquid, ..self }
    }
}

const NEW_YORK: (&str, &str) = ("America/New_York", "US/Eastern");
const CHICAGO: (&str, &str) = ("America/Chicago", "US/Central");
const TORONTO: (&str, &str) = ("America/Toronto", "US/Eastern");
const LONDON: (&str, &str) = ("Europe/London", "GB-Eire");
const BERLIN: (&str, &str) = ("Europe/Berlin", "MET");

/// <https://www.nyse.com/markets/hours-calendars>; 04:00 and 20:00 are those of NYSE Arca, whose
/// late session is four hours long, on short days too.
const US_EQUITY: Times = Times {
    open: (9, 30),
    close: (16, 0),
    after_early_hours: 4,
    liquid: ((9, 30), (16, 0)),
    ..Times::one(NEW_YORK, (4, 0), (20, 0))
};

/// <https://www.interactivebrokers.com/en/trading/products-forex.php>: a break of a quarter of an
/// hour at five.
const FOREX: Times = Times::one(NEW_YORK, (17, 15), (17, 0)).overnight(((17, 15), (17, 0)));

/// <https://www.cmegroup.com/markets/equities/sp/e-mini-sandp500.contractSpecs.html>; liquid hours
/// are those of the stocks.
const CME_EQUITY: Times = Times::one(CHICAGO, (17, 0), (16, 0)).overnight(((8, 30), (15, 0)));

/// <https://www.cmegroup.com/markets/interest-rates/us-treasury/10-year-us-treasury-note.contractSpecs.html>;
/// liquid hours are those of the former trading floor, as for metals and energy.
const CME_RATES: Times = Times::one(CHICAGO, (17, 0), (16, 0)).overnight(((7, 20), (14, 0)));

/// <https://www.cmegroup.com/markets/agriculture/livestock/live-cattle.contractSpecs.html>
const CME_LIVESTOCK: Times = Times::one(CHICAGO, (8, 30), (13, 5));

/// <https://www.cmegroup.com/markets/energy/crude-oil/light-sweet-crude.contractSpecs.html>
const NYMEX: Times = Times::one(NEW_YORK, (18, 0), (17, 0)).overnight(((9, 0), (14, 30)));

/// <https://www.cmegroup.com/markets/metals/precious/gold.contractSpecs.html>
const COMEX: Times = Times::one(NEW_YORK, (18, 0), (17, 0)).overnight(((8, 20), (13, 30)));

/// <https://www.tsx.com/en/trading/calendars-and-trading-hours>
const TSX: Times = Times::one(TORONTO, (9, 30), (16, 0));

/// <https://www.londonstockexchange.com/equities-trading/business-days>
const LSE: Times = Times::one(LONDON, (8, 0), (16, 30));

/// <https://www.xetra.com/xetra-en/trading/trading-calendar-and-trading-hours>
const XETRA: Times = Times::one(BERLIN, (9, 0), (17, 30));
