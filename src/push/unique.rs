//! JSON in which every name of an object is there once.
//!
//! `serde_json` keeps the last of two equal names. In a payload that says `"dry_run"` twice, or
//! gives one contract two weights, a person has to say which was meant.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON object without double names, at any depth.
pub(super) struct Object(pub(super) Map<String, Value>);

/// Any JSON value without double names.
struct Unique(Value);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Object, A::Error> {
                entries(access).map(Object)
            }
        }

        from.deserialize_map(ObjectVisitor)
    }
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is not finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        entries(access).map(Value::Object)
    }
}

fn entries<'de, A: MapAccess<'de>>(mut access: A) -> Result<Map<String, Value>, A::Error> {
    let mut entries = Map::new();
    while let Some(name) = access.next_key::<String>()? {
        if entries.contains_key(&name) {
            return Err(A::Error::custom(format_args!("{name:?} is there twice")));
        }
        let Unique(value) = access.next_value()?;
        entries.insert(name, value);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Result<Map<String, Value>, String> {
        serde_json::from_str(text).map(|Object(map)| map).map_err(|error| error.to_string())
    }

    #[test]
    fn what_has_no_double_names_reads_as_serde_json_reads_it() {
        let text = r#"{"a":[1,-2,0.5,"x\n",null,true,{"a":{"a":[]}}],"":18446744073709551615}"#;
        let expected: Map<String, Value> = serde_json::from_str(text).unwrap();
        assert_eq!(object(text), Ok(expected));
    }

    #[test]
    fn a_double_name_is_an_error_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"\u0061":2}]}"#, r#"{"a":{"a":1,"a":2}}"#]
        {
            let error = object(text).unwrap_err();
            assert!(error.contains("\"a\" is there twice"), "{text}: {error}");
        }
    }

    #[test]
    fn depth_without_end_is_an_error_and_not_a_stack_overflow() {
        let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
        assert!(object(&deep).unwrap_err().contains("recursion limit"));
    }
}
