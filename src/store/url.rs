//! Which store a setting names.

use std::path::Path;
use std::sync::Arc;

use super::{SqliteStore, Store, StoreError};

/// A store URL that names no store, or one that does not open.
#[derive(Debug, thiserror::Error)]
pub enum StoreUrlError {
    /// No scheme that we know.
    #[error("{0:?} names no store; supported are sqlite:PATH and sqlite::memory:")]
    Unsupported(String),
    /// `sqlite:` without a path.
    #[error("{0:?} names no file; write sqlite:PATH, such as sqlite:data/rungate.db")]
    NoPath(String),
    /// `sqlite://…`, in which the first part of the path would be a host.
    #[error("{0:?} has slashes behind the scheme; write sqlite:PATH or sqlite:/ABSOLUTE/PATH")]
    Slashes(String),
    /// The store is named, but it does not open.
    #[error("the store {url:?} does not open")]
    Open {
        /// As given.
        url: String,
        /// What the store said.
        #[source]
        source: StoreError,
    },
}

/// Opens the store that `url` names: `sqlite:PATH` or `sqlite::memory:`. Blocks like
/// [`SqliteStore::open`].
pub fn open_store(url: &str) -> Result<Arc<dyn Store>, StoreUrlError> {
    let Some(place) = url.strip_prefix("sqlite:") else {
        return Err(StoreUrlError::Unsupported(url.to_owned()));
    };
    let opened = match place {
        "" => return Err(StoreUrlError::NoPath(url.to_owned())),
        ":memory:" => SqliteStore::in_memory(),
        path if path.starts_with("//") => return Err(StoreUrlError::Slashes(url.to_owned())),
        path => SqliteStore::open(Path::new(path)),
    };
    let store = opened.map_err(|source| StoreUrlError::Open { url: url.to_owned(), source })?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_no_store_is_told_what_would() {
        let say = |url: &str| open_store(url).unwrap_err().to_string();
        assert!(say("firestore:project").contains("sqlite:PATH"), "{}", say("firestore:project"));
        assert!(say("rungate.db").contains("sqlite:PATH"));
        assert!(say("sqlite:").contains("names no file"));
        assert!(say("sqlite://data/rungate.db").contains("sqlite:/ABSOLUTE/PATH"));
    }

    #[test]
    fn a_folder_is_not_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_store(&format!("sqlite:{}", folder.path().display())).unwrap_err();
        assert!(matches!(error, StoreUrlError::Open { .. }), "{error}");
    }
}
