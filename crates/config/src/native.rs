//! The native format: the top-level keys of one or several files, merged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::{Span, did_you_mean};
use hactl_core::moves::{Move, Removal};
use indexmap::IndexMap;

use crate::config::OutputDeclaration;
use crate::decode::Decoder;
use crate::documents::{self, Document};
use crate::encryption::{self, Encryption};
use crate::evaluate::evaluate;
use crate::expression::parse_templates;
use crate::git::{self, Git};
use crate::inputs::Inputs;
use crate::invalid::Invalid;
use crate::kubernetes::{self, KubernetesConfig};
use crate::manifests;
use crate::moves;
use crate::nodes::{NodeConfig, NodeSet};
use crate::registries::{self, RegistryConfig};
use crate::secrets::{self, InlineSecrets, SecretScope};
use crate::section::{Declaration, DeclarationReader, Section};
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::validate::{refuse_reserved_keys, unknown_key};
use crate::variables::{self, Variable, VariableInputs, VariableScope};

/// The version of the format that this build reads.
const FORMAT: i64 = 1;

/// Top-level keys with one value.
const SINGLE_KEYS: [&str; 6] = ["hactl", "name", "ssh", "encryption", "git", "kubernetes"];

/// Top-level keys with named entries, beside the sections.
const MAP_KEYS: [&str; 4] = ["variables", "nodes", "registries", "outputs"];

/// Top-level keys with lists, which are joined where there are several files.
const LIST_KEYS: [&str; 2] = [moves::MOVED, moves::REMOVED];

/// Keys of the format that are not acted on yet, each with the word that refers to what is declared under it.
const LATER_KEYS: [(&str, &str); 2] = [("loadBalancers", "loadBalancer"), ("checks", "check")];

/// What native files hold.
pub(crate) struct Native {
    pub(crate) name: String,
    pub(crate) variables: IndexMap<String, Variable>,
    pub(crate) nodes: IndexMap<String, NodeConfig>,
    pub(crate) registries: IndexMap<String, RegistryConfig>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) git: Git,
    pub(crate) inline_secrets: InlineSecrets,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) outputs: Vec<OutputDeclaration>,
    pub(crate) kubernetes: Option<KubernetesConfig>,
    pub(crate) documents: BTreeMap<String, Vec<Document>>,
    pub(crate) moved: Vec<Move>,
    pub(crate) removed: Vec<Removal>,
    pub(crate) invalid: Invalid,
}

