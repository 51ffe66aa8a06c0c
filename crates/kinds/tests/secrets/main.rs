//! Secrets of a config: what they are lowered to, how they are read, and what is said about those that are wrong.
#![expect(clippy::disallowed_methods, reason = "tests make and damage files as they like")]

#[cfg(test)]
mod lowering;
#[cfg(test)]
mod reading;
