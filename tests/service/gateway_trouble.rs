//! (gateway_trouble)
