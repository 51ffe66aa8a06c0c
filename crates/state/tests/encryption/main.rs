//! Encryption of state, through the crate's public face and beside the tools that users have: age and ssh-keygen.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests make and damage files in ways that the crate never would")]

mod create;
mod identities;
mod interop;
mod recipients;
mod reencrypt;
mod relabel;
mod support;
mod vault;
