//! Faults in writing: a scenario file in TOML, and the option `--fault` of the command line.
//!
//! ```toml
//! seed = 7
//!
//! [[fault]]
//! fault = "lose-order"
//! place = "gateway"
//! after-orders = 2
//! times = 1
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use toml::Spanned;

use super::faults::{RULES_MAX, Rule};

/// A larger file is no scenario.
const FILE_MAX: u64 = 1024 * 1024;

/// Faults to begin with, and the seed of their chances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// Absent: the seed of the simulator.
    pub seed: Option<u64>,
    pub rules: Vec<Rule>,
}

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("the scenario {} cannot be read", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Each problem with its line and what was expected.
    #[error("the scenario cannot be played:\n  {}", .0.join("\n  "))]
    Problems(Vec<String>),
}

/// One table of the file, each key and value with its place.
type Table = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or all that is wrong in it: file, line, and what was expected.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let failed = |source| ScenarioError::Io { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(failed)?.len();
        if length > FILE_MAX {
            let problem = format!("{}: {length} bytes are no scenario", path.display());
            return Err(ScenarioError::Problems(vec![problem]));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let named = |problem| format!("{}:{problem}", path.display());
        Self::parse(&text)
            .map_err(|problems| ScenarioError::Problems(problems.into_iter().map(named).collect()))
    }

    /// Reads the text of a scenario file.
    ///
    /// # Errors
    ///
    /// All that is wrong in it, each as `line: what`.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let syntax = |error: &toml::de::Error| {
            let at = error.span().map_or(1, |span| line(span.start));
            vec![format!("{at}: {}", error.message().trim())]
        };
        let table: Table = toml::from_str(text).map_err(|error| syntax(&error))?;
        let mut problems = Vec::new();
        let mut scenario = Self::default();
        for (key, value) in table {
            let at = line(value.span().start);
            match (key.get_ref().as_str(), value.get_ref()) {
                ("seed", toml::Value::Integer(seed)) if *seed >= 0 => {
                    scenario.seed = u64::try_from(*seed).ok();
                }
                ("seed", _) => problems.push(format!("{at}: `seed` is a whole number from 0")),
                ("fault", toml::Value::Array(_)) => {}
                ("fault", _) => problems.push(format!("{at}: expected tables `[[fault]]`")),
                (other, _) => {
                    let at = line(key.span().start);
                    let known = "expected `seed` and `[[fault]]` tables";
                    problems.push(format!("{at}: unknown key `{other}`: {known}"));
                }
            }
        }
        if problems.is_empty() {
            scenario.rules = rules(text, &line, &mut problems);
        }
        if scenario.rules.len() > RULES_MAX {
            problems.push(format!("1: more than {RULES_MAX} faults"));
        }
        if problems.is_empty() { Ok(scenario) } else { Err(problems) }
    }
}

/// The tables `[[fault]]`, each with its place.
#[derive(serde::Deserialize)]
struct File {
    #[serde(default)]
    fault: Vec<Spanned<Table>>,
}

fn rules(text: &str, line: &dyn Fn(usize) -> usize, problems: &mut Vec<String>) -> Vec<Rule> {
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let at = error.span().map_or(1, |span| line(span.start));
            problems.push(format!("{at}: {}", error.message().trim()));
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for table in file.fault {
        let start = line(table.span().start);
        let table = table.into_inner();
        let place = |problem: &str| {
            // A problem that names a key is where that key is.
            let named = table.keys().find(|key| problem.contains(&format!("`{}`", key.get_ref())));
            named.map_or(start, |key| line(key.span().start))
        };
        let mut flat = Map::new();
        let mut unfit = false;
        for (key, value) in &table {
            match json(value.get_ref()) {
                Some(value) => {
                    flat.insert(key.get_ref().clone(), value);
                }
                None => {
                    let at = line(key.span().start);
                    problems.push(format!("{at}: `{}` is not a plain value", key.get_ref()));
                    unfit = true;
                }
            }
        }
        match Rule::read(flat) {
            Ok(rule) => rules.push(rule),
            Err(_) if unfit => {}
            Err(found) => {
                problems.extend(found.iter().map(|what| format!("{}: {what}", place(what))));
            }
        }
    }
    rules
}

/// The same value in JSON; `None` for a table or a number that JSON does not know.
fn json(value: &toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::Number(Number::from_f64(*number)?),
        toml::Value::Boolean(on) => Value::Bool(*on),
        toml::Value::Datetime(at) => Value::String(at.to_string()),
        toml::Value::Array(list) => Value::Array(list.iter().map(json).collect::<Option<_>>()?),
        toml::Value::Table(_) => return None,
    })
}

