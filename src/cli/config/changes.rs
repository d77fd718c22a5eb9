//! What is different between two documents. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A line for each key that is new, gone or changed.
pub(super) fn changes(before: Option<&Value>, after: &Value) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    if let Some(before) = before {
        leaves("", before, &mut old);
    }
    leaves("", after, &mut new);
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().filter_map(|key| match (old.get(key), new.get(key)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(format!("{key}: {before} → {after}")),
        (None, Some(after)) => Some(format!("{key}: {after}")),
        (Some(before), None) => Some(format!("{key}: {before} → absent")),
        (None, None) => None,
    });
    changed.collect()
}

/// Every value that is no object, by its path. An empty object is a value too.
fn leaves<'a>(path: &str, value: &'a Value, into: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(&format!("{path}{dot}{key}"), value, into);
            }
        }
        value => {
            into.insert(path.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_listed() {
        let before = json!({ "a": { "b": "1", "c": 2 }, "gone": true, "same": [1] });
        let after = json!({ "a": { "b": "1.0", "c": 2 }, "new": {}, "same": [1] });
        assert_eq!(
            changes(Some(&before), &after),
            ["a.b: \"1\" → \"1.0\"", "gone: true → absent", "new: {}"]
        );
        assert_eq!(changes(Some(&after), &after), [""; 0]);
        assert_eq!(changes(None, &json!({ "a": 1 })), ["a: 1"]);
    }
}
