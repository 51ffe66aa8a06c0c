//! Where in a config the parts of an object stand.

use hactl_config::{Data, Node};
use hactl_core::diagnostic::{Diagnostic, Span};

/// Tells the place of what is at a path in an object. Items of lists are counted from 0, as text: `["spec", "rules", "0"]`.
/// None where the object stands in no file.
pub(crate) type Places<'a> = &'a dyn Fn(&[&str]) -> Option<Span>;

/// The place of what is at a path in a node, or of the nearest part around it where it is not there.
pub(crate) fn place(node: &Node, path: &[&str]) -> Span {
    let mut node = node;
    let mut span = node.span;
    for step in path {
        let next = match &node.data {
            Data::List(items) => {
                step.parse().ok().and_then(|index: usize| items.get(index)).map(|item| (item, item.span))
            }
            _ => node.entry(step).map(|entry| {
                let value = entry.value.span;
                (&entry.value, if value.start == value.end { entry.key_span } else { value })
            }),
        };
        let Some((inner, at)) = next else { break };
        (node, span) = (inner, at);
    }
    span
}

/// A diagnostic at the place of a path, if there is one.
pub(super) fn at(diagnostic: Diagnostic, places: Places<'_>, path: &[&str]) -> Diagnostic {
    match places(path) {
        Some(span) => diagnostic.at(span),
        None => diagnostic,
    }
}
