//! (books)
