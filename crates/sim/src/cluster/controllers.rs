//! What controllers make of objects: status, at once. A fault can keep an object from becoming ready.
//!
//! Custom resources have controllers that the sandbox does not know: each gets the conditions `Ready` and `Available`.

use hactl_kube::Object;
use serde_json::{Value, json};

use crate::cluster::pods::{self, wanted};
use crate::cluster::scene::{ClusterScene, Unready, number};
use crate::cluster::{Key, TIME, types};

/// The status of an object as its controller writes it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Status {
    pub(crate) value: Value,
    /// Whether it is ready; none where there is nothing to wait for.
    pub(crate) ready: Option<bool>,
    pub(crate) unready: Option<Unready>,
}

/// What a controller says of an object; none for types that have no status of interest.
pub(crate) fn status(scene: &ClusterScene<'_>, object: &Object) -> Option<Status> {
    let key = Key::of(object);
    let custom = !types::is_built_in(&key.group, &key.kind);
    let waits = custom
        || matches!(
            key.kind.as_str(),
            "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "Job" | "Pod" | "PersistentVolumeClaim"
        );
    let unready = if waits { scene.unready(&key) } else { None };
    let ready = unready.is_none();
    let value = match key.kind.as_str() {
        _ if custom => json!({
            "observedGeneration": number(object, &["metadata", "generation"]),
            "conditions": [condition("Ready", ready), condition("Available", ready)],
        }),
        "Deployment" => deployment(scene, object, ready),
        "DaemonSet" => daemon_set(scene, object, ready),
        "StatefulSet" | "ReplicaSet" => replicated(scene, object, ready),
        "Job" => job(scene, object, ready),
        "Pod" => {
            let spec = object.at(&["spec"]).unwrap_or(&Value::Null);
            let full_name = format!("{}_{}({})", object.name(), key.namespace, object.uid());
            pods::status(spec, false, !ready, &full_name)
        }
        "Namespace" => json!({"phase": if object.is_being_deleted() { "Terminating" } else { "Active" }}),
        "PersistentVolumeClaim" => json!({"phase": if ready { "Bound" } else { "Pending" }}),
        "CustomResourceDefinition" => json!({
            "acceptedNames": object.at(&["spec", "names"]),
            "conditions": [condition("NamesAccepted", true), condition("Established", true)],
        }),
        "APIService" => json!({"conditions": [condition("Available", true)]}),
        "Ingress" | "Service" => json!({"loadBalancer": {}}),
        _ => return None,
    };
    let says_ready = waits || matches!(key.kind.as_str(), "CustomResourceDefinition" | "APIService");
    Some(Status { value, ready: says_ready.then_some(ready), unready })
}

/// Whether a controller writes to an object after it was stored. What has an empty status from the start is not written to.
pub(crate) fn follow(scene: &ClusterScene<'_>, object: &Object) -> bool {
    !matches!(object.kind(), "Ingress" | "Service") && status(scene, object).is_some()
}

fn deployment(scene: &ClusterScene<'_>, object: &Object, ready: bool) -> Value {
    let wanted = wanted(scene, object);
    let available = if ready { wanted } else { 0 };
    let progressing = json!({"type": "Progressing", "status": "True", "lastTransitionTime": TIME, "lastUpdateTime": TIME,
        "reason": if ready { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" },
        "message": format!("ReplicaSet {:?} {}", pods::replica_set_of(scene, object).name(),
            if ready { "has successfully progressed." } else { "is progressing." })});
    let mut status = json!({
        "observedGeneration": number(object, &["metadata", "generation"]),
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": available,
        "availableReplicas": available,
        "conditions": [condition("Available", ready), progressing],
    });
    if !ready {
        status["unavailableReplicas"] = json!(wanted);
    }
    status
}

fn daemon_set(scene: &ClusterScene<'_>, object: &Object, ready: bool) -> Value {
    let wanted = wanted(scene, object);
    let available = if ready { wanted } else { 0 };
    json!({
        "observedGeneration": number(object, &["metadata", "generation"]),
        "desiredNumberScheduled": wanted,
        "currentNumberScheduled": wanted,
        "updatedNumberScheduled": wanted,
        "numberReady": available,
        "numberAvailable": available,
        "numberUnavailable": wanted - available,
        "numberMisscheduled": 0,
    })
}

fn replicated(scene: &ClusterScene<'_>, object: &Object, ready: bool) -> Value {
    let wanted = wanted(scene, object);
    let available = if ready { wanted } else { 0 };
    json!({
        "observedGeneration": number(object, &["metadata", "generation"]),
        "replicas": wanted,
        "currentReplicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": available,
        "availableReplicas": available,
        "currentRevision": format!("{}-1", object.name()),
        "updateRevision": format!("{}-1", object.name()),
    })
}

fn job(scene: &ClusterScene<'_>, object: &Object, ready: bool) -> Value {
    let wanted = wanted(scene, object);
    if ready {
        return json!({
            "succeeded": wanted,
            "ready": 0,
            "startTime": TIME,
            "completionTime": TIME,
            "conditions": [condition("SuccessCriteriaMet", true), condition("Complete", true)],
        });
    }
    json!({"active": wanted, "ready": 0, "failed": 1, "startTime": TIME})
}

fn condition(kind: &str, holds: bool) -> Value {
    let (status, reason) = match (kind, holds) {
        ("Available", true) => ("True", "MinimumReplicasAvailable"),
        ("Available", false) => ("False", "MinimumReplicasUnavailable"),
        (_, true) => ("True", "Accepted"),
        (_, false) => ("False", "Failing"),
    };
    json!({"type": kind, "status": status, "reason": reason, "lastTransitionTime": TIME})
}
