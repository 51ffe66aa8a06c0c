//! States in git, with a real git in directories of their own.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests write files that are no states")]

mod committing;
mod history;
mod hooks;
mod places;
mod refusing;
mod remotes;
mod world;
