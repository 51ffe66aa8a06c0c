//! The Kubernetes cluster of a stack and how to reach its API server.

use serde::{Deserialize, Serialize};

use crate::node::Connection;

/// The name of the cluster where nodes have theirs: as the place of objects, and in messages. No node can have it.
pub const CLUSTER: &str = "kubernetes";

/// How to reach an API server. State keeps it, so that what is on the cluster can still be removed when the config no
/// longer names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterConnection {
    /// The kubeconfig file, as it is written: a relative path starts in the config's directory, `~` is the user's home.
    /// Where absent, as `kubectl` does: `KUBECONFIG`, `~/.kube/config`, or the service account of the pod this runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// The context in it; its current one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The node through whose connection the server is reached; directly where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// A node through which an API server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Via {
    /// The node's name.
    pub node: String,
    /// How it is reached itself.
    pub connection: Connection,
}
