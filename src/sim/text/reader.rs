//! Fields in. Lenient, as the clients are free with their numbers: what is empty or missing is
//! unset, and so are the largest numbers of their types.

use std::collections::BTreeMap;
use std::str::Split;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Entries of one list in a request: legs, conditions, parameters. IB's limits are far below.
const LIST_MAX: i32 = 1000;

/// The fields of one request, in order.
pub struct Reader<'a> {
    fields: Split<'a, char>,
    version: i32,
    bad: Option<&'a str>,
}

impl<'a> Reader<'a> {
    pub fn new(body: &'a str, version: i32) -> Self {
        Self { fields: body.split('\0'), version, bad: None }
    }

    /// Whether the layout has what came with `version`.
    pub fn since(&self, version: i32) -> bool {
        self.version >= version
    }

    /// The first field that was no number where one belongs.
    pub fn bad(&self) -> Option<&'a str> {
        self.bad
    }

    fn next(&mut self) -> &'a str {
        self.fields.next().unwrap_or_default()
    }

    pub fn skip(&mut self, fields: usize) {
        for _ in 0..fields {
            self.next();
        }
    }

    pub fn text(&mut self) -> Option<String> {
        Some(self.next()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A vocabulary in which `None` says that there is nothing.
    pub fn kind(&mut self) -> Option<String> {
        self.text().filter(|text| text != "None")
    }

    /// A number that the protocol has as whole. Python writes some as `10.0`.
    pub fn int(&mut self) -> Option<i32> {
        let text = self.number()?;
        let whole = exact(text).filter(Decimal::is_integer).and_then(|number| number.to_i32());
        match whole {
            Some(i32::MAX) => None,
            Some(number) => Some(number),
            None => self.refuse(text),
        }
    }

    pub fn double(&mut self) -> Option<f64> {
        let text = self.number()?;
        if let "Infinity" | "Infinite" = text {
            return Some(f64::INFINITY);
        }
        // Rust reads more words as numbers than the gateway does.
        let digits = text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
        match text.parse::<f64>() {
            Ok(number) if digits && number < f64::MAX => Some(number),
            Ok(_) if digits => None,
            _ => self.refuse(text),
        }
    }

    /// A decimal, spelled out.
    pub fn decimal(&mut self) -> Option<String> {
        let text = self.number()?;
        match exact(text) {
            Some(number) => Some(number.normalize().to_string()),
            None if text.parse().is_ok_and(|number: f64| number >= f64::MAX) => None,
            None => self.refuse(text),
        }
    }

    /// False is the same as unset.
    pub fn flag(&mut self) -> Option<bool> {
        let text = self.next();
        let set = text.eq_ignore_ascii_case("true") || exact(text).is_some_and(|n| !n.is_zero());
        set.then_some(true)
    }

    /// A count of entries, and each of them.
    pub fn list<T>(&mut self, mut entry: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.int().unwrap_or_default();
        if count > LIST_MAX {
            self.bad = self.bad.or(Some("a list of more than 1000 entries"));
            return Vec::new();
        }
        (0..count).map(|_| entry(self)).collect()
    }

    /// A count of pairs, and each tag and value.
    pub fn pairs(&mut self) -> BTreeMap<String, String> {
        let entry = |reader: &mut Self| (reader.next().to_owned(), reader.next().to_owned());
        self.list(entry).into_iter().collect()
    }

    /// `tag=value;tag=value;` in one field.
    pub fn options(&mut self) -> BTreeMap<String, String> {
        let pairs = self.next().split(';').filter_map(|pair| pair.split_once('='));
        pairs.map(|(tag, value)| (tag.to_owned(), value.to_owned())).collect()
    }

    fn number(&mut self) -> Option<&'a str> {
        Some(self.next().trim()).filter(|text| !text.is_empty())
    }

    fn refuse<T>(&mut self, text: &'a str) -> Option<T> {
        self.bad = self.bad.or(Some(text));
        None
    }
}

/// `None` for what is no number, and for what is too large for one that counts.
fn exact(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_plain| Decimal::from_scientific(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_form_that_python_writes() {
        let mut reader = Reader::new("10\x0010.0\0\x002147483647\x00-1\0 7\0", 178);
        let read: Vec<_> = (0..6).map(|_| reader.int()).collect();
        assert_eq!(read, [Some(10), Some(10), None, None, Some(-1), Some(7)]);
        assert_eq!(reader.int(), None, "beyond the end is unset");

        let mut reader =
            Reader::new("300.0\x005e-05\x001.7976931348623157e+308\0Infinite\0Infinity\0", 178);
        let read: Vec<_> = (0..5).map(|_| reader.double()).collect();
        let endless = Some(f64::INFINITY);
        assert_eq!(read, [Some(300.0), Some(0.000_05), None, endless, endless]);

        let mut reader = Reader::new("10.0\x001e+16\x005e-05\x001.7976931348623157E308\0", 178);
        let read: Vec<_> = (0..4).map(|_| reader.decimal()).collect();
        let plain = |text: &str| Some(text.to_owned());
        assert_eq!(read, [plain("10"), plain("10000000000000000"), plain("0.00005"), None]);
        assert_eq!(reader.bad(), None);
    }

    #[test]
    fn what_is_no_number_is_remembered_and_reading_goes_on() {
        for (field, double) in [("abc", true), ("nan", true), ("1.5", false), ("9999999999", false)]
        {
            let body = format!("{field}\0SPY\0");
            let mut reader = Reader::new(&body, 178);
            if double {
                assert_eq!(reader.double(), None);
            } else {
                assert_eq!(reader.int(), None);
            }
            assert_eq!(reader.bad(), Some(field));
            assert_eq!(reader.text().as_deref(), Some("SPY"));
        }
        let mut long = Reader::new("2000000\0", 178);
        assert!(long.list(Reader::text).is_empty());
        assert!(long.bad().is_some());
    }

    #[test]
    fn flags_and_options_are_read() {
        let mut reader = Reader::new("1\x000\0\0True\0a=1;b=;c\0", 178);
        let flags: Vec<_> = (0..4).map(|_| reader.flag()).collect();
        assert_eq!(flags, [Some(true), None, None, Some(true)]);
        let options = reader.options();
        assert_eq!(options.get("a").map(String::as_str), Some("1"));
        assert_eq!(options.get("b").map(String::as_str), Some(""));
        assert_eq!(options.len(), 2);
    }
}
