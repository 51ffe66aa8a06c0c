//! The object that is sent for a spec.

use hactl_core::Address;
use hactl_core::value::Value;
use hactl_kube::Object;
use serde_json::{Map, Value as Json, json};

use crate::manifest::builtin;
use crate::object::json::to_json;
use crate::object::reference::Spot;
use crate::object::{ADDRESS, LINEAGE, SETTINGS, STACK};

/// By what an object is known again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks<'a> {
    /// The stack's identity.
    pub(crate) lineage: &'a str,
    /// The stack's name; none where it is not to be told.
    pub(crate) stack: Option<&'a str>,
    /// The resource that the object is.
    pub(crate) address: &'a Address,
}

/// The object of a spec in plain text, in the version that the server serves and with hactl's marks; with a uid, for that
/// very object alone.
pub(crate) fn object(spec: &Value, spot: &Spot, marks: Marks<'_>, uid: Option<&str>) -> Object {
    let mut object = match to_json(spec) {
        Json::Object(object) => object,
        _ => Map::new(),
    };
    object.remove(SETTINGS);
    object.remove("status");
    object.insert("apiVersion".to_owned(), Json::from(spot.kind.api_version()));
    object.insert("kind".to_owned(), Json::from(spot.kind.kind.as_str()));
    let mut metadata = take_map(&mut object, "metadata");
    name(&mut metadata, spot, uid);
    let mut labels = take_map(&mut metadata, "labels");
    labels.insert(LINEAGE.to_owned(), json!(marks.lineage));
    metadata.insert("labels".to_owned(), Json::Object(labels));
    let mut annotations = take_map(&mut metadata, "annotations");
    annotations.insert(ADDRESS.to_owned(), json!(marks.address.as_str()));
    if let Some(stack) = marks.stack {
        annotations.insert(STACK.to_owned(), json!(stack));
    }
    metadata.insert("annotations".to_owned(), Json::Object(annotations));
    object.insert("metadata".to_owned(), Json::Object(metadata));
    let group = &spot.kind.group;
    // Schemas in a definition hold numbers that are numbers.
    if builtin::is_own_group(group) && spot.kind.kind != "CustomResourceDefinition" {
        object.values_mut().for_each(write_quantities);
    }
    Object(object)
}

/// The fields of built-in types that map resources to quantities.
const QUANTITIES: [&str; 9] =
    ["limits", "requests", "hard", "capacity", "default", "defaultRequest", "max", "min", "overhead"];

/// Writes quantities that are numbers, as in `cpu: 0.5`, as the texts that they are: `kubectl apply` sends numbers and is
/// understood, but server-side apply goes by the types in the server's schema.
fn write_quantities(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(write_quantities),
        Json::Object(map) => {
            for (key, value) in map {
                match value {
                    Json::Object(quantities) if QUANTITIES.contains(&key.as_str()) => {
                        quantities.values_mut().for_each(write_number);
                    }
                    value if key == "sizeLimit" => write_number(value),
                    value => write_quantities(value),
                }
            }
        }
        _ => {}
    }
}

fn write_number(value: &mut Json) {
    if let Json::Number(number) = value {
        *value = Json::String(number.to_string());
    }
}

/// What names a very object and says nothing of it.
pub(crate) fn bare(spot: &Spot, uid: &str) -> Map<String, Json> {
    let mut metadata = Map::new();
    name(&mut metadata, spot, Some(uid));
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), Json::from(spot.kind.api_version()));
    object.insert("kind".to_owned(), Json::from(spot.kind.kind.as_str()));
    object.insert("metadata".to_owned(), Json::Object(metadata));
    object
}

fn name(metadata: &mut Map<String, Json>, spot: &Spot, uid: Option<&str>) {
    metadata.insert("name".to_owned(), Json::from(spot.name.as_str()));
    match &spot.namespace {
        Some(namespace) => metadata.insert("namespace".to_owned(), Json::from(namespace.as_str())),
        None => metadata.remove("namespace"),
    };
    if let Some(uid) = uid {
        metadata.insert("uid".to_owned(), Json::from(uid));
    }
}

/// Takes the map under a key out; an empty one where there is none.
fn take_map(map: &mut Map<String, Json>, key: &str) -> Map<String, Json> {
    match map.remove(key) {
        Some(Json::Object(taken)) => taken,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use hactl_kube::ServedKind;

    #[test]
    fn quantities_are_sent_as_texts() {
        let sent = |group: &str| {
            let kind = ServedKind {
                group: group.to_owned(),
                version: "v1".to_owned(),
                kind: "Thing".to_owned(),
                plural: "things".to_owned(),
                namespaced: false,
            };
            let spot = Spot { kind, namespace: None, name: "a".to_owned() };
            let container = json!({"resources": {"limits": {"cpu": 0.5, "memory": "1Gi"}, "requests": {"cpu": 1}}, "ports": [{"containerPort": 80}]});
            let volume = json!({"emptyDir": {"sizeLimit": 1000}});
            let spec = json!({"kind": "Thing", "spec": {"replicas": 2, "containers": [container], "volumes": [volume], "max": 3}});
            let address = Address::new("manifest", "a", None);
            let marks = Marks { lineage: "11111111-2222", stack: None, address: &address };
            object(&from_json(&spec), &spot, marks, None).0.remove("spec").unwrap()
        };
        let container = json!({"resources": {"limits": {"cpu": "0.5", "memory": "1Gi"}, "requests": {"cpu": "1"}}, "ports": [{"containerPort": 80}]});
        let volume = json!({"emptyDir": {"sizeLimit": "1000"}});
        assert_eq!(sent("apps"), json!({"replicas": 2, "containers": [container], "volumes": [volume], "max": 3}));
        assert_eq!(sent("example.com")["containers"][0]["resources"]["limits"]["cpu"], json!(0.5));
    }

    #[test]
    fn what_is_sent_for_a_spec() {
        let kind = ServedKind {
            group: "batch".to_owned(),
            version: "v1beta1".to_owned(),
            kind: "CronJob".to_owned(),
            plural: "cronjobs".to_owned(),
            namespaced: true,
        };
        let spot = Spot { kind, namespace: Some("default".to_owned()), name: "nightly".to_owned() };
        let spec = from_json(
            &json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "labels": {"a": "b"}},
            "spec": {"schedule": "0 3 * * *"}, "status": {"active": []}, "x-hactl": {"wait": false}}),
        );
        let address = Address::new("manifest", "jobs", Some("CronJob/default/nightly"));
        let marks = Marks { lineage: "11111111-2222", stack: Some("demo"), address: &address };
        insta::assert_json_snapshot!(object(&spec, &spot, marks, Some("uid-1")).0, @r#"
        {
          "apiVersion": "batch/v1beta1",
          "kind": "CronJob",
          "spec": {
            "schedule": "0 3 * * *"
          },
          "metadata": {
            "uid": "uid-1",
            "name": "nightly",
            "namespace": "default",
            "labels": {
              "a": "b",
              "hactl.io/lineage": "11111111-2222"
            },
            "annotations": {
              "hactl.io/address": "manifest.jobs[\"CronJob/default/nightly\"]",
              "hactl.io/stack": "demo"
            }
          }
        }
        "#);
        insta::assert_json_snapshot!(bare(&spot, "uid-1"), @r#"
        {
          "apiVersion": "batch/v1beta1",
          "kind": "CronJob",
          "metadata": {
            "name": "nightly",
            "namespace": "default",
            "uid": "uid-1"
          }
        }
        "#);
    }
}
