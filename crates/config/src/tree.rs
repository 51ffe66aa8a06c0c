//! The tree of a config: plain data, templates, and where each of them stands.

use std::sync::Arc;

use hactl_core::Value;
use hactl_core::diagnostic::Span;
use hactl_core::expr::Expr;
use hactl_core::value::Deferred;

/// A piece of a config and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it is written. A block map or list has an empty span at its start: point at its key.
    pub span: Span,
    /// What it is.
    pub data: Data,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; always finite.
    Float(f64),
    /// Text without templates in it.
    String(Arc<str>),
    /// Text with `${…}` in it, not evaluated yet.
    Template(Arc<Expr>),
    /// The result of a template that is known after apply, or sensitive.
    Deferred(Arc<Deferred>),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; keys are unique.
    Map(Vec<Entry>),
    /// What was wrong and is already reported; everything accepts it in silence.
    Invalid,
}

/// A key of a map and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text, shared by equal keys of a file.
    pub key: Arc<str>,
    /// Where the key is written.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A step into a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An item of a list, counted from 0.
    Index(usize),
}

impl<'a> From<&'a str> for PathStep<'a> {
    fn from(key: &'a str) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for PathStep<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl Node {
    /// A node from its place and data.
    pub fn new(span: Span, data: Data) -> Self {
        Self { span, data }
    }

    /// A node that holds a value; every part of it stands at `span`.
    ///
    /// A sealed value has no place in a config and becomes [`Data::Invalid`].
    pub fn from_value(value: Value, span: Span) -> Self {
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(value),
            Value::Int(value) => Data::Int(value),
            Value::Float(value) => Data::Float(value),
            Value::String(text) => Data::String(text),
            Value::List(items) => Data::List(items.into_iter().map(|item| Self::from_value(item, span)).collect()),
            Value::Map(map) => Data::Map(
                map.into_iter()
                    .map(|(key, value)| Entry { key: key.into(), key_span: span, value: Self::from_value(value, span) })
                    .collect(),
            ),
            Value::Deferred(deferred) => Data::Deferred(deferred),
            Value::Sealed(_) => Data::Invalid,
        };
        Self { span, data }
    }

    /// The value of a key; none where this is no map or has no such key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and its value; none where this is no map or has no such key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// The entries of a map; none where this is no map.
    pub fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none where this is no list.
    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The node at the end of a path; none where a step leads nowhere.
    pub fn at_path<'a, S: Into<PathStep<'a>> + Copy>(&self, path: &[S]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match (*step).into() {
            PathStep::Key(key) => node.get(key),
            PathStep::Index(index) => node.items().get(index),
        })
    }

    /// The value, without places.
    ///
    /// A template that was not evaluated becomes the deferred value of its expression, so nothing is lost;
    /// what was invalid becomes null.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Null | Data::Invalid => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Int(value) => Value::Int(*value),
            Data::Float(value) => Value::Float(*value),
            Data::String(text) => Value::String(text.clone()),
            Data::Template(expr) => Value::deferred(Expr::clone(expr), false),
            Data::Deferred(deferred) => Value::Deferred(deferred.clone()),
            Data::List(items) => Value::List(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => {
                Value::Map(entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value())).collect())
            }
        }
    }

    /// Whether any part of it is a template.
    pub fn has_templates(&self) -> bool {
        match &self.data {
            Data::Template(_) => true,
            Data::List(items) => items.iter().any(Self::has_templates),
            Data::Map(entries) => entries.iter().any(|entry| entry.value.has_templates()),
            _ => false,
        }
    }

    /// What kind of value it is, in the words of a config: `text`, `a list`, …
    pub fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::Float(_) => "a number",
            Data::String(_) => "text",
            Data::Template(_) => "a template",
            Data::Deferred(deferred) if deferred.sensitive => "a sensitive value",
            Data::Deferred(_) => "a value known after apply",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
            Data::Invalid => "an invalid value",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hactl_core::diagnostic::SourceId;

    #[test]
    fn values_go_in_and_come_out() {
        let span = crate::source::span(SourceId(0), 3, 4);
        let value = Value::Map([("a".to_owned(), Value::from(vec!["x", "y"])), ("b".to_owned(), Value::Null)].into());
        let node = Node::from_value(value.clone(), span);
        assert_eq!(node.to_value(), value);
        assert_eq!(node.get("a").and_then(|list| list.at_path(&[1])).and_then(Node::as_str), Some("y"));
        assert_eq!(node.at_path(&[PathStep::Key("a"), PathStep::Index(0)]).and_then(Node::as_str), Some("x"));
        assert_eq!(node.at_path(&["a", "b"]), None);
        assert!(!node.has_templates());
    }
}
