//! Sections: the top-level keys under which resources of one kind are declared.

use std::collections::HashMap;
use std::sync::Arc;

use hactl_core::Diagnostic;
use hactl_core::address::{self, Address};
use hactl_core::diagnostic::Span;
use schemars::JsonSchema;

use crate::decode::is_known;
use crate::evaluate::evaluate;
use crate::invalid::Invalid;
use crate::nodes::{NodeSet, SelectorSpec};
use crate::schema::{Formats, Schema};
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::validate::{drop_notes, validate};
use crate::variables::VariableScope;

/// A kind that a config can declare, as the kinds crate registers it.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The top-level key: `containers`.
    pub key: &'static str,
    /// The kind: `container`.
    pub kind: &'static str,
    /// The JSON Schema that schemars derives for the spec, without the keys that every declaration has.
    pub schema: fn() -> serde_json::Value,
    /// The formats that the schema names.
    pub formats: Formats,
    /// Whether its resources live on nodes, one instance on each; else there is one of each, and no selector.
    pub on_nodes: bool,
    /// Which of the keys `nodes` and `adopt` its declarations can have; both where they live on nodes.
    pub node_keys: &'static [&'static str],
}

/// One declared resource: its spec, and the keys that every declaration has.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The kind: `container`.
    pub kind: &'static str,
    /// The name: `web`.
    pub name: String,
    /// Its key in the config.
    pub span: Span,
    /// The spec, a map; templates in it are not evaluated yet.
    pub body: Node,
    /// The nodes it is declared on, in the order of the config; empty for kinds that are not on nodes, and where the
    /// declaration is wrong.
    pub selector: Arc<[String]>,
    /// Where the selector is written.
    pub selector_span: Span,
    /// What it waits for beyond what it refers to: `kind.name` or `kind.name["key"]`.
    pub depends_on: Vec<(Address, Span)>,
    /// Refuse any plan that deletes or replaces it.
    pub protect: bool,
    /// Dotted paths in the spec whose changes are left alone.
    pub ignore_changes: Arc<[String]>,
    /// Take over what someone else made under its name.
    pub adopt: bool,
    /// Where `adopt` is written; the declaration's key where it is left out.
    pub adopt_span: Span,
}

/// The keys that every declaration has beside its kind's own.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used: these keys are in every declaration, so they are read by hand")]
pub(crate) struct CommonSpec {
    /// The nodes it lives on: `all`, `{role: x}`, `{label: key=value}`, or a list of names.
    nodes: SelectorSpec,
    /// What must be there first: `kind.name` or `kind.name["key"]`.
    #[serde(default)]
    depends_on: Vec<String>,
    /// Refuse any plan that deletes or replaces it.
    #[serde(default)]
    protect: bool,
    /// Dotted paths whose changes are left alone, such as `env.TOKEN`.
    #[serde(default)]
    ignore_changes: Vec<String>,
    /// Take over what is there under its name, made by someone else.
    #[serde(default)]
    adopt: bool,
}

/// The keys of [`CommonSpec`].
const COMMON_KEYS: [&str; 5] = ["nodes", "dependsOn", "protect", "ignoreChanges", "adopt"];

/// Those of them that not every declaration can have.
pub const NODE_KEYS: &[&str] = &["nodes", "adopt"];

impl Section {
    /// Whether its declarations can have a key, among those that every declaration has.
    pub(crate) fn takes(&self, key: &str) -> bool {
        !NODE_KEYS.contains(&key) || self.node_keys.contains(&key)
    }
}

/// What declarations of every section are read with.
pub(crate) struct DeclarationReader<'a> {
    nodes: &'a NodeSet,
    scope: VariableScope<'a>,
    sources: &'a SourceMap,
    common: Schema,
    invalid: Invalid,
    /// The nodes of the selectors seen so far: most declarations share a few.
    chosen: HashMap<SelectorSpec, Arc<[String]>>,
    no_changes: Arc<[String]>,
}

impl<'a> DeclarationReader<'a> {
    pub(crate) fn new(nodes: &'a NodeSet, scope: VariableScope<'a>, sources: &'a SourceMap) -> Self {
        Self {
            nodes,
            scope,
            sources,
            common: Schema::of::<CommonSpec>(&[]),
            invalid: nodes.invalid.clone(),
            chosen: HashMap::new(),
            no_changes: Arc::default(),
        }
    }

    /// What could not be read, up to and with the declarations read here.
    pub(crate) fn into_invalid(self) -> Invalid {
        self.invalid
    }

