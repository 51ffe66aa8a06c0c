//! A live object against the spec that was applied: what of it is different now.
//!
//! Only what was applied is looked at: defaults, status and what others manage are not part of it. A value that the server
//! keeps in another form (`cpu: 0.5` as `500m`), or drops because it says nothing, is as it was applied as long as it still
//! belongs to the manager that applied it: whoever changes a field takes it from its manager.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hactl_core::DigestKey;
use hactl_core::diff::same;
use hactl_core::value::{Map, Value};
use hactl_kube::Object;

use crate::object::SETTINGS;
use crate::object::fields::{Fields, ListKind, item_of};
use crate::object::json::from_object;

/// What became of a spec.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Live {
    /// The spec with what is different put in its place, and without what is gone.
    pub(crate) spec: Value,
    /// The fields that the server keeps in another form than they were sent in, as the server writes their paths.
    pub(crate) stored: BTreeSet<String>,
}

/// What else it takes to compare.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<'a> {
    /// The manager that applied the spec.
    pub(crate) manager: &'a str,
    /// [`Live::stored`] as it was right after it was applied; where that is not known, every field that still belongs to
    /// the manager is taken to be as it was applied.
    pub(crate) stored: Option<&'a BTreeSet<String>>,
    /// By what sealed values are compared; without it they are taken to be as they were applied.
    pub(crate) key: Option<&'a DigestKey>,
}

/// Compares a live object with the spec that was applied.
pub(crate) fn compare(applied: &Value, object: &Object, how: Comparison<'_>) -> Live {
    let live = view(applied, object);
    let mut walk = Walk { how, stored: BTreeSet::new(), at: String::new() };
    let place = Place { ours: Fields::of(object, how.manager), all: Fields::of_anybody(object) };
    let spec = walk.value(applied, Some(&live), &place).unwrap_or_else(|| applied.clone());
    Live { spec, stored: walk.stored }
}

/// Whether a live or applied value is what is wanted, in plain text; a sealed value is compared by its digest, or taken to be
/// the same without a key.
pub(crate) fn is_same(known: &Value, plain: &Value, key: Option<&DigestKey>) -> bool {
    match (known, plain) {
        (Value::Sealed(sealed), plain) => key.is_none_or(|key| key.digest(plain) == sealed.digest),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b, key)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && is_same(a, b, key))
        }
        (known, plain) => same(known, plain),
    }
}

/// The live object with all in place that is compared elsewhere or not at all: what the object is called, hactl's
/// settings, and the `stringData` that the server keeps as `data`.
fn view(applied: &Value, object: &Object) -> Value {
    let mut live = from_object(object);
    let (Value::Map(view), Some(applied)) = (&mut live, applied.as_map()) else { return live };
    copy(applied, view, &["apiVersion", "kind", "status", SETTINGS]);
    if let (Some(applied), Some(Value::Map(metadata))) =
        (applied.get("metadata").and_then(Value::as_map), view.get_mut("metadata"))
    {
        copy(applied, metadata, &["name", "namespace"]);
    }
    if let Some(written) = applied.get("stringData").filter(|_| applied.get("kind") == Some(&Value::from("Secret"))) {
        let data = view.get("data").and_then(Value::as_map).cloned().unwrap_or_default();
        let is_meant = |name: &str| match written {
            Value::Map(written) => written.contains_key(name),
            _ => applied.get("data").and_then(|data| data.get(name)).is_none(),
        };
        let texts = data.iter().filter(|(name, _)| is_meant(name)).filter_map(|(name, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            Some((name.clone(), Value::from(String::from_utf8(bytes).ok()?)))
        });
        view.insert("stringData".to_owned(), Value::Map(texts.collect()));
    }
    live
}

fn copy(from: &Map, into: &mut Map, keys: &[&str]) {
    for key in keys {
        if let Some(value) = from.get(*key) {
            into.insert((*key).to_owned(), value.clone());
        }
    }
}

/// Whether a value says nothing, so that the server may drop it.
fn is_hollow(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.values().all(is_hollow),
        _ => false,
    }
}

/// Who owns what at a place.
struct Place<'a> {
    ours: Fields<'a>,
    all: Fields<'a>,
}

impl Place<'_> {
    fn field(&self, key: &str) -> Self {
        Self { ours: self.ours.field(key), all: self.all.field(key) }
    }

    fn item(&self, item: &Value) -> Self {
        Self { ours: self.ours.item(item), all: self.all.item(item) }
    }
}

struct Walk<'a> {
    how: Comparison<'a>,
    stored: BTreeSet<String>,
    /// The path of the place, as the server writes it.
    at: String,
}

