//! Unknown, empty and non-empty are three different answers.

use super::GatewayError;

/// What a query of the broker's state gave. An empty list that was confirmed by its end marker
/// is knowledge; a query that failed or was cut short is not an empty list.
#[derive(Debug)]
pub enum Answer<T> {
    /// The query did not complete: nothing follows from it.
    Unknown(GatewayError),
    /// It completed, and there is nothing.
    Empty,
    /// It completed, and this is all there is: at least one row.
    Rows(Vec<T>),
}

impl<T> Answer<T> {
    /// From the rows of a query that ran to its end marker.
    pub fn complete(rows: Vec<T>) -> Self {
        if rows.is_empty() { Self::Empty } else { Self::Rows(rows) }
    }

    /// The rows if the query completed (none is a list too), else why it did not.
    pub fn known(self) -> Result<Vec<T>, GatewayError> {
        match self {
            Self::Unknown(error) => Err(error),
            Self::Empty => Ok(Vec::new()),
            Self::Rows(rows) => Ok(rows),
        }
    }
}
