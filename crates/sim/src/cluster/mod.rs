//! The simulated cluster: the objects of a Kubernetes 1.31 API server as data.
//!
//! Stored is what was applied, with the server's defaults and its record of owners. What controllers make of it (status,
//! pods, events) is worked out when it is read, from the object and the faults that wait: see [`controllers`].

mod controllers;
mod defaults;
mod deletion;
mod drift;
mod empty;
mod fields;
mod immutable;
#[cfg(test)]
mod laws;
mod merge;
mod pods;
mod port;
mod quantity;
mod reading;
mod scene;
mod shape;
mod types;
mod validation;
mod view;
mod writing;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use hactl_kube::Object;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::machine::derived;

pub(crate) use scene::{ClusterScene, Decision as ClusterDecision};
pub use view::{ClusterView, ObjectView};

/// When everything happened: the sandbox has no clock.
const TIME: &str = "2024-01-01T00:00:00Z";

/// The namespaces that every cluster has.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// What a cluster holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Cluster {
    /// How often the cluster was replaced by another.
    pub(crate) generation: u64,
    /// Changes so far: the source of uids and resource versions.
    pub(crate) revision: u64,
    pub(crate) objects: Objects,
}

/// What an object is found by. In order, objects of a type stand together, and in it those of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    pub(crate) group: String,
    pub(crate) kind: String,
    /// Empty for what is in none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// One change of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ClusterChange {
    /// Stores an object in place of what was there.
    Put { object: Object },
    /// Removes an object.
    Remove { key: Key },
    /// Another cluster, with nothing in it.
    Replace,
}

/// Objects by key. Serialised as a list; the index is made anew when read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Objects {
    by_key: BTreeMap<Key, Object>,
    /// Who names an owner, by the owner's uid.
    dependents: BTreeMap<String, BTreeSet<Key>>,
}

/// Carries out changes.
pub(crate) fn apply_changes(fleet: &mut Fleet, changes: Vec<ClusterChange>) {
    let seed = fleet.seed;
    let cluster = fleet.cluster.get_or_insert_with(|| Cluster::new(seed, 0));
    for change in changes {
        match change {
            ClusterChange::Put { object } => {
                cluster.revision = cluster.revision.max(object.resource_version().parse().unwrap_or_default());
                cluster.objects.insert(object);
            }
            ClusterChange::Remove { key } => cluster.objects.remove(&key),
            ClusterChange::Replace => *cluster = Cluster::new(seed, cluster.generation + 1),
        }
    }
}

impl Cluster {
    /// A cluster as it is after its installation.
    pub(crate) fn new(seed: u64, generation: u64) -> Self {
        let mut cluster = Self { generation, ..Self::default() };
        for name in NAMESPACES {
            cluster.revision += 1;
            let uid = cluster.uid(seed, cluster.revision);
            let object = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": name,
                    "uid": uid,
                    "resourceVersion": cluster.revision.to_string(),
                    "creationTimestamp": TIME,
                    "labels": {"kubernetes.io/metadata.name": name},
                },
                "spec": {"finalizers": ["kubernetes"]},
            });
            if let Value::Object(object) = object {
                cluster.objects.insert(Object(object));
            }
        }
        cluster
    }

    /// That of the fleet; a new one where nothing was done with it yet.
    pub(crate) fn of(fleet: &Fleet) -> Cow<'_, Self> {
        match &fleet.cluster {
            Some(cluster) => Cow::Borrowed(cluster),
            None => Cow::Owned(Self::new(fleet.seed, 0)),
        }
    }

    /// The uid of what was made by the change of this number.
    pub(crate) fn uid(&self, seed: u64, revision: u64) -> String {
        uid(&["object", &seed.to_string(), &self.generation.to_string(), &revision.to_string()])
    }
}

/// A uid that depends on the parts and nothing else.
pub(crate) fn uid(parts: &[&str]) -> String {
    let digits = derived(parts);
    format!("{}-{}-4{}-8{}-{}", &digits[..8], &digits[8..12], &digits[12..15], &digits[15..18], &digits[18..30])
}

impl Key {
    /// The key of an object.
    pub(crate) fn of(object: &Object) -> Self {
        let group = object.api_version().split_once('/').map_or("", |(group, _)| group);
        Self::new(group, object.kind(), object.namespace().unwrap_or_default(), object.name())
    }

    pub(crate) fn new(group: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let owned = str::to_owned;
        Self { group: owned(group), kind: owned(kind), namespace: owned(namespace), name: owned(name) }
    }

    /// That of a namespace.
    pub(crate) fn namespace(name: &str) -> Self {
        Self::new("", "Namespace", "", name)
    }

    /// As configs and messages name it: `Deployment/cattle-system/cattle`.
    pub(crate) fn address(&self) -> String {
        types::address(&self.group, &self.kind, &self.namespace, &self.name)
    }
}

impl Objects {
    pub(crate) fn get(&self, key: &Key) -> Option<&Object> {
        self.by_key.get(key)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Object)> {
        self.by_key.iter()
    }

    /// Those of a type, in one namespace or in all.
    pub(crate) fn of_type<'a>(
        &'a self,
        group: &'a str,
        kind: &'a str,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Object)> {
        let first = Key::new(group, kind, namespace.unwrap_or_default(), "");
        self.by_key.range((Bound::Included(first), Bound::Unbounded)).take_while(move |(key, _)| {
            key.group == group && key.kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
        })
    }

    /// The keys of what names this uid as its owner.
    pub(crate) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Key> {
        self.dependents.get(uid).into_iter().flatten()
    }

    pub(crate) fn insert(&mut self, object: Object) {
        let key = Key::of(&object);
        self.remove(&key);
        for owner in owner_uids(&object) {
            self.dependents.entry(owner).or_default().insert(key.clone());
        }
        self.by_key.insert(key, object);
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        let Some(object) = self.by_key.remove(key) else { return };
        for owner in owner_uids(&object) {
            if let Some(keys) = self.dependents.get_mut(&owner) {
                keys.remove(key);
                if keys.is_empty() {
                    self.dependents.remove(&owner);
                }
            }
        }
    }
}

fn owner_uids(object: &Object) -> Vec<String> {
    let owners = object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array);
    let uids = owners.into_iter().flatten().filter_map(|owner| owner.get("uid")?.as_str());
    uids.map(str::to_owned).collect()
}

impl Serialize for Objects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_key.values())
    }
}

impl<'de> Deserialize<'de> for Objects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut objects = Self::default();
        for object in Vec::<Object>::deserialize(deserializer)? {
            objects.insert(object);
        }
        Ok(objects)
    }
}
