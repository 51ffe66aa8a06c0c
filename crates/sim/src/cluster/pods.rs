//! The pods that controllers make for workloads, with their events and logs: worked out from the workload, not stored.

use hactl_core::Digest;
use hactl_kube::Object;
use serde_json::{Map, Value, json};

use crate::cluster::scene::{ClusterScene, number};
use crate::cluster::{Key, TIME, uid};
use crate::machine::derived;

/// The most pods of one workload: a test may ask for more, but nobody looks at them.
const MOST: u64 = 100;

/// The workloads that have pods of their own, with their group.
pub(crate) const WORKLOADS: &[(&str, &str)] =
    &[("apps", "DaemonSet"), ("apps", "Deployment"), ("apps", "ReplicaSet"), ("apps", "StatefulSet"), ("batch", "Job")];

/// The spec of the pods of a workload, or of a pod itself, with its path.
pub(crate) fn template_of(object: &Object) -> Option<(String, &Value)> {
    let path: &[&str] = match object.kind() {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "Job" => &["spec", "template", "spec"],
        _ => return None,
    };
    let missing = &Value::Null;
    Some((path.join("."), object.at(path).unwrap_or(missing)))
}

/// How many pods a workload wants.
pub(crate) fn wanted(scene: &ClusterScene<'_>, workload: &Object) -> u64 {
    match workload.kind() {
        "DaemonSet" => scene.hosts.len().max(1) as u64,
        "Job" => number(workload, &["spec", "completions"]).unwrap_or(1),
        _ => number(workload, &["spec", "replicas"]).unwrap_or(1),
    }
}

/// The ReplicaSet between a Deployment and its pods.
pub(crate) fn replica_set_of(scene: &ClusterScene<'_>, deployment: &Object) -> Object {
    let hash = template_hash(deployment);
    let name = format!("{}-{hash}", deployment.name());
    let wanted = wanted(scene, deployment);
    let mut template = deployment.at(&["spec", "template"]).cloned().unwrap_or_default();
    let labels = with_label(deployment.at(&["spec", "template", "metadata", "labels"]), "pod-template-hash", &hash);
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("labels".to_owned(), labels.clone());
    }
    let ready = if is_unready(scene, deployment) { 0 } else { wanted };
    object(json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata(deployment, &name, deployment, &labels),
        "spec": {"replicas": wanted, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": wanted, "fullyLabeledReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready,
            "observedGeneration": 1},
    }))
}

/// The pods of a workload.
pub(crate) fn pods_of(scene: &ClusterScene<'_>, workload: &Object) -> Vec<Object> {
    let hash = template_hash(workload);
    let template_labels = workload.at(&["spec", "template", "metadata", "labels"]);
    let (labels, owner) = match workload.kind() {
        "Deployment" => {
            (with_label(template_labels, "pod-template-hash", &hash), Some(replica_set_of(scene, workload)))
        }
        "Job" => (with_label(template_labels, "batch.kubernetes.io/job-name", workload.name()), None),
        _ => (with_label(template_labels, "controller-revision-hash", &hash), None),
    };
    let owner = owner.as_ref().unwrap_or(workload);
    let unready = is_unready(scene, workload);
    (0..wanted(scene, workload).min(MOST))
        .map(|index| {
            let name = match workload.kind() {
                "StatefulSet" => format!("{}-{index}", owner.name()),
                _ => format!("{}-{}", owner.name(), suffix(&[workload.uid(), &hash, &index.to_string()])),
            };
            let host = scene.hosts.get(index as usize % scene.hosts.len().max(1)).copied().unwrap_or("node1");
            let mut spec = workload.at(&["spec", "template", "spec"]).cloned().unwrap_or_default();
            if let Some(spec) = spec.as_object_mut() {
                spec.insert("nodeName".to_owned(), json!(host));
            }
            let metadata = metadata(owner, &name, workload, &labels);
            let uid = metadata.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
            let namespace = workload.namespace().unwrap_or_default();
            let status = status(&spec, workload.kind() == "Job", unready, &format!("{name}_{namespace}({uid})"));
            object(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}))
        })
        .collect()
}

