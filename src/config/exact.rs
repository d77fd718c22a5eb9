//! Decimals from JSON, without the detour through binary fractions.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// The most significant digits that a JSON number keeps on its way through a double
/// (`DBL_DIG` of IEEE 754): up to here what was written is what is read.
const EXACT_DIGITS: usize = 15;

/// Reads a decimal as it was written: a string such as `"0.25"`, or a number short enough to have
/// survived the JSON parser. The error says what to write instead.
pub fn exact_decimal(value: &Value) -> Result<Decimal, String> {
    match value {
        Value::String(text) => Decimal::from_str_exact(text)
            .map_err(|error| format!("{text:?} is no decimal: {error}")),
        Value::Number(number) if number.is_f64() => from_double(&number.to_string()),
        Value::Number(number) => Decimal::from_str_exact(&number.to_string())
            .map_err(|error| format!("{number} is out of range: {error}")),
        other => Err(format!("must be a decimal, not {}", kind(other))),
    }
}

fn from_double(text: &str) -> Result<Decimal, String> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if digits.trim_start_matches('0').trim_end_matches('0').len() > EXACT_DIGITS {
        return Err(format!("{text} has more digits than a JSON number keeps: write a string"));
    }
    let parsed = match mantissa.len() == text.len() {
        true => Decimal::from_str(text),
        false => Decimal::from_scientific(text),
    };
    parsed.map_err(|error| format!("{text} is no decimal: {error}"))
}

/// For `#[serde(deserialize_with)]`: an optional decimal by the rules of [`exact_decimal`].
/// `null` and an absent field (with `default`) are `None`.
pub fn exact_optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Decimal>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(value) => exact_decimal(&value).map(Some).map_err(de::Error::custom),
    }
}

/// What a JSON value is, for a sentence.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_short_number_is_read_as_it_was_written() {
        assert_eq!(exact_decimal(&json!(0.1)), Ok(d("0.1")));
        assert_eq!(exact_decimal(&json!(25_000)), Ok(d("25000")));
        assert_eq!(exact_decimal(&json!(-1e-7)), Ok(d("-0.0000001")));
        assert_eq!(exact_decimal(&json!("0.1000")), Ok(d("0.1")));
    }

    #[test]
    fn a_number_that_the_parser_rounded_is_refused() {
        let rounded: Value = serde_json::from_str("0.12345678901234567").unwrap();
        let problem = exact_decimal(&rounded).unwrap_err();
        assert!(problem.contains("write a string"), "{problem}");
        assert_eq!(exact_decimal(&json!("0.12345678901234567")), Ok(d("0.12345678901234567")));
    }

    #[test]
    fn what_is_no_number_is_refused_by_its_kind() {
        assert_eq!(exact_decimal(&json!([1])), Err("must be a decimal, not a list".to_owned()));
        assert!(exact_decimal(&json!("1,5")).is_err());
        assert!(exact_decimal(&json!("NaN")).is_err());
        assert!(exact_decimal(&json!(1e300)).is_err());
    }
}
