//! Each case's own sandbox.

use std::sync::Arc;

use hactl_core::cluster::ClusterConnection;
use hactl_kube::Object;
use hactl_sim::Sandbox;
use serde_json::Value;

use crate::cluster::world::{ClusterWorld, Hands};

/// A world with a sandbox of its own.
pub(crate) fn world(id: &str, index: u16) -> ClusterWorld {
    let sandbox = Sandbox::in_memory(u64::from(index));
    ClusterWorld::new(id, Arc::new(sandbox.clone()), ClusterConnection::default(), Box::new(sandbox))
}

impl Hands for Sandbox {
    fn patch(&self, object: &Object, patch: &Value, manager: &str) {
        let address = match object.namespace() {
            Some(namespace) => format!("{}/{namespace}/{}", object.kind(), object.name()),
            None => format!("{}/{}", object.kind(), object.name()),
        };
        self.patch_object(&address, patch, manager).unwrap();
    }
}
