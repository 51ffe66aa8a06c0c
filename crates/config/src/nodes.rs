//! The nodes of a config, their connections, and the selectors that choose among them.

use std::collections::BTreeMap;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;
use hactl_core::node::{Connection, HostKeys, Method};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decode::Decoder;
use crate::invalid::Invalid;
use crate::kubernetes::refuse_as_node;
use crate::tree::{Data, Entry, Node};
use crate::validate::suggestion;

/// A host that the config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Its name, which is also the key of the instances on it.
    pub name: String,
    /// Its key in the config.
    pub span: Span,
    /// How to reach it.
    pub connection: Connection,
    /// Where its key file is named, if it is.
    pub key_path_span: Option<Span>,
    /// What it is for; free words that selectors use.
    pub roles: Vec<String>,
    /// Labels that selectors use.
    pub labels: BTreeMap<String, String>,
}

/// How to log in to nodes. Whatever is left out, your own ssh config, agent and jump hosts decide.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SshSpec {
    /// The user to log in as.
    user: Option<String>,
    /// The port of the SSH server.
    #[schemars(range(min = 1, max = 65535))]
    port: Option<u16>,
    /// The private key file; a relative path starts beside the config, `~/` is your home directory.
    key_path: Option<String>,
    /// A jump host, as `[user@]host[:port]`.
    bastion: Option<String>,
    /// What to do about a host key that is not known yet; `strict` refuses it.
    host_keys: Option<HostKeysSpec>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum HostKeysSpec {
    Strict,
    AcceptNew,
}

/// A host.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NodeSpec {
    /// Host name or IP address; not needed for a local connection.
    address: Option<String>,
    /// What the host is for; `nodes: {role: …}` chooses by it.
    #[serde(default)]
    roles: Vec<String>,
    /// Labels; `nodes: {label: key=value}` chooses by them.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// How to reach the host; `local` is this very machine.
    connection: Option<ConnectionSpec>,
    /// What differs from the `ssh` defaults.
    ssh: Option<SshSpec>,
    /// The socket of Docker Engine on the host; `/var/run/docker.sock` where left out.
    docker_socket: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ConnectionSpec {
    Ssh,
    Local,
}

/// Which nodes: `all`, those of a role and/or with a label, or those named.
#[derive(Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum SelectorSpec {
    /// All nodes.
    Word(AllNodes),
    /// The nodes of these names.
    Names(Vec<String>),
    /// The nodes of a role, with a label, or both.
    Match(MatchSpec),
}

#[derive(Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub(crate) enum AllNodes {
    All,
}

#[derive(Debug, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MatchSpec {
    /// A role that the node has.
    role: Option<String>,
    /// A label that the node has, as `key=value`.
    label: Option<String>,
}

impl SelectorSpec {
    /// Reads a selector from its tree; none where the tree is of another form.
    pub(crate) fn read(node: &Node) -> Option<Self> {
        let text = |node: &Node| node.as_str().map(str::to_owned);
        match &node.data {
            Data::String(word) if &**word == "all" => Some(Self::Word(AllNodes::All)),
            Data::List(items) => items.iter().map(text).collect::<Option<_>>().map(Self::Names),
            Data::Map(entries) => {
                let mut spec = MatchSpec { role: None, label: None };
                for entry in entries {
                    match &*entry.key {
                        "role" => spec.role = Some(text(&entry.value)?),
                        "label" => spec.label = Some(text(&entry.value)?),
                        key if key.starts_with("x-") => {}
                        _ => return None,
                    }
                }
                Some(Self::Match(spec))
            }
            _ => None,
        }
    }
}

/// The nodes of a config, and what of it could not be read.
#[derive(Debug, Default)]
pub(crate) struct NodeSet {
    pub(crate) nodes: IndexMap<String, NodeConfig>,
    pub(crate) invalid: Invalid,
}

impl NodeSet {
    /// Decodes evaluated node declarations, with the `ssh` of the config as defaults.
    pub(crate) fn decode(
        entries: &[Entry],
        ssh: Option<&Entry>,
        invalid: Invalid,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let default_key = ssh.and_then(|ssh| ssh.value.get("keyPath")).map(|path| path.span);
        let defaults = ssh
            .and_then(|ssh| Decoder::<SshSpec>::new().decode(&ssh.value, ssh.key_span, diagnostics))
            .unwrap_or_default();
        let decoder = Decoder::<NodeSpec>::new();
        let mut set = Self { nodes: IndexMap::new(), invalid };
        for entry in entries {
            let before = diagnostics.len();
            check_name(entry, diagnostics);
            let spec = decoder.decode(&entry.value, entry.key_span, diagnostics);
            for diagnostic in &mut diagnostics[before..] {
                diagnostic.subject = Some(format!("node.{}", entry.key));
            }
            match spec.and_then(|spec| node(entry, spec, &defaults, diagnostics)) {
                Some(mut node) if diagnostics.len() == before => {
                    node.key_path_span = node.key_path_span.or(default_key);
                    set.nodes.insert(node.name.clone(), node);
                }
                _ => set.invalid.add("node", &entry.key),
            }
        }
        set
    }

