//! Holding a tree against a schema: every mistake at once.

use hactl_core::Diagnostic;
use hactl_core::diagnostic::{Span, did_you_mean};
use hactl_core::value::MARKER;

use crate::schema::{MapRule, Rule, Schema};
use crate::tree::{Data, Node};

/// Reports every way in which a tree does not have the shape of a schema.
///
/// `place` is where to point for what has no place of its own, such as a missing key: the key under which the tree
/// stands. Templates, deferred values and what was reported before are accepted anywhere; keys that start with `x-` are
/// accepted in every map.
pub fn validate(node: &Node, place: Span, schema: &Schema, diagnostics: &mut Vec<Diagnostic>) {
    let mut check = Check { schema, path: String::new(), diagnostics };
    check.node(&schema.root, node, place);
}

/// Reports every use of the key that state and plan files keep for themselves.
pub(crate) fn refuse_reserved_keys(node: &Node, diagnostics: &mut Vec<Diagnostic>) {
    for item in node.items() {
        refuse_reserved_keys(item, diagnostics);
    }
    for entry in node.entries() {
        if &*entry.key == MARKER {
            diagnostics.push(
                Diagnostic::error(format!("the key `{MARKER}` is reserved"))
                    .at(entry.key_span)
                    .detail("hactl marks deferred and sensitive values with it in its own files.")
                    .help("use another name"),
            );
        }
        refuse_reserved_keys(&entry.value, diagnostics);
    }
}

/// An error about a key that is not known, with the nearest known one or all of them.
pub(crate) fn unknown_key(key: &str, at: Span, known: &[&str]) -> Diagnostic {
    Diagnostic::error(format!("unknown key `{key}`")).at(at).help(suggestion(key, known, "known keys"))
}

/// `` did you mean `image`? ``, or what there is to choose from.
pub(crate) fn suggestion(word: &str, known: &[&str], what: &str) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("there are no {what}"),
        None => {
            let shown: Vec<String> = known.iter().take(20).map(|word| format!("`{word}`")).collect();
            let more = if known.len() > 20 { ", …" } else { "" };
            format!("{what}: {}{more}", shown.join(", "))
        }
    }
}