/// Reads parsed files as one config. Mistakes go to `diagnostics`; what is returned then is incomplete.
pub(crate) fn read(
    roots: Vec<Node>,
    sections: &[Section],
    given: &VariableInputs,
    inputs: &Inputs,
    directory: &Path,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Native {
    let mut merged = Merged::default();
    for mut root in roots {
        refuse_reserved_keys(&root, diagnostics);
        parse_root(&mut root, sections, sources, diagnostics);
        redact(&root, sources);
        merged.add(root, sections, diagnostics);
    }
    let declared = merged.take_all("variables");
    let variables = variables::resolve(&declared, given, &mut merged.invalid, sources, diagnostics);
    merged.check_variables(&variables, sources, diagnostics);
    let scope = VariableScope { variables: &variables, inputs };

    let name = name(merged.singles.get("name"), &scope, merged.first, sources, diagnostics);
    let mut evaluated = |entry: Entry| Entry { value: evaluate(&entry.value, &scope, sources, diagnostics), ..entry };
    let ssh = merged.singles.remove("ssh").map(&mut evaluated);
    let node_entries: Vec<Entry> = merged.take_all("nodes").into_iter().map(&mut evaluated).collect();
    let invalid = std::mem::take(&mut merged.invalid);
    let kubernetes = merged.singles.remove("kubernetes").map(&mut evaluated);
    let git = merged.singles.remove("git").map(&mut evaluated);
    let lists: Vec<Entry> = std::mem::take(&mut merged.lists).into_iter().map(&mut evaluated).collect();
    let mut nodes = NodeSet::decode(&node_entries, ssh.as_ref(), invalid, diagnostics);
    let kubernetes = kubernetes.and_then(|entry| {
        let read = kubernetes::read(&entry, &nodes, diagnostics);
        if read.is_none() {
            nodes.invalid.add_all_of(kubernetes::WORD);
        }
        read
    });

    let encryption = merged.singles.remove("encryption");
    let encryption = encryption.and_then(|entry| encryption::read(&entry, &scope, sources, diagnostics));

    let git = git.map_or_else(Git::default, |entry| git::read(&entry, diagnostics));
    let moved = moves::moved(&lists, diagnostics);
    let removed = moves::removed(&lists, diagnostics);

    let mut secret_entries = merged.take_all(secrets::SECTION);
    let inline_secrets = secrets::take_inline(&mut secret_entries, &variables, diagnostics);
    let secret_scope = SecretScope { variables: scope, secrets: &secret_entries, invalid: &nodes.invalid };
    let registries = registries::read(&merged.take_all("registries"), &secret_scope, sources, diagnostics);
    merged.maps.insert(secrets::SECTION.to_owned(), secret_entries);

    let mut reader = DeclarationReader::new(&nodes, scope, sources);
    let mut declarations = Vec::new();
    for section in sections {
        let entries = merged.take_all(section.key);
        declarations.extend(reader.read(section, entries, diagnostics));
    }
    let mut invalid = reader.into_invalid();
    let mut reader = documents::Reader { directory, sources, diagnostics };
    let documents = manifests::read(&mut declarations, scope, &mut invalid, &mut reader);
    let outputs = merged.take_all("outputs").into_iter().filter_map(|entry| output(entry, diagnostics)).collect();
    Native {
        name,
        nodes: nodes.nodes,
        registries,
        encryption,
        git,
        inline_secrets,
        declarations,
        outputs,
        kubernetes,
        documents,
        moved,
        removed,
        variables,
        invalid,
    }
}

/// Takes what may be secret out of what messages can show of a file.
fn redact(root: &Node, sources: &mut SourceMap) {
    for entry in root.entries() {
        match &*entry.key {
            "registries" => registries::redact(&entry.value, sources),
            "encryption" => encryption::redact(&entry.value, sources),
            key if did_you_mean(key, [secrets::SECTION]).is_some() => secrets::redact(&entry.value, sources),
            _ => documents::redact(&entry.value, sources),
        }
    }
}

/// Parses the templates of a file; where a declaration says `template: false`, its `content` and `inline` stay as they are
/// written. So does a text of objects, which is parsed before the templates in it.
fn parse_root(root: &mut Node, sections: &[Section], sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) {
    let Data::Map(entries) = &mut root.data else {
        return;
    };
    for entry in entries {
        let section = sections.iter().find(|section| section.key == &*entry.key);
        match (&mut entry.value.data, section) {
            (Data::Map(declarations), Some(section)) => {
                for declaration in declarations {
                    parse_declaration(section.kind, &mut declaration.value, sources, diagnostics);
                }
            }
            _ => parse_templates(&mut entry.value, sources, diagnostics),
        }
    }
}

fn parse_declaration(kind: &str, body: &mut Node, sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) {
    let is_literal = matches!(body.get("template"), Some(Node { data: Data::Bool(false), .. }));
    let is_text = |key: &str| body.get(key).is_some_and(|field| field.as_str().is_some());
    let literal = match kind {
        documents::KIND if is_literal || is_text(manifests::INLINE) => Some(manifests::INLINE),
        _ if is_literal => Some("content"),
        _ => None,
    };
    match (&mut body.data, literal) {
        (Data::Map(fields), Some(literal)) => {
            for field in fields.iter_mut().filter(|field| &*field.key != literal) {
                parse_templates(&mut field.value, sources, diagnostics);
            }
        }
        _ => parse_templates(body, sources, diagnostics),
    }
}

/// The top-level keys of all files.
#[derive(Default)]
struct Merged {
    singles: BTreeMap<String, Entry>,
    maps: BTreeMap<String, Vec<Entry>>,
    lists: Vec<Entry>,
    seen: BTreeMap<String, HashMap<Arc<str>, Span>>,
    /// What could not be read, or may stand under a key that is not known.
    invalid: Invalid,
    /// The start of the first file that is a map.
    first: Option<Span>,
}

impl Merged {
    fn add(&mut self, root: Node, sections: &[Section], diagnostics: &mut Vec<Diagnostic>) {
        let place = root.span;
        let Data::Map(entries) = root.data else {
            let what = if matches!(root.data, Data::Null) {
                "the file is empty".to_owned()
            } else {
                format!("a config is a map, this is {}", root.type_name())
            };
            diagnostics.push(
                Diagnostic::error(what)
                    .at(place)
                    .help("start it with `hactl: 1` and `name: …`, or run `hactl init` to write a first one"),
            );
            return;
        };
        self.first.get_or_insert(place);
        check_format(&entries, place, diagnostics);
        for entry in entries {
            let key = &*entry.key;
            if SINGLE_KEYS.contains(&key) {
                self.add_single(entry, diagnostics);
            } else if LIST_KEYS.contains(&key) {
                self.lists.push(entry);
            } else if MAP_KEYS.contains(&key) || sections.iter().any(|section| section.key == key) {
                self.add_map(entry, sections, diagnostics);
            } else if let Some((_, word)) = LATER_KEYS.iter().find(|(later, _)| *later == key) {
                self.invalid.add_all_of(word);
                diagnostics.push(
                    Diagnostic::error(format!("`{key}` is not supported by this version of hactl yet"))
                        .at(entry.key_span)
                        .help("take it out for now"),
                );
            } else if !key.starts_with("x-") {
                let known: Vec<&str> = SINGLE_KEYS
                    .into_iter()
                    .chain(MAP_KEYS)
                    .chain(LIST_KEYS)
                    .chain(sections.iter().map(|section| section.key))
                    .collect();
                diagnostics.push(unknown_key(key, entry.key_span, &known));
                for inner in entry.value.entries() {
                    for kind in ["var", "node"].into_iter().chain(sections.iter().map(|section| section.kind)) {
                        self.invalid.add(kind, &inner.key);
                    }
                }
            }
        }
    }

    fn add_single(&mut self, entry: Entry, diagnostics: &mut Vec<Diagnostic>) {
        match self.singles.get(&*entry.key) {
            Some(first) if &*entry.key != "hactl" => diagnostics.push(
                Diagnostic::error(format!("`{}` is in two files", entry.key))
                    .at(entry.key_span)
                    .label(first.key_span, "first here")
                    .help("keep one of the two"),
            ),
            _ => {
                self.singles.insert(entry.key.to_string(), entry);
            }
        }
    }

    fn add_map(&mut self, entry: Entry, sections: &[Section], diagnostics: &mut Vec<Diagnostic>) {
        let key = entry.key.to_string();
        match entry.value.data {
            Data::Map(entries) => {
                let known = self.maps.entry(key.clone()).or_default();
                let seen = self.seen.entry(key.clone()).or_default();
                for inner in entries {
                    if &*key != "variables" && inner.key.starts_with("x-") {
                        continue;
                    }
                    match seen.insert(inner.key.clone(), inner.key_span) {
                        Some(first) => diagnostics.push(
                            Diagnostic::error(format!("`{}` is twice in `{key}`", inner.key))
                                .at(inner.key_span)
                                .label(first, "first here")
                                .help("give one of the two another name"),
                        ),
                        None => known.push(inner),
                    }
                }
            }
            Data::Null => {}
            Data::Invalid => self.invalid.add_all_of(word_of(&key, sections)),
            _ => {
                self.invalid.add_all_of(word_of(&key, sections));
                diagnostics.push(
                    Diagnostic::error(format!("`{key}` is {}, expected a map of names", entry.value.type_name()))
                        .at(entry.key_span),
                );
            }
        }
    }

    fn take_all(&mut self, key: &str) -> Vec<Entry> {
        self.maps.remove(key).unwrap_or_default()
    }

    fn check_variables(
        &mut self,
        variables: &IndexMap<String, Variable>,
        sources: &SourceMap,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let entries = self.singles.values_mut().chain(&mut self.lists).chain(self.maps.values_mut().flatten());
        for entry in entries {
            variables::check_uses(&mut entry.value, variables, &self.invalid, sources, diagnostics);
        }
    }
}

/// The word that refers to what is declared under a top-level key: `container` for `containers`.
fn word_of<'a>(key: &'a str, sections: &[Section]) -> &'a str {
    match key {
        "variables" => "var",
        "nodes" => "node",
        key => sections.iter().find(|section| section.key == key).map_or(key, |section| section.kind),
    }
}

