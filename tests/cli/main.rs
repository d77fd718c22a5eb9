//! The commands, as a person or a script runs them: the real binary, in a folder of its own.

mod config;
mod dev;
mod records;
mod terminal;
