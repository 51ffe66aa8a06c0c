//! The sandbox held to the contract of `hactl-host`, and to its own.
#![expect(clippy::disallowed_methods, reason = "tests change files, and reach hosts, as they like")]

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod common;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod persistence;