fn check_format(entries: &[Entry], place: Span, diagnostics: &mut Vec<Diagnostic>) {
    let entry = entries.iter().find(|entry| &*entry.key == "hactl");
    let diagnostic = match entry.map(|entry| (&entry.value.data, entry.key_span)) {
        Some((Data::Int(FORMAT), _)) => return,
        Some((Data::Int(version), at)) if *version > FORMAT => Diagnostic::error(format!(
            "the file is made for a newer hactl: its format is {version}, this version reads {FORMAT}"
        ))
        .at(at)
        .help("update hactl"),
        Some((_, at)) => {
            Diagnostic::error("`hactl` is not the number of a format").at(at).help(format!("write `hactl: {FORMAT}`"))
        }
        None => Diagnostic::error("the key `hactl` is missing")
            .at(place)
            .help(format!("start the file with `hactl: {FORMAT}`, the version of its format")),
    };
    diagnostics.push(diagnostic);
}

fn name(
    entry: Option<&Entry>,
    scope: &VariableScope<'_>,
    first: Option<Span>,
    sources: &SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> String {
    let Some(entry) = entry else {
        let missing = |place| {
            Diagnostic::error("the key `name` is missing")
                .at(place)
                .help("add `name: …`: it names the stack and its state")
        };
        diagnostics.extend(first.map(missing));
        return String::new();
    };
    let value = evaluate(&entry.value, scope, sources, diagnostics);
    let name = Decoder::<String>::new().decode(&value, entry.key_span, diagnostics).unwrap_or_default();
    if !name.is_empty() && !is_stack_name(&name) {
        diagnostics.push(Diagnostic::error(format!("{name:?} cannot be the name of a stack")).at(value.span).help(
            "a name starts with a letter or digit and holds letters, digits, `-`, `_` and `.`; at most 100 of them",
        ));
    }
    name
}

/// Whether a text can name a stack and so its state file.
pub fn is_stack_name(name: &str) -> bool {
    name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// `name: value`, or a map of `value`, `description` and `sensitive`.
fn output(entry: Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<OutputDeclaration> {
    const KEYS: [&str; 3] = ["value", "description", "sensitive"];
    let mut declaration = OutputDeclaration {
        name: entry.key.to_string(),
        span: entry.key_span,
        value: entry.value,
        sensitive: false,
        description: None,
    };
    if !hactl_core::address::is_name(&declaration.name) {
        diagnostics.push(
            Diagnostic::error(format!("{:?} cannot be the name of an output", declaration.name))
                .at(entry.key_span)
                .help("a name starts with a letter and holds letters, digits, `-` and `_`"),
        );
        return None;
    }
    let keys: BTreeSet<&str> = declaration.value.entries().iter().map(|entry| &*entry.key).collect();
    if !keys.contains("value") || keys.iter().any(|key| !KEYS.contains(key)) {
        return Some(declaration);
    }
    let Data::Map(fields) = std::mem::replace(&mut declaration.value.data, Data::Null) else {
        return Some(declaration);
    };
    for field in fields {
        match (&*field.key, field.value.data) {
            ("value", data) => declaration.value = Node::new(field.value.span, data),
            ("description", Data::String(text)) => declaration.description = Some(text.to_string()),
            ("sensitive", Data::Bool(sensitive)) => declaration.sensitive = sensitive,
            (key, _) => {
                let expected = if key == "sensitive" { "`true` or `false`" } else { "text" };
                diagnostics.push(Diagnostic::error(format!("`{key}` is not {expected}")).at(field.key_span));
            }
        }
    }
    Some(declaration)
}
