//! (portfolio)
