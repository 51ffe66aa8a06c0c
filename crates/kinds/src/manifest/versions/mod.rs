//! API versions that Kubernetes removed, translated to the current ones.
//!
//! What was removed when, and what differs: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/>.
//! Parts of an object that are not known yet are left as they are.

mod edit;
mod extensions;
mod network;
mod others;
#[cfg(test)]
mod tests;
mod workloads;

use hactl_core::Diagnostic;
use hactl_core::value::{Map, Value};

use super::builtin;
use super::places::{Places, at};
use edit::map_at;

/// An object in the current version of its kind.
///
/// Where its own is one that Kubernetes removed, it is translated, with a warning at its `apiVersion` that says what was
/// filled in. Any other version is left as it is: it may be served, and if not, the server tells.
pub(crate) fn current(mut object: Map, places: Places<'_>, diagnostics: &mut Vec<Diagnostic>) -> Map {
    let Some((api_version, kind)) = version_and_kind(&object) else { return object };
    if let Some(removed) = removed(&api_version, &kind) {
        let mut notes = Notes::default();
        (removed.translate)(&mut object, &mut notes);
        let target = removed.target(&kind);
        let warning = Diagnostic::warning(format!(
            "{} is written as {api_version}, which is gone since Kubernetes {}; it is applied as {target}",
            called(&object, &kind),
            removed.gone
        ))
        .detail(notes.text(&api_version))
        .help(format!("write it as {target} to end this warning"));
        diagnostics.push(at(warning, places, &["apiVersion"]));
        object.insert("apiVersion".to_owned(), target.into());
    } else if let Some(ended) = ENDED.iter().find(|ended| ended.is(&api_version, &kind)) {
        let warning = Diagnostic::warning(format!(
            "{} is written as {api_version}, which is gone since Kubernetes {} and has no successor",
            called(&object, &kind),
            ended.gone
        ))
        .detail("It is left as it is; an API server of that version or later refuses it.")
        .help(ended.help);
        diagnostics.push(at(warning, places, &["apiVersion"]));
    }
    if kind == "HorizontalPodAutoscaler" {
        scaled(&mut object, places, diagnostics);
    }
    object
}

/// What a translation did to an object beyond its version, for the user.
#[derive(Default)]
struct Notes {
    sentences: Vec<String>,
    defaults: Vec<String>,
}

impl Notes {
    /// Adds a sentence.
    fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }

    /// Adds a default of the old version that is written out because it is no longer one.
    fn kept(&mut self, default: impl Into<String>) {
        self.defaults.push(default.into());
    }

    fn text(mut self, api_version: &str) -> String {
        if !self.defaults.is_empty() {
            let defaults = self.defaults.join(", ");
            self.sentences.push(format!("Defaults of {api_version} that changed since are kept: {defaults}."));
        }
        self.sentences.join(" ")
    }
}

/// What an autoscaler scales, where it names that in a removed version.
fn scaled(object: &mut Map, places: Places<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(reference) = map_at(object, &["spec", "scaleTargetRef"]) else { return };
    let Some((api_version, kind)) = version_and_kind(reference) else { return };
    let Some(removed) = removed(&api_version, &kind) else { return };
    let target = removed.target(&kind);
    reference.insert("apiVersion".to_owned(), target.as_str().into());
    let called = called(object, "HorizontalPodAutoscaler");
    let summary = format!("{called} scales a {kind} of {api_version}, which is gone; it is applied with {target}");
    let warning = Diagnostic::warning(summary).help(format!("write `apiVersion: {target}`"));
    diagnostics.push(at(warning, places, &["spec", "scaleTargetRef", "apiVersion"]));
}

fn version_and_kind(object: &Map) -> Option<(String, String)> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    Some((text("apiVersion")?, text("kind")?))
}

/// What an object is called in messages: `Deployment cattle-system/cattle`.
pub(super) fn called(object: &Map, kind: &str) -> String {
    let text = |key: &str| object.get("metadata")?.get(key)?.as_str();
    match (text("namespace"), text("name")) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        (_, None) => kind.to_owned(),
    }
}

/// A version that Kubernetes no longer serves.
struct Removed {
    from: &'static str,
    kinds: &'static [&'static str],
    /// The group that has the kind now; the version is the one of [`builtin`].
    group: &'static str,
    /// The first release without it.
    gone: &'static str,
    translate: fn(&mut Map, &mut Notes),
}

impl Removed {
    fn target(&self, kind: &str) -> String {
        builtin::join(self.group, builtin::find(self.group, kind).map_or("v1", |builtin| builtin.version))
    }
}

fn removed(api_version: &str, kind: &str) -> Option<&'static Removed> {
    REMOVED.iter().find(|removed| removed.from == api_version && removed.kinds.contains(&kind))
}

/// For kinds whose fields did not change.
fn unchanged(_: &mut Map, _: &mut Notes) {}

