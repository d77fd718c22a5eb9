//! Documents: a few verbs over named JSON objects, the same in every store.
//!
//! A store knows nothing of orders. Its promise to those who do: when a write returns, it is
//! durable; of two writers that create one document, or update one version, exactly one wins.

mod matching;
mod path;
mod query;
mod sqlite;
mod url;

use std::fmt;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use path::{CollectionPath, DocPath, InvalidPath};
pub use query::{Condition, Filter, Order, Query};
pub use sqlite::SqliteStore;
pub use url::{StoreUrlError, open_store};

/// The most documents one [`Store::list`] returns, whatever was asked for: a page that a small
/// instance can hold many times over.
pub const LIST_MAX: usize = 1_000;

/// The largest document, in bytes of JSON. Firestore's limit is 1 MiB less overhead
/// (<https://firebase.google.com/docs/firestore/quotas>); the margin pays for its own encoding.
pub const DOCUMENT_MAX: usize = 900 * 1024;

/// Marks one state of one document; changes with every write to it. Opaque: only equality and
/// handing it back mean anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// For implementations of [`Store`].
    pub fn new(mark: impl Into<String>) -> Self {
        Self(mark.into())
    }

    /// For implementations of [`Store`].
    pub fn mark(&self) -> &str {
        &self.0
    }
}

/// A document as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Where it lives.
    pub path: DocPath,
    /// Which state of it this is.
    pub version: Version,
    /// A JSON object.
    pub body: Value,
}

impl Document {
    /// Reads the body as `T`. A record that no longer reads is an error with its path in it.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        T::deserialize(&self.body)
            .map_err(|source| StoreError::Unreadable { path: self.path.clone(), source })
    }
}

/// Why a store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `create` found a document there. Nothing was written.
    #[error("document {0} exists already")]
    Exists(DocPath),
    /// `update` or `delete` found another version, or nothing. Nothing was written.
    #[error("document {0} was changed by another writer")]
    Conflict(DocPath),
    /// The document is larger than [`DOCUMENT_MAX`] or not a JSON object. Nothing was written.
    #[error("document {path} can't be stored: {problem}")]
    Unstorable {
        /// Which.
        path: DocPath,
        /// Why.
        problem: String,
    },
    /// An id that can't be part of a path.
    #[error("there is no such place in the store")]
    Path(#[from] InvalidPath),
    /// What is stored does not read as what it should be.
    #[error("document {path} does not read as expected")]
    Unreadable {
        /// Which.
        path: DocPath,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
    /// The store itself failed. A write may or may not have happened: read before deciding.
    #[error("the store failed to {action}")]
    Unavailable {
        /// What was being done, with the path.
        action: String,
        /// What the backend said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same message, delivered again, could do better.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::Unavailable { .. } => true,
            Self::Exists(_) | Self::Unstorable { .. } | Self::Path(_) | Self::Unreadable { .. } => {
                false
            }
        }
    }
}

/// Named JSON documents. Paths alternate collection and document: `runs/{key}`,
/// `positions/{mode}/holdings/{strategy}`.
///
/// Dropping a returned future does not undo the write it stands for.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// The document, or `None` if there is none.
    async fn get(&self, path: &DocPath) -> Result<Option<Document>, StoreError>;

    /// Writes a document that must not exist yet; durable on return. Fails with
    /// [`StoreError::Exists`] if it does.
    async fn create(&self, path: &DocPath, body: &Value) -> Result<Version, StoreError>;

    /// Replaces a document that must still be at `version`; durable on return. Fails with
    /// [`StoreError::Conflict`] if it is at another, or gone.
    async fn update(
        &self,
        path: &DocPath,
        version: &Version,
        body: &Value,
    ) -> Result<Version, StoreError>;

    /// Deletes a document that must still be at `version`; durable on return. Fails with
    /// [`StoreError::Conflict`] if it is at another, or gone.
    async fn delete(&self, path: &DocPath, version: &Version) -> Result<(), StoreError>;

    /// Documents directly in one collection that meet all conditions, by id (ascending unless
    /// asked otherwise), at most [`LIST_MAX`].
    async fn list(&self, query: &Query) -> Result<Vec<Document>, StoreError>;
}
