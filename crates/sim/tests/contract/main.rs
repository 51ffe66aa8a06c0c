//! The contract of the ports [`hactl_host::Host`] and [`hactl_kube::Cluster`], as cases that every implementation passes:
//! the sandbox always, and real hosts where a lab is up (`scripts/lab up && eval "$(scripts/lab env)"`). A case that passes
//! on one of them only has found a bug in the other. Podman's Docker-compatible API is held to the same; where it differs,
//! [`podman`] says so. API servers are in [`cluster`].
//!
//! Tests are named `WORLD::TOPIC::CASE`, so that `cargo test -p hactl-sim --test contract lab::files` runs one topic on
//! real hosts.
#![expect(clippy::disallowed_methods, reason = "tests change files, and reach hosts, as they like")]

#[cfg(test)]
mod cluster;
#[cfg(test)]
mod config;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod files;
#[cfg(test)]
mod health;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod images;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod podman;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod starting;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod survey;
#[cfg(test)]
mod world;

fn main() {
    suite::run();
}
