//! `ingress`: one host name that leads to a service, as an Ingress of Kubernetes.

use std::collections::BTreeMap;

use hactl_config::{Node, Section};
use hactl_core::Address;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::decode;
use crate::formats::FORMATS;
use crate::manifest::{self, Asked};
use crate::registry::{Draft, Kind, Lowered};
use crate::text::Text;

pub(crate) const KIND: Kind = Kind {
    section: Section {
        key: "ingress",
        kind: "ingress",
        schema: || schemars::schema_for!(IngressSpec).to_value(),
        formats: FORMATS,
        on_nodes: false,
        node_keys: &["adopt"],
    },
    outputs: &[],
    shows_spec: true,
    derived: |_, _| Map::new(),
    named: |_| Vec::new(),
    validates: true,
    lower,
    per_node: |_: &Node| false,
    composite: true,
};

/// A host name that leads to a service.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IngressSpec {
    /// The namespace; that of `kubernetes` where left out.
    namespace: Option<String>,
    /// The host name; its first part may be `*`. Every host where left out.
    #[schemars(extend("format" = "ingress-host"))]
    host: Option<String>,
    /// The path, with all that is below it; `/` where left out.
    #[schemars(extend("format" = "url-path"))]
    path: Option<String>,
    /// The service, in the same namespace.
    service: ServiceSpec,
    /// The class of controllers that serve it; the cluster's default where left out.
    class_name: Option<String>,
    /// TLS at the controller; none where left out.
    tls: Option<TlsSpec>,
    /// Annotations, mostly for the controller.
    #[serde(default)]
    annotations: BTreeMap<String, Text>,
    /// Labels.
    #[serde(default)]
    labels: BTreeMap<String, Text>,
    /// Take fields that other managers own.
    #[serde(default)]
    force_conflicts: bool,
}

/// A service and one of its ports.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceSpec {
    /// Its name.
    #[schemars(extend("format" = "object-name"))]
    name: String,
    /// The port's number or name.
    port: PortSpec,
}

/// A port's number or name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum PortSpec {
    Number(#[schemars(range(min = 1))] u16),
    Name(String),
}

/// TLS at the controller.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TlsSpec {
    /// A Secret of type `kubernetes.io/tls` in the same namespace.
    #[schemars(extend("format" = "object-name"))]
    secret_name: String,
}

fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Lowered> {
    let spec: IngressSpec = decode(draft, diagnostics)?;
    let texts = |map: &BTreeMap<String, Text>| {
        Value::Map(map.iter().map(|(key, text)| (key.clone(), text.value().clone())).collect())
    };
    let mut metadata = Map::from([("name".to_owned(), Value::from(draft.name))]);
    metadata.extend(spec.namespace.as_deref().map(|namespace| ("namespace".to_owned(), Value::from(namespace))));
    for (key, map) in [("annotations", &spec.annotations), ("labels", &spec.labels)] {
        if !map.is_empty() {
            metadata.insert(key.to_owned(), texts(map));
        }
    }
    let port = match &spec.service.port {
        PortSpec::Number(number) => ("number".to_owned(), Value::from(i64::from(*number))),
        PortSpec::Name(name) => ("name".to_owned(), Value::from(name.as_str())),
    };
    let service = map([("name", Value::from(spec.service.name.as_str())), ("port", Value::Map(Map::from([port])))]);
    let path = map([
        ("backend", map([("service", service)])),
        ("path", Value::from(spec.path.as_deref().unwrap_or("/"))),
        ("pathType", Value::from("Prefix")),
    ]);
    let mut rule = Map::from([("http".to_owned(), map([("paths", Value::List(vec![path]))]))]);
    rule.extend(spec.host.as_deref().map(|host| ("host".to_owned(), Value::from(host))));
    let mut body = Map::from([("rules".to_owned(), Value::List(vec![Value::Map(rule)]))]);
    body.extend(spec.class_name.as_deref().map(|class| ("ingressClassName".to_owned(), Value::from(class))));
    if let Some(tls) = &spec.tls {
        let mut tls = Map::from([("secretName".to_owned(), Value::from(tls.secret_name.as_str()))]);
        tls.extend(spec.host.as_deref().map(|host| ("hosts".to_owned(), Value::List(vec![Value::from(host)]))));
        body.insert("tls".to_owned(), Value::List(vec![Value::Map(tls)]));
    }
    let written = map([
        ("apiVersion", Value::from("networking.k8s.io/v1")),
        ("kind", Value::from("Ingress")),
        ("metadata", Value::Map(metadata)),
        ("spec", Value::Map(body)),
    ]);
    let node = Node::from_value(written, draft.span);
    let object = manifest::lower_object(&node, None, draft.config, diagnostics)?;
    let asked = Asked { force_conflicts: spec.force_conflicts, ..Asked::default() };
    let part = object.part(Address::new("ingress", draft.name, None), &asked);
    let host = spec.host.map_or(Value::Null, Value::from);
    Some(Lowered { parts: vec![part], ..Lowered::plain(Map::from([("host".to_owned(), host)])) })
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
