//! Names of things. Each is a type of its own, so that one can't stand in for another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest strategy id, in bytes. It becomes part of document paths and reports.
const STRATEGY_ID_MAX: usize = 64;

/// The longest run key, in bytes. Firestore allows 1,500 for a document id; a key that a person
/// has to read and type should be far shorter.
const RUN_KEY_MAX: usize = 200;

/// A name that breaks the rules for its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {text:?} {problem}")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    problem: &'static str,
}

/// An IB account number such as `DU1234567`. Shows only its first two letters and its last two
/// digits in logs and errors; the whole number leaves through [`Account::expose`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Account(String);

impl Account {
    /// Takes the number as IB writes it.
    pub fn new(number: impl Into<String>) -> Self {
        Self(number.into())
    }

    /// The whole number: for the wire and the records, never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether IB names it as a paper account: `DU…` (individual) or `DF…` (advisor).
    pub fn is_paper(&self) -> bool {
        self.0.starts_with("DU") || self.0.starts_with("DF")
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars: Vec<char> = self.0.chars().collect();
        // Shorter than an account number: showing four characters would show nearly all.
        if chars.len() < 7 {
            return f.write_str("…");
        }
        let head: String = chars.iter().take(2).collect();
        let tail: String = chars.iter().skip(chars.len() - 2).collect();
        write!(f, "{head}…{tail}")
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// IB's number for one contract [IB conId].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContractId(pub i32);

/// The API order id: unique per client id, compared by the gateway [IB orderId].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub i32);

/// IB's own number for an order, unique across clients [IB permId]. An alias that we learn late
/// and that can change: never a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermId(pub i64);

macro_rules! display_number {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}
display_number!(ContractId, OrderId, PermId);

macro_rules! display_text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}
display_text!(OrderRef, ExecutionId, StrategyId, RunKey);

/// IB's name for one execution. A correction keeps all but the part after the last dot
/// (`….01` becomes `….02`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(String);

impl ExecutionId {
    /// Takes the id as IB writes it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}

/// Who wants to hold something: lower-case letters, digits, `-` and `_`, at most 64.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StrategyId(String);

impl StrategyId {
    /// Checks the name: it becomes a part of document paths.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        check("strategy id", text, STRATEGY_ID_MAX, legal, "must be 1 to 64 of a-z, 0-9, - and _")
            .map(Self)
    }
}

/// What makes two deliveries the same work. A document id: no `/`, no white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunKey(String);

impl RunKey {
    /// Checks the key: 1 to 200 visible ASCII characters without `/`, not starting with a dot.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        const RULE: &str =
            "must be 1 to 200 visible ASCII characters without '/', not starting with '.' or '__'";
        let text = text.into();
        if text.starts_with('.') || text.starts_with("__") {
            return Err(InvalidName { what: "run key", text, problem: RULE });
        }
        check("run key", text, RUN_KEY_MAX, |c| c.is_ascii_graphic() && c != '/', RULE).map(Self)
    }
}

/// Our name for one line of one run, for ever; goes to the broker with the order [IB orderRef].
///
/// A pure function of run key and contract, so that a redelivery derives the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderRef(String);

impl OrderRef {
    /// `rg-` + 20 hexadecimal digits of the SHA-256 of run key and contract id. Short ASCII
    /// without separators that other software rewrites, and 80 bits against collision.
    pub fn derive(run: &RunKey, contract: ContractId) -> Self {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{run}\n{contract}"));
        let hex: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("rg-{hex}"))
    }

    /// Takes a reference as found in a record or at the broker; it may be anybody's.
    pub fn from_record(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

fn check(
    what: &'static str,
    text: String,
    max: usize,
    legal: impl Fn(char) -> bool,
    problem: &'static str,
) -> Result<String, InvalidName> {
    if text.is_empty() || text.len() > max || !text.chars().all(legal) {
        return Err(InvalidName { what, text, problem });
    }
    Ok(text)
}

macro_rules! checked_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    )+};
}
checked_text!(StrategyId, RunKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_redacts_itself() {
        let account = Account::new("DU1234567");
        assert_eq!(format!("{account} {account:?}"), "DU…67 DU…67");
        assert_eq!(Account::new("DU12").to_string(), "…");
    }

    #[test]
    fn a_redelivery_derives_the_same_reference() {
        let run = RunKey::new("allocation-2025-11-21").unwrap();
        let first = OrderRef::derive(&run, ContractId(756_733));
        assert_eq!(first, OrderRef::derive(&run, ContractId(756_733)));
        assert_eq!(first.as_str().len(), 23);
        assert_ne!(first, OrderRef::derive(&run, ContractId(265_598)));
    }

    #[test]
    fn a_run_key_is_a_document_id() {
        assert!(RunKey::new("a/b").is_err());
        assert!(RunKey::new("").is_err());
        assert!(RunKey::new("..").is_err());
        assert!(RunKey::new("é").is_err());
        assert!(RunKey::new("allocation.2026-03-09T14:30:00Z").is_ok());
    }
}
