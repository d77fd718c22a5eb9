//! (push)
