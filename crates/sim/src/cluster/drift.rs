//! Drift of the cluster: what somebody does to objects by hand, past hactl and past all faults.

use std::collections::BTreeSet;

use hactl_kube::{Name, Object, ServedKind};
use serde_json::{Map, Value, json};

use crate::cluster::merge::{self, Managed};
use crate::cluster::reading::served;
use crate::cluster::scene::{ClusterScene, Decision};
use crate::cluster::writing::{place_of, refused, update};
use crate::cluster::{ClusterChange, Key, deletion};
use crate::error::SandboxError;
use crate::mutation::Mutation;
use crate::sandbox::Sandbox;

/// Objects are named `Kind/namespace/name` or `Kind/name`, with `Kind.group` where Kubernetes does not define the kind.
/// Each function fails with [`SandboxError::Unknown`] when there is no such object or kind, and with
/// [`SandboxError::Cluster`] when the simulated API server refuses.
impl Sandbox {
    /// Deletes an object.
    ///
    /// # Errors
    /// See above.
    pub fn delete_object(&self, object: &str) -> Result<(), SandboxError> {
        self.on_object(object, |scene, kind, live| {
            let name = Name { namespace: live.namespace(), name: live.name() };
            deletion::delete(scene, kind, &name, live.uid())
        })
    }

    /// Changes fields of an object as `kubectl patch --type strategic` does: maps are merged, lists that have keys item by
    /// item, and what is null goes. The manager owns what changed from then on.
    ///
    /// # Errors
    /// See above; [`SandboxError::Invalid`] when the patch is no map.
    pub fn patch_object(&self, object: &str, patch: &Value, manager: &str) -> Result<(), SandboxError> {
        if !patch.is_object() {
            return Err(invalid("the patch", "it has to be a map, as in {\"spec\": {\"replicas\": 2}}"));
        }
        self.on_object(object, |scene, kind, live| {
            let place = place_of(kind);
            let patched = merge::merged(&place, Some(&Value::Object(live.0.clone())), patch);
            let patched = patched.map_err(|bad| refused(kind, &Key::of(live), bad.into()))?;
            let wanted = patched.as_object().cloned().unwrap_or_default();
            update(scene, kind, &Object(without_owners(wanted)), manager).map(|(_, changes)| ((), changes))
        })
    }

    /// Adds a finalizer to an object, or takes it away.
    ///
    /// # Errors
    /// See above.
    pub fn set_finalizer(&self, object: &str, finalizer: &str, there: bool) -> Result<(), SandboxError> {
        self.on_object(object, |scene, kind, live| {
            let mut finalizers: Vec<&str> = live.finalizers().into_iter().filter(|name| *name != finalizer).collect();
            if there {
                finalizers.push(finalizer);
            }
            let mut wanted = live.0.clone();
            if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("finalizers".to_owned(), json!(finalizers));
            }
            update(scene, kind, &Object(without_owners(wanted)), "kubectl-edit").map(|(_, changes)| ((), changes))
        })
    }

    /// Creates an object that no stack knows of, as `kubectl create` does, with its namespace.
    ///
    /// # Errors
    /// See above.
    pub fn create_object(&self, object: &Object) -> Result<(), SandboxError> {
        if object.kind().is_empty() || object.name().is_empty() {
            return Err(invalid("the object", "it needs apiVersion, kind and metadata.name"));
        }
        let mut world = self.world();
        world.acquire()?;
        let group = object.api_version().split_once('/').map_or("", |(group, _)| group);
        let name = named(group, object.kind());
        let kind = world.on_cluster(|scene| find_kind(scene, &name))?;
        let mut object = object.clone();
        if kind.namespaced && object.namespace().is_none() {
            set_namespace(&mut object.0, "default");
        }
        let key = Key::of(&object);
        if world.on_cluster(|scene| scene.cluster.objects.get(&key).is_some()) {
            return Err(invalid(&key.address(), "it exists already"));
        }
        let namespace = Key::namespace(&key.namespace);
        if !key.namespace.is_empty() && world.on_cluster(|scene| scene.cluster.objects.get(&namespace).is_none()) {
            let made = Object(minimal("v1", "Namespace", None, &key.namespace));
            let namespaces = world.on_cluster(|scene| find_kind(scene, "Namespace"))?;
            world.decide_on_cluster(|scene| update(scene, &namespaces, &made, "kubectl-create")).map_err(refusal)?;
        }
        world.decide_on_cluster(|scene| update(scene, &kind, &object, "kubectl-create")).map_err(refusal)?;
        Ok(())
    }

    /// Creates an object of this name with no more than its kind needs; workloads run the image `nginx`.
    ///
    /// # Errors
    /// See above.
    pub fn create_minimal_object(&self, object: &str) -> Result<(), SandboxError> {
        let (kind, namespace, name) = parsed(object)?;
        let kind = self.world().on_cluster(|scene| find_kind(scene, kind))?;
        let namespace = namespace.or(kind.namespaced.then_some("default"));
        self.create_object(&Object(minimal(&kind.api_version(), &kind.kind, namespace, name)))
    }

    /// Puts another cluster in the place of this one: another identity, and nothing in it.
    ///
    /// # Errors
    /// [`SandboxError::Busy`] or [`SandboxError::File`] when that cannot be stored.
    pub fn replace_cluster(&self) -> Result<(), SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        world.commit(Mutation::Cluster { changes: vec![ClusterChange::Replace] })
    }

    fn on_object(
        &self,
        object: &str,
        decide: impl FnOnce(&ClusterScene<'_>, &ServedKind, &Object) -> Decision,
    ) -> Result<(), SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        let (kind, live) = world.on_cluster(|scene| find(scene, object))?;
        world.decide_on_cluster(|scene| decide(scene, &kind, &live)).map_err(refusal)
    }
}

