//! RKE cluster files (`rancher-cluster.yml`): nodes, how to reach them, registries and addons; every other key is named,
//! not dropped.
//!
//! The keys are those of RKE 1.8, its last release.

use std::collections::BTreeMap;

use hactl_core::diagnostic::{Span, did_you_mean};
use hactl_core::node::{Connection, HostKeys, Method};
use hactl_core::registry::DOCKER_HUB;
use hactl_core::{Diagnostic, Value};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::addons::{self, Addons};
use crate::decode::Decoder;
use crate::kubernetes::refuse_as_node;
use crate::nodes::{NodeConfig, is_node_name};
use crate::registries::{self, RegistryConfig};
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};

const TOP_KEYS_ACTED_ON: [&str; 7] =
    ["nodes", "ssh_key_path", "ssh_agent_auth", "bastion_host", "private_registries", addons::TEXT, addons::FILES];

const TOP_KEYS: [&str; 22] = [
    "addon_job_timeout",
    "authentication",
    "authorization",
    "cloud_provider",
    "cluster_name",
    "dns",
    "enable_cri_dockerd",
    "ignore_docker_version",
    "ingress",
    "kubernetes_version",
    "monitoring",
    "network",
    "prefix_path",
    "restore",
    "rotate_certificates",
    "rotate_encryption_key",
    "services",
    "ssh_cert_path",
    "system_images",
    "upgrade_strategy",
    "win_prefix_path",
    "version",
];

const NODE_KEYS_ACTED_ON: [&str; 9] = [
    "address",
    "hostname_override",
    "user",
    "port",
    "ssh_key_path",
    "ssh_agent_auth",
    "role",
    "labels",
    "docker_socket",
];

const NODE_KEYS: [&str; 6] = ["internal_address", "nodeName", "ssh_cert", "ssh_cert_path", "ssh_key", "taints"];

const BASTION_KEYS_ACTED_ON: [&str; 3] = ["address", "port", "user"];

const BASTION_KEYS: [&str; 6] =
    ["ssh_agent_auth", "ssh_cert", "ssh_cert_path", "ssh_key", "ssh_key_path", "ignore_proxy_env_vars"];

const REGISTRY_KEYS_ACTED_ON: [&str; 3] = ["url", "user", "password"];

const REGISTRY_KEYS: [&str; 2] = ["is_default", "ecr_credential_plugin"];

/// What an RKE cluster file holds that is acted on.
pub(crate) struct Rke {
    pub(crate) nodes: IndexMap<String, NodeConfig>,
    pub(crate) registries: IndexMap<String, RegistryConfig>,
    pub(crate) addons: Addons,
}

