//! What to list.

use serde_json::Value;

use super::CollectionPath;

/// A list of one collection's documents.
#[derive(Clone, Debug)]
pub struct Query {
    /// Where to look; documents further down are not included.
    pub collection: CollectionPath,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// By document id.
    pub order: Order,
    /// Only documents behind this id, in the direction of `order`: for paging.
    pub after: Option<String>,
    /// At most so many, and never more than [`super::LIST_MAX`].
    pub limit: usize,
}

impl Query {
    /// Everything in `collection`, by id, up to the limit of one page.
    pub fn all(collection: CollectionPath) -> Self {
        Self {
            collection,
            filters: Vec::new(),
            order: Order::Ascending,
            after: None,
            limit: super::LIST_MAX,
        }
    }

    /// Keeps only documents whose top-level field `field` equals `value`.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.filters
            .push(Filter { field: field.to_owned(), condition: Condition::Equals(value.into()) });
        self
    }

    /// The last ids first, at most `limit`.
    pub fn newest(mut self, limit: usize) -> Self {
        self.order = Order::Descending;
        self.limit = limit;
        self
    }
}

/// A condition on one top-level field.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Its name.
    pub field: String,
    /// What must hold. An absent field meets no condition.
    pub condition: Condition,
}

/// Text, numbers and booleans; text compares by its bytes.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The same type and value.
    Equals(Value),
    /// The same type and at least as large.
    AtLeast(Value),
    /// The same type and smaller.
    LessThan(Value),
}

/// The direction of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest id first.
    Ascending,
    /// Largest id first.
    Descending,
}
