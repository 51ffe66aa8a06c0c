//! What the sandbox shows of its cluster to people and scripts.

use std::collections::BTreeMap;

use hactl_kube::Object;
use serde::Serialize;

use crate::cluster::scene::ClusterScene;
use crate::cluster::{controllers, reading};

/// The cluster. Holds what clusters hold: Secrets in plain text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// What it is known by: the uid of its namespace `kube-system`.
    pub uid: String,
    /// The server's version.
    pub version: String,
    /// Its objects, as `Kind/namespace/name`; what controllers make, as pods, is not among them.
    pub objects: BTreeMap<String, ObjectView>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectView {
    /// The managers that own fields of it; none for what every cluster has.
    pub managers: Vec<String>,
    /// Whether it is ready; absent where there is nothing to wait for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// The object, as the server shows it.
    pub object: Object,
}

impl ClusterView {
    pub(crate) fn of(scene: &ClusterScene<'_>) -> Self {
        let identity = reading::identity(scene);
        let objects = scene.cluster.objects.iter().map(|(key, stored)| {
            let managers = stored.owners().map(|owner| owner.manager.to_owned());
            let view = ObjectView {
                managers: managers.collect(),
                ready: controllers::status(scene, stored).and_then(|status| status.ready),
                object: reading::shown(scene, stored, stored.api_version()),
            };
            (key.address(), view)
        });
        Self { uid: identity.uid, version: identity.version, objects: objects.collect() }
    }
}