/// Reads a fault as the command line gives it: `NAME[,KEY=VALUE…]`, several values of one key
/// joined by `+`.
///
/// # Errors
///
/// All that is wrong with it, in one text.
pub fn parse_fault(text: &str) -> Result<Rule, String> {
    let mut parts = text.split(',');
    let name = parts.next().unwrap_or_default().trim();
    let mut flat = Map::new();
    flat.insert("fault".to_owned(), Value::String(name.to_owned()));
    for part in parts {
        let (key, value) = part
            .split_once('=')
            .ok_or_else(|| format!("`{part}`: expected KEY=VALUE after the name of the fault"))?;
        let (key, value) = (key.trim(), value.trim());
        let written = match value.split('+').collect::<Vec<_>>().as_slice() {
            [one] => plain(one),
            many => Value::Array(many.iter().map(|part| plain(part)).collect()),
        };
        if flat.insert(key.to_owned(), written).is_some() {
            return Err(format!("`{key}` is given twice"));
        }
    }
    Rule::read(flat).map_err(|problems| problems.join("; "))
}

/// A switch, a number, or a text; a text in quotes always is one.
fn plain(text: &str) -> Value {
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Value::String(quoted.to_owned());
    }
    let number = || text.parse::<i64>().ok().map(Value::from);
    let real = || {
        let finite = text.parse::<f64>().ok().and_then(Number::from_f64);
        finite.filter(|_| text.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
    };
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => number()
            .or_else(|| real().map(Value::Number))
            .unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::sim::faults::{Fault, FrameKind, Place};

    #[test]
    fn a_scenario_says_what_when_and_how_often() {
        let scenario = Scenario::parse(
            "seed = 7\n\n[[fault]]\nfault = \"lose-order\"\nplace = \"gateway\"\ntimes = 1\n\n\
             [[fault]]\nfault = \"mute\"\nat = 2026-03-02T14:30:00Z\nfor = \"500ms\"\n",
        )
        .unwrap();
        assert_eq!(scenario.seed, Some(7));
        let lost = Rule::from(Fault::LoseOrder { place: Place::Gateway }).times(1);
        assert_eq!(scenario.rules[0], lost);
        let bounds = &scenario.rules[1].bounds;
        assert_eq!(bounds.at, Some("2026-03-02T14:30:00Z".parse().unwrap()));
        assert_eq!(bounds.lasts, Some(SignedDuration::from_millis(500)));
    }

    #[test]
    fn every_problem_of_a_scenario_is_told_with_its_line() {
        let problems = Scenario::parse(
            "[[fault]]\nfault = \"lose-order\"\nplace = \"moon\"\n\n[[fault]]\nfault = \"mute\"\n\
             plase = 1\n\n[[fault]]\ntimes = 1\n",
        )
        .unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("1: lose-order: unknown variant `moon`"), "{problems:?}");
        assert!(problems[1].starts_with("7: mute: unknown field `plase`"), "{problems:?}");
        assert!(problems[2].starts_with("9: `fault` is missing"), "{problems:?}");
        for (text, expected) in [
            ("seed = \"x\"", "1: `seed` is a whole number from 0"),
            ("\nsede = 1", "2: unknown key `sede`"),
            ("fault = 1", "1: expected tables"),
            ("[[fault]]\nfault = \"mute\"\ncodes = { a = 1 }", "3: `codes` is not a plain value"),
            ("[[fault", "1: "),
        ] {
            let problems = Scenario::parse(text).unwrap_err();
            assert!(problems[0].starts_with(expected), "{text}: {problems:?}");
        }
    }

    #[test]
    fn the_command_line_writes_the_same_faults() {
        let rule = parse_fault("order-errors,codes=201+399,when=before,probability=0.5").unwrap();
        let Fault::OrderErrors { codes, .. } = &rule.fault else { panic!("{rule:?}") };
        assert_eq!((codes.as_slice(), rule.bounds.probability), (&[201, 399][..], Some(0.5)));
        let rule = parse_fault("drop-reports,frames=execution,order-ref=\"7\"").unwrap();
        assert_eq!(rule.fault, Fault::DropReports { frames: vec![FrameKind::Execution] });
        assert_eq!(rule.bounds.order_ref.as_deref(), Some("7"));
        for (text, expected) in [
            ("mute,now", "expected KEY=VALUE"),
            ("mute,times=1,times=2", "given twice"),
            ("silence", "unknown variant `silence`, expected one of"),
        ] {
            let problem = parse_fault(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
