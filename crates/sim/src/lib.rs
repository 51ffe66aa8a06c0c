//! The sandbox: a simulated fleet of hosts with Docker Engine and a Kubernetes cluster, with faults and drift.
//!
//! It implements the ports of `hactl-host` and `hactl-kube` in memory and keeps the fleet under a directory, so that everything hactl
//! does with real hosts can be tried, tested and interrupted without any. It behaves as Docker Engine 24, a Linux
//! file system and a Kubernetes 1.31 API server do; where it chooses, the function that chooses says so. It has no clock and no randomness: what
//! happens depends on the seed and the order of calls alone.
//!
//! An operation is a pure decision over one machine (`scene`) or over the cluster (`cluster`), which answers with changes; changes are data
//! (`mutation`), logged first and then applied, so that a replay of the log is the same code as the live run.

mod blocks;
mod cluster;
mod containers;
mod drift;
mod engine;
mod error;
mod faults;
mod files;
mod fleet;
mod host;
mod inventory;
mod lifecycle;
mod machine;
mod mutation;
mod probe;
mod sandbox;
mod scene;
mod storage;
mod view;
mod world;

pub use cluster::{ClusterView, ObjectView};
pub use error::SandboxError;
pub use faults::{Fault, InjectedFault, Moment, Operation, UnknownOperation};
pub use sandbox::Sandbox;
pub use view::{FileView, FleetView, HostView};
