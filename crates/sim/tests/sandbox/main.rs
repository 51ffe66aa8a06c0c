//! The sandbox held to the contract of `hactl-host`, and to its own.

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
