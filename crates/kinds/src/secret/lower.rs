//! Lowering a secret's spec to its one canonical form, which holds no values.

use hactl_config::{Data, Node, variable_name};
use std::sync::Arc;

use hactl_core::expr::Expr;
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Diagnostic};

use crate::registry::{Draft, Lowered};
use crate::secret::source::{self, Form};
use crate::secret::{KIND, destination, entries, generate, import};

/// The ways in which a secret can be declared.
const FORMS: [&str; 3] = ["data", "generate", "import"];

/// The longest name of an entry, as Kubernetes has it for keys of its Secrets.
const MAXIMUM_NAME: usize = 253;

pub(super) fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Lowered> {
    let mut given = draft.written.entries().iter().filter(|entry| FORMS.contains(&&*entry.key));
    let Some(form) = given.next() else {
        diagnostics.push(
            Diagnostic::error("the secret has no value")
                .at(draft.span)
                .help("give it one of `data`, `generate` and `import`"),
        );
        return None;
    };
    if let Some(second) = given.next() {
        diagnostics.push(
            Diagnostic::error(format!("`{}` and `{}` exclude each other", form.key, second.key))
                .at(second.key_span)
                .help("keep one of them, or make two secrets of it"),
        );
        return None;
    }
    let before = diagnostics.len();
    if &*form.key != "generate" && !is_map(&form.value) {
        let found = form.value.type_name();
        diagnostics.push(
            Diagnostic::error(format!("`{}` is {found}, expected a map", form.key))
                .at(form.key_span)
                .help("write its entries out, with `${…}` in their values"),
        );
        return None;
    }
    let spec = match &*form.key {
        "data" => data(draft, &form.value, diagnostics),
        "import" => imported(draft, &form.value, diagnostics),
        _ => generate::lower(draft, diagnostics)?,
    };
    let spec = Value::Map(spec);
    let entries = entries(&Address::new(KIND.section.kind, draft.name, None), &spec);
    let object = destination::lower(draft, &entries, diagnostics);
    let lowered =
        || Lowered { spec: Arc::new(spec), parts: object.into_iter().collect(), ..Lowered::plain(Map::new()) };
    (!diagnostics[before..].iter().any(Diagnostic::is_error)).then(lowered)
}

fn data(draft: &Draft<'_>, written: &Node, diagnostics: &mut Vec<Diagnostic>) -> Map {
    let (mut values, mut sources) = (Map::new(), Map::new());
    if written.entries().is_empty() {
        diagnostics.push(
            Diagnostic::error("`data` has no entries")
                .at(draft.span)
                .help("name at least one, as in `password: {env: DB_PASSWORD}`"),
        );
    }
    for entry in written.entries() {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if entry.key.is_empty() || entry.key.len() > MAXIMUM_NAME || !entry.key.chars().all(fits) {
            diagnostics.push(
                Diagnostic::error(format!("{:?} cannot be the name of an entry", &*entry.key))
                    .at(entry.key_span)
                    .help(format!("a name holds letters, digits, `-`, `_` and `.`; at most {MAXIMUM_NAME} of them")),
            );
        }
        let read = || Value::deferred(Expr::variable(&variable_name(draft.name, &entry.key)), true);
        let Some(form) = source::form(&entry.value, draft.config, diagnostics) else {
            // What is wrong, or is of a variable without a value, is an entry all the same: others refer to it.
            values.insert(entry.key.to_string(), read());
            continue;
        };
        let evaluated = draft.body.at_path(&["data", &*entry.key]);
        let evaluated = evaluated.and_then(|node| if is_map(&entry.value) { node.get("value") } else { Some(node) });
        let value = match (&form, evaluated) {
            (Form::Expression, Some(evaluated)) => {
                let Some(value) = expression(draft.name, &entry.key, &entry.value, evaluated, diagnostics) else {
                    continue;
                };
                value
            }
            _ => read(),
        };
        values.insert(entry.key.to_string(), value);
        sources.insert(entry.key.to_string(), Value::from(form.label()));
    }
    Map::from([("data".to_owned(), Value::Map(values)), ("sources".to_owned(), Value::Map(sources))])
}

fn is_map(node: &Node) -> bool {
    matches!(node.data, Data::Map(_))
}

/// What stands for the value of an expression: sensitive, whatever it is made of. What variables alone decide is not
/// held but read again at apply, as from every other source.
fn expression(
    secret: &str,
    name: &str,
    written: &Node,
    evaluated: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let text = match &evaluated.data {
        Data::Invalid => return None,
        Data::Deferred(deferred) if deferred.sensitive => return Some(Value::Deferred(deferred.clone())),
        Data::Deferred(deferred) => return Some(Value::deferred(deferred.expr.clone(), true)),
        Data::String(_) | Data::Int(_) | Data::Float(_) | Data::Bool(_) if source::is_of_variables(written) => {
            return Some(Value::deferred(Expr::variable(&variable_name(secret, name)), true));
        }
        _ => as_text(&evaluated.to_value()),
    };
    if text.is_none() {
        diagnostics.push(
            Diagnostic::error(format!("`data.{name}` yields {}, expected text", evaluated.type_name()))
                .at(evaluated.span)
                .help("take one value out of it, or make it text with `jsonencode(…)`"),
        );
    }
    Some(Value::deferred(Expr::literal(text?), true))
}

/// A single value as the text that secrets hold; none for lists, maps and nothing.
pub(super) fn as_text(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Bool(value) => Some(Value::from(value.to_string())),
        Value::Int(value) => Some(Value::from(value.to_string())),
        Value::Float(value) => Some(Value::from(value.to_string())),
        _ => None,
    }
}

fn imported(draft: &Draft<'_>, written: &Node, diagnostics: &mut Vec<Diagnostic>) -> Map {
    let mut sources = Map::new();
    for entry in written.entries() {
        let Some(form) = source::form(&entry.value, draft.config, diagnostics) else { continue };
        if form == Form::Expression && !source::is_of_variables(&entry.value) {
            diagnostics.push(import::needs_variables(&entry.key, entry.value.span));
        }
        sources.insert(entry.key.to_string(), Value::from(form.label()));
    }
    let values = import::ENTRIES.iter().map(|name| {
        let value = Value::deferred(Expr::variable(&variable_name(draft.name, name)), true);
        ((*name).to_owned(), value)
    });
    Map::from([("import".to_owned(), Value::Map(values.collect())), ("sources".to_owned(), Value::Map(sources))])
}
