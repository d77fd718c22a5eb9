//! Bytes of a client of the simulated gateway: the hello, then frames of either generation.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rungate::sim::fuzzing::Fed;

thread_local! {
    static FED: RefCell<Fed> = RefCell::default();
}

fuzz_target!(|bytes: &[u8]| FED.with_borrow_mut(|fed| fed.connection(bytes)));
