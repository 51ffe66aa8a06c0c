//! The files of a stack, through the crate's public face.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests damage files in ways that the crate never would")]

mod damage;
mod golden;
mod golden_journal;
mod golden_plan;
mod journal;
mod lock;
mod messages;
mod samples;
mod saved_plan;
mod schema;
mod state_file;
