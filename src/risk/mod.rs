//! (risk)
