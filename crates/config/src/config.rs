//! A checked config, whatever format it was written in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hactl_core::diagnostic::Span;
use hactl_core::moves::{Move, Removal};
use hactl_core::{Address, Diagnostic, Digest, Sensitive, Value};
use indexmap::IndexMap;

use crate::documents::Document;
use crate::encryption::Encryption;
use crate::evaluate::{evaluate, references};
use crate::git::Git;
use crate::inputs::Inputs;
use crate::invalid::Invalid;
use crate::kubernetes::KubernetesConfig;
use crate::nodes::NodeConfig;
use crate::registries::RegistryConfig;
use crate::secrets::{self, InlineSecrets};
use crate::section::Declaration;
use crate::source::SourceMap;
use crate::tree::{Data, Node};
use crate::variables::{Variable, VariableScope};

/// What the user wants, parsed and checked; the specs' templates are still to be evaluated.
#[derive(Debug)]
pub struct Config {
    /// The name of the stack.
    pub name: String,
    /// The path it was loaded from, as given: a file or a directory.
    pub path: PathBuf,
    /// The directory that its relative paths start from.
    pub directory: PathBuf,
    /// The format it was written in.
    pub format: Format,
    /// The texts it was read from.
    pub sources: SourceMap,
    /// Its variables with their values for this run.
    pub variables: IndexMap<String, Variable>,
    /// Its nodes by name, in the order of the file.
    pub nodes: IndexMap<String, NodeConfig>,
    /// How to log in to image registries, by `host[:port]`, in the order of the file.
    pub registries: IndexMap<String, RegistryConfig>,
    /// Whose keys the secrets in the state are encrypted to, where it says so.
    pub encryption: Option<Encryption>,
    /// What is done with git when the state is written.
    pub git: Git,
    /// The secrets that stand in it in plain text, by the name under which expressions refer to them.
    pub inline_secrets: InlineSecrets,
    /// Its resources, section by section, in the order of the file; in a partial config also wrong ones, as far as they
    /// could be read.
    pub declarations: Vec<Declaration>,
    /// Its outputs, in the order of the file.
    pub outputs: Vec<OutputDeclaration>,
    /// The cluster that its objects are on. None where it names no cluster; and in an RKE file also where nothing goes
    /// there, or it is not known which cluster that would be.
    pub kubernetes: Option<KubernetesConfig>,
    /// The objects of its manifests, by the manifest's name, in the order they are written. Secrets among them hold their
    /// values in plain text.
    pub documents: BTreeMap<String, Vec<Document>>,
    /// Which resources had another address before.
    pub moved: Vec<Move>,
    /// Which are no longer managed, and are left as they are.
    pub removed: Vec<Removal>,
    /// Where an RKE file has addons that are not acted on, because nothing says which cluster they are for.
    pub ignored_addons: Option<Span>,
    /// The files it names.
    pub inputs: Inputs,
    /// What is declared but wrong, which is reported already; empty in a config that loaded.
    pub invalid: Invalid,
    /// What the user should know though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
}

/// The formats of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// hactl's own.
    Native,
    /// An RKE cluster file.
    Rke,
}

/// An output: a value that is shown after an apply.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputDeclaration {
    /// Its name.
    pub name: String,
    /// Its key in the config.
    pub span: Span,
    /// The value; templates in it are not evaluated yet.
    pub value: Node,
    /// Whether the value must not be shown.
    pub sensitive: bool,
    /// What it is.
    pub description: Option<String>,
}

