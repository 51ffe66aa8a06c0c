//! Who owns which fields: the server's `fieldsV1` sets, walked beside an object.
//!
//! A set is a tree. `f:KEY` is a field of a map, `k:{"name":"web"}` an item of a list that is known by these fields of it,
//! `v:"text"` an item of a list of plain values; a leaf is an empty map. What the server takes as a whole (an atomic list)
//! is a leaf.

use std::collections::BTreeSet;

use hactl_core::diff::same;
use hactl_core::value::Value;
use hactl_kube::Object;
use serde_json::{Map, Value as Json};

use crate::object::json::from_json;

/// What some managers own at one place of an object; nothing where no set leads there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a>(Vec<&'a Map<String, Json>>);

/// How the server knows the items of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// By the values of these fields of each.
    Keyed(BTreeSet<String>),
    /// By their values.
    Set,
    /// Not at all: the list is one value.
    Atomic,
}

impl<'a> Fields<'a> {
    /// What one manager owns by server-side apply.
    pub(crate) fn of(object: &'a Object, manager: &str) -> Self {
        let owners = object.owners().filter(|owner| owner.applies && owner.manager == manager);
        Self(owners.map(|owner| owner.fields).collect())
    }

    /// What anybody owns.
    pub(crate) fn of_anybody(object: &'a Object) -> Self {
        Self(object.owners().map(|owner| owner.fields).collect())
    }

    /// Whether nothing is owned here.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is owned of a field of a map.
    pub(crate) fn field(&self, key: &str) -> Self {
        self.child(|name| name.strip_prefix("f:") == Some(key))
    }

    /// What is owned of an item of a list that is known by some fields of it.
    pub(crate) fn item(&self, item: &Value) -> Self {
        self.child(|name| key_of(name).is_some_and(|key| key.iter().all(|(name, value)| has(item, name, value))))
    }

    /// How the server knows the items of the list that is here.
    pub(crate) fn list_kind(&self) -> ListKind {
        let mut names = self.0.iter().flat_map(|set| set.keys());
        let known = names.find_map(|name| match name.split_once(':')? {
            ("k", _) => Some(ListKind::Keyed(key_of(name)?.keys().cloned().collect())),
            ("v", _) => Some(ListKind::Set),
            _ => None,
        });
        known.unwrap_or(ListKind::Atomic)
    }

    fn child(&self, is_meant: impl Fn(&str) -> bool) -> Self {
        let sets = self.0.iter();
        let children = sets.flat_map(|set| set.iter().filter(|(name, _)| is_meant(name)));
        Self(children.filter_map(|(_, set)| set.as_object()).collect())
    }
}

/// The key in the name of a list item, `k:{"containerPort":80,"protocol":"TCP"}`.
fn key_of(name: &str) -> Option<Map<String, Json>> {
    serde_json::from_str(name.strip_prefix("k:")?).ok()
}

fn has(item: &Value, name: &str, value: &Json) -> bool {
    item.get(name).is_some_and(|own| same(own, &from_json(value)))
}

/// The item of a live list that one of a spec is, by the fields that tell items apart. A field that the spec leaves to
/// the server's default (as a port's protocol) fits any value; an item that fits in all fields comes first.
pub(crate) fn item_of<'v>(applied: &Value, live: &'v [Value], keys: &BTreeSet<String>) -> Option<&'v Value> {
    let fits = |item: &Value, exactly: bool| {
        keys.iter().all(|key| match (applied.get(key), item.get(key)) {
            (Some(own), Some(live)) => same(own, live),
            (Some(_), None) => false,
            (None, live) => !exactly || live.is_none(),
        })
    };
    let exact = live.iter().find(|item| fits(item, true));
    exact.or_else(|| live.iter().find(|item| fits(item, false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Object {
        let json = json!({"metadata": {"managedFields": [
            {"manager": "hactl-1", "operation": "Apply", "fieldsV1": {"f:spec": {
                "f:replicas": {},
                "f:containers": {
                    "k:{\"name\":\"web\"}": {".": {}, "f:image": {}, "f:args": {}},
                },
            }}},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:metadata": {
                "f:finalizers": {".": {}, "v:\"a/b\"": {}},
            }, "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:targetPort": {}}}}}},
        ]}});
        serde_json::from_value(json).unwrap()
    }

    fn value(json: Json) -> Value {
        from_json(&json)
    }

    #[test]
    fn what_a_manager_owns() {
        let object = object();
        let ours = Fields::of(&object, "hactl-1").field("spec");
        assert!(!ours.field("replicas").is_empty());
        assert!(ours.field("ports").is_empty());
        let web = ours.field("containers").item(&value(json!({"name": "web", "image": "x"})));
        assert!(!web.field("image").is_empty());
        assert!(web.field("env").is_empty());
        assert!(ours.field("containers").item(&value(json!({"name": "other"}))).is_empty());
    }

    #[test]
    fn how_lists_are_compared() {
        let object = object();
        let all = Fields::of_anybody(&object);
        let keys = |names: &[&str]| ListKind::Keyed(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(all.field("spec").field("containers").list_kind(), keys(&["name"]));
        assert_eq!(all.field("spec").field("ports").list_kind(), keys(&["port", "protocol"]));
        assert_eq!(all.field("metadata").field("finalizers").list_kind(), ListKind::Set);
        let args = all.field("spec").field("containers").item(&value(json!({"name": "web"}))).field("args");
        assert_eq!(args.list_kind(), ListKind::Atomic);
    }

    #[test]
    fn an_item_is_found_by_its_keys_and_defaults() {
        let keys = BTreeSet::from(["port".to_owned(), "protocol".to_owned()]);
        let live = [
            value(json!({"port": 53, "protocol": "UDP", "name": "u"})),
            value(json!({"port": 53, "protocol": "TCP", "name": "t"})),
            value(json!({"port": 80, "protocol": "TCP", "name": "w"})),
        ];
        let name = |applied| item_of(&value(applied), &live, &keys).and_then(|item| item.get("name")?.as_str());
        assert_eq!(name(json!({"port": 80})), Some("w"));
        assert_eq!(name(json!({"port": 53, "protocol": "TCP"})), Some("t"));
        assert_eq!(name(json!({"port": 81})), None);
    }
}
