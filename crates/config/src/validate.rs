//! Holding a tree against a schema: every mistake at once.

use hactl_core::Diagnostic;
use hactl_core::diagnostic::{Span, did_you_mean};
use hactl_core::value::MARKER;

use crate::schema::{MapRule, Rule, Schema};
use crate::tree::{Data, Node, PathStep};

/// Reports every way in which a tree does not have the shape of a schema.
///
/// `place` is where to point for what has no place of its own, such as a missing key: the key under which the tree
/// stands. Templates, deferred values and what was reported before are accepted anywhere; keys that start with `x-` are
/// accepted in every map.
pub fn validate(node: &Node, place: Span, schema: &Schema, diagnostics: &mut Vec<Diagnostic>) {
    let mut check = Check { schema, path: Vec::new(), diagnostics };
    check.node(&schema.root, node, place);
}

/// Takes out the `x-` keys of every map that has a fixed set of keys: they are notes, and no part of a spec.
pub(crate) fn drop_notes(node: &mut Node, schema: &Schema) {
    if has_notes(node) {
        drop_notes_of(node, &schema.root, schema);
    }
}

fn has_notes(node: &Node) -> bool {
    node.items().iter().any(has_notes)
        || node.entries().iter().any(|entry| entry.key.starts_with("x-") || has_notes(&entry.value))
}

fn drop_notes_of(node: &mut Node, rule: &Rule, schema: &Schema) {
    match (schema.resolve(rule), &mut node.data) {
        (Rule::OneOf(alternatives), _) => {
            let fitting = alternatives.iter().filter(|alternative| fits(schema.resolve(alternative), node));
            for alternative in fitting.collect::<Vec<_>>() {
                drop_notes_of(node, alternative, schema);
            }
        }
        (Rule::List(rule), Data::List(items)) => items.iter_mut().for_each(|item| drop_notes_of(item, rule, schema)),
        (Rule::Map(map), Data::Map(entries)) => {
            entries.retain(|entry| {
                map.others.is_some() || map.fields.contains_key(&*entry.key) || !entry.key.starts_with("x-")
            });
            for entry in entries {
                let rule = map.fields.get(&*entry.key).map(|field| &field.rule).or(map.others.as_deref());
                if let Some(rule) = rule {
                    drop_notes_of(&mut entry.value, rule, schema);
                }
            }
        }
        _ => {}
    }
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
    /// The path from the root of the tree; empty at the root.
    path: Vec<PathStep<'a>>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    fn node(&mut self, rule: &Rule, node: &'a Node, place: Span) {
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
                    self.within(PathStep::Index(index), |check| check.node(item_rule, item, nearest(item, place)));
                }
            }
            (Rule::Map(map), Data::Map(_)) => self.map(map, node, place),
            (rule, _) => self.wrong_type(rule, node, place),
        }
    }

    fn map(&mut self, rule: &MapRule, node: &'a Node, place: Span) {
        // A mistyped key is not reported as a missing one, too.
        let mut meant: Vec<&str> = Vec::new();
        for entry in node.entries() {
            let rule = match (rule.fields.get(&*entry.key), &rule.others) {
                (Some(field), _) => &field.rule,
                (None, Some(others)) => others,
                (None, None) if entry.key.starts_with("x-") => continue,
                (None, None) => {
                    let known: Vec<&str> = rule.fields.keys().map(String::as_str).collect();
                    meant.extend(did_you_mean(&entry.key, known.iter().copied()));
                    self.unknown_key(&entry.key, entry.key_span, &known);
                    continue;
                }
            };
            self.within(PathStep::Key(&entry.key), |check| check.node(rule, &entry.value, entry.key_span));
        }
        for (key, field) in &rule.fields {
            if field.required && node.get(key).is_none() && !meant.contains(&key.as_str()) {
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
    fn one_of(&mut self, whole: &Rule, alternatives: &[Rule], node: &'a Node, place: Span) {
        let fitting: Vec<&Rule> =
            alternatives.iter().filter(|alternative| fits(self.schema.resolve(alternative), node)).collect();
        if fitting.is_empty() {
            let mut others = alternatives.iter().filter(|other| !matches!(self.schema.resolve(other), Rule::Null));
            let only = others.next().filter(|_| others.next().is_none());
            return self.wrong_type(only.unwrap_or(whole), node, place);
        }
        if fitting.len() > 1 && (self.unknown_in_all(&fitting, node) || self.several_at_once(&fitting, node)) {
            return;
        }
        let before = self.diagnostics.len();
        let mut best: Option<Vec<Diagnostic>> = None;
        let chosen = fitting.iter().copied().find(|alternative| self.only_key(alternative, node).is_some());
        for alternative in chosen.map_or(fitting, |chosen| vec![chosen]) {
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

    /// Reports keys that choose more than one of several maps of one key each; whether there were any.
    fn several_at_once(&mut self, alternatives: &[&Rule], node: &Node) -> bool {
        let chosen = alternatives.iter().filter_map(|alternative| self.only_key(alternative, node));
        let chosen: Vec<String> = chosen.map(|key| format!("`{key}`")).collect();
        let Some((last, rest)) = chosen.split_last().filter(|(_, rest)| !rest.is_empty()) else {
            return false;
        };
        let summary = format!("{} and {last} exclude each other{}", rest.join(", "), self.inside());
        let place = node.entries().last().map_or(node.span, |entry| entry.key_span);
        self.diagnostics.push(Diagnostic::error(summary).at(place).help("keep one of them"));
        true
    }

    /// The key by which a node chooses a map of one key.
    fn only_key<'s>(&'s self, alternative: &'s Rule, node: &Node) -> Option<&'s String> {
        match self.schema.resolve(alternative) {
            Rule::Map(MapRule { fields, others: None }) if fields.len() == 1 => {
                fields.keys().next().filter(|key| node.get(key).is_some())
            }
            _ => None,
        }
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
        diagnostic.help = match (self.schema.resolve(rule), &node.data) {
            (Rule::Text(_) | Rule::Words(_), Data::Int(_) | Data::Float(_) | Data::Bool(_)) => {
                Some("put it in quotes".to_owned())
            }
            (Rule::OneOf(alternatives), Data::Int(_) | Data::Float(_) | Data::Bool(_))
                if alternatives.iter().any(|other| matches!(self.schema.resolve(other), Rule::Text(_))) =>
            {
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

    fn within(&mut self, step: PathStep<'a>, check: impl FnOnce(&mut Self)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }

    fn what(&self) -> String {
        if self.path.is_empty() { "this".to_owned() } else { format!("`{}`", self.path()) }
    }

    fn inside(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path()) }
    }

    /// The path as in `ports[0].host`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                PathStep::Key(key) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    path.push_str(dot);
                    path.push_str(key);
                }
                PathStep::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
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