const fn row(
    gone: &'static str,
    from: &'static str,
    kinds: &'static [&'static str],
    group: &'static str,
    translate: fn(&mut Map, &mut Notes),
) -> Removed {
    Removed { from, kinds, group, gone, translate }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_KINDS: &[&str] = &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
const REVIEWS: &[&str] = &["LocalSubjectAccessReview", "SubjectAccessReview"];
const WEBHOOKS: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

#[rustfmt::skip]
const REMOVED: &[Removed] = &[
    row("1.16", "extensions/v1beta1", &["DaemonSet"], "apps", workloads::daemon_set_of_extensions),
    row("1.16", "extensions/v1beta1", &["Deployment"], "apps", workloads::deployment_of_extensions),
    row("1.16", "extensions/v1beta1", &["ReplicaSet"], "apps", workloads::selector),
    row("1.16", "extensions/v1beta1", &["NetworkPolicy"], NETWORKING, unchanged),
    row("1.22", "extensions/v1beta1", &["Ingress"], NETWORKING, network::ingress),
    row("1.16", "apps/v1beta1", &["ControllerRevision"], "apps", unchanged),
    row("1.16", "apps/v1beta1", &["Deployment"], "apps", workloads::deployment_of_beta1),
    row("1.16", "apps/v1beta1", &["ReplicaSet"], "apps", workloads::selector),
    row("1.16", "apps/v1beta1", &["StatefulSet"], "apps", workloads::stateful_set_of_beta1),
    row("1.16", "apps/v1beta2", &["ControllerRevision"], "apps", unchanged),
    row("1.16", "apps/v1beta2", &["DaemonSet"], "apps", workloads::daemon_set),
    row("1.16", "apps/v1beta2", &["Deployment", "ReplicaSet", "StatefulSet"], "apps", workloads::selector),

    row("1.21", "batch/v2alpha1", &["CronJob"], "batch", unchanged),
    row("1.22", "node.k8s.io/v1alpha1", &["RuntimeClass"], "node.k8s.io", others::runtime_class),

    row("1.22", "admissionregistration.k8s.io/v1beta1", WEBHOOKS, ADMISSION, extensions::webhooks),
    row("1.22", "apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"], "apiextensions.k8s.io",
        extensions::custom_resource_definition),
    row("1.22", "apiregistration.k8s.io/v1beta1", &["APIService"], "apiregistration.k8s.io", unchanged),
    row("1.22", "authentication.k8s.io/v1beta1", &["TokenReview"], "authentication.k8s.io", unchanged),
    row("1.22", "authorization.k8s.io/v1beta1", REVIEWS, AUTHORIZATION, others::access_review),
    row("1.22", "authorization.k8s.io/v1beta1", &["SelfSubjectAccessReview", "SelfSubjectRulesReview"], AUTHORIZATION,
        unchanged),
    row("1.22", "certificates.k8s.io/v1beta1", &["CertificateSigningRequest"], "certificates.k8s.io",
        others::signing_request),
    row("1.22", "coordination.k8s.io/v1beta1", &["Lease"], "coordination.k8s.io", unchanged),
    row("1.22", "networking.k8s.io/v1beta1", &["Ingress"], NETWORKING, network::ingress),
    row("1.22", "networking.k8s.io/v1beta1", &["IngressClass"], NETWORKING, unchanged),
    row("1.22", "rbac.authorization.k8s.io/v1beta1", RBAC_KINDS, RBAC, unchanged),
    row("1.22", "scheduling.k8s.io/v1beta1", &["PriorityClass"], "scheduling.k8s.io", unchanged),
    row("1.22", "storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        "storage.k8s.io", unchanged),

    row("1.23", "rbac.authorization.k8s.io/v1alpha1", RBAC_KINDS, RBAC, unchanged),
    row("1.23", "scheduling.k8s.io/v1alpha1", &["PriorityClass"], "scheduling.k8s.io", unchanged),

    row("1.25", "batch/v1beta1", &["CronJob"], "batch", unchanged),
    row("1.25", "autoscaling/v2beta1", &["HorizontalPodAutoscaler"], "autoscaling", others::autoscaler),
    row("1.25", "discovery.k8s.io/v1beta1", &["EndpointSlice"], "discovery.k8s.io", network::endpoint_slice),
    row("1.25", "events.k8s.io/v1beta1", &["Event"], "events.k8s.io", unchanged),
    row("1.25", "node.k8s.io/v1beta1", &["RuntimeClass"], "node.k8s.io", unchanged),
    row("1.25", "policy/v1beta1", &["PodDisruptionBudget"], "policy", others::disruption_budget),

    row("1.26", "autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "autoscaling", unchanged),
    row("1.27", "storage.k8s.io/v1beta1", &["CSIStorageCapacity"], "storage.k8s.io", unchanged),

    row("1.26", "flowcontrol.apiserver.k8s.io/v1beta1", &["FlowSchema"], FLOW, unchanged),
    row("1.26", "flowcontrol.apiserver.k8s.io/v1beta1", &["PriorityLevelConfiguration"], FLOW, others::priority_level),
    row("1.29", "flowcontrol.apiserver.k8s.io/v1beta2", &["FlowSchema"], FLOW, unchanged),
    row("1.29", "flowcontrol.apiserver.k8s.io/v1beta2", &["PriorityLevelConfiguration"], FLOW, others::priority_level),
    row("1.32", "flowcontrol.apiserver.k8s.io/v1beta3", &["FlowSchema"], FLOW, unchanged),
    row("1.32", "flowcontrol.apiserver.k8s.io/v1beta3", &["PriorityLevelConfiguration"], FLOW, others::priority_level),
];

/// A kind that Kubernetes removed for good.
struct Ended {
    versions: &'static [&'static str],
    kind: &'static str,
    gone: &'static str,
    help: &'static str,
}

impl Ended {
    fn is(&self, api_version: &str, kind: &str) -> bool {
        self.kind == kind && self.versions.contains(&api_version)
    }
}

const ENDED: &[Ended] = &[
    Ended {
        versions: &["extensions/v1beta1", "policy/v1beta1"],
        kind: "PodSecurityPolicy",
        gone: "1.25",
        help: "take it out and label namespaces for Pod Security admission, as in `pod-security.kubernetes.io/enforce: baseline`",
    },
    Ended {
        versions: &["settings.k8s.io/v1alpha1"],
        kind: "PodPreset",
        gone: "1.20",
        help: "take it out and write what it injected into the workloads, or use a mutating admission webhook",
    },
];
