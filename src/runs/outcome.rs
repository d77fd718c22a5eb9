//! How a run ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The four ends of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The work is done and recorded.
    Done,
    /// It was understood, and a rule or the state of things forbids it. Nothing was traded.
    Refused,
    /// It can never work: malformed.
    Rejected,
    /// It did not work this time; another delivery continues.
    Failed,
}

impl Status {
    /// As tables, logs and document filters spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

/// How a run ended, for the sender, the record and the person who reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which of the four.
    pub status: Status,
    /// One sentence.
    pub summary: String,
    /// What a person should look at although the run went through: parked orders, kept
    /// strategies, breaks. Empty when all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<String>,
    /// What the intent has to say beyond that.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

impl Outcome {
    /// Done, with a sentence about what.
    pub fn done(summary: impl Into<String>) -> Self {
        Self::new(Status::Done, summary)
    }

    /// Refused, with the reason.
    pub fn refused(summary: impl Into<String>) -> Self {
        Self::new(Status::Refused, summary)
    }

    /// Rejected, with what is malformed.
    pub fn rejected(summary: impl Into<String>) -> Self {
        Self::new(Status::Rejected, summary)
    }

    /// Failed this time, with why.
    pub fn failed(summary: impl Into<String>) -> Self {
        Self::new(Status::Failed, summary)
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// The same with what a person should look at.
    #[must_use]
    pub fn with_attention(mut self, attention: Vec<String>) -> Self {
        self.attention = attention;
        self
    }

    fn new(status: Status, summary: impl Into<String>) -> Self {
        Self { status, summary: summary.into(), attention: Vec::new(), details: Value::Null }
    }
}
