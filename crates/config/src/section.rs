//! Sections: the top-level keys under which resources of one kind are declared.

use hactl_core::Diagnostic;
use hactl_core::address::{self, Address};
use hactl_core::diagnostic::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decode::Decoder;
use crate::evaluate::evaluate;
use crate::nodes::{NodeSet, SelectorSpec};
use crate::schema::{Formats, Schema};
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::validate::validate;
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
    /// The nodes it is declared on, in the order of the config; never empty.
    pub selector: Vec<String>,
    /// Where the selector is written.
    pub selector_span: Span,
    /// What it waits for beyond what it refers to: `kind.name` or `kind.name["key"]`.
    pub depends_on: Vec<(Address, Span)>,
    /// Refuse any plan that deletes or replaces it.
    pub protect: bool,
    /// Dotted paths in the spec whose changes are left alone.
    pub ignore_changes: Vec<String>,
    /// Take over what someone else made under its name.
    pub adopt: bool,
}

/// The keys that every declaration has beside its kind's own.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
pub(crate) const COMMON_KEYS: [&str; 5] = ["nodes", "dependsOn", "protect", "ignoreChanges", "adopt"];

/// What declarations of every section are decoded with.
pub(crate) struct DeclarationReader<'a> {
    pub(crate) nodes: &'a NodeSet,
    pub(crate) scope: VariableScope<'a>,
    pub(crate) sources: &'a SourceMap,
    common: Decoder<CommonSpec>,
}

impl<'a> DeclarationReader<'a> {
    pub(crate) fn new(nodes: &'a NodeSet, scope: VariableScope<'a>, sources: &'a SourceMap) -> Self {
        Self { nodes, scope, sources, common: Decoder::new() }
    }

    /// Decodes the declarations under one section's key.
    pub(crate) fn read(
        &self,
        section: &Section,
        entries: Vec<Entry>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Declaration> {
        let schema = with_common_keys(Schema::new(&(section.schema)(), section.formats));
        let mut declarations = Vec::with_capacity(entries.len());
        for entry in entries {
            let before = diagnostics.len();
            let subject = format!("{}.{}", section.kind, entry.key);
            let declaration = self.declaration(section, &schema, entry, diagnostics);
            for diagnostic in &mut diagnostics[before..] {
                diagnostic.subject.get_or_insert_with(|| subject.clone());
            }
            declarations.extend(declaration);
        }
        declarations
    }

    fn declaration(
        &self,
        section: &Section,
        schema: &Schema,
        entry: Entry,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Declaration> {
        let before = diagnostics.len();
        if !address::is_name(&entry.key) {
            diagnostics.push(
                Diagnostic::error(format!("{:?} cannot be the name of a {}", &*entry.key, section.kind))
                    .at(entry.key_span)
                    .help("a name starts with a letter and holds letters, digits, `-` and `_`"),
            );
        }
        validate(&entry.value, entry.key_span, schema, diagnostics);
        let Data::Map(entries) = entry.value.data else {
            return None;
        };
        let (common, body): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| COMMON_KEYS.contains(&&*entry.key));
        let common = Node::new(entry.value.span, Data::Map(common));
        if !common.entries().iter().any(|entry| &*entry.key == "nodes") {
            diagnostics.push(Diagnostic::error("`nodes` is missing").at(entry.key_span).help(
                "say where it lives: `nodes: all`, `nodes: {role: …}`, `nodes: {label: key=value}` or a list of names",
            ));
        }
        if diagnostics.len() > before {
            return None;
        }
        let common = evaluate(&common, &self.scope, self.sources, diagnostics);
        let spec = self.common.decode(&common, entry.key_span, diagnostics)?;
        let selector = common.get("nodes")?;
        let selector_span = common.entry("nodes").map_or(entry.key_span, |nodes| nodes.key_span);
        let chosen = self.nodes.select(selector, &spec.nodes, selector_span, diagnostics);
        let depends_on = dependencies(&spec.depends_on, common.get("dependsOn"), diagnostics);
        (diagnostics.len() == before).then_some(Declaration {
            kind: section.kind,
            name: entry.key.to_string(),
            span: entry.key_span,
            body: Node::new(entry.value.span, Data::Map(body)),
            selector: chosen,
            selector_span,
            depends_on,
            protect: spec.protect,
            ignore_changes: spec.ignore_changes,
            adopt: spec.adopt,
        })
    }
}

fn dependencies(texts: &[String], list: Option<&Node>, diagnostics: &mut Vec<Diagnostic>) -> Vec<(Address, Span)> {
    let items = list.map(Node::items).unwrap_or_default();
    let mut found = Vec::with_capacity(texts.len());
    for (text, item) in texts.iter().zip(items) {
        match Address::parse(text) {
            Ok(address) => found.push((address, item.span)),
            Err(error) => diagnostics.push(Diagnostic::error(error.to_string()).at(item.span)),
        }
    }
    found
}

/// The schema with the common keys allowed; their own shape is checked when they are decoded.
fn with_common_keys(mut schema: Schema) -> Schema {
    schema.allow_keys(&COMMON_KEYS);
    schema
}
