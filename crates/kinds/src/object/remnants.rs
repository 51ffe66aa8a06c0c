//! What server-side apply would leave behind of a part that is taken out, and how to take it along.
//!
//! The server fills defaults into a part that is applied, as `failureThreshold` into a probe. Nobody owns those, so when the
//! part is taken out of the config they stay, and with them half a part: a probe without a handler, a volume of two types, a
//! `rollingUpdate` beside the strategy `Recreate`. Such objects are refused, or worse, taken. So what is there is applied
//! first, as it is, with all of that part: it changes nothing, and makes it ours. What is wanted then takes it along.

use std::collections::BTreeMap;

use hactl_core::value::{Map, Value};
use hactl_kube::Object;
use serde_json::{Map as JsonMap, Value as Json};

use crate::manifest::builtin;

/// Maps whose keys users choose: the server fills nothing into them, and other keys in them are other people's.
const FREE: [&str; 12] = [
    "annotations",
    "binaryData",
    "capacity",
    "data",
    "hard",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "parameters",
    "requests",
    "stringData",
];

/// Whether a change may leave something behind: only then the object that is there has to be looked at.
pub(crate) fn may_be(applied: &Value, wanted: &Value) -> bool {
    match (applied, wanted) {
        (Value::Map(applied), Value::Map(wanted)) => {
            let goes = |(key, value): (&String, &Value)| match wanted.get(key) {
                Some(after) => may_be(value, after),
                None => matches!(value, Value::Map(_)) && !FREE.contains(&key.as_str()),
            };
            let is_typed = |(key, value): (&String, &Value)| !applied.contains_key(key) && value.get("type").is_some();
            let changes_type = wanted.contains_key("type") && applied.get("type") != wanted.get("type");
            changes_type || applied.iter().any(goes) || wanted.iter().any(is_typed)
        }
        (Value::List(applied), Value::List(wanted)) => {
            applied.len() != wanted.len() || applied.iter().zip(wanted).any(|(before, after)| may_be(before, after))
        }
        _ => false,
    }
}

/// The object to apply first, where a change from what was applied to what is wanted would leave something behind; none
/// where it would not, or where that cannot be told. `next` is the object that is sent for what is wanted.
pub(crate) fn first(applied: &Value, wanted: &Value, live: &Object, next: &Object) -> Option<Object> {
    if !builtin::is_own_group(builtin::split(live.api_version()).0) {
        return None;
    }
    let mut holding = Holding { takes: false, unclear: false };
    let mut object = next.0.clone();
    object.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
    for (key, value) in live.0.iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status")) {
        if let (Some(before), Value::Map(wanted)) = (applied.get(key), wanted) {
            object.insert(key.clone(), holding.hold(Some(before), wanted.get(key), value));
        }
    }
    if let Some(Json::Object(metadata)) = object.get_mut("metadata") {
        for list in ["annotations", "labels"] {
            hold_free(
                metadata.get_mut(list),
                applied.get("metadata").and_then(|of| of.get(list)),
                live.at(&["metadata", list]),
            );
        }
    }
    (holding.takes && !holding.unclear).then_some(Object(object))
}

/// What has been found on the way through an object.
struct Holding {
    /// Whether anything would be left behind.
    takes: bool,
    /// Whether the items of some list cannot be told apart.
    unclear: bool,
}

impl Holding {
    /// What is there of what was applied, and all of the parts that are taken out.
    fn hold(&mut self, applied: Option<&Value>, wanted: Option<&Value>, live: &Json) -> Json {
        match live {
            Json::Object(live) => Json::Object(self.hold_map(applied, wanted, live)),
            Json::Array(items) => match applied {
                Some(Value::List(applied)) => Json::Array(self.hold_list(applied, wanted, items)),
                _ => Json::Array(items.clone()),
            },
            plain => plain.clone(),
        }
    }

    fn hold_map(
        &mut self,
        applied: Option<&Value>,
        wanted: Option<&Value>,
        live: &JsonMap<String, Json>,
    ) -> JsonMap<String, Json> {
        let wanted = wanted.and_then(Value::as_map);
        let changes_type = wanted.is_some_and(|wanted| is_of_another_type(wanted, live));
        let mut held = JsonMap::new();
        for (key, value) in live {
            let (before, after) =
                (applied.and_then(|applied| applied.get(key)), wanted.and_then(|wanted| wanted.get(key)));
            let is_part = value.is_object() && !FREE.contains(&key.as_str());
            let is_taken_out = after.is_none() && is_part && (changes_type || (before.is_some() && wanted.is_some()));
            if is_taken_out {
                self.takes = true;
                held.insert(key.clone(), value.clone());
            } else if before.is_some() {
                held.insert(key.clone(), self.hold(before, after, value));
            } else if let (Some(Value::Map(_)), true) = (after, is_part) {
                // New in the config: only what is in its way counts.
                let known = std::mem::take(&mut self.takes);
                let inner = self.hold(None, after, value);
                if self.takes {
                    held.insert(key.clone(), inner);
                }
                self.takes |= known;
            }
        }
        held
    }

