//! `hostAliases`: host names that resolve without a DNS server, in the pods of workloads and on nodes themselves.
//!
//! In workloads it owns nothing but its own entry; on nodes, a block of its own.

pub(crate) mod hosts;
mod workload;

use std::sync::Arc;

use hactl_config::{Node, Section};
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::decode;
use crate::formats::FORMATS;
use crate::manifest::{Asked, DEFAULT_NAMESPACE};
use crate::registry::{Draft, Kind, Lowered, Part};

pub(crate) use workload::{RULES, execute, read};

pub(crate) const KIND: Kind = Kind {
    section: Section {
        key: "hostAliases",
        kind: "hostAliases",
        schema: || schemars::schema_for!(HostAliasesSpec).to_value(),
        formats: FORMATS,
        on_nodes: false,
        node_keys: hactl_config::NODE_KEYS,
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

/// Host names that resolve to an address without a DNS server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HostAliasesSpec {
    /// The address.
    #[schemars(extend("format" = "ip"))]
    ip: String,
    /// The names.
    #[schemars(length(min = 1))]
    hostnames: Vec<HostName>,
    /// The workloads in whose pods they resolve.
    #[serde(default)]
    workloads: Vec<WorkloadSpec>,
    /// Whether to wait until the workloads have replaced their pods; true where left out.
    wait: Option<bool>,
    /// How long to wait for that; 5m where left out.
    #[schemars(extend("format" = "duration"))]
    timeout: Option<String>,
}

/// A host name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
struct HostName(#[schemars(extend("format" = "host-name"))] String);

/// A workload.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WorkloadSpec {
    /// Its kind.
    kind: WorkloadKind,
    /// Its namespace; that of `kubernetes` where left out.
    namespace: Option<String>,
    /// Its name.
    #[schemars(extend("format" = "object-name"))]
    name: String,
    /// Whether it may be missing; the names are added when it is there.
    #[serde(default)]
    optional: bool,
}

/// The kinds whose pods can have host aliases.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
enum WorkloadKind {
    Deployment,
    DaemonSet,
    StatefulSet,
}

impl WorkloadKind {
    fn text(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::DaemonSet => "DaemonSet",
            Self::StatefulSet => "StatefulSet",
        }
    }
}

fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Lowered> {
    let spec: HostAliasesSpec = decode(draft, diagnostics)?;
    if spec.workloads.is_empty() && draft.selector.is_empty() {
        diagnostics.push(
            Diagnostic::error("the names are wanted nowhere")
                .at(draft.span)
                .help("name `workloads` in whose pods they resolve, or `nodes` in whose /etc/hosts they stand"),
        );
        return None;
    }
    let names = spec.hostnames.iter().map(|name| Value::from(name.0.as_str())).collect();
    let alias = Value::Map(Map::from([
        ("hostnames".to_owned(), Value::List(names)),
        ("ip".to_owned(), Value::from(spec.ip.as_str())),
    ]));
    let aliases = Value::List(vec![alias]);
    let mut parts = Vec::new();
    for (number, workload) in spec.workloads.iter().enumerate() {
        let part = patch(draft, &spec, workload, number, &aliases);
        if parts.iter().any(|other: &Part| other.address == part.address) {
            diagnostics.push(
                Diagnostic::error(format!("{} is named twice", part.address.key().unwrap_or_default()))
                    .at(part.span)
                    .help("name each workload once"),
            );
        }
        parts.push(part);
    }
    let name = format!("{}.hosts", draft.name);
    let on_nodes = draft.selector.iter().map(|node| Part {
        address: Address::new("hostAliases", &name, Some(node)),
        place: node.as_str().into(),
        spec: Arc::new(Value::Map(Map::from([("entries".to_owned(), aliases.clone())]))),
        dependencies: Vec::new(),
        gated: false,
        span: draft.span,
    });
    parts.extend(on_nodes);
    let shown = Map::from([
        (
            "hostnames".to_owned(),
            aliases.as_list().and_then(|all| all[0].get("hostnames")).cloned().unwrap_or(Value::Null),
        ),
        ("ip".to_owned(), Value::from(spec.ip.as_str())),
    ]);
    Some(Lowered { parts, ..Lowered::plain(shown) })
}

/// The entry in one workload.
fn patch(draft: &Draft<'_>, spec: &HostAliasesSpec, workload: &WorkloadSpec, number: usize, aliases: &Value) -> Part {
    let configured = draft.config.kubernetes.as_ref().and_then(|kubernetes| kubernetes.namespace.as_deref());
    let namespace = workload.namespace.as_deref().or(configured).unwrap_or(DEFAULT_NAMESPACE);
    let kind = workload.kind.text();
    let identity = Map::from([
        ("kind".to_owned(), Value::from(kind)),
        ("name".to_owned(), Value::from(workload.name.as_str())),
        ("namespace".to_owned(), Value::from(namespace)),
    ]);
    let mut body = Map::from([("aliases".to_owned(), aliases.clone()), ("workload".to_owned(), Value::Map(identity))]);
    if workload.optional {
        body.insert("optional".to_owned(), Value::Bool(true));
    }
    let wait = spec.wait.unwrap_or(true);
    Asked { wait, timeout: spec.timeout.clone(), ..Asked::default() }.put_into(&mut body);
    let written = draft.body.get("workloads").and_then(|list| list.items().get(number));
    Part {
        address: Address::new("hostAliases", draft.name, Some(&format!("{kind}/{namespace}/{}", workload.name))),
        place: CLUSTER.into(),
        spec: Arc::new(Value::Map(body)),
        dependencies: Vec::new(),
        gated: wait,
        span: written.map_or(draft.span, |workload| workload.span),
    }
}
