//! Lowering an object as it is written to the spec of a resource.

use std::sync::Arc;

use hactl_config::{Config, Data, Node};
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::{Diagnostic, Span};
use hactl_core::expr::{Expr, ExprKind};
use hactl_core::value::{Map, Value};

use crate::object::builtin::{self, Scope};
use crate::object::settings::Settings;
use crate::object::{shape, versions};
use crate::registry::Part;

/// The namespace of objects that name none, where the config names none either.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// What of `metadata` only a server says: copied from `kubectl get -o yaml`.
const SERVER_METADATA: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The annotation in which `kubectl apply` keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object, lowered.
pub(crate) struct LoweredObject {
    /// `Kind/namespace/name`, as in addresses.
    pub(crate) key: String,
    kind: String,
    spec: Map,
    span: Span,
}

impl LoweredObject {
    /// The resource that it is.
    pub(crate) fn part(mut self, address: Address, settings: &Settings) -> Part {
        let gated = builtin::must_be_awaited(&self.kind)
            || (settings.wait && (settings.condition.is_some() || builtin::becomes_ready(&self.kind)));
        settings.put_into(&mut self.spec);
        Part {
            address,
            place: CLUSTER.into(),
            spec: Arc::new(Value::Map(self.spec)),
            dependencies: Vec::new(),
            gated,
            span: self.span,
        }
    }
}

/// Lowers an evaluated object; what is wrong goes to the diagnostics. `namespace` is where it goes if it names none.
pub(crate) fn lower(
    node: &Node,
    namespace: Option<&str>,
    config: &Config,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<LoweredObject> {
    let before = diagnostics.len();
    let Value::Map(mut object) = node.to_value() else { return None };
    drop_nulls(&mut object);
    if let Some(Value::Map(metadata)) = object.get_mut("metadata") {
        metadata.retain(|key, _| !SERVER_METADATA.contains(&key.as_str()));
        if let Some(Value::Map(annotations)) = metadata.get_mut("annotations") {
            annotations.remove(LAST_APPLIED);
        }
    }
    object.remove("status");
    shape::check_identity(node, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    let mut object = versions::current(object, node, diagnostics);
    place(&mut object, node, namespace, config, diagnostics);
    shape::check(&object, node, diagnostics);
    refuse_sensitive_metadata(node, diagnostics);
    if text(&object, &["kind"]) == "Secret" && text(&object, &["apiVersion"]) == "v1" {
        keep_secret(&mut object);
    }
    let key = builtin::key(
        text(&object, &["kind"]),
        group_of(text(&object, &["apiVersion"])),
        Some(text(&object, &["metadata", "namespace"])).filter(|namespace| !namespace.is_empty()),
        text(&object, &["metadata", "name"]),
    );
    let wrong = diagnostics[before..].iter().any(Diagnostic::is_error);
    let kind = text(&object, &["kind"]).to_owned();
    (!wrong).then(|| LoweredObject { key, kind, spec: object, span: name_span(node) })
}

/// The API group of an `apiVersion`; empty for the core group.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn text<'a>(object: &'a Map, path: &[&str]) -> &'a str {
    let first = path.first().and_then(|key| object.get(*key));
    let value = path.iter().skip(1).try_fold(first, |value, key| Some(value?.get(key)));
    value.flatten().and_then(Value::as_str).unwrap_or_default()
}

/// Where an object is named.
fn name_span(node: &Node) -> Span {
    node.at_path(&["metadata", "name"]).or_else(|| node.get("kind")).map_or(node.span, |name| name.span)
}

/// Sets the namespace of an object that names none, and takes it from one that is in none.
fn place(object: &mut Map, node: &Node, namespace: Option<&str>, config: &Config, diagnostics: &mut Vec<Diagnostic>) {
    let (kind, group) = (text(object, &["kind"]).to_owned(), group_of(text(object, &["apiVersion"])).to_owned());
    let scope = builtin::scope(&kind, &group).or_else(|| scope_of_definition(&kind, &group, config));
    let Some(Value::Map(metadata)) = object.get_mut("metadata") else { return };
    match (scope, metadata.contains_key("namespace")) {
        (Some(Scope::Cluster), true) => {
            metadata.remove("namespace");
            let span = node.at_path(&["metadata", "namespace"]).map_or(node.span, |namespace| namespace.span);
            diagnostics.push(
                Diagnostic::warning(format!("a {kind} is in no namespace: `namespace` is ignored"))
                    .at(span)
                    .help("take it out"),
            );
        }
        (Some(Scope::Namespace), false) => {
            let configured = config.kubernetes.as_ref().and_then(|kubernetes| kubernetes.namespace.as_deref());
            let namespace = namespace.or(configured).unwrap_or(DEFAULT_NAMESPACE);
            metadata.insert("namespace".to_owned(), Value::from(namespace));
        }
        // What this build does not know may be in a namespace or not: the server tells.
        _ => {}
    }
}

/// The scope of a type that is defined by a manifest of the same config.
fn scope_of_definition(kind: &str, group: &str, config: &Config) -> Option<Scope> {
    let is = |node: &Node, path: &[&str], wanted: &str| node.at_path(path).and_then(Node::as_str) == Some(wanted);
    let mut documents = config.documents.values().flatten().map(|document| &document.node);
    let definition = documents.find(|node| {
        is(node, &["kind"], "CustomResourceDefinition")
            && is(node, &["spec", "group"], group)
            && is(node, &["spec", "names", "kind"], kind)
    })?;
    Some(if is(definition, &["spec", "scope"], "Cluster") { Scope::Cluster } else { Scope::Namespace })
}

/// Makes the values of a Secret sensitive, and all of them `data`: text that stands in `stringData` is encoded.
fn keep_secret(object: &mut Map) {
    let mut data = match object.remove("data") {
        Some(Value::Map(data)) => data.into_iter().map(|(key, value)| (key, sensitive(&value))).collect(),
        _ => Map::new(),
    };
    if let Some(Value::Map(texts)) = object.remove("stringData") {
        data.extend(texts.iter().map(|(key, value)| (key.clone(), encoded(value))));
    }
    if !data.is_empty() {
        object.insert("data".to_owned(), Value::Map(data));
    }
}

fn sensitive(value: &Value) -> Value {
    Value::deferred(Expr::of(value), true)
}

/// A sensitive text as Secrets hold it: in base64.
pub(crate) fn encoded(value: &Value) -> Value {
    Value::deferred(Expr::new(ExprKind::Call("base64encode".to_owned(), vec![Expr::of(value)], false)), true)
}

fn refuse_sensitive_metadata(node: &Node, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(metadata) = node.get("metadata").filter(|metadata| metadata.to_value().is_sensitive()) {
        diagnostics.push(
            Diagnostic::error("`metadata` cannot hold a sensitive value: everybody who may list objects is shown it")
                .at(metadata.span)
                .help("use a value that is not sensitive here, and a Secret for what is"),
        );
    }
}

/// Takes out what is null: to a server that is as if it were not there.
fn drop_nulls(map: &mut Map) {
    map.retain(|_, value| !value.is_null());
    map.values_mut().for_each(drop_nulls_in);
}

fn drop_nulls_in(value: &mut Value) {
    match value {
        Value::Map(map) => drop_nulls(map),
        Value::List(items) => items.iter_mut().for_each(drop_nulls_in),
        _ => {}
    }
}

/// Whether a part of an object stands there and is nothing that an object could hold.
pub(crate) fn is_invalid(node: &Node) -> bool {
    matches!(node.data, Data::Invalid)
}
