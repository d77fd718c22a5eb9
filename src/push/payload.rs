//! The payload: which intent, with which parameters.

use serde_json::{Map, Value};

use super::malformed::Malformed;
use super::unique::Object;

/// The field, attribute or header that names the intent.
pub(super) const INTENT: &str = "intent";

/// What a payload says.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) intent: String,
    pub(super) parameters: Map<String, Value>,
}

/// Reads a JSON object, or nothing. `outside` is the intent that an attribute or the path names.
pub(super) fn read(bytes: &[u8], outside: Option<&str>) -> Result<Payload, Malformed> {
    let mut parameters = match bytes.trim_ascii().is_empty() {
        true => Map::new(),
        false => serde_json::from_slice::<Object>(bytes).map_err(Malformed::Payload)?.0,
    };
    let inside = match parameters.remove(INTENT) {
        None => None,
        Some(Value::String(intent)) => Some(intent),
        Some(_) => return Err(Malformed::IntentNotText),
    };
    let intent = match (outside, inside) {
        (Some(outside), Some(inside)) if outside != inside => {
            let outside = outside.to_owned();
            return Err(Malformed::TwoIntents { outside, payload: inside });
        }
        (Some(outside), _) => outside.to_owned(),
        (None, Some(inside)) => inside,
        (None, None) => return Err(Malformed::NoIntent),
    };
    if intent.is_empty() {
        return Err(Malformed::NoIntent);
    }
    Ok(Payload { intent, parameters })
}
