//! The binary against real hosts: real sshd, real Docker Engine, and a real Kubernetes cluster. Needs the lab:
//!
//! ```sh
//! scripts/lab kubernetes && eval "$(scripts/lab env)" && cargo test -p hactl --test live
//! ```
//!
//! Each fault is a test: the message says what, where, why and what next, the fault is mended, the next apply
//! converges, and after destroy the hosts are file by file as they were before.
#![expect(clippy::disallowed_methods, reason = "tests make and damage files as they like")]

#[cfg(test)]
mod client;
#[cfg(test)]
mod connect;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod files;
#[cfg(test)]
mod host;
#[cfg(test)]
mod images;
#[cfg(test)]
mod kubernetes;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod users;
#[cfg(test)]
mod witness;

fn main() {
    suite::run();
}
