//! Fields out.

use std::collections::BTreeMap;

use crate::sim::messages::{Answer, HistoricalData};
use crate::sim::wire;

/// The largest double means "not set".
const UNSET_DOUBLE: &str = "1.7976931348623157E308";

/// So does the largest 32-bit number.
const UNSET_INT: &str = "2147483647";

/// So does the largest 64-bit number.
const UNSET_LONG: &str = "9223372036854775807";

/// A message as text: its id and its fields, as the version of the connection has them.
pub trait Layout {
    /// Writes all fields, the id first; nothing for what is no message of its own in text.
    fn lay_out(&self, to: &mut Text);
}

/// The writer of one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    version: i32,
    body: Vec<u8>,
    /// Bars that wait for their range: in protobuf it follows in a message of its own, in text it
    /// comes first.
    bars: Option<HistoricalData>,
}

impl Text {
    pub fn new(version: i32) -> Self {
        Self { version, body: Vec::new(), bars: None }
    }

    /// The version of the connection.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// Whether the layout has what came with `version`.
    pub fn since(&self, version: i32) -> bool {
        self.version >= version
    }

    /// Appends `message` as a frame.
    pub fn push<M: Layout>(&mut self, buffer: &mut Vec<u8>, message: &M) {
        self.body.clear();
        message.lay_out(self);
        if self.body.is_empty() {
            return;
        }
        buffer.extend_from_slice(&wire::length_prefix(self.body.len()));
        buffer.extend_from_slice(&self.body);
    }

    pub fn hold_bars(&mut self, bars: HistoricalData) {
        self.bars = Some(bars);
    }

    /// The bars that wait for the end of this request.
    pub fn held_bars(&mut self, req_id: Option<i32>) -> Option<HistoricalData> {
        self.bars.take_if(|bars| bars.req_id == req_id)
    }

    /// The message id. Fields follow in their order.
    pub fn begin<M: Answer>(&mut self) -> &mut Self {
        self.number(M::ID)
    }

    /// A field as it is. A NUL would end it early.
    pub fn word(&mut self, text: &str) -> &mut Self {
        self.body.extend(text.bytes().filter(|byte| *byte != 0));
        self.body.push(0);
        self
    }

    /// An empty field.
    pub fn blank(&mut self) -> &mut Self {
        self.word("")
    }

    pub fn number(&mut self, number: i32) -> &mut Self {
        self.word(&number.to_string())
    }

    pub fn count(&mut self, count: usize) -> &mut Self {
        self.word(&count.to_string())
    }

    /// 0 when absent.
    pub fn int(&mut self, number: Option<i32>) -> &mut Self {
        self.number(number.unwrap_or_default())
    }

    pub fn int_or_blank(&mut self, number: Option<i32>) -> &mut Self {
        self.word(&number.map(|number| number.to_string()).unwrap_or_default())
    }

    pub fn int_or_unset(&mut self, number: Option<i32>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.word(UNSET_INT),
        }
    }

    /// 0 when absent.
    pub fn long(&mut self, number: Option<i64>) -> &mut Self {
        self.word(&number.unwrap_or_default().to_string())
    }

    pub fn long_or_unset(&mut self, number: Option<i64>) -> &mut Self {
        match number {
            Some(number) => self.long(Some(number)),
            None => self.word(UNSET_LONG),
        }
    }

    pub fn double_or_blank(&mut self, number: Option<f64>) -> &mut Self {
        match number {
            Some(number) => self.double(number),
            None => self.blank(),
        }
    }

    pub fn double_or_zero(&mut self, number: Option<f64>) -> &mut Self {
        self.double(number.unwrap_or_default())
    }

    pub fn double_or_unset(&mut self, number: Option<f64>) -> &mut Self {
        match number {
            Some(number) => self.double(number),
            None => self.word(UNSET_DOUBLE),
        }
    }

    /// As Java writes it, as far as a client can tell: `0.0`, `559.99`, `Infinity`.
    fn double(&mut self, number: f64) -> &mut Self {
        if number.is_nan() {
            self.blank()
        } else if number.is_infinite() {
            self.word(if number > 0.0 { "Infinity" } else { "-Infinity" })
        } else {
            self.word(&format!("{number:?}"))
        }
    }

    /// False when absent.
    pub fn flag(&mut self, flag: Option<bool>) -> &mut Self {
        self.word(if flag == Some(true) { "1" } else { "0" })
    }

    /// A decimal, which is text already; 0 when absent.
    pub fn decimal(&mut self, amount: Option<&String>) -> &mut Self {
        self.word(amount.filter(|amount| !amount.is_empty()).map_or("0", String::as_str))
    }

    /// Text as it was sent, but for letters outside ASCII: since version 153 they go as `\uXXXX`,
    /// one for each unit of UTF-16.
    pub fn text(&mut self, text: Option<&String>) -> &mut Self {
        self.escaped(text.map_or("", String::as_str), false)
    }

    /// Text in which clients undo escapes: a backslash of its own must be one.
    pub fn prose(&mut self, text: Option<&String>) -> &mut Self {
        self.escaped(text.map_or("", String::as_str), true)
    }

    /// Text, or `otherwise` where there is none.
    pub fn text_or(&mut self, text: Option<&String>, otherwise: &str) -> &mut Self {
        match text.filter(|text| !text.is_empty()) {
            Some(text) => self.text(Some(text)),
            None => self.word(otherwise),
        }
    }

    fn escaped(&mut self, text: &str, backslashes: bool) -> &mut Self {
        if text.is_ascii() && !(backslashes && text.contains('\\')) {
            return self.word(text);
        }
        let mut ascii = String::with_capacity(text.len());
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() && !(backslashes && byte == b'\\') => {
                    ascii.push(char::from(byte));
                }
                _ => ascii.push_str(&format!("\\u{unit:04x}")),
            }
        }
        self.word(&ascii)
    }

    /// How many pairs, then each tag and its value.
    pub fn pairs(&mut self, pairs: &BTreeMap<String, String>) -> &mut Self {
        self.count(pairs.len());
        for (tag, value) in pairs {
            self.text(Some(tag)).text(Some(value));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Text)) -> String {
        let mut text = Text::new(178);
        write(&mut text);
        String::from_utf8(text.body).unwrap().replace('\0', "|")
    }

    #[test]
    fn numbers_are_written_as_the_clients_read_them() {
        let doubles = written(|to| {
            to.double_or_blank(Some(559.99)).double_or_blank(None).double_or_zero(None);
            to.double_or_unset(None).double_or_blank(Some(f64::INFINITY));
            to.double_or_blank(Some(f64::NAN)).double_or_blank(Some(100.0));
        });
        assert_eq!(doubles, "559.99||0.0|1.7976931348623157E308|Infinity||100.0|");
        let whole = written(|to| {
            to.int(None).int_or_blank(None).int_or_unset(None).int(Some(-1));
            to.long(Some(1 << 40)).long_or_unset(None);
        });
        assert_eq!(whole, "0||2147483647|-1|1099511627776|9223372036854775807|");
    }

    #[test]
    fn text_is_ascii_and_cannot_end_its_field() {
        let text = "Zürich \u{1F600} a\0b c\\d".to_owned();
        assert_eq!(
            written(|to| {
                to.text(Some(&text));
            }),
            "Z\\u00fcrich \\ud83d\\ude00 ab c\\d|"
        );
        assert_eq!(
            written(|to| {
                to.prose(Some(&"c\\d".to_owned())).prose(None);
            }),
            "c\\u005cd||"
        );
    }
}
