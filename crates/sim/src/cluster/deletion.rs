//! What a deletion takes with it: dependents, the content of namespaces, the objects of a type. Finalizers keep an
//! object, and what keeps it keeps what holds it.

use std::collections::{BTreeMap, BTreeSet};

use hactl_kube::{ClusterError, Name, Object, ServedKind};
use serde_json::{Value, json};

use crate::cluster::defaults::{mark_deleted, within};
use crate::cluster::scene::{ClusterScene, Decision};
use crate::cluster::{Cluster, ClusterChange, Key};

/// The namespaces that cannot be deleted.
const KEPT: &[&str] = &["default", "kube-public", "kube-system"];

/// Asks for an object to be deleted, if it still is the one of this uid.
pub(crate) fn delete(scene: &ClusterScene<'_>, kind: &ServedKind, name: &Name<'_>, uid: &str) -> Decision {
    scene.expect_served(kind)?;
    let key = Key::new(&kind.group, &kind.kind, name.namespace.unwrap_or_default(), name.name);
    let Some(object) = scene.cluster.objects.get(&key).filter(|object| object.uid() == uid) else {
        return Ok(((), Vec::new()));
    };
    if key == Key::namespace(object.name()) && KEPT.contains(&object.name()) {
        let message = format!("namespaces {:?} is forbidden: this namespace may not be deleted", object.name());
        return Err(ClusterError::Forbidden { message });
    }
    let mut deletion = Deletion::of(scene.cluster);
    deletion.delete(&key);
    Ok(((), deletion.changes(scene.cluster.revision + 1)))
}

/// Removes an object whose last finalizer is gone, and what waited for that.
pub(crate) fn removal(cluster: &Cluster, key: &Key, revision: u64) -> Vec<ClusterChange> {
    let mut deletion = Deletion::of(cluster);
    deletion.remove(key);
    deletion.changes(revision)
}

/// A deletion as it spreads.
struct Deletion<'a> {
    cluster: &'a Cluster,
    removed: BTreeSet<Key>,
    /// What finalizers keep, marked as being deleted.
    kept: BTreeMap<Key, Object>,
}

impl<'a> Deletion<'a> {
    fn of(cluster: &'a Cluster) -> Self {
        Self { cluster, removed: BTreeSet::new(), kept: BTreeMap::new() }
    }

    /// Answers whether the object is gone.
    fn delete(&mut self, key: &Key) -> bool {
        if self.kept.contains_key(key) {
            return false;
        }
        let Some(object) = self.cluster.objects.get(key).filter(|_| !self.removed.contains(key)) else { return true };
        let mut stays = !object.finalizers().is_empty();
        for content in content(self.cluster, object) {
            stays |= !self.delete(&content);
        }
        if !stays {
            self.remove(key);
        } else if !object.is_being_deleted() {
            let mut object = object.clone();
            mark_deleted(&mut object.0);
            self.kept.insert(key.clone(), object);
        }
        !stays
    }

    /// Removes an object, then its dependents, and what only waited for it.
    fn remove(&mut self, key: &Key) {
        let Some(object) = self.cluster.objects.get(key).filter(|_| self.removed.insert(key.clone())) else { return };
        for dependent in self.cluster.objects.dependents(object.uid()) {
            self.delete(dependent);
        }
        for holder in holders(self.cluster, object) {
            let waits = holder.is_being_deleted() && holder.finalizers().is_empty();
            if waits && content(self.cluster, holder).iter().all(|key| self.removed.contains(key)) {
                self.remove(&Key::of(holder));
            }
        }
    }

    fn changes(self, revision: u64) -> Vec<ClusterChange> {
        let kept = self.kept.into_values().zip(revision..).map(|(mut object, revision)| {
            within(&mut object.0, "metadata", |metadata| {
                metadata.insert("resourceVersion".to_owned(), json!(revision.to_string()));
            });
            ClusterChange::Put { object }
        });
        kept.chain(self.removed.into_iter().map(|key| ClusterChange::Remove { key })).collect()
    }
}

/// What an object holds: the content of a namespace, the objects of a type.
fn content(cluster: &Cluster, object: &Object) -> Vec<Key> {
    match object.kind() {
        "Namespace" => {
            let all = cluster.objects.iter().map(|(key, _)| key);
            all.filter(|key| key.namespace == object.name()).cloned().collect()
        }
        "CustomResourceDefinition" => {
            let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (group, kind) = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
            cluster.objects.of_type(&group, &kind, None).map(|(key, _)| key.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// The namespace that an object is in, and the definition of its type.
fn holders<'a>(cluster: &'a Cluster, object: &Object) -> Vec<&'a Object> {
    let key = Key::of(object);
    let namespace = cluster.objects.get(&Key::namespace(&key.namespace));
    let definitions = cluster.objects.of_type("apiextensions.k8s.io", "CustomResourceDefinition", None);
    let defines = |definition: &Object| {
        definition.at(&["spec", "group"]).and_then(Value::as_str) == Some(&key.group)
            && definition.at(&["spec", "names", "kind"]).and_then(Value::as_str) == Some(&key.kind)
    };
    namespace.into_iter().chain(definitions.map(|(_, definition)| definition).filter(|found| defines(found))).collect()
}
