//! What the server does not keep: fields that are optional and have the value that they have when they are absent. Who sent
//! them owns them all the same.

use serde_json::{Map, Value};

/// Numbers that are absent where they are 0.
const NUMBERS: &[&str] = &["hostPort", "initialDelaySeconds", "minReadySeconds", "nodePort"];
/// Truth values that are absent where they are false.
const FLAGS: &[&str] = &[
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "paused",
    "publishNotReadyAddresses",
    "readOnly",
    "stdin",
    "stdinOnce",
    "tty",
    "unschedulable",
];
/// Texts and lists that are kept where they are empty.
const KEPT: &[&str] = &["apiGroup", "ingressClassName", "rules", "storageClassName", "namespace"];
/// Maps of texts. What is in them is kept whatever it is; of other maps it matters that they are there.
const MAPS: &[&str] = &[
    "annotations",
    "binaryData",
    "data",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "parameters",
    "requests",
    "stringData",
];

/// Takes them out of an object of a type of Kubernetes.
pub(crate) fn leave_out(map: &mut Map<String, Value>) {
    map.retain(|name, value| {
        if MAPS.contains(&name.as_str()) && value.is_object() {
            return value.as_object().is_none_or(|map| !map.is_empty());
        }
        leave_out_of(value);
        match value {
            Value::Bool(false) => !FLAGS.contains(&name.as_str()),
            Value::Number(number) => number.as_i64() != Some(0) || !NUMBERS.contains(&name.as_str()),
            Value::String(text) => !text.is_empty() || KEPT.contains(&name.as_str()),
            Value::Array(items) => !items.is_empty() || KEPT.contains(&name.as_str()),
            _ => true,
        }
    });
}

fn leave_out_of(value: &mut Value) {
    match value {
        Value::Object(map) => leave_out(map),
        Value::Array(items) => items.iter_mut().for_each(leave_out_of),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_empty_is_not_kept_and_what_says_something_is() {
        let mut object = json!({
            "metadata": {"labels": {}, "annotations": {"a": ""}},
            "data": {"empty": ""},
            "spec": {
                "minReadySeconds": 0,
                "replicas": 0,
                "paused": false,
                "storageClassName": "",
                "podSelector": {},
                "template": {"spec": {"hostAliases": [], "containers": [{"env": [{"name": "A", "value": ""}]}]}},
            },
            "rules": [],
        });
        let Value::Object(map) = &mut object else { panic!("it is a map") };
        leave_out(map);
        let expected = json!({
            "metadata": {"annotations": {"a": ""}},
            "data": {"empty": ""},
            "spec": {
                "replicas": 0,
                "storageClassName": "",
                "podSelector": {},
                "template": {"spec": {"containers": [{"env": [{"name": "A"}]}]}},
            },
            "rules": [],
        });
        assert_eq!(object, expected);
    }
}
