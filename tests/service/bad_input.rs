//! (bad_input)