/// The status of a pod; `full_name` is how a kubelet names it in messages.
pub(crate) fn status(spec: &Value, ends: bool, unready: bool, full_name: &str) -> Value {
    let containers = spec.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |container: &Value, key: &str| container.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names: Vec<String> = containers.iter().map(|container| text(container, "name")).collect();
    let ready = !unready && !ends;
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| {
            let name = text(container, "name");
            let failed =
                json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": TIME, "finishedAt": TIME}});
            let state = if unready {
                let message = format!("back-off 5m0s restarting failed container={name} pod={full_name}");
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
            } else if ends {
                json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": TIME, "finishedAt": TIME}})
            } else {
                json!({"running": {"startedAt": TIME}})
            };
            json!({
                "name": name,
                "image": text(container, "image"),
                "ready": ready,
                "started": ready,
                "restartCount": if unready { 5 } else { 0 },
                "state": state,
                "lastState": if unready { failed } else { json!({}) },
            })
        })
        .collect();
    let condition = |kind: &str| match ready {
        true => json!({"type": kind, "status": "True", "lastTransitionTime": TIME}),
        false if ends && !unready => {
            json!({"type": kind, "status": "False", "reason": "PodCompleted", "lastTransitionTime": TIME})
        }
        false => json!({"type": kind, "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": TIME,
            "message": format!("containers with unready status: [{}]", names.join(" "))}),
    };
    json!({
        "phase": if ends && !unready { "Succeeded" } else { "Running" },
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": TIME},
            {"type": "Initialized", "status": "True", "lastTransitionTime": TIME},
            condition("ContainersReady"),
            condition("Ready"),
        ],
        "containerStatuses": statuses,
        "startTime": TIME,
    })
}

/// The events of a pod: those of a failing one.
pub(crate) fn events_of(pod: &Object) -> Vec<Object> {
    let statuses = pod.at(&["status", "containerStatuses"]).and_then(Value::as_array);
    let failing = statuses.into_iter().flatten().filter(|status| status["state"].get("waiting").is_some());
    let namespace = pod.namespace().unwrap_or_default();
    failing
        .filter_map(|status| status["name"].as_str())
        .map(|container| {
            let name = format!("{}.{}", pod.name(), &derived(&[pod.uid(), container])[..16]);
            let about = json!({"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": pod.name(),
                "uid": pod.uid(), "fieldPath": format!("spec.containers{{{container}}}")});
            let message = format!(
                "Back-off restarting failed container {container} in pod {}_{namespace}({})",
                pod.name(),
                pod.uid()
            );
            object(json!({
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace, "uid": uid(&["event", &name]),
                    "resourceVersion": pod.resource_version(), "creationTimestamp": TIME},
                "involvedObject": about,
                "type": "Warning",
                "reason": "BackOff",
                "message": message,
                "count": 6,
                "firstTimestamp": TIME,
                "lastTimestamp": TIME,
                "source": {"component": "kubelet", "host": pod.at(&["spec", "nodeName"])},
            }))
        })
        .collect()
}

/// What a container of a pod printed, and whether it has ended before. None where the pod has no such container.
pub(crate) fn log_of(pod: &Object, container: &str) -> Option<(Vec<String>, bool)> {
    let statuses = pod.at(&["status", "containerStatuses"]).and_then(Value::as_array);
    let status = statuses.into_iter().flatten().find(|status| status["name"] == container)?;
    let starting = format!("starting {}", status["image"].as_str().unwrap_or_default());
    let failing = status["state"].get("waiting").is_some();
    let then = if failing { "fatal: exiting with code 1" } else { "ready" };
    Some((vec![starting, then.to_owned()], failing))
}

fn is_unready(scene: &ClusterScene<'_>, workload: &Object) -> bool {
    scene.unready(&Key::of(workload)).is_some()
}

fn metadata(owner: &Object, name: &str, workload: &Object, labels: &Value) -> Map<String, Value> {
    let metadata = json!({
        "name": name,
        "namespace": workload.namespace(),
        "uid": uid(&["made", workload.uid(), name]),
        "resourceVersion": workload.resource_version(),
        "creationTimestamp": TIME,
        "labels": labels,
        "annotations": workload.at(&["spec", "template", "metadata", "annotations"]).cloned().unwrap_or(json!({})),
        "ownerReferences": [{
            "apiVersion": owner.api_version(),
            "kind": owner.kind(),
            "name": owner.name(),
            "uid": owner.uid(),
            "controller": true,
            "blockOwnerDeletion": true,
        }],
    });
    object(metadata).0
}

fn with_label(labels: Option<&Value>, key: &str, value: &str) -> Value {
    let mut labels = labels.and_then(Value::as_object).cloned().unwrap_or_default();
    labels.insert(key.to_owned(), json!(value));
    Value::Object(labels)
}

/// Ten characters that depend on a workload's template alone.
fn template_hash(workload: &Object) -> String {
    let template = workload.at(&["spec", "template"]).map(Value::to_string).unwrap_or_default();
    Digest::sha256(template.as_bytes()).to_string()[..10].to_owned()
}

/// Five characters.
fn suffix(parts: &[&str]) -> String {
    derived(parts)[..5].to_owned()
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(map) => Object(map),
        _ => Object(Map::new()),
    }
}
