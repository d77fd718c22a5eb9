//! A fault with its bounds: when it begins, whom it is about, how often it strikes, how long it
//! lasts. Written flat: `{ fault = "lose-order", place = "gateway", after-orders = 2, times = 1 }`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::Fault;

/// Longer than any run of a simulator: a larger duration is a typing error, and keeps sums of
/// instants in range.
const DURATION_MAX: SignedDuration = SignedDuration::from_hours(24 * 366);

/// More copies, rows or frames than this is a typing error.
const COUNT_MAX: u32 = 1_000_000;

/// Copies of one frame.
const COPIES_MAX: u32 = 100;

/// The bounds of a fault. All are optional: without any it begins at once and lasts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Bounds {
    /// Begins at this instant of the simulated clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Begins so long after it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<SignedDuration>,
    /// Begins when so many orders have come in since it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_orders: Option<u32>,
    /// Begins when so many requests of any kind have come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_frames: Option<u32>,
    /// Begins when so many connections were accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_connections: Option<u32>,
    /// Only about the order with this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<i32>,
    /// Only about orders whose reference is this; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_ref: Option<String>,
    /// Only about this client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<i32>,
    /// Each chance to strike is taken with this probability, drawn from the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Over after so many strikes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Over after so long.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<SignedDuration>,
    /// Begins again so long after each beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<SignedDuration>,
}

/// The names of the bounds, as they are written.
const BOUNDS: &[&str] = &[
    "at",
    "after",
    "after-orders",
    "after-frames",
    "after-connections",
    "order-id",
    "order-ref",
    "client-id",
    "probability",
    "times",
    "for",
    "every",
];

/// A fault and its bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    #[serde(flatten)]
    pub fault: Fault,
    #[serde(flatten)]
    pub bounds: Bounds,
}

/// Everything that is wrong with a rule, each with the key it is about where that is known.
pub type Problems = Vec<String>;

impl From<Fault> for Rule {
    fn from(fault: Fault) -> Self {
        Self { fault, bounds: Bounds::default() }
    }
}

impl Rule {
    /// At most so many strikes.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.bounds.times = Some(times);
        self
    }

    /// Over after so long on the simulated clock.
    #[must_use]
    pub fn lasting(mut self, span: SignedDuration) -> Self {
        self.bounds.lasts = Some(span);
        self
    }

    /// Only about the order with this id.
    #[must_use]
    pub fn on_order(mut self, order_id: i32) -> Self {
        self.bounds.order_id = Some(order_id);
        self
    }

    /// Reads a rule from its flat form.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, and what was expected.
    pub fn read(mut table: Map<String, Value>) -> Result<Self, Problems> {
        let Some(Value::String(name)) = table.get("fault").cloned() else {
            return Err(vec!["`fault` is missing: expected the name of a fault".to_owned()]);
        };
        let named = |error: &serde_json::Error| format!("{name}: {error}");
        let mut bounds = Map::new();
        let mut unfit = Problems::new();
        for key in BOUNDS {
            if let Some(value) = table.remove(*key) {
                // Each by itself first, since a value that does not fit does not say whose it is.
                let alone = Value::Object(Map::from_iter([((*key).to_owned(), value.clone())]));
                if let Err(error) = serde_json::from_value::<Bounds>(alone) {
                    unfit.push(format!("{name}: `{key}`: {error}"));
                } else {
                    bounds.insert((*key).to_owned(), value);
                }
            }
        }
        let bounds: Result<Bounds, _> = serde_json::from_value(Value::Object(bounds));
        let fault: Result<Fault, _> = serde_json::from_value(Value::Object(table));
        match (fault, bounds) {
            (Ok(fault), Ok(bounds)) if unfit.is_empty() => {
                let rule = Self { fault, bounds };
                let problems = rule.problems();
                if problems.is_empty() {
                    return Ok(rule);
                }
                Err(problems.into_iter().map(|problem| format!("{name}: {problem}")).collect())
            }
            (fault, bounds) => {
                unfit.extend(fault.err().iter().chain(bounds.err().iter()).map(named));
                Err(unfit)
            }
        }
    }

    /// What no type rules out.
    pub fn problems(&self) -> Problems {
        let Bounds { after, lasts, every, probability, times, .. } = &self.bounds;
        let mut problems = Problems::new();
        let spans = [("after", after), ("for", lasts), ("every", every)];
        for (key, span) in spans.into_iter().filter_map(|(key, span)| Some((key, (*span)?))) {
            check_span(key, span, &mut problems);
        }
        for (key, span) in self.fault.spans() {
            check_span(key, span, &mut problems);
        }
        if probability.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
            problems.push("`probability` is from 0 to 1".to_owned());
        }
        if times.is_some_and(|times| times == 0) {
            problems.push("`times` is at least 1".to_owned());
        }
        if every.is_some_and(|every| every.is_zero()) {
            problems.push("`every` is longer than nothing".to_owned());
        }
        problems.extend(self.fault.problems());
        problems
    }
}

fn check_span(key: &str, span: SignedDuration, problems: &mut Problems) {
    if span.is_negative() || span > DURATION_MAX {
        problems.push(format!("`{key}` is from 0s to {DURATION_MAX:#}"));
    }
}

