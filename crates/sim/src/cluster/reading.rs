//! Requests that read: discovery, lists, single objects, logs.

use std::collections::BTreeSet;

use hactl_kube::{ClusterError, ClusterIdentity, Name, Object, ServedKind};
use serde_json::{Value, json};

use crate::cluster::defaults::within;
use crate::cluster::pods::{WORKLOADS, events_of, log_of, pods_of, replica_set_of};
use crate::cluster::scene::{ClusterScene, not_found};
use crate::cluster::{Key, controllers, types};

/// Which cluster it is.
pub(crate) fn identity(scene: &ClusterScene<'_>) -> ClusterIdentity {
    let system = scene.cluster.objects.get(&Key::namespace("kube-system"));
    ClusterIdentity { uid: system.map(Object::uid).unwrap_or_default().to_owned(), version: "v1.31.4".to_owned() }
}

/// The types of these groups.
pub(crate) fn served(scene: &ClusterScene<'_>, groups: &BTreeSet<String>) -> Vec<ServedKind> {
    let definitions = scene.cluster.objects.of_type("apiextensions.k8s.io", "CustomResourceDefinition", None);
    let custom = definitions.flat_map(|(_, definition)| types::defined_by(definition));
    types::built_in().chain(custom).filter(|kind| groups.contains(&kind.group)).collect()
}

/// The objects of a type.
pub(crate) fn list(
    scene: &ClusterScene<'_>,
    kind: &ServedKind,
    namespace: Option<&str>,
    label: Option<&str>,
) -> Result<Vec<Object>, ClusterError> {
    scene.expect_served(kind)?;
    let label = label.map(|label| label.split_once('=').unwrap_or((label, "")));
    let api_version = kind.api_version();
    let is_meant = |object: &Object| label.is_none_or(|(key, value)| object.label(key) == Some(value));
    let stored = scene.cluster.objects.of_type(&kind.group, &kind.kind, namespace).map(|(_, object)| object);
    let mut found: Vec<Object> =
        stored.filter(|object| is_meant(object)).map(|object| shown(scene, object, &api_version)).collect();
    found.extend(made(scene, kind, namespace, label, None).into_iter().filter(is_meant));
    Ok(found)
}

/// One object.
pub(crate) fn get(
    scene: &ClusterScene<'_>,
    kind: &ServedKind,
    name: &Name<'_>,
) -> Result<Option<Object>, ClusterError> {
    scene.expect_served(kind)?;
    let key = Key::new(&kind.group, &kind.kind, name.namespace.unwrap_or_default(), name.name);
    if let Some(object) = scene.cluster.objects.get(&key) {
        return Ok(Some(shown(scene, object, &kind.api_version())));
    }
    let made = made(scene, kind, name.namespace, None, Some(name.name));
    Ok(made.into_iter().find(|object| object.name() == name.name))
}

/// The last lines that a container printed.
pub(crate) fn log(
    scene: &ClusterScene<'_>,
    pod: &Name<'_>,
    container: &str,
    previous: bool,
    lines: u32,
) -> Result<String, ClusterError> {
    let kind = pod_kind();
    let found = get(scene, &kind, pod)?.ok_or_else(|| not_found(&kind, pod.name))?;
    let refused = |message: String| ClusterError::Refused { status: 400, message };
    let (mut printed, ended) = log_of(&found, container)
        .ok_or_else(|| refused(format!("container {container} is not valid for pod {}", pod.name)))?;
    if previous && !ended {
        let message = format!("previous terminated container {container:?} in pod {:?} not found", pod.name);
        return Err(refused(message));
    }
    printed.drain(..printed.len().saturating_sub(lines as usize));
    Ok(printed.iter().map(|line| format!("{line}\n")).collect())
}

/// A stored object as the server shows it: in the version asked for, with what its controller says of it.
pub(crate) fn shown(scene: &ClusterScene<'_>, stored: &Object, api_version: &str) -> Object {
    let mut object = stored.clone();
    object.0.insert("apiVersion".to_owned(), json!(api_version));
    let phase = match controllers::status(scene, stored) {
        None => "0".to_owned(),
        Some(status) => {
            object.0.insert("status".to_owned(), status.value);
            match status.unready {
                None => "1".to_owned(),
                Some(unready) => format!("2{}", unready.looks.map(|looks| looks.to_string()).unwrap_or_default()),
            }
        }
    };
    set_version(&mut object, &phase);
    object
}

/// A stored object as the server answers an apply with it: its controller has not looked at it yet.
pub(crate) fn just_stored(before: Option<&Object>, stored: &Object) -> Object {
    let mut object = stored.clone();
    if let Some(status) = before.and_then(|before| before.at(&["status"])) {
        object.0.insert("status".to_owned(), status.clone());
    }
    set_version(&mut object, "0");
    object
}

/// Resource versions as they are shown: the number of the change, then what its controller made of it.
fn set_version(object: &mut Object, phase: &str) {
    let version = format!("{}{phase}", object.resource_version());
    within(&mut object.0, "metadata", |metadata| {
        metadata.insert("resourceVersion".to_owned(), Value::String(version));
    });
}

/// What controllers made: pods, ReplicaSets and events. Where a name is wanted, at least what has it.
fn made(
    scene: &ClusterScene<'_>,
    kind: &ServedKind,
    namespace: Option<&str>,
    label: Option<(&str, &str)>,
    name: Option<&str>,
) -> Vec<Object> {
    let may_have_name = |workload: &Object| name.is_none_or(|name| name.starts_with(workload.name()));
    let may_have_label = |workload: &Object| match label {
        Some((key, value)) if !is_made(key) => {
            workload.at(&["spec", "template", "metadata", "labels", key]).and_then(Value::as_str) == Some(value)
        }
        _ => true,
    };
    let of = |group: &'static str, kind: &'static str| {
        let all = scene.cluster.objects.of_type(group, kind, namespace).map(|(_, object)| object);
        all.filter(|workload| may_have_name(workload) && may_have_label(workload))
    };
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "ReplicaSet") => {
            of("apps", "Deployment").map(|deployment| replica_set_of(scene, deployment)).collect()
        }
        ("", "Pod") => WORKLOADS
            .iter()
            .flat_map(|(group, kind)| of(group, kind))
            .flat_map(|workload| pods_of(scene, workload))
            .collect(),
        ("", "Event") if !scene.faults.is_empty() => {
            let workloads = WORKLOADS.iter().flat_map(|(group, kind)| of(group, kind));
            let failing = workloads.filter(|workload| scene.unready(&Key::of(workload)).is_some());
            let pods = failing.flat_map(|workload| pods_of(scene, workload));
            let own = scene.cluster.objects.of_type("", "Pod", namespace).map(|(_, pod)| shown(scene, pod, "v1"));
            pods.chain(own).flat_map(|pod| events_of(&pod)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether controllers put this label on pods.
fn is_made(label: &str) -> bool {
    matches!(label, "pod-template-hash" | "controller-revision-hash" | "batch.kubernetes.io/job-name")
}

fn pod_kind() -> ServedKind {
    ServedKind {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
        namespaced: true,
    }
}