impl Config {
    /// The scope that answers `var.*` and reads files.
    pub fn variable_scope(&self) -> VariableScope<'_> {
        VariableScope { variables: &self.variables, inputs: &self.inputs }
    }

    /// The values that must never be shown, by the names under which expressions refer to them: those of sensitive
    /// variables, passwords of registries that no sensitive variable has, and what sensitive outputs hold in plain text.
    pub fn sensitive_values(&self) -> BTreeMap<String, Sensitive<Value>> {
        let variables = self.variables.iter().filter(|(_, variable)| variable.sensitive);
        let variables = variables.map(|(name, variable)| (name.clone(), variable.value.clone()));
        let passwords = self.registries.values().filter_map(RegistryConfig::plain_password);
        let outputs = self.outputs.iter().filter_map(|output| self.plain_output(output));
        variables.chain(passwords).chain(outputs).map(|(name, value)| (name, value.into())).collect()
    }

    /// The value of an output that is sensitive only because it is said to be, where it is made of nothing but variables;
    /// and the name under which expressions refer to it, which no variable can have.
    pub fn plain_output(&self, output: &OutputDeclaration) -> Option<(String, Value)> {
        let known = references(&output.value).iter().all(|reference| reference.traversal.root == "var");
        if !output.sensitive || !known {
            return None;
        }
        let value = evaluate(&output.value, &self.variable_scope(), &self.sources, &mut Vec::new()).to_value();
        value.is_plain().then(|| (format!("output.{}", output.name), value))
    }

    /// The SHA-256 of all that decides what is wanted: it does not depend on order, comments or places.
    ///
    /// Of sensitive variables only the names go in, of registries all but passwords, of secrets where they come from, and of
    /// their expressions the names in them, of Kubernetes Secrets the keys. Of the files that expressions read those go in
    /// that were read by now: ask for the digest after every declaration was evaluated.
    pub fn digest(&self) -> Digest {
        let mut bytes = Bytes::default();
        bytes.text(&self.name);
        let mut variables: Vec<_> = self.variables.iter().collect();
        variables.sort_by_key(|(name, _)| *name);
        bytes.count(variables.len());
        for (name, variable) in variables {
            bytes.text(name);
            match variable.sensitive {
                true => bytes.mark(b's'),
                false => bytes.json(&variable.value),
            }
        }
        let mut nodes: Vec<_> = self.nodes.values().collect();
        nodes.sort_by_key(|node| &node.name);
        bytes.count(nodes.len());
        for node in nodes {
            bytes.text(&node.name);
            bytes.json(&(&node.connection, &node.roles, &node.labels));
        }
        let mut registries: Vec<_> = self.registries.values().collect();
        registries.sort_by_key(|registry| &registry.name);
        bytes.count(registries.len());
        for registry in registries {
            bytes.text(&registry.name);
            bytes.json(&registry.login);
        }
        let mut declarations: Vec<_> = self.declarations.iter().collect();
        declarations.sort_unstable_by_key(|declaration| (declaration.kind, declaration.name.as_str()));
        bytes.count(declarations.len());
        for declaration in declarations {
            bytes.declaration(declaration);
        }
        let mut outputs: Vec<_> = self.outputs.iter().collect();
        outputs.sort_by_key(|output| &output.name);
        bytes.count(outputs.len());
        for output in outputs {
            bytes.text(&output.name);
            bytes.node(&output.value);
        }
        bytes.json(&self.inputs.digests());
        if let Some(kubernetes) = &self.kubernetes {
            let depends_on: Vec<&Address> = kubernetes.depends_on.iter().map(|(address, _)| address).collect();
            bytes.json(&(&kubernetes.connection, &kubernetes.namespace, depends_on));
        }
        for (manifest, documents) in &self.documents {
            bytes.text(manifest);
            bytes.count(documents.len());
            documents.iter().for_each(|document| bytes.node(&document.public()));
        }
        for Move { from, to, .. } in &self.moved {
            bytes.json(&("moved", from, to));
        }
        for Removal { address, .. } in &self.removed {
            bytes.json(&("removed", address));
        }
        Digest::sha256(&bytes.bytes)
    }
}

/// What a digest is made of: each piece with a mark of its type and its length before it, so that no two differ and
/// read the same.
#[derive(Default)]
struct Bytes {
    bytes: Vec<u8>,
    /// Whether the texts of expressions may be secrets, and stay out.
    names_only: bool,
}

impl Bytes {
    fn mark(&mut self, mark: u8) {
        self.bytes.push(mark);
    }

    fn count(&mut self, count: usize) {
        self.bytes.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.count(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }

    /// Anything rare, as its JSON.
    fn json(&mut self, data: &impl serde::Serialize) {
        self.mark(b'j');
        self.text(&serde_json::to_string(data).unwrap_or_default());
    }

    fn declaration(&mut self, declaration: &Declaration) {
        self.text(declaration.kind);
        self.text(&declaration.name);
        self.names_only = declaration.kind == secrets::KIND;
        self.node(&declaration.body);
        self.names_only = false;
        self.texts(&declaration.selector);
        self.count(declaration.depends_on.len());
        declaration.depends_on.iter().for_each(|(address, _)| self.text(address.as_str()));
        self.texts(&declaration.ignore_changes);
        self.mark(u8::from(declaration.protect));
        self.mark(u8::from(declaration.adopt));
    }

    fn node(&mut self, node: &Node) {
        match &node.data {
            Data::Null | Data::Invalid => self.mark(b'n'),
            Data::Bool(value) => self.bytes.extend_from_slice(&[b'b', u8::from(*value)]),
            Data::Int(value) => {
                self.mark(b'i');
                self.bytes.extend_from_slice(&value.to_le_bytes());
            }
            Data::Float(value) => {
                self.mark(b'f');
                self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
            }
            Data::String(text) => {
                self.mark(b't');
                self.text(text);
            }
            Data::Template(_) if self.names_only => {
                self.mark(b'x');
                references(node).iter().for_each(|reference| self.json(reference.traversal));
            }
            Data::Template(_) | Data::Deferred(_) => self.json(&node.to_value()),
            Data::List(items) => {
                self.mark(b'l');
                self.count(items.len());
                items.iter().for_each(|item| self.node(item));
            }
            Data::Map(entries) => {
                self.mark(b'm');
                self.count(entries.len());
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
                for entry in sorted {
                    self.text(&entry.key);
                    self.node(&entry.value);
                }
            }
        }
    }
}
