//! The way out: what hactl does to the world passes here.
//!
//! - [`disk`] has a function for each system call that changes the local disk. Clippy bans those of the standard library in
//!   all other crates, so there is no way around it.
//! - [`durable`] is made of these: files that are whole or not there, and logs that only grow, all of which survive a crash.
//! - [`trouble`] says what to do when a disk does not take something.
//! - [`point`] names the places before and after an effect, at which a test can kill the process or make the disk fail. The
//!   wrappers around the ports, `hactl_host::with_points` and `hactl_kube::with_points`, pass them as well.

pub mod disk;
pub mod durable;
pub mod point;
pub mod trouble;
