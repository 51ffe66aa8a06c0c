//! Objects and their types, as the API server has them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A type that an API server serves, in one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedKind {
    /// Its API group; empty for the core group.
    pub group: String,
    /// The version: `v1`.
    pub version: String,
    /// Its name in objects: `Deployment`.
    pub kind: String,
    /// Its name in URLs: `deployments`.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

impl ServedKind {
    /// As it stands in objects: `apps/v1`, or `v1` in the core group.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// One object: a map as the API server writes it. What it holds may be secret: it is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(pub Map<String, Value>);

/// A manager of some of an object's fields.
#[derive(Clone, Copy)]
pub struct FieldOwner<'a> {
    /// The manager.
    pub manager: &'a str,
    /// Whether it owns by server-side apply; else by other requests.
    pub applies: bool,
    /// The fields, in the server's `fieldsV1` notation.
    pub fields: &'a Map<String, Value>,
}

impl Object {
    /// Its `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text("apiVersion")
    }

    /// Its `kind`.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// Its `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// Its `metadata.namespace`; none for what is in none.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.metadata_text("namespace")).filter(|namespace| !namespace.is_empty())
    }

    /// Its `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.metadata_text("uid")
    }

    /// Its `metadata.resourceVersion`: another one at each change.
    pub fn resource_version(&self) -> &str {
        self.metadata_text("resourceVersion")
    }

    /// One of its labels.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "labels", key])?.as_str()
    }

    /// One of its annotations.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.at(&["metadata", "annotations", key])?.as_str()
    }

    /// Whether it waits to be gone.
    pub fn is_being_deleted(&self) -> bool {
        self.at(&["metadata", "deletionTimestamp"]).is_some_and(|time| !time.is_null())
    }

    /// What has still to happen before it can be gone.
    pub fn finalizers(&self) -> Vec<&str> {
        let list = self.at(&["metadata", "finalizers"]).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Who owns which of its fields.
    pub fn owners(&self) -> impl Iterator<Item = FieldOwner<'_>> {
        let list = self.at(&["metadata", "managedFields"]).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|entry| {
            Some(FieldOwner {
                manager: entry.get("manager")?.as_str()?,
                applies: entry.get("operation").and_then(Value::as_str) == Some("Apply"),
                fields: entry.get("fieldsV1")?.as_object()?,
            })
        })
    }

    /// What is at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, key| value.get(key))
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn metadata_text(&self, key: &str) -> &str {
        self.at(&["metadata", key]).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Kind and name only.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace() {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind(), self.name()),
            None => write!(f, "{} {}", self.kind(), self.name()),
        }
    }
}
