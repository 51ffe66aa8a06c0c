//! What must hold whatever goes wrong: faults, crashes, interrupts, races and bad input.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests make and damage files as they like")]

mod crash;
mod encryption;
mod files;
mod fleet;
mod git;
mod laws;
mod log;
#[cfg(debug_assertions)]
mod points;
mod process;
mod races;
mod scan;
mod signals;
mod soak;
