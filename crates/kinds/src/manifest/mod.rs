//! `manifest`: Kubernetes objects as they stand in files or in the config, each a resource of its own.
//!
//! All that is known of objects without an API server is here; what one says of them is in `object`.

mod asked;
pub(crate) mod builtin;
mod object;
mod order;
mod places;
mod pods;
#[cfg(test)]
mod samples;
mod shape;
mod versions;

use std::collections::BTreeMap;

use hactl_config::{Node, Section, evaluate};
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::{Diagnostic, Span};
use hactl_core::resource::{Dependency, Resource};
use hactl_core::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::decode;
use crate::formats::FORMATS;
use crate::registry::{Draft, Kind, Lowered, Part};
use crate::uses::uses_in;

pub(crate) use asked::Asked;
pub(crate) use object::{DEFAULT_NAMESPACE, encoded, lower as lower_object};

pub(crate) const KIND: Kind = Kind {
    section: Section {
        key: "manifests",
        kind: "manifest",
        schema: || schemars::schema_for!(ManifestSpec).to_value(),
        formats: FORMATS,
        on_nodes: false,
        node_keys: &["adopt"],
    },
    outputs: &[],
    shows_spec: false,
    derived: |_, _| Map::new(),
    named: |_| Vec::new(),
    validates: true,
    lower,
    per_node: |_: &Node| false,
    composite: true,
};

/// Kubernetes objects.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the config reads where objects come from, by the schema")]
struct ManifestSpec {
    /// Files of YAML or JSON, beside the config.
    file: Option<Files>,
    /// A directory of which every `.yaml`, `.yml` and `.json` file is read, by name.
    directory: Option<String>,
    /// Objects in the config itself: a map, a list of maps, or a text of YAML documents.
    inline: Option<Inline>,
    /// Whether `${…}` in the objects is evaluated: false where left out for files, true for `inline`.
    template: Option<bool>,
    /// The namespace of objects that name none; that of `kubernetes` where left out.
    namespace: Option<String>,
    /// Whether to wait until the objects are ready; true where left out.
    wait: Option<bool>,
    /// How long to wait for each object to be ready, or gone; 5m where left out.
    #[schemars(extend("format" = "duration"))]
    timeout: Option<String>,
    /// The type of a condition that must be true before an object is ready, by `Kind/namespace/name`, for what has no
    /// readiness that hactl knows.
    #[serde(default)]
    conditions: BTreeMap<String, String>,
    /// Take fields that other managers own.
    #[serde(default)]
    force_conflicts: bool,
}

/// One file or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Files {
    One(String),
    Several(Vec<String>),
}

/// Objects in the config itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Inline {
    Text(String),
    Object(serde_json::Map<String, serde_json::Value>),
    Objects(Vec<serde_json::Map<String, serde_json::Value>>),
}

fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Lowered> {
    let spec: ManifestSpec = decode(draft, diagnostics)?;
    let before = diagnostics.len();
    let documents = draft.config.documents.get(draft.name).map(Vec::as_slice).unwrap_or_default();
    let mut parts: Vec<Part> = Vec::with_capacity(documents.len());
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut unmet: Vec<&String> = spec.conditions.keys().collect();
    for document in documents {
        let evaluated;
        let node = match document.node.has_templates() {
            true => {
                evaluated = evaluate(&document.node, draft.scope, &draft.config.sources, diagnostics);
                &evaluated
            }
            false => &document.node,
        };
        let Some(object) = lower_object(node, spec.namespace.as_deref(), draft.config, diagnostics) else { continue };
        let asked = Asked {
            wait: spec.wait.unwrap_or(true),
            timeout: spec.timeout.clone(),
            condition: spec.conditions.get(&object.key).cloned(),
            force_conflicts: spec.force_conflicts,
        };
        unmet.retain(|key| **key != object.key);
        let address = Address::new("manifest", draft.name, Some(&object.key));
        let first = seen.insert(object.key.clone(), object.span());
        if let Some(first) = first {
            diagnostics.push(
                Diagnostic::error(format!("{} is in this manifest twice", object.key))
                    .about(address.as_str())
                    .label(object.span(), "again here")
                    .label(first, "here")
                    .help("take one of them out"),
            );
            continue;
        }
        let uses = uses_in(&document.node, draft.declared);
        let dependencies = uses.iter().map(|used| Dependency::on(used.address(None))).collect();
        parts.push(Part { dependencies, ..object.part(address, &asked) });
    }
    for key in unmet {
        let span = draft.body.at_path(&["conditions", key]).map_or(draft.span, |node| node.span);
        diagnostics.push(
            Diagnostic::error(format!("`conditions` names `{key}`, which is not in this manifest"))
                .at(span)
                .help("write `Kind/namespace/name`, or `Kind/name` for what is in no namespace"),
        );
    }
    let spec = Map::from([("objects".to_owned(), Value::from(parts.len() as i64))]);
    (diagnostics[before..].iter().all(|diagnostic| !diagnostic.is_error()))
        .then(|| Lowered { parts, ..Lowered::plain(spec) })
}

/// Adds to every object what it has to come after among the others. What changes a workload that is an object of the same
/// config comes after that, and is made anew with it.
pub(crate) fn order(resources: &mut [Resource]) {
    let on_cluster = |resource: &Resource| resource.node.as_deref() == Some(CLUSTER);
    let places: Vec<usize> = (0..resources.len()).filter(|number| on_cluster(&resources[*number])).collect();
    let objects: Vec<_> =
        places.iter().map(|place| (resources[*place].address.clone(), &*resources[*place].spec)).collect();
    let mut found: Vec<Vec<Dependency>> = order::dependencies(&objects)
        .into_iter()
        .map(|before| before.into_iter().map(Dependency::on).collect())
        .collect();
    let of_manifests = objects.iter().map(|(address, _)| address).filter(|address| address.kind() == KIND.section.kind);
    let by_key: BTreeMap<&str, &Address> = of_manifests.filter_map(|address| Some((address.key()?, address))).collect();
    for ((address, _), before) in objects.iter().zip(&mut found) {
        let workload = address.key().filter(|_| address.kind() != KIND.section.kind).and_then(|key| by_key.get(key));
        before.extend(workload.map(|on| Dependency { binds: true, ..Dependency::on((*on).clone()) }));
    }
    drop(objects);
    for (place, before) in places.into_iter().zip(found) {
        let dependencies = &mut resources[place].dependencies;
        dependencies.extend(before);
        dependencies.sort();
        dependencies.dedup_by(|a, b| a.on == b.on);
    }
}
