//! The Kubernetes cluster of a stack: what stands under `kubernetes:`.

use std::path::Path;

use hactl_core::address::Address;
use hactl_core::cluster::{CLUSTER, ClusterConnection, Via};
use hactl_core::diagnostic::{Diagnostic, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Config, Format};
use crate::decode::Decoder;
use crate::key_files::why_unusable;
use crate::nodes::NodeSet;
use crate::section::dependencies;
use crate::tree::Entry;
use crate::validate::suggestion;

/// The word under which a wrong `kubernetes:` is known as such.
pub(crate) const WORD: &str = "kubernetes";

/// The cluster that a config's objects are on.
#[derive(Debug, Clone, PartialEq)]
pub struct KubernetesConfig {
    /// The key `kubernetes` in the config; in an RKE file the first key whose objects go there.
    pub span: Span,
    /// How to reach the API server.
    pub connection: ClusterConnection,
    /// Where the config names the kubeconfig, or what it is needed for; none where the run names it, or nobody does.
    pub kubeconfig_span: Option<Span>,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// What the cluster itself needs: `kind.name` or `kind.name["key"]`. While any of it is still to be created there may
    /// be no cluster, nor a kubeconfig.
    pub depends_on: Vec<(Address, Span)>,
}

impl KubernetesConfig {
    /// A cluster of which nothing but the connection is known.
    pub(crate) fn new(span: Span, connection: ClusterConnection) -> Self {
        Self { span, connection, kubeconfig_span: None, namespace: None, depends_on: Vec::new() }
    }

    /// Uses the kubeconfig that the run names, a path relative to the working directory, in place of the config's.
    pub(crate) fn override_kubeconfig(&mut self, given: &Path, directory: &Path) {
        self.connection.kubeconfig = Some(kubeconfig_path(given, directory));
        self.kubeconfig_span = None;
    }
}

/// The Kubernetes cluster that objects are on, and how to reach it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KubernetesSpec {
    /// The kubeconfig file; a relative path starts beside the config, `~/` is your home directory. Where left out, what
    /// `kubectl` would use: `KUBECONFIG`, else `~/.kube/config`.
    kubeconfig: Option<String>,
    /// The context in it; its current one where left out.
    context: Option<String>,
    /// The namespace of objects that name none; `default` where left out.
    namespace: Option<String>,
    /// The node through whose connection the API server is reached; directly where left out.
    via: Option<String>,
    /// What the cluster itself needs: `kind.name` or `kind.name["key"]`. While any of it is still to be created, a cluster
    /// that does not answer is taken as not there yet.
    #[serde(default)]
    #[expect(dead_code, reason = "addresses are read with their places")]
    depends_on: Vec<String>,
}

/// Reads the evaluated key; none where something is wrong with it, which is then reported.
pub(crate) fn read(entry: &Entry, nodes: &NodeSet, diagnostics: &mut Vec<Diagnostic>) -> Option<KubernetesConfig> {
    let before = diagnostics.len();
    let spec = Decoder::<KubernetesSpec>::new().decode(&entry.value, entry.key_span, diagnostics)?;
    let place = |key: &str| entry.value.get(key).map_or(entry.key_span, |node| node.span);
    if let Some(namespace) = spec.namespace.as_deref().filter(|namespace| !is_namespace(namespace)) {
        diagnostics.push(
            Diagnostic::error(format!("{namespace:?} cannot be the name of a namespace"))
                .at(place("namespace"))
                .help("a name has lower-case letters, digits and `-`, none of these at its ends; at most 63 of them"),
        );
    }
    let via = spec.via.and_then(|node| via(node, place("via"), nodes, diagnostics));
    let depends_on = dependencies(entry.value.get("dependsOn"), diagnostics);
    (diagnostics.len() == before).then_some(KubernetesConfig {
        span: entry.key_span,
        kubeconfig_span: entry.value.get("kubeconfig").map(|path| path.span),
        connection: ClusterConnection { kubeconfig: spec.kubeconfig, context: spec.context, via },
        namespace: spec.namespace,
        depends_on,
    })
}

fn via(node: String, at: Span, nodes: &NodeSet, diagnostics: &mut Vec<Diagnostic>) -> Option<Via> {
    let Some(found) = nodes.nodes.get(&node) else {
        if !nodes.invalid.contains("node", &node) {
            let known: Vec<&str> = nodes.nodes.keys().map(String::as_str).collect();
            diagnostics.push(
                Diagnostic::error(format!("there is no node `{node}`")).at(at).help(suggestion(&node, &known, "nodes")),
            );
        }
        return None;
    };
    Some(Via { node, connection: found.connection.clone() })
}

/// Whether a text can be the name of a namespace (RFC 1123, a label).
fn is_namespace(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 63
        && name.starts_with(is_inner)
        && name.ends_with(is_inner)
        && name.chars().all(|c| is_inner(c) || c == '-')
}

/// A kubeconfig as a config would name it: relative to the config's directory where it is in there, so that it is the same
/// on every machine.
fn kubeconfig_path(given: &Path, directory: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let full = absolute(given);
    full.strip_prefix(absolute(directory)).unwrap_or(&full).to_string_lossy().into_owned()
}

/// Reports a node that has the name of the cluster.
pub(crate) fn refuse_as_node(name: &str, at: Span, diagnostics: &mut Vec<Diagnostic>) {
    if name == CLUSTER {
        diagnostics.push(
            Diagnostic::error(format!("a node cannot be named `{CLUSTER}`"))
                .at(at)
                .detail("The Kubernetes cluster goes by this name wherever nodes go by theirs.")
                .help("give the node another name"),
        );
    }
}

impl Config {
    /// What is wrong with the kubeconfig that the config or the run names: it is not there, or cannot be read. `home` is
    /// the user's home directory, where `~/` starts. Nothing is asked where `dependsOn` says that it may come later.
    ///
    /// Not part of loading: the sandbox reads no kubeconfig, and neither does whoever only checks a config.
    pub fn check_kubeconfig(&self, home: Option<&Path>) -> Option<Diagnostic> {
        let kubernetes = self.kubernetes.as_ref().filter(|kubernetes| kubernetes.depends_on.is_empty())?;
        let path = kubernetes.connection.kubeconfig.as_deref()?;
        let place = match path.strip_prefix("~/") {
            Some(rest) => home?.join(rest),
            None => self.directory.join(path),
        };
        let reason = why_unusable(&place)?;
        let diagnostic = Diagnostic::error(format!("the kubeconfig {path:?} {reason}"));
        Some(match (kubernetes.kubeconfig_span, self.format) {
            (Some(span), Format::Native) => diagnostic.at(span).help(
                "a relative path starts beside the config; where this config makes the cluster, say what it needs with \
                 `kubernetes.dependsOn`",
            ),
            (Some(span), Format::Rke) => diagnostic.at(span).help("mend it, or name another with `--kubeconfig`"),
            (None, _) => diagnostic.help("look at the path that `--kubeconfig` names"),
        })
    }
}
