//! Where pods stand in objects that make them, and which labels select them.

use hactl_core::value::{Map, Value};

/// The path to the pod or its template in an object of a built-in kind, and so to its `metadata` and `spec`; none for
/// kinds that make no pods.
pub(super) fn template_path(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Pod" => &[],
        "PodTemplate" => &["template"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template"],
        "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            &["spec", "template"]
        }
        _ => return None,
    })
}

/// The lists of containers in a pod's spec.
pub(super) const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The value at the end of a path of keys.
pub(super) fn at_path<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The items of the list at the end of a path of keys; none where there is no list.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at_path(value, path).and_then(Value::as_list).unwrap_or_default()
}

/// The text at the end of a path of keys.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at_path(value, path).and_then(Value::as_str)
}

/// Whether a label selector selects what has these labels; an empty selector selects everything.
/// What is not known yet selects nothing.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
pub(super) fn selects(selector: &Value, labels: &Map) -> bool {
    let Some(selector) = selector.as_map() else { return false };
    let equal = match selector.get("matchLabels") {
        None | Some(Value::Null) => true,
        Some(Value::Map(wanted)) => wanted.iter().all(|(key, value)| labels.get(key) == Some(value)),
        Some(_) => false,
    };
    let expressions = match selector.get("matchExpressions") {
        None | Some(Value::Null) => &[],
        Some(Value::List(expressions)) => expressions.as_slice(),
        Some(_) => return false,
    };
    equal && expressions.iter().all(|expression| meets(expression, labels))
}

fn meets(expression: &Value, labels: &Map) -> bool {
    let label = text(expression, &["key"]).and_then(|key| labels.get(key));
    let among = || items(expression, &["values"]).iter().any(|value| Some(value) == label);
    match text(expression, &["operator"]) {
        Some("In") => among(),
        Some("NotIn") => !among(),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}
