//! Where the things that a plan is about are, in words.

use std::iter::Sum;

use hactl_core::Address;
use hactl_core::cluster::CLUSTER;

/// The hosts, the cluster, or both. What is on neither does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Places {
    hosts: bool,
    cluster: bool,
}

impl Places {
    /// Where a resource is, by the place that a change names.
    pub(super) fn of_node(node: Option<&str>) -> Self {
        Self { hosts: node.is_some_and(|node| node != CLUSTER), cluster: node == Some(CLUSTER) }
    }

    /// Where a resource is that lives somewhere, by what it is.
    pub(super) fn of_address(address: &Address) -> Self {
        let cluster = hactl_kinds::is_on_cluster(address);
        Self { hosts: !cluster, cluster }
    }

    /// Whether the cluster is among them.
    pub(super) fn has_cluster(self) -> bool {
        self.cluster
    }

    /// Whether nothing is on a host, and nothing on the cluster.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// As in `on the hosts`.
    pub(super) fn the(self) -> &'static str {
        match (self.cluster, self.hosts) {
            (false, _) => "the hosts",
            (true, false) => "the cluster",
            (true, true) => "the hosts and the cluster",
        }
    }

    /// As in `to them`.
    pub(super) fn them(self) -> &'static str {
        if self.is_one() { "it" } else { "them" }
    }

    /// As in `The hosts match`.
    pub(super) fn that_match(self) -> &'static str {
        match (self.cluster, self.hosts) {
            (false, _) => "The hosts match",
            (true, false) => "The cluster matches",
            (true, true) => "The hosts and the cluster match",
        }
    }

    fn is_one(self) -> bool {
        self.cluster && !self.hosts
    }
}

/// As in `on the host`, of one resource.
pub(super) fn the_place(node: Option<&str>) -> &'static str {
    if node == Some(CLUSTER) { "the cluster" } else { "the host" }
}

impl Sum for Places {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self { hosts: a.hosts || b.hosts, cluster: a.cluster || b.cluster })
    }
}
