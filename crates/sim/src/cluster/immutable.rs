//! What cannot be changed of an object that exists, in the server's words.

use hactl_kube::{Cause, Object};
use serde_json::Value;

use crate::cluster::validation::cause;

/// `(kind, path, what the server says; the value stands before it where it begins with "Invalid value")`.
const FIXED: &[(&str, &[&str], Verdict)] = &[
    ("DaemonSet", &["spec", "selector"], Verdict::Value("field is immutable")),
    ("Deployment", &["spec", "selector"], Verdict::Value("field is immutable")),
    ("ReplicaSet", &["spec", "selector"], Verdict::Value("field is immutable")),
    ("Job", &["spec", "completions"], Verdict::Value("field is immutable")),
    ("Job", &["spec", "selector"], Verdict::Value("field is immutable")),
    ("Job", &["spec", "template"], Verdict::Value("field is immutable")),
    ("Secret", &["type"], Verdict::Value("field is immutable")),
    ("ClusterRoleBinding", &["roleRef"], Verdict::Value("cannot change roleRef")),
    ("RoleBinding", &["roleRef"], Verdict::Value("cannot change roleRef")),
    ("CustomResourceDefinition", &["spec", "group"], Verdict::Value("field is immutable")),
    ("CustomResourceDefinition", &["spec", "names", "plural"], Verdict::Value("field is immutable")),
    ("CustomResourceDefinition", &["spec", "scope"], Verdict::Value("field is immutable")),
    ("IngressClass", &["spec", "controller"], Verdict::Value("field is immutable")),
    ("StorageClass", &["parameters"], Verdict::Forbidden("updates to parameters are forbidden.")),
    ("StorageClass", &["provisioner"], Verdict::Forbidden("updates to provisioner are forbidden.")),
    ("StorageClass", &["reclaimPolicy"], Verdict::Forbidden("updates to reclaimPolicy are forbidden.")),
    ("StorageClass", &["volumeBindingMode"], Verdict::Value("field is immutable")),
    ("PriorityClass", &["value"], Verdict::Forbidden("may not be changed in an update.")),
    ("RuntimeClass", &["handler"], Verdict::Value("field is immutable")),
];

/// How the server refuses.
enum Verdict {
    Value(&'static str),
    Forbidden(&'static str),
}

/// What may change of a StatefulSet's spec.
const STATEFUL_SET: &[&str] =
    &["replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

/// What a change breaks.
pub(crate) fn broken(live: &Object, new: &Object) -> Vec<Cause> {
    let kind = new.kind();
    let rows = FIXED.iter().filter(|(of, path, _)| *of == kind && live.at(path) != new.at(path));
    let mut causes: Vec<Cause> = rows
        .map(|(_, path, verdict)| {
            let field = path.join(".");
            match verdict {
                Verdict::Value(text) => invalid(&field, new.at(path), text),
                Verdict::Forbidden(text) => cause(&field, format!("Forbidden: {text}")),
            }
        })
        .collect();
    causes.extend(of_kind(kind, live, new));
    causes
}

fn of_kind(kind: &str, live: &Object, new: &Object) -> Option<Cause> {
    match kind {
        "StatefulSet" if differs_besides(live, new, STATEFUL_SET) => Some(cause(
            "spec",
            "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
             'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
                .to_owned(),
        )),
        "Service" if is_named_address(live) && live.at(&["spec", "clusterIP"]) != new.at(&["spec", "clusterIP"]) => {
            Some(invalid("spec.clusterIPs[0]", new.at(&["spec", "clusterIPs"]), "may not change once set"))
        }
        "PersistentVolumeClaim" if differs_besides(live, new, &["resources", "volumeAttributesClassName"]) => {
            Some(cause(
                "spec",
                "Forbidden: spec is immutable after creation except resources.requests and \
                 volumeAttributesClassName for bound claims"
                    .to_owned(),
            ))
        }
        "Pod"
            if differs_besides(
                live,
                new,
                &["containers", "initContainers", "activeDeadlineSeconds", "tolerations"],
            ) =>
        {
            Some(cause(
                "spec",
                "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,\
                 `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                 existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                 previously negative)"
                    .to_owned(),
            ))
        }
        "Secret" | "ConfigMap" if live.at(&["immutable"]) == Some(&Value::Bool(true)) => {
            let fields = ["data", "binaryData"];
            let field = fields.into_iter().find(|field| live.at(&[field]) != new.at(&[field]));
            let freed = (new.at(&["immutable"]) != Some(&Value::Bool(true))).then_some("immutable");
            freed
                .or(field)
                .map(|field| cause(field, "Forbidden: field is immutable when `immutable` is set".to_owned()))
        }
        _ => None,
    }
}

/// Whether a Service has an address of its own, that others may know.
fn is_named_address(service: &Object) -> bool {
    service.at(&["spec", "clusterIP"]).is_some_and(|address| !address.is_null())
        && service.at(&["spec", "type"]).and_then(Value::as_str) != Some("ExternalName")
}

fn differs_besides(live: &Object, new: &Object, free: &[&str]) -> bool {
    let fields = |object: &Object| {
        let mut spec = object.at(&["spec"]).and_then(Value::as_object).cloned().unwrap_or_default();
        spec.retain(|key, _| !free.contains(&key.as_str()));
        spec
    };
    fields(live) != fields(new)
}

fn invalid(field: &str, value: Option<&Value>, text: &str) -> Cause {
    cause(field, format!("Invalid value: {}: {text}", value.unwrap_or(&Value::Null)))
}
