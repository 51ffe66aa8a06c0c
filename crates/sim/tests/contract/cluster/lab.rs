//! The API server of the lab, and kubectl.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use hactl_core::cluster::ClusterConnection;
use hactl_kube::{Clusters, KubeClusters, Object};
use serde_json::Value;

use crate::cluster::world::{ClusterWorld, Hands};

/// A real API server, and its administrator.
#[derive(Clone)]
pub(crate) struct Lab {
    clusters: Arc<dyn Clusters>,
    kubeconfig: String,
}

impl Lab {
    /// The API server that `scripts/lab env` names; none where `HACTL_LAB_KUBECONFIG` is not set.
    pub(crate) fn from_environment() -> Option<Self> {
        let kubeconfig = std::env::var("HACTL_LAB_KUBECONFIG").ok()?;
        let no_tunnel = Arc::new(|_, _, _| panic!("the API server is reached without a tunnel"));
        Some(Self { clusters: Arc::new(KubeClusters::new(PathBuf::from("/"), no_tunnel)), kubeconfig })
    }

    pub(crate) fn world(&self, id: &str) -> ClusterWorld {
        let connection = ClusterConnection { kubeconfig: Some(self.kubeconfig.clone()), context: None, via: None };
        ClusterWorld::new(id, self.clusters.clone(), connection, Box::new(self.clone()))
    }
}

impl Hands for Lab {
    fn patch(&self, object: &Object, patch: &Value, manager: &str) {
        let output = Command::new("kubectl")
            .args(["--kubeconfig", &self.kubeconfig, "--namespace", object.namespace().unwrap_or_default()])
            .args(["patch", object.kind(), object.name(), "--field-manager", manager, "--patch", &patch.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{patch}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