fn find(scene: &ClusterScene<'_>, object: &str) -> Result<(ServedKind, Object), SandboxError> {
    let (kind, namespace, name) = parsed(object)?;
    let kind = find_kind(scene, kind)?;
    let key = Key::new(&kind.group, &kind.kind, namespace.unwrap_or_default(), name);
    match scene.cluster.objects.get(&key) {
        Some(found) => Ok((kind, found.clone())),
        None => {
            let addresses: Vec<String> = scene.cluster.objects.iter().map(|(key, _)| key.address()).collect();
            Err(SandboxError::unknown(format!("object {object}"), object, addresses.iter().map(String::as_str)))
        }
    }
}

/// The type of this name, `Kind` or `Kind.group`, in the version that its group prefers.
fn find_kind(scene: &ClusterScene<'_>, name: &str) -> Result<ServedKind, SandboxError> {
    let groups = scene.cluster.objects.of_type("apiextensions.k8s.io", "CustomResourceDefinition", None);
    let groups = groups.filter_map(|(_, object)| object.at(&["spec", "group"])?.as_str().map(str::to_owned));
    let built_in = crate::cluster::types::built_in().map(|kind| kind.group);
    let all = served(scene, &built_in.chain(groups).collect());
    match all.iter().find(|kind| named(&kind.group, &kind.kind) == name || kind.kind == name) {
        Some(kind) => Ok(kind.clone()),
        None => {
            let names: BTreeSet<&str> = all.iter().map(|kind| kind.kind.as_str()).collect();
            Err(SandboxError::unknown(format!("kind {name}"), name, names.into_iter()))
        }
    }
}

fn parsed(object: &str) -> Result<(&str, Option<&str>, &str), SandboxError> {
    let parts: Vec<&str> = object.split('/').collect();
    match parts.as_slice() {
        [kind, name] => Ok((*kind, None, *name)),
        [kind, namespace, name] => Ok((*kind, Some(*namespace), *name)),
        _ => Err(invalid(object, "an object is named KIND/NAMESPACE/NAME, or KIND/NAME where it is in no namespace")),
    }
}

fn named(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

fn minimal(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Map<String, Value> {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    let labels = json!({"app": name});
    let pod = json!({"containers": [{"name": name, "image": "nginx"}]});
    match kind {
        "Deployment" | "DaemonSet" | "StatefulSet" => {
            object["spec"] = json!({
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            });
            if kind == "StatefulSet" {
                object["spec"]["serviceName"] = json!(name);
            }
        }
        "Job" => {
            object["spec"] = json!({"template": {"spec": {"containers": pod["containers"], "restartPolicy": "Never"}}})
        }
        "Pod" => object["spec"] = pod,
        "Service" => object["spec"] = json!({"selector": labels, "ports": [{"port": 80}]}),
        "Ingress" => {
            let backend = json!({"service": {"name": name, "port": {"number": 80}}});
            object["spec"] = json!({"defaultBackend": backend});
        }
        _ => {}
    }
    match object {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn set_namespace(object: &mut Map<String, Value>, namespace: &str) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
}

fn without_owners(object: Map<String, Value>) -> Map<String, Value> {
    match Managed::read(&object).value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn invalid(what: &str, reason: &str) -> SandboxError {
    SandboxError::Invalid { what: what.to_owned(), reason: reason.to_owned() }
}

fn refusal(source: hactl_kube::ClusterError) -> SandboxError {
    SandboxError::Cluster { source }
}
