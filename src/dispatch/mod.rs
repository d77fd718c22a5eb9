//! (dispatch)