impl Fault {
    fn spans(&self) -> Vec<(&'static str, SignedDuration)> {
        match self {
            Self::KeepClientId { hold } => vec![("hold", *hold)],
            Self::Restart { refuse, .. } => vec![("refuse", *refuse)],
            Self::Dialog { click: Some(click) } => vec![("click", *click)],
            Self::HoldInactive { revive: Some(revive), .. } => vec![("revive", *revive)],
            Self::HideExecutions { younger_than: Some(younger) } => {
                vec![("younger-than", *younger)]
            }
            Self::DelayOrder { by }
            | Self::DelayReports { by, .. }
            | Self::LateEnd { by, .. }
            | Self::LagPositions { by }
            | Self::AdvanceClock { by } => vec![("by", *by)],
            _ => Vec::new(),
        }
    }

    fn problems(&self) -> Problems {
        let mut problems = Problems::new();
        let mut expect = |fine: bool, what: &str| {
            if !fine {
                problems.push(what.to_owned());
            }
        };
        match self {
            Self::DuplicateReports { copies, .. } | Self::PhantomExecution { copies } => {
                expect((1..=COPIES_MAX).contains(copies), "`copies` is from 1 to 100");
            }
            Self::EndAfterFrames { frames }
            | Self::CutFrame { frames }
            | Self::NoticesFirst { frames }
            | Self::ZeroPermId { frames } => {
                expect(*frames <= COUNT_MAX, "`frames` is at most 1000000");
            }
            Self::LoseSomeOrders { lost, of } => {
                expect(lost <= of && *of >= 1, "`lost` is at most `of`, and `of` at least 1");
            }
            Self::RollBackIds { by } => expect(*by >= 0, "`by` is not negative"),
            Self::Restart { back, .. } => expect(*back >= 0, "`back` is not negative"),
            Self::OrderErrors { codes, .. } => {
                expect(!codes.is_empty(), "`codes` names at least one error");
            }
            Self::LinkNotice { code } => {
                expect((1100..=1102).contains(code), "`code` is 1100, 1101 or 1102");
            }
            Self::Precaution { size, value } => {
                expect(size.is_some() || value.is_some(), "give `size` or `value`");
            }
            Self::TimeZone { zone, .. } => {
                expect(jiff::tz::TimeZone::get(zone).is_ok(), "`zone` is a name such as UTC");
            }
            Self::PinPrice { bid, ask, .. } => {
                expect(
                    super::is_quote(*bid, *ask),
                    "the quote is 0 < `bid` <= `ask` <= 1000000000",
                );
            }
            _ => {}
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Rule, Problems> {
        let Value::Object(table) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
        Rule::read(table)
    }

    #[test]
    fn a_rule_is_written_flat_and_reads_back_as_it_was() {
        for json in [
            r#"{"fault":"mute"}"#,
            r#"{"fault":"lose-order","place":"gateway","after-orders":2,"times":1}"#,
            r#"{"fault":"order-errors","codes":10349,"when":"before","order-ref":"run-*"}"#,
            r#"{"fault":"mute-handshake","from":"version","for":"2s"}"#,
            r#"{"fault":"precaution","size":500,"value":"1000.50"}"#,
            r#"{"fault":"drop-reports","frames":["execution","commission"],"probability":0.5}"#,
            r#"{"fault":"set-clock","to":"2026-03-08T06:59:59Z"}"#,
        ] {
            let rule = read(json).unwrap();
            let again = serde_json::to_value(&rule).unwrap();
            let Value::Object(again) = again else { panic!("{again}") };
            assert_eq!(Rule::read(again), Ok(rule), "{json}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_expected() {
        for (json, expected) in [
            (r#"{"times":1}"#, "`fault` is missing"),
            (r#"{"fault":"loose-order"}"#, "unknown variant `loose-order`, expected one of"),
            (r#"{"fault":"mute","plase":1}"#, "unknown field `plase`"),
            (r#"{"fault":"lose-order","place":"moon"}"#, "expected one of `unread`"),
            (r#"{"fault":"lose-order","place":"unread","times":0}"#, "`times` is at least 1"),
            (r#"{"fault":"mute","probability":2}"#, "`probability` is from 0 to 1"),
            (r#"{"fault":"mute","for":"-1s"}"#, "`for` is from 0s"),
            (r#"{"fault":"mute","for":"soon"}"#, "`for`: failed to parse"),
            (r#"{"fault":"precaution","size":"many"}"#, "`many` is not a decimal number"),
            (r#"{"fault":"time-zone","zone":"Mars/Olympus"}"#, "`zone` is a name"),
            (r#"{"fault":"pin-price","symbol":"SPY","bid":2,"ask":1}"#, "0 < `bid` <= `ask`"),
        ] {
            let problems = read(json).unwrap_err().join("; ");
            assert!(problems.contains(expected), "{json}: {problems}");
        }
    }

    #[test]
    fn every_problem_of_a_rule_is_told_at_once() {
        let problems = read(r#"{"fault":"mute","plase":1,"times":"often"}"#).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
