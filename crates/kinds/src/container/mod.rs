//! `container`: a container of Docker Engine.

mod adopt;
mod config;
mod digests;
mod lower;
mod observe;
mod provider;
mod spec;

use hactl_config::{NODE_KEYS, Node, Section};
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::{Map, Value};

use crate::formats::{FORMATS, port};
use crate::registry::Kind;

pub use digests::resolve_images;
pub(crate) use digests::{IMAGE_DIGEST, image_to_resolve};
pub(crate) use observe::{current, names, observe, spec_of};
pub(crate) use provider::execute;

pub(crate) const KIND: Kind = Kind {
    section: Section {
        key: "containers",
        kind: "container",
        schema: || schemars::schema_for!(spec::ContainerSpec).to_value(),
        formats: FORMATS,
        on_nodes: true,
        node_keys: NODE_KEYS,
    },
    outputs: &["id"],
    shows_spec: true,
    derived: |_, _| Map::new(),
    named: |_| Vec::new(),
    validates: true,
    lower: lower::lower,
    per_node: |_: &Node| false,
    composite: false,
};

pub(crate) const RULES: KindRules = KindRules {
    kind: "container",
    replacement: Replacement::Swap,
    generations: true,
    in_place: InPlace::Fields(&["name", "running", "restart", "cpus", "memory", "health", "pull", "onFileChange"]),
    computed: &[IMAGE_DIGEST],
    remakes: &[],
    keep_on_delete: false,
    claims,
};

/// Its name, and the host ports it publishes, each with the address it is bound to.
fn claims(spec: &Value) -> Vec<String> {
    let name = spec.get("name").and_then(Value::as_str);
    let names = name.map(|name| [name.to_owned(), provider::aside(name)]);
    let names = names.into_iter().flatten().map(|name| format!("the container name {name}"));
    let ports = spec.get("ports").and_then(Value::as_list).unwrap_or_default();
    let ports = ports.iter().filter_map(Value::as_str).filter_map(|text| port(text).ok()).map(|port| {
        let ip = port.ip.filter(|ip| !matches!(ip.as_str(), "0.0.0.0" | "::"));
        let ip = ip.map(|ip| format!(" on {ip}")).unwrap_or_default();
        format!("port {}/{}{ip}", port.host, port.protocol)
    });
    names.chain(ports).collect()
}
