//! Reads the fields of a JSON object, remembers which it was asked for, and reports the rest.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::ConfigProblems;
use super::exact::{exact_decimal, kind};

/// A typo of more edits than this is no typo but another word.
const TYPO_EDITS_MAX: usize = 3;

/// Fills in where a section is missing, so that each of its required keys is reported by name.
static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// One object of the configuration.
pub(super) struct Fields<'a> {
    path: String,
    object: &'a Map<String, Value>,
    asked: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn root(object: &'a Map<String, Value>) -> Self {
        Self { path: String::new(), object, asked: BTreeSet::new() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        match self.path.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.path),
        }
    }

    /// A key's value, or its absence.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.insert(key);
        self.object.get(key)
    }

    /// A nested object. A missing one reads as empty: its required keys are then reported.
    pub(super) fn section(&mut self, key: &'static str, problems: &mut ConfigProblems) -> Self {
        let path = self.path_of(key);
        let object = match self.take(key) {
            Some(Value::Object(object)) => object,
            Some(other) => {
                problems.add(&path, format!("must be an object, not {}", kind(other)));
                &EMPTY
            }
            None => &EMPTY,
        };
        Self { path, object, asked: BTreeSet::new() }
    }

    /// A key that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Value) -> Result<T, String>,
        problems: &mut ConfigProblems,
    ) -> Option<T> {
        let found = self.take(key);
        if found.is_none() {
            problems.add(self.path_of(key), "is required");
        }
        self.read(key, found?, read, problems)
    }

    /// A key with a default.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl Fn(&Value) -> Result<T, String>,
        problems: &mut ConfigProblems,
    ) -> Option<T> {
        match self.take(key) {
            None => Some(default),
            Some(value) => self.read(key, value, read, problems),
        }
    }

    fn read<T>(
        &self,
        key: &str,
        value: &Value,
        read: impl Fn(&Value) -> Result<T, String>,
        problems: &mut ConfigProblems,
    ) -> Option<T> {
        read(value).map_err(|problem| problems.add(self.path_of(key), problem)).ok()
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self, problems: &mut ConfigProblems) {
        for key in self.object.keys().filter(|key| !self.asked.contains(key.as_str())) {
            let hint = match likely(key, &self.asked) {
                Some(name) => format!("unknown key; did you mean {name:?}?"),
                None => {
                    let known: Vec<&str> = self.asked.iter().copied().collect();
                    format!("unknown key; known here: {}", known.join(", "))
                }
            };
            problems.add(self.path_of(key), hint);
        }
    }
}

/// A decimal within bounds, both included.
pub(super) fn decimal_within(
    low: Decimal,
    high: Decimal,
) -> impl Fn(&Value) -> Result<Decimal, String> {
    move |value| {
        let number = exact_decimal(value)?;
        match number >= low && number <= high {
            true => Ok(number),
            false => Err(format!("{number} is not within {low} to {high}")),
        }
    }
}

/// A whole number within bounds, both included.
pub(super) fn whole_within(low: u32, high: u32) -> impl Fn(&Value) -> Result<u32, String> {
    move |value| {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(format!("{value} is not a whole number within {low} to {high}")),
        }
    }
}

/// `true` or `false`.
pub(super) fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("must be true or false, not {}", kind(value)))
}

/// One of the words of an enum, as serde spells them.
pub(super) fn word<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

fn likely(key: &str, known: &BTreeSet<&'static str>) -> Option<&'static str> {
    let (edits, name) = known.iter().map(|name| (edits(key, name), *name)).min()?;
    // Half of the letters: `type` is no typo of `date`.
    (edits <= TYPO_EDITS_MAX && edits * 2 < name.len()).then_some(name)
}

/// The Levenshtein distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits() {
        assert_eq!(edits("order_vlaue", "order_value"), 2);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("same", "same"), 0);
    }

    #[test]
    fn only_a_close_name_is_suggested() {
        let known = BTreeSet::from(["order_value", "weight"]);
        assert_eq!(likely("ordervalue", &known), Some("order_value"));
        assert_eq!(likely("colour", &known), None);
    }
}
