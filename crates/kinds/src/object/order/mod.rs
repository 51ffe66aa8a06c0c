//! In which order objects are made: what an object has to come after.

mod index;
mod rules;
#[cfg(test)]
mod tests;

use hactl_core::{Address, Value};

use index::Index;

/// For each object, the addresses of those that it has to come after, sorted.
///
/// The order follows from what objects say of each other: a workload comes after the config maps that it mounts and the
/// service account that it runs as, a custom resource after its definition. Objects that name nothing of each other are
/// not ordered. Names that are not known yet order nothing.
///
/// There are no circles, whatever the objects hold: every object has a [`Stage`] that depends on its kind alone, and comes
/// only after objects of an earlier stage (see `Edges::after`).
///
/// The time is about linear in the size of the objects and of the result: relations are looked up by name or by a label.
pub(crate) fn dependencies(objects: &[(Address, &Value)]) -> Vec<Vec<Address>> {
    let items: Vec<Item<'_>> = objects.iter().map(|(_, object)| Item::new(object)).collect();
    let index = Index::new(&items);
    let mut edges = Edges { items: &items, earlier: vec![Vec::new(); items.len()] };
    for (at, item) in items.iter().enumerate() {
        rules::of(at, item, &index, &mut edges);
    }
    let addresses = |found: Vec<usize>| {
        let mut addresses: Vec<_> = found.into_iter().map(|at| objects[at].0.clone()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    };
    edges.earlier.into_iter().map(addresses).collect()
}

/// When objects of a kind are made, relative to those of other kinds that they name or that name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Namespace,
    /// Definitions and classes, which others name: CRDs, priority, storage, runtime and ingress classes.
    Definition,
    /// What limits a namespace's pods: quotas, limits, network policies.
    Limit,
    ServiceAccount,
    /// Config maps, secrets, persistent volumes, and whatever has no other stage.
    Content,
    Claim,
    Role,
    RoleBinding,
    Service,
    Workload,
    /// What stands before or acts on workloads and services: ingresses, autoscalers, disruption budgets.
    Front,
    /// What the API server calls: webhooks, aggregated APIs.
    Extension,
    /// Resources of definitions and of aggregated APIs.
    Custom,
}

fn stage(group: &str, kind: &str) -> Stage {
    match (group, kind) {
        ("", "Namespace") => Stage::Namespace,
        ("apiextensions.k8s.io", _)
        | ("scheduling.k8s.io" | "node.k8s.io", _)
        | ("storage.k8s.io", "StorageClass" | "CSIDriver" | "VolumeAttributesClass")
        | ("networking.k8s.io", "IngressClass")
        | ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration")
        | ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => Stage::Definition,
        ("", "LimitRange" | "ResourceQuota") | ("networking.k8s.io", "NetworkPolicy") => Stage::Limit,
        ("", "ServiceAccount") => Stage::ServiceAccount,
        ("", "PersistentVolumeClaim") => Stage::Claim,
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => Stage::Role,
        ("rbac.authorization.k8s.io", _) => Stage::RoleBinding,
        ("", "Service") => Stage::Service,
        ("" | "apps" | "batch", _) if super::pods::template_path(kind).is_some() => Stage::Workload,
        ("networking.k8s.io", "Ingress") | ("autoscaling" | "policy", _) => Stage::Front,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Stage::Extension,
        _ if super::builtin::find(group, kind).is_some() => Stage::Content,
        _ => Stage::Custom,
    }
}

/// An object with what it is known by.
struct Item<'a> {
    object: &'a Value,
    group: &'a str,
    version: &'a str,
    kind: &'a str,
    /// Empty for objects in no namespace.
    namespace: &'a str,
    name: &'a str,
    stage: Stage,
}

impl<'a> Item<'a> {
    fn new(object: &'a Value) -> Self {
        let text = |path: &[&str]| super::pods::text(object, path).unwrap_or_default();
        let (group, version) = super::builtin::split(text(&["apiVersion"]));
        let kind = text(&["kind"]);
        Self {
            object,
            group,
            version,
            kind,
            namespace: text(&["metadata", "namespace"]),
            name: text(&["metadata", "name"]),
            stage: stage(group, kind),
        }
    }

    /// The pod that it is or makes.
    fn pod(&self) -> Option<&'a Value> {
        let path = super::pods::template_path(self.kind).filter(|_| self.stage == Stage::Workload)?;
        super::pods::at_path(self.object, path)
    }
}

/// What was found to come before each object.
struct Edges<'a> {
    items: &'a [Item<'a>],
    earlier: Vec<Vec<usize>>,
}

impl Edges<'_> {
    /// Notes that an object comes after others; those of its own or a later stage are passed over, so that there are
    /// no circles.
    fn after(&mut self, later: usize, earlier: impl IntoIterator<Item = usize>) {
        let stage = self.items[later].stage;
        let before = earlier.into_iter().filter(|at| self.items[*at].stage < stage);
        self.earlier[later].extend(before);
    }
}