/// Whether a parsed file is an RKE cluster file: `nodes` is a list, and there is no `hactl:`.
pub(crate) fn is_rke(root: &Node) -> bool {
    root.get("hactl").is_none() && matches!(root.get("nodes"), Some(Node { data: Data::List(_), .. }))
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClusterSpec {
    ssh_key_path: Option<String>,
    #[serde(default)]
    ssh_agent_auth: bool,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NodeSpec {
    address: String,
    hostname_override: Option<String>,
    user: Option<String>,
    port: Option<Port>,
    ssh_key_path: Option<String>,
    #[serde(default)]
    ssh_agent_auth: bool,
    role: Roles,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    docker_socket: Option<String>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BastionSpec {
    address: String,
    port: Option<Port>,
    user: Option<String>,
}

/// Without user and password it says nothing that image names do not say.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegistrySpec {
    url: Option<String>,
    user: Option<String>,
    password: Option<String>,
}

/// RKE's own type of a port is text; files have both.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Roles {
    One(String),
    Many(Vec<String>),
}

/// Reads an RKE cluster file. Mistakes go to `diagnostics`; what is returned then is incomplete.
pub(crate) fn read(root: &Node, sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Rke {
    if let Some(list) = root.get("private_registries") {
        registries::redact(list, sources);
    }
    let cluster = acted_on(root, &TOP_KEYS_ACTED_ON, &TOP_KEYS, "", diagnostics);
    let plain = without(&cluster, &["nodes", "bastion_host", "private_registries", addons::TEXT, addons::FILES]);
    let defaults = Decoder::<ClusterSpec>::new().decode(&plain, root.span, diagnostics).unwrap_or_default();
    let bastion = cluster.entry("bastion_host").and_then(|entry| bastion(entry, diagnostics));

    let default_key = cluster.get("ssh_key_path").map(|path| path.span);
    let registries = private_registries(&cluster, diagnostics);

    let decoder = Decoder::<NodeSpec>::new();
    let mut nodes: IndexMap<String, NodeConfig> = IndexMap::new();
    for item in cluster.get("nodes").map(Node::items).unwrap_or_default() {
        let known = acted_on(item, &NODE_KEYS_ACTED_ON, &NODE_KEYS, " of a node", diagnostics);
        let Some(spec) = decoder.decode(&known, item.span, diagnostics) else {
            continue;
        };
        let Some(node) = node(&known, spec, &defaults, default_key, bastion.as_deref(), diagnostics) else {
            continue;
        };
        match nodes.get(&node.name) {
            Some(first) => diagnostics.push(
                Diagnostic::error(format!("two nodes have the name `{}`", node.name))
                    .at(node.span)
                    .label(first.span, "first here")
                    .help("give one of them another `address` or `hostname_override`"),
            ),
            None => {
                nodes.insert(node.name.clone(), node);
            }
        }
    }
    let addons = Addons::new(&cluster, diagnostics);
    Rke { nodes, registries, addons }
}

/// The registries with a user and a password, by name. The one without a `url` is Docker Hub, as in RKE.
fn private_registries(cluster: &Node, diagnostics: &mut Vec<Diagnostic>) -> IndexMap<String, RegistryConfig> {
    let decoder = Decoder::<RegistrySpec>::new();
    let mut found: IndexMap<String, RegistryConfig> = IndexMap::new();
    if let Some(entry) = cluster.entry("private_registries").filter(|entry| !matches!(entry.value.data, Data::List(_)))
    {
        let found = entry.value.type_name();
        diagnostics
            .push(Diagnostic::error(format!("`private_registries` is {found}, expected a list")).at(entry.key_span));
    }
    for item in cluster.get("private_registries").map(Node::items).unwrap_or_default() {
        let known = acted_on(item, &REGISTRY_KEYS_ACTED_ON, &REGISTRY_KEYS, " of a registry", diagnostics);
        let Some(RegistrySpec { url, user, password }) = decoder.decode(&known, item.span, diagnostics) else {
            continue;
        };
        let name = url.filter(|url| !url.is_empty()).unwrap_or_else(|| DOCKER_HUB.to_owned());
        let at = known.get("url").map_or(item.span, |url| url.span);
        let before = diagnostics.len();
        registries::check_name(&name, at, diagnostics);
        if let (Some(user), Some(password)) = (user, password)
            && diagnostics.len() == before
        {
            found.insert(name.clone(), RegistryConfig::new(&name, at, Value::from(user), Value::from(password)));
        }
    }
    found
}

fn node(
    item: &Node,
    spec: NodeSpec,
    defaults: &ClusterSpec,
    default_key: Option<Span>,
    bastion: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<NodeConfig> {
    let span_of = |key: &str| item.get(key).map_or(item.span, |value| value.span);
    let (name, span) = match spec.hostname_override.filter(|name| !name.is_empty()) {
        Some(name) => (name, span_of("hostname_override")),
        None => (spec.address.clone(), span_of("address")),
    };
    refuse_as_node(&name, span, diagnostics);
    if !is_node_name(&name) {
        diagnostics.push(
            Diagnostic::error(format!("{name:?} cannot be the name of a node"))
                .at(span)
                .help("set `hostname_override` or `address` to a host name or IP address"),
        );
        return None;
    }
    let port = port(spec.port, span_of("port"), diagnostics);
    let uses_agent = spec.ssh_agent_auth || defaults.ssh_agent_auth;
    let key_path = spec.ssh_key_path.or_else(|| defaults.ssh_key_path.clone());
    let key_path_span = item.get("ssh_key_path").map(|path| path.span).or(default_key);
    Some(NodeConfig {
        name,
        span,
        connection: Connection {
            method: Method::Ssh,
            address: spec.address,
            user: spec.user,
            port,
            key_path: key_path.filter(|_| !uses_agent),
            bastion: bastion.map(str::to_owned),
            host_keys: HostKeys::Strict,
            docker_socket: spec.docker_socket,
        },
        key_path_span,
        roles: match spec.role {
            Roles::One(role) => vec![role],
            Roles::Many(roles) => roles,
        },
        labels: spec.labels,
    })
}

/// The jump host as `[user@]host[:port]`.
fn bastion(entry: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    if matches!(entry.value.data, Data::Null) {
        return None;
    }
    let known = acted_on(&entry.value, &BASTION_KEYS_ACTED_ON, &BASTION_KEYS, " of `bastion_host`", diagnostics);
    let spec = Decoder::<BastionSpec>::new().decode(&known, entry.key_span, diagnostics)?;
    let at = known.get("port").map_or(entry.key_span, |port| port.span);
    let user = spec.user.map(|user| format!("{user}@")).unwrap_or_default();
    let port = port(spec.port, at, diagnostics).map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{user}{}{port}", spec.address))
}

fn port(port: Option<Port>, at: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<u16> {
    match port? {
        Port::Number(port) => Some(port),
        Port::Text(text) if text.is_empty() => None,
        Port::Text(text) => {
            let port = text.parse().ok();
            if port.is_none() {
                diagnostics.push(
                    Diagnostic::error(format!("`port` is {text:?}, expected a whole number from 1 to 65535")).at(at),
                );
            }
            port
        }
    }
}

/// The map's entries that are acted on; every other one is reported once. Empty values count as left out.
fn acted_on(node: &Node, keys: &[&str], other_keys: &[&str], of: &str, diagnostics: &mut Vec<Diagnostic>) -> Node {
    let Data::Map(entries) = &node.data else {
        return node.clone();
    };
    let mut kept = Vec::new();
    for entry in entries {
        let key = &*entry.key;
        if keys.contains(&key) {
            let mut entry = entry.clone();
            // In addons only some texts are placeholders, and the others have their keys looked at one by one.
            if !matches!(key, "nodes" | "bastion_host" | "private_registries" | addons::TEXT) {
                refuse_placeholders(&mut entry.value, key, diagnostics);
            }
            if !matches!(entry.value.data, Data::Null) {
                kept.push(entry);
            }
        } else if other_keys.contains(&key) {
            diagnostics.push(Diagnostic::warning(format!("`{key}`{of} is not acted on yet")).at(entry.key_span));
        } else if !key.starts_with("x-") {
            let warning =
                Diagnostic::warning(format!("`{key}`{of} is not a key of RKE and is not acted on")).at(entry.key_span);
            let near = did_you_mean(key, keys.iter().chain(other_keys).copied());
            diagnostics.push(match near {
                Some(near) => warning.help(format!("did you mean `{near}`?")),
                None => warning,
            });
        }
    }
    Node::new(node.span, Data::Map(kept))
}

fn without(node: &Node, keys: &[&str]) -> Node {
    let kept = node.entries().iter().filter(|entry| !keys.contains(&&*entry.key));
    Node::new(node.span, Data::Map(kept.cloned().collect()))
}

/// Reports what a template leaves to fill in, such as `<IP>`, and marks it as invalid.
fn refuse_placeholders(node: &mut Node, key: &str, diagnostics: &mut Vec<Diagnostic>) {
    match &mut node.data {
        Data::String(text) => {
            if let Some(placeholder) = placeholder(text) {
                diagnostics.push(
                    Diagnostic::error(format!("`{key}` still holds the placeholder `{placeholder}`"))
                        .at(node.span)
                        .help("put in the real value"),
                );
                node.data = Data::Invalid;
            }
        }
        Data::List(items) => items.iter_mut().for_each(|item| refuse_placeholders(item, key, diagnostics)),
        Data::Map(entries) => {
            for entry in entries {
                refuse_placeholders(&mut entry.value, key, diagnostics);
            }
        }
        _ => {}
    }
}

fn placeholder(text: &str) -> Option<&str> {
    let start = text.find('<')?;
    let end = start + text[start..].find('>')?;
    let word = &text[start + 1..end];
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    is_word.then(|| &text[start..=end])
}
