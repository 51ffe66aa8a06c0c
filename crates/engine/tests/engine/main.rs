//! Refresh and apply over targets in memory, which log what they are asked for.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod apply;
mod refresh;
mod world;
