//! (orders)