impl Walk<'_> {
    /// What is there now of an applied value; none where it is gone.
    fn value(&mut self, applied: &Value, live: Option<&Value>, place: &Place<'_>) -> Option<Value> {
        match (applied, live) {
            // Null asks for nothing.
            (Value::Null, _) => Some(Value::Null),
            (applied, None) if is_hollow(applied) => Some(applied.clone()),
            (Value::Map(applied), None) => self.map(applied, &Map::new(), place),
            (Value::Map(applied), Some(Value::Map(live))) => self.map(applied, live, place),
            (Value::List(items), Some(Value::List(live))) => match place.all.list_kind() {
                ListKind::Keyed(keys) => Some(self.items(items, live, &keys, place)),
                ListKind::Set => {
                    let there = |item: &&Value| live.iter().any(|live| is_same(item, live, self.how.key));
                    Some(Value::List(items.iter().filter(there).cloned().collect()))
                }
                ListKind::Atomic => self.whole(applied, Some(&Value::List(live.clone())), place),
            },
            _ => self.whole(applied, live, place),
        }
    }

    fn map(&mut self, applied: &Map, live: &Map, place: &Place<'_>) -> Option<Value> {
        let length = self.at.len();
        let mut now = Map::new();
        for (key, value) in applied {
            self.at.push('.');
            self.at.push_str(key);
            if let Some(value) = self.value(value, live.get(key), &place.field(key)) {
                now.insert(key.clone(), value);
            }
            self.at.truncate(length);
        }
        (!now.is_empty() || applied.is_empty() || !live.is_empty()).then_some(Value::Map(now))
    }

    /// The items of a list that the server tells apart; those of others are not part of the spec.
    fn items(&mut self, applied: &[Value], live: &[Value], keys: &BTreeSet<String>, place: &Place<'_>) -> Value {
        let length = self.at.len();
        let mut now = Vec::with_capacity(applied.len());
        for item in applied {
            let Some(found) = item_of(item, live, keys) else { continue };
            let written: Vec<String> =
                keys.iter().filter_map(|key| Some(format!("{key}={:?}", found.get(key)?))).collect();
            self.at.push_str(&format!("[{}]", written.join(",")));
            now.extend(self.value(item, Some(found), &place.item(found)));
            self.at.truncate(length);
        }
        Value::List(now)
    }

    /// What is there now of a value that the server takes as a whole.
    fn whole(&mut self, applied: &Value, live: Option<&Value>, place: &Place<'_>) -> Option<Value> {
        if live.is_some_and(|live| is_same(applied, live, self.how.key)) {
            return Some(applied.clone());
        }
        let may_differ = self.how.stored.is_none_or(|stored| stored.contains(&self.at));
        if may_differ && !place.ours.is_empty() {
            self.stored.insert(self.at.clone());
            return Some(applied.clone());
        }
        let live = live?;
        match (applied.is_sensitive(), self.how.key) {
            (false, _) => Some(live.clone()),
            (true, Some(key)) => Some(Value::sealed(key.digest(live))),
            (true, None) => Some(applied.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use serde_json::{Value as Json, json};

    fn object(mut live: Json, ours: Json, others: Json) -> Object {
        live["metadata"]["managedFields"] = json!([
            {"manager": "hactl-1", "operation": "Apply", "fieldsV1": ours},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": others},
        ]);
        serde_json::from_value(live).unwrap()
    }

    fn how<'a>(stored: Option<&'a BTreeSet<String>>, key: Option<&'a DigestKey>) -> Comparison<'a> {
        Comparison { manager: "hactl-1", stored, key }
    }

    fn deployment(image: &str, cpu: &str, replicas: i64) -> Json {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "x"},
            "spec": {"replicas": replicas, "hostNetwork": false, "template": {"spec": {"containers": [
                {"name": "web", "image": image, "resources": {"limits": {"cpu": cpu}}, "args": ["a", "b"]},
            ]}}},
        })
    }

    fn live_deployment(image: &str, replicas: i64) -> Json {
        let mut live = deployment(image, "500m", replicas);
        live["apiVersion"] = json!("apps/v1beta9");
        live["spec"].as_object_mut().unwrap().remove("hostNetwork");
        live["spec"]["paused"] = json!(true);
        let containers = &mut live["spec"]["template"]["spec"]["containers"];
        containers[0]["imagePullPolicy"] = json!("Always");
        let injected = json!({"name": "sidecar", "image": "proxy"});
        containers.as_array_mut().unwrap().insert(0, injected);
        live
    }

    fn owned() -> Json {
        json!({"f:spec": {"f:replicas": {}, "f:hostNetwork": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"web\"}": {".": {}, "f:image": {}, "f:args": {}, "f:resources": {"f:limits": {"f:cpu": {}}}},
        }}}}})
    }

    const STORED: &str = r#".spec.template.spec.containers[name="web"].resources.limits.cpu"#;

    #[test]
    fn right_after_it_was_applied_all_is_as_sent() {
        let sent = from_json(&deployment("web:1", "0.5", 3));
        let object = object(live_deployment("web:1", 3), owned(), json!({}));
        let live = compare(&sent, &object, how(None, None));
        assert_eq!(live.spec, sent);
        assert_eq!(live.stored, BTreeSet::from([".spec.hostNetwork".to_owned(), STORED.to_owned()]));
        let again = compare(&sent, &object, how(Some(&live.stored), None));
        assert_eq!(again, live);
    }

    #[test]
    fn what_others_changed_is_told() {
        let sent = from_json(&deployment("web:1", "0.5", 3));
        let mut ours = owned();
        ours["f:spec"].as_object_mut().unwrap().remove("f:replicas");
        let others = json!({"f:spec": {"f:replicas": {}}});
        let stored = BTreeSet::from([".spec.hostNetwork".to_owned(), STORED.to_owned()]);
        let live = compare(&sent, &object(live_deployment("web:2", 5), ours, others), how(Some(&stored), None));
        assert_eq!(live.spec, from_json(&deployment("web:2", "0.5", 5)));
    }

    #[test]
    fn a_field_that_is_kept_in_another_form_counts_when_somebody_took_it() {
        let sent = from_json(&deployment("web:1", "0.5", 3));
        let stored = BTreeSet::from([".spec.hostNetwork".to_owned(), STORED.to_owned()]);
        let others = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {}}}}}});
        let live = compare(&sent, &object(live_deployment("web:1", 3), json!({}), others), how(Some(&stored), None));
        let mut expected = deployment("web:1", "500m", 3);
        expected["spec"].as_object_mut().unwrap().remove("hostNetwork");
        assert_eq!(live.spec, from_json(&expected));
        assert!(live.stored.is_empty());
    }

    #[test]
    fn what_is_gone_is_left_out_of_the_spec() {
        let sent = from_json(
            &json!({"kind": "ConfigMap", "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}, "annotations": {}},
            "data": {"k": "v"}, "binaryData": null}),
        );
        let live = json!({"kind": "ConfigMap", "metadata": {"name": "x", "labels": {"b": "2", "c": "3"}}});
        let live = compare(&sent, &object(live, json!({}), json!({})), how(Some(&BTreeSet::new()), None));
        let expected = json!({"kind": "ConfigMap", "metadata": {"name": "x", "labels": {"b": "2"}, "annotations": {}},
            "binaryData": null});
        assert_eq!(live.spec, from_json(&expected));
    }

    #[test]
    fn list_items_of_others_are_not_drift_and_own_ones_that_are_gone_are() {
        let sent = from_json(
            &json!({"metadata": {"name": "x", "finalizers": ["a/b", "c/d"]}, "spec": {"items": [{"ip": "1"}, {"ip": "2"}]}}),
        );
        let ours =
            json!({"f:metadata": {"f:finalizers": {"v:\"a/b\"": {}}}, "f:spec": {"f:items": {"k:{\"ip\":\"1\"}": {}}}});
        let live = json!({"metadata": {"name": "x", "finalizers": ["z/z", "a/b"]}, "spec": {"items": [{"ip": "9"}, {"ip": "1"}]}});
        let live = compare(&sent, &object(live, ours, json!({})), how(Some(&BTreeSet::new()), None));
        let expected = json!({"metadata": {"name": "x", "finalizers": ["a/b"]}, "spec": {"items": [{"ip": "1"}]}});
        assert_eq!(live.spec, from_json(&expected));
    }

    #[test]
    fn sealed_values_are_compared_by_their_digest() {
        let key = DigestKey::new([7; 32]);
        let sealed = |text: &str| Value::sealed(key.digest(&Value::from(text)));
        let secret = |data: Value, text: Value| {
            Value::Map(Map::from([
                ("kind".to_owned(), Value::from("Secret")),
                ("data".to_owned(), Value::Map(Map::from([("a".to_owned(), data)]))),
                ("stringData".to_owned(), Value::Map(Map::from([("b".to_owned(), text)]))),
            ]))
        };
        let applied = secret(sealed("aGk="), sealed("hunter2"));
        let live = |b: &str| {
            object(json!({"kind": "Secret", "data": {"a": "aGk=", "b": STANDARD.encode(b)}}), json!({}), json!({}))
        };
        let stored = BTreeSet::new();
        let same = compare(&applied, &live("hunter2"), how(Some(&stored), Some(&key)));
        assert_eq!(same.spec, applied);
        let changed = compare(&applied, &live("hunter3"), how(Some(&stored), Some(&key)));
        assert_eq!(changed.spec, secret(sealed("aGk="), sealed("hunter3")));
        let blind = compare(&applied, &live("hunter3"), how(Some(&stored), None));
        assert_eq!(blind.spec, applied);
    }
}
