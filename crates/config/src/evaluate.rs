//! Evaluating the templates of a tree, and finding what they refer to.

use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;
use hactl_core::eval::{Scope, eval};
use hactl_core::expr::{Expr, ExprKind, Step, Traversal};

use crate::expression::expression_span;
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};

/// The tree with every template replaced by its value.
///
/// What an expression yields stands where its template stood. All errors are collected; what failed becomes
/// [`Data::Invalid`], so that nothing further is reported about it.
pub fn evaluate(node: &Node, scope: &dyn Scope, sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) -> Node {
    let data = match &node.data {
        Data::Template(expr) => match eval(expr, scope) {
            Ok(value) => return Node::from_value(value, node.span),
            Err(error) => {
                let text = sources.text(node.span.source);
                let at = error.at.map_or(node.span, |at| expression_span(node.span, text, at));
                let mut diagnostic = Diagnostic::error(error.message).at(at);
                diagnostic.help = error.help;
                diagnostics.push(diagnostic);
                Data::Invalid
            }
        },
        Data::List(items) => Data::List(items.iter().map(|item| evaluate(item, scope, sources, diagnostics)).collect()),
        Data::Map(entries) => Data::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_span: entry.key_span,
                    value: evaluate(&entry.value, scope, sources, diagnostics),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node::new(node.span, data)
}

/// A use of a name in a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reference<'a> {
    /// The name and the steps taken from it.
    pub traversal: &'a Traversal,
    /// The place of the text it is used in.
    pub scalar: Span,
    /// Byte offset in that text; [`expression_span`] makes it a place in the file.
    pub at: u32,
}

/// Every name used in the templates of a tree, but for those that a for-expression binds; in the order of the file.
pub fn references(node: &Node) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    collect(node, &mut found);
    found
}

fn collect<'a>(node: &'a Node, found: &mut Vec<Reference<'a>>) {
    match &node.data {
        Data::Template(expr) => free_names(expr, &mut Vec::new(), node.span, found),
        Data::List(items) => items.iter().for_each(|item| collect(item, found)),
        Data::Map(entries) => entries.iter().for_each(|entry| collect(&entry.value, found)),
        _ => {}
    }
}

fn free_names<'a>(expr: &'a Expr, bound: &mut Vec<&'a str>, scalar: Span, found: &mut Vec<Reference<'a>>) {
    let mut visit = |inner: &'a Expr| free_names(inner, bound, scalar, found);
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Output(_) | ExprKind::Variable(_) => {}
        ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Call(_, parts, _) => {
            parts.iter().for_each(visit);
        }
        ExprKind::Traversal(traversal) => {
            if !bound.contains(&traversal.root.as_str()) {
                found.push(Reference { traversal, scalar, at: expr.at });
            }
            for index in index_expressions(&traversal.steps) {
                free_names(index, bound, scalar, found);
            }
        }
        ExprKind::Access(base, steps) => {
            visit(base);
            index_expressions(steps).for_each(visit);
        }
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                visit(key);
                visit(value);
            }
        }
        ExprKind::Unary(_, operand) => visit(operand),
        ExprKind::Binary(left, _, right) => {
            visit(left);
            visit(right);
        }
        ExprKind::Conditional(condition, yes, no) => {
            visit(condition);
            visit(yes);
            visit(no);
        }
        ExprKind::For(each) => {
            visit(&each.collection);
            let outer = bound.len();
            bound.extend(each.key_name.as_deref());
            bound.push(&each.value_name);
            for inner in each.key.iter().chain([&each.value]).chain(&each.condition) {
                free_names(inner, bound, scalar, found);
            }
            bound.truncate(outer);
        }
    }
}

fn index_expressions(steps: &[Step]) -> impl Iterator<Item = &Expr> {
    steps.iter().filter_map(|step| match step {
        Step::Index(index) => Some(index),
        Step::Attr(_) | Step::Splat => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::parse_templates;

    #[test]
    fn references_leave_out_what_a_for_binds() {
        let mut sources = SourceMap::new();
        let text = "a: '${[for n in node : n.name if n != var.x]}'\nb: [\"${file.f[var.y].path}\"]\n";
        let id = sources.add("x.yaml", text.to_owned());
        let mut tree = crate::yaml::parse(&sources, id).unwrap();
        parse_templates(&mut tree, &sources, &mut Vec::new());
        let names: Vec<String> = references(&tree)
            .into_iter()
            .map(|reference| {
                let place = expression_span(reference.scalar, text, reference.at);
                format!("{}@{:?}", reference.traversal.root, sources.position(place))
            })
            .collect();
        assert_eq!(names, ["node@(1, 17)", "var@(1, 39)", "file@(2, 8)", "var@(2, 15)"]);
    }
}
