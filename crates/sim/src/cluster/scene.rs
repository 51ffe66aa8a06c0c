//! What a request to the API server sees when it is decided.

use hactl_core::cluster::CLUSTER;
use hactl_kube::{ClusterError, Object, ServedKind};
use serde_json::Value;

use crate::cluster::{Cluster, ClusterChange, Key, types};
use crate::faults::{self, InjectedFault};

/// The world of one request. Deciding is pure: it answers with the changes to be made.
#[derive(Debug)]
pub(crate) struct ClusterScene<'a> {
    pub(crate) seed: u64,
    pub(crate) cluster: &'a Cluster,
    /// The names of the fleet's hosts.
    pub(crate) hosts: Vec<&'a str>,
    /// All faults of the fleet.
    pub(crate) faults: &'a [InjectedFault],
}

/// What a request answers, and the changes that make it true: all of them or none.
pub(crate) type Decision<T = ()> = Result<(T, Vec<ClusterChange>), ClusterError>;

/// Something that a controller makes of an object and that a fault keeps from being ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unready {
    /// How many looks it stays so; as long as the fault where none is given.
    pub(crate) looks: Option<u32>,
}

impl ClusterScene<'_> {
    /// Refuses a type that the server does not serve.
    pub(crate) fn expect_served(&self, kind: &ServedKind) -> Result<(), ClusterError> {
        if self.is_served(kind) {
            return Ok(());
        }
        Err(ClusterError::Missing { message: "the server could not find the requested resource".to_owned() })
    }

    /// Whether a fault keeps this object from being ready.
    pub(crate) fn unready(&self, key: &Key) -> Option<Unready> {
        if self.faults.is_empty() {
            return None;
        }
        faults::unready(self.faults, CLUSTER, &key.address()).map(|looks| Unready { looks })
    }

    fn is_served(&self, kind: &ServedKind) -> bool {
        if types::is_built_in(&kind.group, &kind.kind) {
            return types::is_served(kind);
        }
        let key = Key::new("apiextensions.k8s.io", "CustomResourceDefinition", "", &types::resource_of(kind));
        self.cluster.objects.get(&key).is_some_and(|definition| types::defined_by(definition).contains(kind))
    }
}

/// The refusal of an object that is not there.
pub(crate) fn not_found(kind: &ServedKind, name: &str) -> ClusterError {
    ClusterError::Missing { message: format!("{} {name:?} not found", types::resource_of(kind)) }
}

/// A number in an object.
pub(crate) fn number(object: &Object, path: &[&str]) -> Option<u64> {
    object.at(path).and_then(Value::as_u64)
}
