//! An RKE cluster file as native config.
//!
//! The text is written by hand: what needs quotes depends on how this crate reads plain text, and `${` has to stay what
//! it is. An emitter would decide the first by other rules, and neither it nor its data model has comments.

use std::fmt::Write;
use std::path::Path;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::SourceId;
use hactl_core::node::Connection;
use indexmap::IndexMap;

use crate::addons::{Addons, MANIFEST, kubeconfig_name};
use crate::documents::Reader;
use crate::emit::{block, escaped, flow_list, flow_map, scalar};
use crate::load::{LoadFailure, stem, withhold_secrets};
use crate::nodes::NodeConfig;
use crate::registries::RegistryConfig;
use crate::rke::{self, Rke};
use crate::source::{SourceMap, span};
use crate::yaml;

/// How far the text of addons is indented.
const TEXT_INDENTATION: usize = 6;

/// The text of a native config that wants the same as an RKE cluster file: its nodes, registries and addons. `path` is that
/// of the cluster file, `text` what is in it; nothing is read.
///
/// Passwords of registries become sensitive variables without a default. What is not acted on is named in comments, each
/// with its line.
///
/// # Errors
/// When the file is no RKE cluster file, or anything in it that is acted on is wrong.
pub fn convert(path: &Path, text: String) -> Result<String, LoadFailure> {
    let mut sources = SourceMap::new();
    let mut diagnostics = Vec::new();
    let converted = read(path, text, &mut sources, &mut diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
    match converted {
        Some(file) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(file.write(&sources, &diagnostics)),
        _ => Err(LoadFailure::new(sources, diagnostics, None)),
    }
}

/// What an RKE cluster file holds.
struct ClusterFile<'a> {
    path: &'a Path,
    name: String,
    rke: Rke,
}

fn read<'a>(
    path: &'a Path,
    text: String,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ClusterFile<'a>> {
    let source = sources.add(path, text);
    let root = match yaml::parse(sources, source) {
        Ok(root) => root,
        Err(mistakes) => {
            diagnostics.extend(withhold_secrets(mistakes, sources));
            return None;
        }
    };
    if !rke::is_rke(&root) {
        diagnostics.push(
            Diagnostic::error("this is no RKE cluster file: it has no list of `nodes`, or has the key `hactl`")
                .at(span(SourceId(0), 0, 0))
                .help("name the file that `rke up` takes; a native config needs no conversion"),
        );
        return None;
    }
    let name = stem(path, diagnostics);
    let rke = rke::read(&root, sources, diagnostics);
    let mut reader = Reader { directory: Path::new(""), sources, diagnostics };
    rke.addons.read_text(&mut reader);
    rke.addons.files().for_each(|(path, at)| _ = reader.refuse_address(path, at));
    Some(ClusterFile { path, name, rke })
}

impl ClusterFile<'_> {
    fn write(&self, sources: &SourceMap, warnings: &[Diagnostic]) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mut text = format!("# Converted from {}.\n", file.escape_debug());
        if !warnings.is_empty() {
            text.push_str("# What hactl does not act on is not in here:\n");
        }
        for warning in warnings {
            let line = warning.labels.first().map_or(0, |label| sources.position(label.span).0);
            add(&mut text, format_args!("#   line {line}: {}", warning.summary.escape_debug()));
        }
        add(&mut text, format_args!("hactl: 1\nname: {}", scalar(&self.name)));
        let variables = password_variables(&self.rke.registries);
        if !variables.is_empty() {
            text.push_str("variables:\n");
        }
        for (registry, variable) in self.rke.registries.keys().zip(&variables) {
            let description = scalar(&format!("the password for the registry {registry}"));
            add(&mut text, format_args!("  {variable}: {{sensitive: true, description: {description}}}"));
        }
        write_nodes(&self.rke.nodes, &mut text);
        if !variables.is_empty() {
            text.push_str("registries:\n");
        }
        for (registry, variable) in self.rke.registries.values().zip(&variables) {
            let username = registry.login.username.as_str().unwrap_or_default();
            let login = [("username", escaped(username)), ("password", format!("\"${{var.{variable}}}\""))];
            add(&mut text, format_args!("  {}: {}", scalar(&registry.name), flow_map(login)));
        }
        write_addons(&self.rke.addons, &kubeconfig_name(self.path), &mut text);
        text
    }
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    _ = writeln!(text, "{line}");
}

/// A variable for the password of each registry, in their order.
fn password_variables(registries: &IndexMap<String, RegistryConfig>) -> Vec<String> {
    let mut variables: Vec<String> = Vec::new();
    for name in registries.keys() {
        // The environment can set variables whose names have no `-`.
        let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let mut names = (1..).map(|number| match number {
            1 => format!("registry_{word}_password"),
            _ => format!("registry_{word}_password_{number}"),
        });
        variables.extend(names.find(|name| !variables.contains(name)));
    }
    variables
}

/// How to log in, in the words of a native config.
fn ssh(connection: &Connection) -> IndexMap<&'static str, String> {
    let port = connection.port.map(|port| port.to_string());
    let fields = [
        ("user", connection.user.as_deref().map(escaped)),
        ("port", port),
        ("keyPath", connection.key_path.as_deref().map(escaped)),
        ("bastion", connection.bastion.as_deref().map(escaped)),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn write_nodes(nodes: &IndexMap<String, NodeConfig>, text: &mut String) {
    let mut shared = nodes.values().next().map(|node| ssh(&node.connection)).unwrap_or_default();
    for node in nodes.values() {
        let own = ssh(&node.connection);
        shared.retain(|key, value| own.get(key) == Some(value));
    }
    if !shared.is_empty() {
        add(text, format_args!("ssh: {}", flow_map(shared.clone())));
    }
    text.push_str(if nodes.is_empty() { "nodes: {}\n" } else { "nodes:\n" });
    for node in nodes.values() {
        let mut fields = vec![
            ("address", escaped(&node.connection.address)),
            ("roles", flow_list(node.roles.iter().map(|role| escaped(role)))),
        ];
        if !node.labels.is_empty() {
            let labels = node.labels.iter().map(|(key, value)| (scalar(key), escaped(value)));
            fields.push(("labels", flow_map(labels)));
        }
        let mut own = ssh(&node.connection);
        own.retain(|key, _| !shared.contains_key(key));
        if !own.is_empty() {
            fields.push(("ssh", flow_map(own)));
        }
        fields.extend(node.connection.docker_socket.as_deref().map(|socket| ("dockerSocket", escaped(socket))));
        add(text, format_args!("  {}: {}", scalar(&node.name), flow_map(fields)));
    }
}

fn write_addons(addons: &Addons, kubeconfig: &str, text: &mut String) {
    if addons.span().is_none() {
        return;
    }
    add(text, format_args!("kubernetes: {}", flow_map([("kubeconfig", escaped(kubeconfig))])));
    add(text, format_args!("manifests:\n  {MANIFEST}:"));
    let files: Vec<String> = addons.files().map(|(path, _)| escaped(path)).collect();
    if !files.is_empty() {
        add(text, format_args!("    file: {}", flow_list(files)));
    }
    if let Some((objects, _)) = addons.text() {
        if objects.contains("${") || objects.contains("%{") {
            text.push_str("    template: false\n");
        }
        add(text, format_args!("    inline: {}", block(objects, TEXT_INDENTATION)));
    }
}
