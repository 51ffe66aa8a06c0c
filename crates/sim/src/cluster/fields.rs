//! Sets of an object's fields, as the API server writes them in `managedFields`.
//!
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A set of fields. A field is a path of [`Step`]s; the set is the tree of their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Whether the field at which this part of the tree begins is in the set.
    pub(crate) here: bool,
    /// What begins at it.
    pub(crate) inside: BTreeMap<Step, Fields>,
}

/// One step of a path, in the server's notation: `f:NAME` to a field, `k:{KEYS}` to the item of a list that has these
/// keys, `v:VALUE` to this value in a list that is a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Step(String);

impl Step {
    /// To a field of a map.
    pub(crate) fn field(name: &str) -> Self {
        Self(format!("f:{name}"))
    }

    /// To the item of a list with these keys.
    pub(crate) fn item(keys: &BTreeMap<&str, Value>) -> Self {
        Self(format!("k:{}", serde_json::to_string(keys).unwrap_or_default()))
    }

    /// To a value of a set.
    pub(crate) fn value(value: &Value) -> Self {
        Self(format!("v:{value}"))
    }

    /// As it stands in paths of messages: `.image`, `[name="web"]`, `[="text"]`.
    pub(crate) fn text(&self) -> String {
        if let Some(name) = self.0.strip_prefix("f:") {
            return format!(".{name}");
        }
        if let Some(value) = self.0.strip_prefix("v:") {
            return format!("[={value}]");
        }
        let keys =
            self.0.strip_prefix("k:").and_then(|keys| serde_json::from_str::<BTreeMap<String, Value>>(keys).ok());
        let keys = keys.unwrap_or_default();
        let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("[{}]", pairs.join(","))
    }
}

impl Fields {
    /// One field.
    pub(crate) fn leaf() -> Self {
        Self { here: true, inside: BTreeMap::new() }
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        !self.here && self.inside.is_empty()
    }

    /// Adds what begins at a step.
    pub(crate) fn add(&mut self, step: Step, fields: Fields) {
        if !fields.is_empty() {
            self.inside.entry(step).or_default().merge(fields);
        }
    }

    /// Adds all of another set.
    pub(crate) fn merge(&mut self, other: Fields) {
        self.here |= other.here;
        for (step, fields) in other.inside {
            self.inside.entry(step).or_default().merge(fields);
        }
    }

    /// What is in both.
    pub(crate) fn common(&self, other: &Fields) -> Fields {
        let mut common = Self { here: self.here && other.here, inside: BTreeMap::new() };
        for (step, fields) in &self.inside {
            if let Some(others) = other.inside.get(step) {
                common.add(step.clone(), fields.common(others));
            }
        }
        common
    }

    /// Takes out what is in another set.
    pub(crate) fn subtract(&mut self, other: &Fields) {
        self.here &= !other.here;
        for (step, fields) in &other.inside {
            if let Some(own) = self.inside.get_mut(step) {
                own.subtract(fields);
                if own.is_empty() {
                    self.inside.remove(step);
                }
            }
        }
    }

    /// The paths of the fields, in messages' notation.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(String::new(), &mut paths);
        paths
    }

    fn collect(&self, path: String, paths: &mut Vec<String>) {
        for (step, fields) in &self.inside {
            fields.collect(path.clone() + &step.text(), paths);
        }
        if self.here {
            paths.push(path);
        }
    }

    /// Reads the notation of `fieldsV1`.
    pub(crate) fn read(fields: &Map<String, Value>) -> Self {
        let mut read = Self::default();
        for (step, value) in fields {
            let Some(inside) = value.as_object() else { continue };
            if step == "." {
                read.here = true;
            } else {
                let mut fields = Self::read(inside);
                fields.here |= inside.is_empty();
                read.inside.insert(Step(step.clone()), fields);
            }
        }
        read
    }

    /// In the notation of `fieldsV1`.
    pub(crate) fn write(&self) -> Map<String, Value> {
        let mut written = Map::new();
        if self.here && !self.inside.is_empty() {
            written.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (Step(step), fields) in &self.inside {
            written.insert(step.clone(), Value::Object(fields.write()));
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_servers_notation_is_read_and_written() {
        let text = json!({
            "f:metadata": {"f:finalizers": {".": {}, "v:\"a.io/b\"": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}
        });
        let fields = Fields::read(text.as_object().unwrap());
        assert_eq!(Value::Object(fields.write()), text);
        assert_eq!(
            fields.paths(),
            [
                ".metadata.finalizers[=\"a.io/b\"]",
                ".metadata.finalizers",
                ".spec.ports[port=80,protocol=\"TCP\"].port",
                ".spec.ports[port=80,protocol=\"TCP\"]",
            ]
        );
    }
}
