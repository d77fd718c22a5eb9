//! Where documents live.

use std::fmt;

/// The longest id of a collection or document, in bytes (Firestore allows 1,500).
const SEGMENT_MAX: usize = 256;

/// A path that no store could hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a {kind} path: {problem}")]
pub struct InvalidPath {
    kind: &'static str,
    path: String,
    problem: &'static str,
}

/// The path of a document: an even number of segments, such as `runs/allocation-2026-03-09`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocPath(String);

/// The path of a collection: an odd number of segments, such as `positions/paper/holdings`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionPath(String);

impl DocPath {
    /// Checks the segments; they come from ids that were checked before, so an error is a bug or
    /// a hand-made path.
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidPath> {
        let path = path.into();
        check("document", &path, 0)?;
        Ok(Self(path))
    }

    /// The collection in which it lies.
    pub fn collection(&self) -> CollectionPath {
        CollectionPath(self.split().0.to_owned())
    }

    /// The last segment.
    pub fn id(&self) -> &str {
        self.split().1
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }
}

impl CollectionPath {
    /// Checks the segments.
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidPath> {
        let path = path.into();
        check("collection", &path, 1)?;
        Ok(Self(path))
    }

    /// The document `id` in it.
    pub fn doc(&self, id: &str) -> Result<DocPath, InvalidPath> {
        DocPath::new(format!("{}/{id}", self.0))
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CollectionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(kind: &'static str, path: &str, parity: usize) -> Result<(), InvalidPath> {
    let bad = |problem| Err(InvalidPath { kind, path: path.to_owned(), problem });
    if path.split('/').count() % 2 != parity {
        return bad("collections and documents alternate");
    }
    for segment in path.split('/') {
        // `.`, `..` and `__x__` are reserved by Firestore.
        let reserved = segment == "." || segment == ".." || segment.starts_with("__");
        if segment.is_empty() || segment.len() > SEGMENT_MAX || reserved {
            return bad("a segment is empty, longer than 256 bytes or reserved");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_path_has_an_even_number_of_segments() {
        let path = DocPath::new("positions/paper/holdings/spy").unwrap();
        assert_eq!(path.id(), "spy");
        assert_eq!(path.collection(), CollectionPath::new("positions/paper/holdings").unwrap());
        assert!(DocPath::new("positions/paper/holdings").is_err());
        assert!(CollectionPath::new("positions/paper").is_err());
        assert!(DocPath::new("runs/").is_err());
        assert!(DocPath::new("runs/..").is_err());
        assert!(DocPath::new("runs/__x__").is_err());
    }
}
