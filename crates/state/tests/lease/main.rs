//! The lease on a ref of a remote: clones of one bare repository.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests change files and repositories as users do")]

mod clones;
mod holding;
mod losing;
mod messages;
mod taking;