    /// The names of the nodes that a selector chooses, in the order of the config.
    ///
    /// A choice that may be wrong only because a node is broken is not reported.
    pub(crate) fn select(
        &self,
        selector: &Node,
        spec: &SelectorSpec,
        place: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<String> {
        let before = diagnostics.len();
        let chosen: Vec<String> = match spec {
            SelectorSpec::Word(AllNodes::All) => self.nodes.keys().cloned().collect(),
            SelectorSpec::Match(wanted) => self.matching(selector, wanted, place, diagnostics),
            SelectorSpec::Names(names) => self.named(selector, names, diagnostics),
        };
        if chosen.is_empty() && !self.invalid.any("node") && diagnostics.len() == before {
            diagnostics.push(
                Diagnostic::error("the selector chooses no node")
                    .at(place)
                    .help("choose at least one node, as in `nodes: all`"),
            );
        }
        chosen
    }

    fn named(&self, selector: &Node, names: &[String], diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
        let known: Vec<&str> = self.nodes.keys().map(String::as_str).collect();
        for (name, item) in names.iter().zip(selector.items()) {
            if !self.nodes.contains_key(name) && !self.invalid.contains("node", name) {
                diagnostics.push(
                    Diagnostic::error(format!("there is no node `{name}`"))
                        .at(item.span)
                        .help(suggestion(name, &known, "nodes")),
                );
            }
        }
        let chosen = self.nodes.keys().filter(|name| names.contains(name));
        chosen.cloned().collect()
    }

    fn matching(
        &self,
        selector: &Node,
        wanted: &MatchSpec,
        place: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<String> {
        let span_of = |key: &str| selector.get(key).map_or(place, |node| node.span);
        let label = wanted.label.as_ref().map(|label| label.split_once('=').unwrap_or((label, "")));
        if wanted.label.as_ref().is_some_and(|label| !label.contains('=')) {
            diagnostics.push(
                Diagnostic::error("a label is chosen by key and value")
                    .at(span_of("label"))
                    .help("write `label: key=value`"),
            );
            return Vec::new();
        }
        let has_role = |node: &NodeConfig| wanted.role.as_ref().is_none_or(|role| node.roles.contains(role));
        let has_label =
            |node: &NodeConfig| label.is_none_or(|(key, value)| node.labels.get(key).is_some_and(|has| has == value));
        if !self.invalid.any("node") {
            if let Some(role) = &wanted.role
                && !self.nodes.values().any(has_role)
            {
                let known = sorted(self.nodes.values().flat_map(|node| &node.roles).cloned());
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                diagnostics.push(
                    Diagnostic::error(format!("no node has the role `{role}`"))
                        .at(span_of("role"))
                        .help(suggestion(role, &known, "roles")),
                );
            }
            if let Some(label) = &wanted.label
                && !self.nodes.values().any(has_label)
            {
                let labels = self.nodes.values().flat_map(|node| &node.labels);
                let known = sorted(labels.map(|(key, value)| format!("{key}={value}")));
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                diagnostics.push(
                    Diagnostic::error(format!("no node has the label `{label}`"))
                        .at(span_of("label"))
                        .help(suggestion(label, &known, "labels")),
                );
            }
        }
        if wanted.role.is_none() && wanted.label.is_none() {
            return Vec::new();
        }
        let chosen = self.nodes.values().filter(|node| has_role(node) && has_label(node));
        chosen.map(|node| node.name.clone()).collect()
    }
}

fn sorted(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    words.sort();
    words.dedup();
    words
}

/// Whether a text can be the name of a node and so the key of an instance: any host name (RFC 1123, at most 253
/// characters) or IP address can, but for IPv6 addresses that start with a colon.
pub(crate) fn is_node_name(name: &str) -> bool {
    name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':'))
}

fn check_name(entry: &Entry, diagnostics: &mut Vec<Diagnostic>) {
    refuse_as_node(&entry.key, entry.key_span, diagnostics);
    if !is_node_name(&entry.key) {
        diagnostics.push(
            Diagnostic::error(format!("{:?} cannot be the name of a node", &*entry.key)).at(entry.key_span).help(
                "a name starts with a letter or digit and holds letters, digits, `.`, `_`, `-` and `:`; \
                     at most 253 of them",
            ),
        );
    }
}

fn node(entry: &Entry, spec: NodeSpec, defaults: &SshSpec, diagnostics: &mut Vec<Diagnostic>) -> Option<NodeConfig> {
    let method = match spec.connection {
        None | Some(ConnectionSpec::Ssh) => Method::Ssh,
        Some(ConnectionSpec::Local) => Method::Local,
    };
    let address = match (spec.address, method) {
        (Some(address), _) if !address.trim().is_empty() => address,
        (None, Method::Local) => "localhost".to_owned(),
        _ => {
            diagnostics.push(
                Diagnostic::error(format!("the node `{}` has no `address`", entry.key))
                    .at(entry.key_span)
                    .help("add `address:` with a host name or IP address, or `connection: local`"),
            );
            return None;
        }
    };
    let ssh = spec.ssh.unwrap_or_default();
    let defaults = defaults.clone();
    Some(NodeConfig {
        name: entry.key.to_string(),
        span: entry.key_span,
        connection: Connection {
            method,
            address,
            user: ssh.user.or(defaults.user),
            port: ssh.port.or(defaults.port),
            key_path: ssh.key_path.or(defaults.key_path),
            bastion: ssh.bastion.or(defaults.bastion),
            host_keys: match ssh.host_keys.or(defaults.host_keys) {
                None | Some(HostKeysSpec::Strict) => HostKeys::Strict,
                Some(HostKeysSpec::AcceptNew) => HostKeys::AcceptNew,
            },
            docker_socket: spec.docker_socket,
        },
        key_path_span: entry.value.get("ssh").and_then(|ssh| ssh.get("keyPath")).map(|path| path.span),
        roles: spec.roles,
        labels: spec.labels,
    })
}
