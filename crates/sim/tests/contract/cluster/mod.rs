//! The contract of [`hactl_kube::Cluster`]: the sandbox's API server, and a real one where `HACTL_LAB_KUBECONFIG` names one.
//! Where they differ, [`differences`] says why.

mod applying;
mod deleting;
pub(crate) mod differences;
mod discovery;
mod fixed;
mod forms;
pub(crate) mod lab;
mod listing;
mod lists;
mod owning;
mod refusing;
pub(crate) mod sandbox;
mod sequences;
mod waiting;
mod workloads;
mod world;

use crate::suite::Topics;
use world::ClusterWorld;

/// What every API server promises.
pub(crate) const TOPICS: &Topics<ClusterWorld> = &[
    ("cluster::discovery", discovery::CASES),
    ("cluster::listing", listing::CASES),
    ("cluster::applying", applying::CASES),
    ("cluster::owning", owning::CASES),
    ("cluster::lists", lists::CASES),
    ("cluster::refusing", refusing::CASES),
    ("cluster::fixed", fixed::CASES),
    ("cluster::forms", forms::CASES),
    ("cluster::deleting", deleting::CASES),
    ("cluster::waiting", waiting::CASES),
    ("cluster::workloads", workloads::CASES),
];

/// Where a real server is held against the sandbox.
pub(crate) const ON_REAL_SERVERS: &Topics<ClusterWorld> = &[("cluster::sequences", sequences::CASES)];
