//! What is made here, judged by others: OpenSSL, ssh-keygen and rustls' verifier.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "OpenSSL has a clock, files and a process")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod foreign;
mod imports;
mod issuers;
mod laws;
mod openssl;
mod rotation;
mod ssh;
mod support;
