//! Tests of the crate as a whole, and what they share: a few kinds, and a way to show diagnostics on one line each.

mod addons;
mod bad_input;
mod convert;
mod functions;
mod git;
mod good_input;
mod key_files;
mod kubernetes;
mod manifests;
mod properties;
mod registries;
mod rke;
mod secrets;
mod withheld;

use std::path::Path;

use crate::{Config, Section, SourceMap, VariableInputs, load};
use hactl_core::Diagnostic;
use schemars::JsonSchema;

/// A container, as small as the tests need it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct ContainerSpec {
    /// The image to run.
    image: String,
    /// Environment variables.
    #[serde(default)]
    env: std::collections::BTreeMap<String, String>,
    /// Published ports.
    #[serde(default)]
    ports: Vec<String>,
    /// When to restart it.
    restart: Option<Restart>,
    /// How many times to try.
    #[schemars(range(min = 1, max = 10))]
    retries: Option<u8>,
    /// How long to wait.
    #[schemars(extend("format" = "duration"))]
    timeout: Option<String>,
    /// Whether it has all rights.
    #[serde(default)]
    privileged: bool,
    /// What to run.
    command: Option<Command>,
    /// How to see whether it is healthy.
    health: Option<Health>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only the schema is used")]
enum Restart {
    /// Always.
    Always,
    /// Unless it was stopped by hand.
    UnlessStopped,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Command {
    Line(String),
    Words(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the schema is used")]
enum Health {
    Http { port: u16, path: Option<String> },
    Tcp { port: u16 },
}

/// A file, as small as the tests need it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct FileSpec {
    /// Where it is on the host.
    path: String,
    /// What is in it.
    content: Option<String>,
    /// Whether `${…}` in the content is evaluated.
    template: Option<bool>,
}

/// A secret, as small as the tests need it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct SecretSpec {
    /// Named values.
    data: Option<std::collections::BTreeMap<String, SecretSource>>,
    /// A value to make.
    generate: Option<std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>>,
    /// A certificate made elsewhere.
    import: Option<std::collections::BTreeMap<String, SecretSource>>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum SecretSource {
    Text(String),
    From(SecretForm),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
#[expect(dead_code, reason = "only the schema is used")]
enum SecretForm {
    Env(String),
    File(String),
    Value(String),
}

/// A manifest, as small as the tests need it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
struct ManifestSpec {
    /// Files that hold objects.
    file: Option<Paths>,
    /// A directory of such files.
    directory: Option<String>,
    /// Objects.
    inline: Option<Inline>,
    /// Whether `${…}` in objects is evaluated.
    template: Option<bool>,
    /// Whether to wait for readiness.
    wait: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Paths {
    One(String),
    Many(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
enum Inline {
    Text(String),
    Object(std::collections::BTreeMap<String, serde_json::Value>),
    Objects(Vec<std::collections::BTreeMap<String, serde_json::Value>>),
}

fn duration(text: &str) -> Result<(), String> {
    let digits = text.strip_suffix('s').unwrap_or("");
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
        Ok(())
    } else {
        Err("write a duration like `30s`".to_owned())
    }
}

/// The kinds that test configs declare.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        key: "containers",
        kind: "container",
        schema: || schemars::schema_for!(ContainerSpec).to_value(),
        formats: &[("duration", duration)],
        on_nodes: true,
        node_keys: crate::NODE_KEYS,
    },
    Section {
        key: "files",
        kind: "file",
        schema: || schemars::schema_for!(FileSpec).to_value(),
        formats: &[],
        on_nodes: true,
        node_keys: crate::NODE_KEYS,
    },
    Section {
        key: "secrets",
        kind: "secret",
        schema: || schemars::schema_for!(SecretSpec).to_value(),
        formats: &[],
        on_nodes: false,
        node_keys: &[],
    },
    Section {
        key: "manifests",
        kind: "manifest",
        schema: || schemars::schema_for!(ManifestSpec).to_value(),
        formats: &[],
        on_nodes: false,
        node_keys: &[],
    },
];

/// The start of a config with three nodes; 5 lines.
pub(crate) const START: &str = "\
hactl: 1
name: shop
nodes:
  n1: {address: 10.0.0.1, roles: [worker, lb]}
  n2: {address: 10.0.0.2, roles: [worker], labels: {zone: a}}
";

/// One line per diagnostic: `file:line:col: summary (help)`.
pub(crate) fn show(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        for (index, label) in diagnostic.labels.iter().enumerate() {
            let path = sources.path(label.span.source);
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let (line, column) = sources.position(label.span);
            if index > 0 {
                text.push_str(&format!("[{} {file}:{line}:{column}] ", label.text));
            } else {
                text.push_str(&format!("{file}:{line}:{column}: "));
            }
        }
        text.push_str(&diagnostic.summary);
        if let Some(help) = &diagnostic.help {
            text.push_str(&format!(" ({help})"));
        }
        text.push('\n');
    }
    text
}

/// Loads a path; the shown diagnostics where that fails.
pub(crate) fn load_path(path: &Path, given: &VariableInputs) -> Result<Config, String> {
    load(path, SECTIONS, given).map_err(|failure| show(&failure.sources, &failure.diagnostics))
}

/// Loads a text as `hactl.yaml`.
pub(crate) fn load_text(text: impl AsRef<[u8]>) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, text).unwrap();
    load_path(&path, &VariableInputs::default())
}