    /// Items known by name, or by their place where there are as many as were applied.
    fn hold_list(&mut self, applied: &[Value], wanted: Option<&Value>, live: &[Json]) -> Vec<Json> {
        let name = |item: &Json| item.get("name").and_then(Json::as_str).map(str::to_owned);
        let value_name = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
        let wanted = wanted.and_then(Value::as_list).unwrap_or_default();
        let by_name: Option<BTreeMap<String, &Json>> = live.iter().map(|item| Some((name(item)?, item))).collect();
        if let (Some(by_name), true) = (by_name, applied.iter().all(|item| value_name(item).is_some())) {
            let items = applied.iter().filter_map(|item| {
                let (key, there) = by_name.get_key_value(&value_name(item)?)?;
                let after = wanted.iter().find(|wanted| value_name(wanted).as_ref() == Some(key));
                Some(self.hold(Some(item), after, there))
            });
            return items.collect();
        }
        if applied.len() == live.len() {
            let each = applied.iter().zip(live).enumerate();
            return each.map(|(place, (item, there))| self.hold(Some(item), wanted.get(place), there)).collect();
        }
        self.unclear = true;
        Vec::new()
    }
}

/// Whether a part is to be of another type, as a strategy.
fn is_of_another_type(wanted: &Map, live: &JsonMap<String, Json>) -> bool {
    let (wanted, live) = (wanted.get("type").and_then(Value::as_str), live.get("type").and_then(Json::as_str));
    wanted.is_some() && live.is_some() && wanted != live
}

/// Keeps of a map that users fill what is sent for it or was applied, as it is there.
fn hold_free(sent: Option<&mut Json>, applied: Option<&Value>, live: Option<&Json>) {
    let (Some(Json::Object(sent)), Some(Json::Object(live))) = (sent, live) else { return };
    let applied = applied.and_then(Value::as_map);
    let is_ours = |key: &str| sent.contains_key(key) || applied.is_some_and(|applied| applied.contains_key(key));
    let held: JsonMap<String, Json> =
        live.iter().filter(|(key, _)| is_ours(key)).map(|(key, value)| (key.clone(), value.clone())).collect();
    *sent = held;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use serde_json::json;

    fn deployment(spec: &Json) -> Json {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"x": "1"}}, "spec": spec})
    }

    /// The spec that is applied first.
    fn held(applied: &Json, wanted: &Json, live: &Json) -> Option<Json> {
        let [applied, wanted, live] = [applied, wanted, live].map(deployment);
        let object = |json: &Json| serde_json::from_value::<Object>(json.clone()).unwrap();
        if !may_be(&from_json(&applied), &from_json(&wanted)) {
            return None;
        }
        let first = first(&from_json(&applied), &from_json(&wanted), &object(&live), &object(&wanted))?;
        Some(first.0["spec"].clone())
    }

    fn pod(container: &Json) -> Json {
        json!({"template": {"spec": {"containers": [container]}}})
    }

    #[test]
    fn defaults_of_a_part_that_goes_are_taken_along() {
        let applied = pod(&json!({"name": "a", "image": "i", "livenessProbe": {"tcpSocket": {"port": 1}}}));
        let probe = json!({"tcpSocket": {"port": 1}, "failureThreshold": 3});
        let live = pod(&json!({"name": "a", "image": "i", "livenessProbe": probe, "terminationMessagePath": "/dev"}));
        let without = pod(&json!({"name": "a", "image": "j"}));
        let ours = pod(&json!({"name": "a", "image": "i", "livenessProbe": probe}));
        assert_eq!(held(&applied, &without, &live), Some(ours));
        let other = pod(&json!({"name": "a", "image": "i", "livenessProbe": {"httpGet": {"port": 1}}}));
        let handler = pod(&json!({"name": "a", "image": "i", "livenessProbe": {"tcpSocket": {"port": 1}}}));
        assert_eq!(held(&applied, &other, &live), Some(handler));
    }

    #[test]
    fn a_strategy_of_another_type_takes_the_settings_of_the_old_one_along() {
        let live = json!({"replicas": 1, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}});
        let wanted = json!({"replicas": 1, "strategy": {"type": "Recreate"}});
        let first = json!({"replicas": 1, "strategy": {"rollingUpdate": {"maxSurge": 1}}});
        assert_eq!(held(&json!({"replicas": 1}), &wanted, &live), Some(first));
    }

    #[test]
    fn what_leaves_nothing_needs_no_first_step() {
        let (before, after) = (json!({"replicas": 1, "paused": true}), json!({"replicas": 2}));
        assert_eq!(held(&before, &after, &json!({"replicas": 1, "paused": true, "minReadySeconds": 0})), None);
        let (before, after) =
            (json!({"template": {"metadata": {"annotations": {"a": "1"}}}}), json!({"template": {"metadata": {}}}));
        let live = json!({"template": {"metadata": {"annotations": {"a": "1", "theirs": "2"}}}});
        assert_eq!(held(&before, &after, &live), None);
    }
}