struct Check<'a> {
    schema: &'a Schema,
    /// The path from the root of the tree, as in `ports[0].host`; empty at the root.
    path: String,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn node(&mut self, rule: &Rule, node: &Node, place: Span) {
        let schema = self.schema;
        match (schema.resolve(rule), &node.data) {
            (_, Data::Template(_) | Data::Deferred(_) | Data::Invalid) | (Rule::Anything, _) => {}
            (Rule::OneOf(alternatives), _) => self.one_of(rule, alternatives, node, place),
            (Rule::Null, Data::Null) | (Rule::Bool, Data::Bool(_)) | (Rule::Text(None), Data::String(_)) => {}
            (Rule::Integer { minimum, maximum }, Data::Int(value)) => {
                if minimum.is_some_and(|minimum| *value < minimum) || maximum.is_some_and(|maximum| *value > maximum) {
                    self.out_of_range(node, value, *minimum, *maximum);
                }
            }
            (Rule::Number { minimum, maximum }, Data::Int(_) | Data::Float(_)) => {
                let value = number(node);
                if minimum.is_some_and(|minimum| value < minimum) || maximum.is_some_and(|maximum| value > maximum) {
                    self.out_of_range(node, &value, *minimum, *maximum);
                }
            }
            (Rule::Text(Some(check)), Data::String(text)) => {
                if let Err(expected) = check(text) {
                    let what = self.what();
                    self.push(format!("{what} is not valid: {expected}"), node.span);
                }
            }
            (Rule::Words(words), Data::String(text)) => {
                if !words.iter().any(|word| **word == **text) {
                    let what = self.what();
                    let known: Vec<&str> = words.iter().map(String::as_str).collect();
                    let diagnostic = Diagnostic::error(format!("{what} cannot be `{text}`"))
                        .at(node.span)
                        .help(suggestion(text, &known, "allowed words"));
                    self.diagnostics.push(diagnostic);
                }
            }
            (Rule::List(item_rule), Data::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.within(&format!("[{index}]"), |check| check.node(item_rule, item, nearest(item, place)));
                }
            }
            (Rule::Map(map), Data::Map(_)) => self.map(map, node, place),
            (rule, _) => self.wrong_type(rule, node, place),
        }
    }

    fn map(&mut self, rule: &MapRule, node: &Node, place: Span) {
        for entry in node.entries() {
            let rule = match (rule.fields.get(&*entry.key), &rule.others) {
                (Some(field), _) => &field.rule,
                (None, _) if entry.key.starts_with("x-") => continue,
                (None, Some(others)) => others,
                (None, None) => {
                    let known: Vec<&str> = rule.fields.keys().map(String::as_str).collect();
                    self.unknown_key(&entry.key, entry.key_span, &known);
                    continue;
                }
            };
            let step = if self.path.is_empty() { entry.key.to_string() } else { format!(".{}", entry.key) };
            self.within(&step, |check| check.node(rule, &entry.value, entry.key_span));
        }
        for (key, field) in &rule.fields {
            if field.required && node.get(key).is_none() {
                let inside = self.inside();
                let expected = self.schema.describe(&field.rule);
                let diagnostic = Diagnostic::error(format!("`{key}` is missing{inside}"))
                    .at(place)
                    .help(format!("add `{key}:` with {expected}"));
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Reports against the alternative that fits best: of those of the node's type, the one with the fewest mistakes.
    fn one_of(&mut self, whole: &Rule, alternatives: &[Rule], node: &Node, place: Span) {
        let fitting: Vec<&Rule> =
            alternatives.iter().filter(|alternative| fits(self.schema.resolve(alternative), node)).collect();
        if fitting.is_empty() {
            return self.wrong_type(whole, node, place);
        }
        if fitting.len() > 1 && self.unknown_in_all(&fitting, node) {
            return;
        }
        let before = self.diagnostics.len();
        let mut best: Option<Vec<Diagnostic>> = None;
        for alternative in fitting {
            self.node(alternative, node, place);
            let found = self.diagnostics.split_off(before);
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        self.diagnostics.extend(best.unwrap_or_default());
    }

    /// Reports the keys that none of several maps has; whether there were any.
    fn unknown_in_all(&mut self, alternatives: &[&Rule], node: &Node) -> bool {
        let mut known = Vec::new();
        for alternative in alternatives {
            match self.schema.resolve(alternative) {
                Rule::Map(MapRule { fields, others: None }) => known.extend(fields.keys().map(String::as_str)),
                _ => return false,
            }
        }
        let before = self.diagnostics.len();
        for entry in node.entries() {
            if !entry.key.starts_with("x-") && !known.contains(&&*entry.key) {
                self.unknown_key(&entry.key, entry.key_span, &known);
            }
        }
        self.diagnostics.len() > before
    }

    fn unknown_key(&mut self, key: &str, at: Span, known: &[&str]) {
        let mut diagnostic = unknown_key(key, at, known);
        diagnostic.summary.push_str(&self.inside());
        self.diagnostics.push(diagnostic);
    }

    fn wrong_type(&mut self, rule: &Rule, node: &Node, place: Span) {
        let what = self.what();
        let expected = self.schema.describe(rule);
        let found = node.type_name();
        let mut diagnostic = if matches!(node.data, Data::Null) {
            Diagnostic::error(format!("{what} is empty, expected {expected}")).at(place)
        } else {
            Diagnostic::error(format!("{what} is {found}, expected {expected}")).at(nearest(node, place))
        };
        diagnostic.help = match (rule, &node.data) {
            (Rule::Text(_) | Rule::Words(_), Data::Int(_) | Data::Float(_) | Data::Bool(_)) => {
                Some("put it in quotes".to_owned())
            }
            (Rule::Integer { .. } | Rule::Number { .. }, Data::String(text)) if text.parse::<f64>().is_ok() => {
                Some("write it without quotes".to_owned())
            }
            (Rule::Bool, Data::String(_)) => Some("write `true` or `false`, without quotes".to_owned()),
            _ => None,
        };
        self.diagnostics.push(diagnostic);
    }

    fn out_of_range<T: std::fmt::Display>(&mut self, node: &Node, value: &T, minimum: Option<T>, maximum: Option<T>) {
        let range = match (minimum, maximum) {
            (Some(minimum), Some(maximum)) => format!("from {minimum} to {maximum}"),
            (Some(minimum), None) => format!("at least {minimum}"),
            (None, Some(maximum)) => format!("at most {maximum}"),
            (None, None) => return,
        };
        let what = self.what();
        self.push(format!("{what} is {value}, expected {range}"), node.span);
    }

    fn push(&mut self, summary: String, at: Span) {
        self.diagnostics.push(Diagnostic::error(summary).at(at));
    }

    fn within(&mut self, step: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        check(self);
        self.path.truncate(length);
    }

    fn what(&self) -> String {
        if self.path.is_empty() { "this".to_owned() } else { format!("`{}`", self.path) }
    }

    fn inside(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) }
    }
}

/// The node's own place where it has one, else the place around it.
fn nearest(node: &Node, place: Span) -> Span {
    if node.span.start < node.span.end || matches!(node.data, Data::Map(_)) { node.span } else { place }
}

fn number(node: &Node) -> f64 {
    match node.data {
        #[expect(clippy::cast_precision_loss, reason = "only compared with a limit")]
        Data::Int(value) => value as f64,
        Data::Float(value) => value,
        _ => 0.0,
    }
}

/// Whether a rule is about nodes of this type at all.
fn fits(rule: &Rule, node: &Node) -> bool {
    match rule {
        Rule::Anything | Rule::OneOf(_) | Rule::Reference(_) => true,
        Rule::Null => matches!(node.data, Data::Null),
        Rule::Bool => matches!(node.data, Data::Bool(_)),
        Rule::Integer { .. } => matches!(node.data, Data::Int(_)),
        Rule::Number { .. } => matches!(node.data, Data::Int(_) | Data::Float(_)),
        Rule::Text(_) | Rule::Words(_) => matches!(node.data, Data::String(_)),
        Rule::List(_) => matches!(node.data, Data::List(_)),
        Rule::Map(_) => matches!(node.data, Data::Map(_)),
    }
}
