//! Git: where states are versioned, and through whose remotes a team takes turns.

#[expect(dead_code, reason = "what uses it follows")]
mod command;

pub use command::GitError;
