//! What is known of Kubernetes' own kinds without asking a server: <https://kubernetes.io/docs/reference/kubernetes-api/>.

/// A kind that Kubernetes itself serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Builtin {
    /// Its API group; empty for the core group.
    pub(crate) group: &'static str,
    /// The newest stable version of its group that has it.
    pub(crate) version: &'static str,
    /// Its name.
    pub(crate) kind: &'static str,
    /// Whether its objects are in namespaces.
    pub(crate) namespaced: bool,
}

/// The kind of that name in an API group; none where Kubernetes has no stable one.
pub(crate) fn find(group: &str, kind: &str) -> Option<Builtin> {
    all().find(|builtin| builtin.group == group && builtin.kind == kind)
}

/// Every kind.
pub(crate) fn all() -> impl Iterator<Item = Builtin> {
    GROUPS.iter().flat_map(|&Group { group, version, namespaced, cluster }| {
        let of = move |namespaced| move |kind: &&'static str| Builtin { group, version, kind, namespaced };
        namespaced.iter().map(of(true)).chain(cluster.iter().map(of(false)))
    })
}

/// Group and version of an `apiVersion`; the group of `v1` is empty.
pub(crate) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The `apiVersion` of a group and version.
pub(crate) fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Whether a group is Kubernetes' own by its name. Others have a dot in theirs, and `k8s.io` is reserved.
pub(crate) fn is_own_group(group: &str) -> bool {
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// The instance key in an object's address: `Deployment/cattle-system/cattle`, `Namespace/cattle-system`, and with its
/// group where that is not Kubernetes' own, `Certificate.cert-manager.io/default/web`.
pub(crate) fn key(kind: &str, group: &str, namespace: Option<&str>, name: &str) -> String {
    let dot = if is_own_group(group) { "" } else { "." };
    let group = if is_own_group(group) { "" } else { group };
    match namespace {
        Some(namespace) => format!("{kind}{dot}{group}/{namespace}/{name}"),
        None => format!("{kind}{dot}{group}/{name}"),
    }
}

/// The kinds of an API group that have the same version.
struct Group {
    group: &'static str,
    version: &'static str,
    namespaced: &'static [&'static str],
    cluster: &'static [&'static str],
}

#[rustfmt::skip]
const GROUPS: &[Group] = &[
    Group {
        group: "", version: "v1",
        namespaced: &[
            "Binding", "ConfigMap", "Endpoints", "Event", "LimitRange", "PersistentVolumeClaim", "Pod", "PodTemplate",
            "ReplicationController", "ResourceQuota", "Secret", "Service", "ServiceAccount",
        ],
        cluster: &["Namespace", "Node", "PersistentVolume"],
    },
    Group {
        group: "admissionregistration.k8s.io", version: "v1",
        namespaced: &[],
        cluster: &[
            "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    },
    Group { group: "apiextensions.k8s.io", version: "v1", namespaced: &[], cluster: &["CustomResourceDefinition"] },
    Group { group: "apiregistration.k8s.io", version: "v1", namespaced: &[], cluster: &["APIService"] },
    Group {
        group: "apps", version: "v1",
        namespaced: &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
        cluster: &[],
    },
    Group {
        group: "authentication.k8s.io", version: "v1",
        namespaced: &[], cluster: &["SelfSubjectReview", "TokenReview"],
    },
    Group {
        group: "authorization.k8s.io", version: "v1",
        namespaced: &["LocalSubjectAccessReview"],
        cluster: &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
    },
    Group { group: "autoscaling", version: "v2", namespaced: &["HorizontalPodAutoscaler"], cluster: &[] },
    Group { group: "batch", version: "v1", namespaced: &["CronJob", "Job"], cluster: &[] },
    Group { group: "certificates.k8s.io", version: "v1", namespaced: &[], cluster: &["CertificateSigningRequest"] },
    Group { group: "coordination.k8s.io", version: "v1", namespaced: &["Lease"], cluster: &[] },
    Group { group: "discovery.k8s.io", version: "v1", namespaced: &["EndpointSlice"], cluster: &[] },
    Group { group: "events.k8s.io", version: "v1", namespaced: &["Event"], cluster: &[] },
    Group {
        group: "flowcontrol.apiserver.k8s.io", version: "v1",
        namespaced: &[], cluster: &["FlowSchema", "PriorityLevelConfiguration"],
    },
    Group {
        group: "networking.k8s.io", version: "v1",
        namespaced: &["Ingress", "NetworkPolicy"],
        cluster: &["IPAddress", "IngressClass", "ServiceCIDR"],
    },
    Group { group: "node.k8s.io", version: "v1", namespaced: &[], cluster: &["RuntimeClass"] },
    Group { group: "policy", version: "v1", namespaced: &["PodDisruptionBudget"], cluster: &[] },
    // Gone, and never had a stable version; known so that it can be said.
    Group { group: "policy", version: "v1beta1", namespaced: &[], cluster: &["PodSecurityPolicy"] },
    Group {
        group: "rbac.authorization.k8s.io", version: "v1",
        namespaced: &["Role", "RoleBinding"],
        cluster: &["ClusterRole", "ClusterRoleBinding"],
    },
    Group {
        group: "resource.k8s.io", version: "v1",
        namespaced: &["ResourceClaim", "ResourceClaimTemplate"],
        cluster: &["DeviceClass", "ResourceSlice"],
    },
    Group { group: "scheduling.k8s.io", version: "v1", namespaced: &[], cluster: &["PriorityClass"] },
    Group {
        group: "storage.k8s.io", version: "v1",
        namespaced: &["CSIStorageCapacity"],
        cluster: &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_addresses() {
        for (api_version, kind, namespace, name, expected) in [
            ("apps/v1", "Deployment", Some("cattle-system"), "cattle", "Deployment/cattle-system/cattle"),
            ("v1", "Namespace", None, "cattle-system", "Namespace/cattle-system"),
            ("networking.k8s.io/v1", "Ingress", Some("a"), "b", "Ingress/a/b"),
            ("cert-manager.io/v1", "Certificate", Some("a"), "b", "Certificate.cert-manager.io/a/b"),
            ("cluster.x-k8s.io/v1beta1", "Cluster", Some("a"), "b", "Cluster.cluster.x-k8s.io/a/b"),
        ] {
            let (group, version) = split(api_version);
            assert_eq!(key(kind, group, namespace, name), expected);
            assert_eq!(join(group, version), api_version);
        }
    }

    #[test]
    fn a_kind_is_in_the_table_once() {
        let mut seen: Vec<_> = all().map(|builtin| (builtin.group, builtin.kind)).collect();
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(find("apps", "Deployment").is_some_and(|found| found.namespaced && found.version == "v1"));
        assert_eq!(find("extensions", "Deployment"), None);
    }
}
