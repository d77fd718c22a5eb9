//! Whether a document meets a filter, for stores that can't ask their backend.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Condition, Filter};

impl Filter {
    /// Whether `body` meets the condition. Numbers compare by value (`1` equals `1.0`), text by
    /// its bytes, `false` before `true`; anything else is not comparable and meets nothing.
    pub fn meets(&self, body: &Value) -> bool {
        let Some(found) = body.get(&self.field) else { return false };
        match &self.condition {
            Condition::Equals(value) => compare(found, value) == Some(Ordering::Equal),
            Condition::AtLeast(value) => {
                matches!(compare(found, value), Some(Ordering::Greater | Ordering::Equal))
            }
            Condition::LessThan(value) => compare(found, value) == Some(Ordering::Less),
        }
    }
}

fn compare(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::String(found), Value::String(value)) => {
            Some(found.as_bytes().cmp(value.as_bytes()))
        }
        (Value::Bool(found), Value::Bool(value)) => Some(found.cmp(value)),
        (Value::Number(found), Value::Number(value)) => compare_numbers(found, value),
        _ => None,
    }
}

fn compare_numbers(found: &Number, value: &Number) -> Option<Ordering> {
    // As floating point, two large integers next to each other would be equal.
    if let (Some(found), Some(value)) = (found.as_i128(), value.as_i128()) {
        return Some(found.cmp(&value));
    }
    found.as_f64()?.partial_cmp(&value.as_f64()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meets(condition: Condition, found: Value) -> bool {
        Filter { field: "x".to_owned(), condition }.meets(&json!({ "x": found }))
    }

    #[test]
    fn integers_beyond_the_reach_of_floating_point_stay_apart() {
        let large = 9_007_199_254_740_993_i64;
        assert!(meets(Condition::Equals(json!(large)), json!(large)));
        assert!(!meets(Condition::Equals(json!(large)), json!(large - 1)));
        assert!(meets(Condition::LessThan(json!(u64::MAX)), json!(u64::MAX - 1)));
    }

    #[test]
    fn a_number_meets_its_value_however_it_is_written() {
        assert!(meets(Condition::Equals(json!(1)), json!(1.0)));
        assert!(meets(Condition::AtLeast(json!(0.5)), json!(1)));
    }

    #[test]
    fn lists_and_nothing_are_not_comparable() {
        assert!(!meets(Condition::Equals(json!([1])), json!([1])));
        assert!(!meets(Condition::Equals(Value::Null), Value::Null));
    }
}