    /// Reads the declarations under one section's key; those that are wrong as far as they can be read.
    pub(crate) fn read(
        &mut self,
        section: &Section,
        entries: Vec<Entry>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Declaration> {
        let mut schema = Schema::new(&(section.schema)(), section.formats);
        // The shape of the common keys is checked with their own schema.
        let common = COMMON_KEYS.iter().filter(|key| section.takes(key));
        schema.allow_keys(&common.copied().collect::<Vec<_>>());
        let mut declarations = Vec::with_capacity(entries.len());
        for entry in entries {
            let before = diagnostics.len();
            let key = entry.key.clone();
            declarations.extend(self.declaration(section, &schema, entry, diagnostics));
            if diagnostics.len() > before {
                self.invalid.add(section.kind, &key);
                let subject = format!("{}.{key}", section.kind);
                for diagnostic in &mut diagnostics[before..] {
                    diagnostic.subject.get_or_insert_with(|| subject.clone());
                }
            }
        }
        declarations
    }

    fn declaration(
        &mut self,
        section: &Section,
        schema: &Schema,
        entry: Entry,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Declaration> {
        if !address::is_name(&entry.key) {
            diagnostics.push(
                Diagnostic::error(format!("{:?} cannot be the name of a {}", &*entry.key, section.kind))
                    .at(entry.key_span)
                    .help("a name starts with a letter and holds letters, digits, `-` and `_`"),
            );
        }
        let mut spec = entry.value;
        if section.node_keys.len() < NODE_KEYS.len() {
            refuse_node_keys(section, &mut spec, diagnostics);
        }
        validate(&spec, entry.key_span, schema, diagnostics);
        drop_notes(&mut spec, schema);
        let Data::Map(mut body) = spec.data else {
            self.invalid.add(section.kind, &entry.key);
            if let Data::Template(_) = spec.data {
                diagnostics.push(
                    Diagnostic::error(format!("`{}` is a template, expected a map", entry.key))
                        .at(spec.span)
                        .help("write the map out, with `${…}` in its values"),
                );
            }
            return None;
        };
        let mut common: Vec<Entry> = body.extract_if(.., |entry| COMMON_KEYS.contains(&&*entry.key)).collect();
        body.shrink_to_fit();
        if !common.iter().any(|entry| &*entry.key == "nodes") {
            if section.on_nodes {
                diagnostics.push(Diagnostic::error("`nodes` is missing").at(entry.key_span).help(
                    "say where it lives: `nodes: all`, `nodes: {role: …}`, `nodes: {label: key=value}` or a list of names",
                ));
            }
            let nothing = Node::new(entry.key_span, Data::Invalid);
            common.push(Entry { key: "nodes".into(), key_span: entry.key_span, value: nothing });
        }
        let mut common = Node::new(spec.span, Data::Map(common));
        if common.has_templates() {
            common = evaluate(&common, &self.scope, self.sources, diagnostics);
        }
        validate(&common, entry.key_span, &self.common, diagnostics);
        is_known(&common, diagnostics);
        let flag = |key: &str| matches!(common.get(key), Some(Node { data: Data::Bool(true), .. }));
        Some(Declaration {
            kind: section.kind,
            name: entry.key.to_string(),
            span: entry.key_span,
            body: Node::new(spec.span, Data::Map(body)),
            selector: self.select(&common, diagnostics),
            selector_span: common.entry("nodes").map_or(entry.key_span, |nodes| nodes.key_span),
            depends_on: dependencies(common.get("dependsOn"), diagnostics),
            protect: flag("protect"),
            ignore_changes: match common.get("ignoreChanges").map(Node::items) {
                Some(paths) if !paths.is_empty() => paths.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
                _ => self.no_changes.clone(),
            },
            adopt: flag("adopt"),
            adopt_span: common.entry("adopt").map_or(entry.key_span, |adopt| adopt.key_span),
        })
    }

    /// The nodes that the selector chooses; none where it is wrong, which is reported.
    fn select(&mut self, common: &Node, diagnostics: &mut Vec<Diagnostic>) -> Arc<[String]> {
        let selector = common.entry("nodes");
        let Some((entry, spec)) = selector.and_then(|entry| Some((entry, SelectorSpec::read(&entry.value)?))) else {
            return Arc::default();
        };
        if let Some(chosen) = self.chosen.get(&spec) {
            return chosen.clone();
        }
        let before = diagnostics.len();
        let chosen: Arc<[String]> = self.nodes.select(&entry.value, &spec, entry.key_span, diagnostics).into();
        if diagnostics.len() == before {
            self.chosen.insert(spec, chosen.clone());
        }
        chosen
    }
}

/// Takes out the keys that say which nodes something is on, and reports them.
fn refuse_node_keys(section: &Section, spec: &mut Node, diagnostics: &mut Vec<Diagnostic>) {
    let Data::Map(entries) = &mut spec.data else { return };
    for refused in entries.extract_if(.., |entry| !section.takes(&entry.key)) {
        diagnostics.push(
            Diagnostic::error(format!("a {} has no `{}`: it is not on nodes", section.kind, refused.key))
                .at(refused.key_span)
                .help("take it out; only what lives on nodes says on which"),
        );
    }
}

/// The addresses in a list of them; those that are wrong are reported and left out.
pub(crate) fn dependencies(list: Option<&Node>, diagnostics: &mut Vec<Diagnostic>) -> Vec<(Address, Span)> {
    let items = list.map(Node::items).unwrap_or_default();
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        match item.as_str().map(Address::parse) {
            Some(Ok(address)) => found.push((address, item.span)),
            Some(Err(error)) => diagnostics.push(Diagnostic::error(error.to_string()).at(item.span)),
            None => {}
        }
    }
    found
}
