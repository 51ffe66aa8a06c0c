//! Lowering an object as it is written to the spec of a resource.

use std::sync::Arc;

use hactl_config::{Config, Node};
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::{Diagnostic, Span};
use hactl_core::expr::{Expr, ExprKind};
use hactl_core::value::{Map, Value};

use crate::manifest::asked::Asked;
use crate::manifest::places::place;
use crate::manifest::{builtin, shape, versions};
use crate::registry::Part;

/// The namespace of objects that name none, where the config names none either.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// The annotation in which `kubectl apply` keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is waited for whatever the config says: nothing that needs it can be applied before.
const AWAITED: [&str; 2] = ["CustomResourceDefinition", "Namespace"];

/// Kubernetes' own kinds that become ready some time after they were applied. Claims of volumes are not among them: some
/// are bound only when a pod uses them.
const BECOME_READY: [&str; 8] =
    ["APIService", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"];

/// An object, lowered.
pub(crate) struct LoweredObject {
    /// `Kind/namespace/name`, as in addresses.
    pub(crate) key: String,
    waits: Waits,
    spec: Map,
    span: Span,
}

impl LoweredObject {
    /// Where it is named.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// The resource that it is.
    pub(crate) fn part(mut self, address: Address, asked: &Asked) -> Part {
        let gated = match self.waits {
            Waits::Always => true,
            Waits::IfAsked => asked.wait,
            Waits::ForCondition => asked.wait && asked.condition.is_some(),
        };
        asked.put_into(&mut self.spec);
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

/// When an object is waited for.
#[derive(Clone, Copy)]
enum Waits {
    Always,
    IfAsked,
    ForCondition,
}

impl Waits {
    fn of(kind: &str, group: &str) -> Self {
        match builtin::is_own_group(group) {
            true if AWAITED.contains(&kind) => Self::Always,
            true if !BECOME_READY.contains(&kind) => Self::ForCondition,
            _ => Self::IfAsked,
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
    let places = |path: &[&str]| Some(place(node, path));
    let Value::Map(mut object) = node.to_value() else { return None };
    drop_nulls(&mut object);
    if let Some(Value::Map(annotations)) = object.get_mut("metadata").and_then(annotations) {
        annotations.remove(LAST_APPLIED);
    }
    let object = versions::current(object, &places, diagnostics);
    let mut object = shape::checked(object, &places, diagnostics)?;
    refuse_sensitive_metadata(node, diagnostics);
    let (kind, group) =
        (text(&object, &["kind"]).to_owned(), builtin::split(text(&object, &["apiVersion"])).0.to_owned());
    set_namespace(&mut object, &kind, &group, namespace, config);
    if kind == "Secret" && group.is_empty() {
        keep_secret(&mut object);
    }
    if builtin::is_own_group(&group) {
        fill_protocols(&mut object);
    }
    let namespace = Some(text(&object, &["metadata", "namespace"])).filter(|namespace| !namespace.is_empty());
    let key = builtin::key(&kind, &group, namespace, text(&object, &["metadata", "name"]));
    let wrong = diagnostics[before..].iter().any(Diagnostic::is_error);
    (!wrong).then(|| LoweredObject { key, waits: Waits::of(&kind, &group), spec: object, span: name_span(node) })
}

fn annotations(metadata: &mut Value) -> Option<&mut Value> {
    match metadata {
        Value::Map(metadata) => metadata.get_mut("annotations"),
        _ => None,
    }
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

/// Sets the namespace of an object that names none. Of a type that nobody here knows the server tells whether it needs one.
fn set_namespace(object: &mut Map, kind: &str, group: &str, namespace: Option<&str>, config: &Config) {
    let known = builtin::find(group, kind).map(|builtin| builtin.namespaced);
    let namespaced = known.or_else(|| is_defined_namespaced(kind, group, config)).unwrap_or(false);
    let Some(Value::Map(metadata)) = object.get_mut("metadata") else { return };
    if namespaced && !metadata.contains_key("namespace") {
        let configured = config.kubernetes.as_ref().and_then(|kubernetes| kubernetes.namespace.as_deref());
        let namespace = namespace.or(configured).unwrap_or(DEFAULT_NAMESPACE);
        metadata.insert("namespace".to_owned(), Value::from(namespace));
    }
}

/// Whether a type that is defined by a manifest of the same config is in namespaces; none where none defines it.
fn is_defined_namespaced(kind: &str, group: &str, config: &Config) -> Option<bool> {
    let is = |node: &Node, path: &[&str], wanted: &str| node.at_path(path).and_then(Node::as_str) == Some(wanted);
    let mut documents = config.documents.values().flatten().map(|document| &document.node);
    let definition = documents.find(|node| {
        is(node, &["kind"], "CustomResourceDefinition")
            && is(node, &["spec", "group"], group)
            && is(node, &["spec", "names", "kind"], kind)
    })?;
    Some(!is(definition, &["spec", "scope"], "Cluster"))
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

/// Says of every port without a protocol that it is TCP, which is the default: API servers before 1.21 cannot merge
/// ports that do not say it (kubernetes-sigs/structured-merge-diff#130).
fn fill_protocols(object: &mut Map) {
    if let Some(Value::Map(spec)) = object.get_mut("spec") {
        fill_ports(spec.get_mut("ports"), "port");
        fill_containers(spec);
    }
}

fn fill_containers(spec: &mut Map) {
    for list in ["containers", "initContainers"] {
        let Some(Value::List(containers)) = spec.get_mut(list) else { continue };
        for container in containers {
            if let Value::Map(container) = container {
                fill_ports(container.get_mut("ports"), "containerPort");
            }
        }
    }
    for template in ["template", "jobTemplate"] {
        if let Some(Value::Map(template)) = spec.get_mut(template)
            && let Some(Value::Map(inner)) = template.get_mut("spec")
        {
            fill_containers(inner);
        }
    }
}

fn fill_ports(ports: Option<&mut Value>, number: &str) {
    let Some(Value::List(ports)) = ports else { return };
    for port in ports {
        if let Value::Map(port) = port
            && port.contains_key(number)
        {
            port.entry("protocol".to_owned()).or_insert_with(|| Value::from("TCP"));
        }
    }
}
