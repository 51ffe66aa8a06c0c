//! State: what hactl last applied. The state crate keeps it on disk; this is the data and how an apply changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::cluster::ClusterConnection;
use crate::moves::Renamed;
use crate::node::Connection;
use crate::plan::Operation;
use crate::resource::Dependency;
use crate::value::{Map, Value};

/// What hactl last applied of one stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The stack's name.
    pub stack: String,
    /// The stack's identity: a UUID made with its first state.
    pub lineage: String,
    /// Counts the applies that changed anything.
    pub serial: u64,
    /// Who can read what is encrypted in it; none where nothing sensitive was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// The variables of the last apply, sensitive ones sealed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: Map,
    /// The nodes that hold resources.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, NodeState>,
    /// The Kubernetes cluster, where it holds resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterState>,
    /// What the config's outputs came to, sensitive ones sealed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: Map,
    /// What was applied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<Address, ResourceState>,
    /// What was begun and did not end well: the next run looks at the host to learn what became of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unfinished: BTreeMap<Address, Intent>,
}

/// Who can read the encrypted values of a state or a saved plan, and the key of its digests, for them alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Encryption {
    /// Public keys as age writes them: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`; sorted.
    pub recipients: Vec<String>,
    /// The digest key, encrypted to all of them: an armoured age file.
    pub key: String,
}

/// A node as it was when something was last applied to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeState {
    /// How it was reached.
    pub connection: Connection,
    /// `/etc/machine-id`; empty where not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine_id: String,
    /// Docker Engine's id; empty where not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub engine_id: String,
}

/// The cluster as it was when something was last applied to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterState {
    /// How it was reached.
    pub connection: ClusterConnection,
    /// The uid of its namespace `kube-system`; empty where not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// One resource instance as it was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceState {
    /// The node it lives on, or [`CLUSTER`](crate::cluster::CLUSTER).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Arc<str>>,
    /// What was applied, sensitive parts sealed.
    pub spec: Arc<Value>,
    /// What is known of it since, as a container's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: Map,
    /// The random id of the creation it stems from; hosts carry the same in a label.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub generation: String,
    /// What it needed when it was applied; the order of deletes comes from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// Whether it is protected; kept here so that protection does not vanish with its lines in the config.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Whether a dependency changed that it has not been told of yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notified: bool,
    /// Whether it has still to prove healthy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// Whether its values went with a state that was lost: no plan makes new ones by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// What it replaces, while the old one is kept until the new one is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<ResourceState>>,
}

/// What a step is about to do to a resource: on disk before the step touches a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// What is done.
    pub operation: Operation,
    /// The resource as it is to be after, without outputs; none where it is to be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceState>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It did what was intended; these are the outputs.
    Done(Map),
    /// It failed, for this reason; what it left is to be observed.
    Failed(String),
}

impl State {
    /// An empty state.
    pub fn new(stack: &str, lineage: &str) -> Self {
        Self {
            stack: stack.to_owned(),
            lineage: lineage.to_owned(),
            serial: 0,
            encryption: None,
            variables: Map::new(),
            nodes: BTreeMap::new(),
            cluster: None,
            outputs: Map::new(),
            resources: BTreeMap::new(),
            unfinished: BTreeMap::new(),
        }
    }

    /// Whether nothing is recorded in it.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.unfinished.is_empty()
    }

    /// Whether nothing in it waits for what a host will show: no unfinished step, no replacement half-way.
    pub fn is_settled(&self) -> bool {
        self.unfinished.is_empty() && self.resources.values().all(|resource| resource.previous.is_none())
    }

    /// Takes note that a step begins.
    pub fn begin(&mut self, address: &Address, intent: Intent) {
        self.unfinished.insert(address.clone(), intent);
    }

    /// Takes note of how the step begun last on this resource ended.
    ///
    /// A failed step stays unfinished: only the host knows what it left.
    pub fn end(&mut self, address: &Address, outcome: Outcome) {
        let Outcome::Done(outputs) = outcome else {
            return;
        };
        let Some(intent) = self.unfinished.remove(address) else {
            return;
        };
        self.settle(address, intent, outputs);
    }

    /// Gives resources other addresses, in what depends on them as well.
    pub fn rename(&mut self, renamed: &[Renamed]) {
        let new: BTreeMap<&Address, &Renamed> = renamed.iter().map(|one| (&one.from, one)).collect();
        for one in renamed {
            if let Some(mut resource) = self.resources.remove(&one.from) {
                if !one.outputs.is_empty() {
                    resource.outputs = one.outputs.clone();
                }
                self.resources.insert(one.to.clone(), resource);
            }
            if let Some(mut intent) = self.unfinished.remove(&one.from) {
                // An intent has the outputs from before.
                if let Some(resource) = intent.resource.as_mut().filter(|resource| !resource.outputs.is_empty()) {
                    resource.outputs.extend(one.outputs.clone());
                }
                self.unfinished.insert(one.to.clone(), intent);
            }
        }
        let begun = self.unfinished.values_mut().filter_map(|intent| intent.resource.as_mut());
        for resource in self.resources.values_mut().chain(begun) {
            resource.rename_dependencies(&new);
        }
    }

    /// Records what an intent came to, once it is known that it took effect.
    pub(crate) fn settle(&mut self, address: &Address, intent: Intent, outputs: Map) {
        let old = self.resources.remove(address);
        let new = match intent.operation {
            Operation::Delete | Operation::Forget => None,
            Operation::Create | Operation::Adopt => intent.resource,
            Operation::Update => {
                intent.resource.map(|new| ResourceState { previous: old.and_then(|old| old.previous), ..new })
            }
            Operation::Record => intent.resource.map(|new| match old {
                Some(old) => ResourceState {
                    notified: old.notified && new.dependencies.iter().any(|dependency| dependency.notify),
                    unproven: old.unproven,
                    previous: old.previous,
                    ..new
                },
                None => new,
            }),
            Operation::Swap => intent.resource.map(|new| ResourceState {
                previous: old.map(|old| Box::new(ResourceState { previous: None, ..old })),
                ..new
            }),
            Operation::Gate => old.map(|old| ResourceState { unproven: false, ..old }),
            Operation::Settle => old.map(|old| ResourceState { previous: None, ..old }),
            Operation::Restore => old.map(|old| match old.previous {
                Some(previous) => ResourceState { unproven: true, ..*previous },
                None => ResourceState { unproven: true, ..old },
            }),
        };
        if let Some(mut new) = new {
            if !outputs.is_empty() {
                new.outputs = outputs;
            }
            self.resources.insert(address.clone(), new);
        }
    }
}

impl ResourceState {
    fn rename_dependencies(&mut self, new: &BTreeMap<&Address, &Renamed>) {
        if let Some(previous) = &mut self.previous {
            previous.rename_dependencies(new);
        }
        if self.dependencies.iter().all(|dependency| !new.contains_key(&dependency.on)) {
            return;
        }
        // The order is the one of whoever made the list, who would make it the same with the new addresses.
        let sorted = self.dependencies.is_sorted();
        for dependency in &mut self.dependencies {
            if let Some(renamed) = new.get(&dependency.on) {
                dependency.on = renamed.to.clone();
            }
        }
        if sorted {
            self.dependencies.sort();
        }
    }
}
