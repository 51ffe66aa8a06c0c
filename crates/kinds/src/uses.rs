//! What the expressions of a declaration refer to.

use std::collections::BTreeMap;

use hactl_config::{Config, Data, Declaration, Node, parse_template_text, references};
use hactl_core::Address;
use hactl_core::diagnostic::Span;
use hactl_core::expr::{ExprKind, Step, Traversal};
use hactl_core::value::Value;

use crate::registry;

/// Every declared resource by kind and name, with the nodes it is on.
pub(crate) type Declared<'a> = BTreeMap<(&'static str, &'a str), &'a [String]>;

/// What a declaration refers to: a resource, and which of its instances.
pub(crate) struct Use {
    pub(crate) kind: &'static str,
    name: String,
    instance: Instance,
}

enum Instance {
    SameNode,
    Key(String),
    All,
}

impl Use {
    /// The address of what is meant by it on a node; without a key where that is every instance, or the only one.
    pub(crate) fn address(&self, node: Option<&str>) -> Address {
        match &self.instance {
            Instance::SameNode => Address::new(self.kind, &self.name, node),
            Instance::Key(key) => Address::new(self.kind, &self.name, Some(key)),
            Instance::All => Address::new(self.kind, &self.name, None),
        }
    }
}

/// What the templates of a declaration refer to, those of its template file included, and what it names without one.
pub(crate) fn uses_of(declaration: &Declaration, config: &Config, declared: &Declared<'_>) -> Vec<Use> {
    let used = |traversal: &Traversal| use_of(traversal, declared);
    let mut uses = uses_in(&declaration.body, declared);
    if let Some(Node { data: Data::String(path), .. }) = declaration.body.get("template")
        && let Ok(text) = config.inputs.text(path)
        && let Ok(template) = parse_template_text(&text)
    {
        template.walk(&mut |expr| {
            if let ExprKind::Traversal(traversal) = &expr.kind {
                uses.extend(used(traversal));
            }
        });
    }
    let named = named_by(declaration).into_iter().filter(|(kind, name, _)| declared.contains_key(&(*kind, *name)));
    uses.extend(named.map(|(kind, name, _)| Use { kind, name: name.to_owned(), instance: Instance::All }));
    uses
}

/// What the templates of a tree refer to.
pub(crate) fn uses_in(node: &Node, declared: &Declared<'_>) -> Vec<Use> {
    references(node).iter().filter_map(|reference| use_of(reference.traversal, declared)).collect()
}

/// The resources that a declaration names without an expression: kind, name and place.
pub(crate) fn named_by(declaration: &Declaration) -> Vec<(&'static str, &str, Span)> {
    registry::kind(declaration.kind).map(|kind| (kind.named)(&declaration.body)).unwrap_or_default()
}

fn use_of(traversal: &Traversal, declared: &Declared<'_>) -> Option<Use> {
    let (kind, name) = resource_of(traversal)?;
    let ((kind, name), _) = declared.get_key_value(&(kind, name))?;
    let instance = match traversal.steps.get(1) {
        _ if !registry::kind(kind)?.section.on_nodes => Instance::All,
        Some(Step::Splat) => Instance::All,
        Some(Step::Index(index)) => match &index.kind {
            ExprKind::Literal(Value::String(key)) => Instance::Key(key.to_string()),
            _ => Instance::All,
        },
        _ => Instance::SameNode,
    };
    Some(Use { kind, name: (*name).to_owned(), instance })
}

/// Kind and name of the resource that a traversal starts from, if it starts from one.
pub(crate) fn resource_of(traversal: &Traversal) -> Option<(&'static str, &str)> {
    let kind = registry::kind(&traversal.root)?;
    match traversal.steps.first()? {
        Step::Attr(name) => Some((kind.section.kind, name)),
        Step::Index(index) => match &index.kind {
            ExprKind::Literal(Value::String(name)) => Some((kind.section.kind, name)),
            _ => None,
        },
        Step::Splat => None,
    }
}

/// Whether any part of a value is known only once a node was asked for its facts.
pub(crate) fn waits_for_facts(value: &Value) -> bool {
    let mut waits = false;
    value.for_each_deferred(&mut |deferred| {
        deferred.expr.walk(&mut |expr| {
            waits |= matches!(&expr.kind, ExprKind::Output(output) if output.address.kind() == "node");
        });
    });
    waits
}
