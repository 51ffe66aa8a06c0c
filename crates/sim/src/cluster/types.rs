//! The types that the API server serves: those of Kubernetes 1.31 that users meet, and what
//! CustomResourceDefinitions add. Versions that were removed before 1.31 are not there.

use std::cmp::Reverse;

use hactl_kube::{Object, ServedKind};
use serde_json::Value;

/// `(group, version, kind, plural, namespaced)`; the preferred version of a group first.
type Row = (&'static str, &'static str, &'static str, &'static str, bool);

const BUILT_IN: &[Row] = &[
    ("", "v1", "Binding", "bindings", true),
    ("", "v1", "ConfigMap", "configmaps", true),
    ("", "v1", "Endpoints", "endpoints", true),
    ("", "v1", "Event", "events", true),
    ("", "v1", "LimitRange", "limitranges", true),
    ("", "v1", "Namespace", "namespaces", false),
    ("", "v1", "Node", "nodes", false),
    ("", "v1", "PersistentVolume", "persistentvolumes", false),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("", "v1", "Pod", "pods", true),
    ("", "v1", "PodTemplate", "podtemplates", true),
    ("", "v1", "ReplicationController", "replicationcontrollers", true),
    ("", "v1", "ResourceQuota", "resourcequotas", true),
    ("", "v1", "Secret", "secrets", true),
    ("", "v1", "Service", "services", true),
    ("", "v1", "ServiceAccount", "serviceaccounts", true),
    ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        false,
    ),
    ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false),
    ("apiregistration.k8s.io", "v1", "APIService", "apiservices", false),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", true),
    ("apps", "v1", "DaemonSet", "daemonsets", true),
    ("apps", "v1", "Deployment", "deployments", true),
    ("apps", "v1", "ReplicaSet", "replicasets", true),
    ("apps", "v1", "StatefulSet", "statefulsets", true),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("batch", "v1", "CronJob", "cronjobs", true),
    ("batch", "v1", "Job", "jobs", true),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", false),
    ("coordination.k8s.io", "v1", "Lease", "leases", true),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true),
    ("events.k8s.io", "v1", "Event", "events", true),
    ("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "flowschemas", false),
    ("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", false),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", true),
    ("networking.k8s.io", "v1", "IngressClass", "ingressclasses", false),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true),
    ("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", false),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", true),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false),
    ("storage.k8s.io", "v1", "CSIDriver", "csidrivers", false),
    ("storage.k8s.io", "v1", "CSINode", "csinodes", false),
    ("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", true),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses", false),
    ("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", false),
];

/// The types of Kubernetes itself.
pub(crate) fn built_in() -> impl Iterator<Item = ServedKind> {
    BUILT_IN.iter().map(|(group, version, kind, plural, namespaced)| ServedKind {
        group: (*group).to_owned(),
        version: (*version).to_owned(),
        kind: (*kind).to_owned(),
        plural: (*plural).to_owned(),
        namespaced: *namespaced,
    })
}

/// Whether this is a type of Kubernetes itself, in a version that is served.
pub(crate) fn is_served(kind: &ServedKind) -> bool {
    let row = (kind.group.as_str(), kind.version.as_str(), kind.kind.as_str(), kind.plural.as_str(), kind.namespaced);
    BUILT_IN.contains(&row)
}

/// Whether a type of Kubernetes itself is of this group and kind.
pub(crate) fn is_built_in(group: &str, kind: &str) -> bool {
    BUILT_IN.iter().any(|row| row.0 == group && row.2 == kind)
}

/// The types that a CustomResourceDefinition defines, the version that the server prefers first: stable before beta before
/// alpha, newer before older.
pub(crate) fn defined_by(definition: &Object) -> Vec<ServedKind> {
    let text = |path: &[&str]| definition.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions =
        definition.at(&["spec", "versions"]).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is = |version: &Value, key: &str| version.get(key).and_then(Value::as_bool).unwrap_or_default();
    let mut served: Vec<&Value> = versions.iter().filter(|version| is(version, "served")).collect();
    served.sort_by_key(|version| maturity(version.get("name").and_then(Value::as_str).unwrap_or_default()));
    served
        .into_iter()
        .filter_map(|version| {
            Some(ServedKind {
                group: text(&["spec", "group"]),
                version: version.get("name")?.as_str()?.to_owned(),
                kind: text(&["spec", "names", "kind"]),
                plural: text(&["spec", "names", "plural"]),
                namespaced: text(&["spec", "scope"]) == "Namespaced",
            })
        })
        .collect()
}

/// Orders versions as the server does: `v2`, `v1`, `v10beta2`, `v1alpha1`, then those of other forms by name.
fn maturity(version: &str) -> (u8, Reverse<u64>, Reverse<u64>, &str) {
    let split = |text: &str| -> Option<(u64, String)> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        Some((text.get(..end)?.parse().ok()?, text.get(end..)?.to_owned()))
    };
    let Some((major, rest)) = version.strip_prefix('v').and_then(split) else {
        return (3, Reverse(0), Reverse(0), version);
    };
    let stage = |word: &str| rest.strip_prefix(word).and_then(|minor| minor.parse::<u64>().ok());
    if rest.is_empty() {
        (0, Reverse(major), Reverse(0), version)
    } else if let Some(minor) = stage("beta") {
        (1, Reverse(major), Reverse(minor), version)
    } else if let Some(minor) = stage("alpha") {
        (2, Reverse(major), Reverse(minor), version)
    } else {
        (3, Reverse(0), Reverse(0), version)
    }
}

/// How an object is addressed: `Kind/namespace/name`, `Kind/name`; `Kind.group/…` where the group is neither one of
/// Kubernetes' own without a dot nor ends in `.k8s.io`.
pub(crate) fn address(group: &str, kind: &str, namespace: &str, name: &str) -> String {
    let kind =
        if group.contains('.') && !group.ends_with(".k8s.io") { format!("{kind}.{group}") } else { kind.to_owned() };
    if namespace.is_empty() { format!("{kind}/{name}") } else { format!("{kind}/{namespace}/{name}") }
}

/// A type as messages name it: `deployments.apps`, `services`.
pub(crate) fn resource_of(kind: &ServedKind) -> String {
    if kind.group.is_empty() { kind.plural.clone() } else { format!("{}.{}", kind.plural, kind.group) }
}

/// A kind as messages name it: `Deployment.apps`, `Service`.
pub(crate) fn kind_of(kind: &ServedKind) -> String {
    if kind.group.is_empty() { kind.kind.clone() } else { format!("{}.{}", kind.kind, kind.group) }
}
