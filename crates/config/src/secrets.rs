//! Secrets as they are written: what no message may show, and the values that stand in the config itself.

use std::collections::BTreeMap;

use hactl_core::eval::{EvalError, Lookup, ResolvedStep, Scope};
use hactl_core::expr::{Expr, ExprKind, Step};
use hactl_core::sensitive::Sensitive;
use hactl_core::{Diagnostic, Value};
use indexmap::IndexMap;

use crate::evaluate::references;
use crate::inputs::eval_error;
use crate::invalid::Invalid;
use crate::source::{SourceMap, span};
use crate::tree::{Data, Entry, Node};
use crate::validate::suggestion;
use crate::variables::{Variable, VariableScope};

/// The top-level key under which secrets are declared.
pub(crate) const SECTION: &str = "secrets";

/// The kind of what is declared there.
pub(crate) const KIND: &str = "secret";

/// The keys of a source that say where a value comes from, and so are no secrets themselves.
const SOURCE_KEYS: [&str; 4] = ["env", "file", "exec", "sops"];

/// The keys of a secret's `kubernetes` under which no secret text stands.
const OPEN_DESTINATION_KEYS: [&str; 5] = ["namespace", "name", "type", "keys", "forceConflicts"];

/// The keys of a secret under which no secret text stands.
const OPEN_KEYS: [&str; 6] = ["generate", "protect", "dependsOn", "ignoreChanges", "nodes", "adopt"];

/// Values that stand in the config itself, by the name under which expressions refer to them.
pub type InlineSecrets = BTreeMap<String, Sensitive<Value>>;

/// The name under which an expression refers to an entry's value: that of a variable which no user can declare.
pub fn variable_name(secret: &str, entry: &str) -> String {
    format!("{KIND}.{secret}.{entry}")
}

/// Takes every text that may be a secret out of what messages can show: all below `secrets`, but for the words that say
/// where a value comes from, how it is made, and what stands in `${…}` without quotes.
pub(crate) fn redact(secrets: &Node, sources: &mut SourceMap) {
    for secret in secrets.entries() {
        for entry in secret.value.entries().iter().filter(|entry| !OPEN_KEYS.contains(&&*entry.key)) {
            match (&*entry.key, &entry.value.data) {
                ("kubernetes", Data::Map(fields)) => {
                    let hidden = fields.iter().filter(|field| !OPEN_DESTINATION_KEYS.contains(&&*field.key));
                    hidden.for_each(|field| redact_value(&field.value, sources));
                }
                _ => redact_value(&entry.value, sources),
            }
        }
        // A map says how something is made; what is none may have been meant as the secret itself.
        let generate = secret.value.get("generate");
        let made = generate.map(Node::entries).unwrap_or_default().iter().map(|entry| &entry.value);
        let places = [&secret.value].into_iter().chain(generate).chain(made);
        places.filter(|node| !matches!(node.data, Data::Map(_))).for_each(|node| redact_value(node, sources));
    }
    if !matches!(secrets.data, Data::Map(_)) {
        redact_value(secrets, sources);
    }
}

/// Takes a value out, as [`redact`] does.
pub(crate) fn redact_value(node: &Node, sources: &mut SourceMap) {
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| redact_value(item, sources)),
        Data::Map(entries) => {
            let hidden = entries.iter().filter(|entry| !SOURCE_KEYS.contains(&&*entry.key));
            hidden.for_each(|entry| redact_value(&entry.value, sources));
        }
        Data::Template(_) => redact_template(node, sources),
        Data::Null | Data::Bool(_) => {}
        _ => sources.redact(node.span),
    }
}

/// Leaves of a template what is neither its own text nor text in quotes inside `${…}`. Quotes, backslashes and line breaks
/// stay too, so that places in it can still be found.
fn redact_template(node: &Node, sources: &mut SourceMap) {
    let Some(written) = sources.text(node.span.source).get(node.span.range()).map(str::to_owned) else { return };
    let outer = written.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut depth = 0_u32;
    let mut quoted = false;
    let mut previous = ' ';
    for (at, c) in written.char_indices() {
        let opens = c == '{' && (depth > 0 || matches!(previous, '$' | '%'));
        match c {
            _ if opens && !quoted => depth += 1,
            '}' if depth > 0 && !quoted => depth -= 1,
            // Inside a text in double quotes YAML has them escaped.
            '"' if depth > 0 && (outer != Some('"') || previous == '\\') => quoted = !quoted,
            '"' | '\'' | '\\' | '$' | '%' => {}
            _ if depth > 0 && !quoted => {}
            _ => {
                let start = node.span.start as usize + at;
                sources.redact(span(node.span.source, start, start + c.len_utf8()));
            }
        }
        previous = c;
    }
}

/// Takes the values out of the secrets' declarations that stand there as plain text, and leaves expressions that refer to
/// them: so neither a plan nor a digest of the config holds them. Warns about each, and about values of variables that
/// are not sensitive.
pub(crate) fn take_inline(
    secrets: &mut [Entry],
    variables: &IndexMap<String, Variable>,
    diagnostics: &mut Vec<Diagnostic>,
) -> InlineSecrets {
    let mut inline = InlineSecrets::new();
    for secret in secrets {
        let Data::Map(fields) = &mut secret.value.data else { continue };
        for field in fields {
            let is_import = &*field.key == "import";
            let (true, Data::Map(entries)) = (is_import || &*field.key == "data", &mut field.value.data) else {
                continue;
            };
            for entry in entries {
                let name = if is_import {
                    import_name(&secret.key, &entry.key)
                } else {
                    variable_name(&secret.key, &entry.key)
                };
                // Certificates are public.
                let warns = !is_import || &*entry.key == "privateKey";
                let node = match &mut entry.value.data {
                    Data::Map(form) => match form.as_mut_slice() {
                        [Entry { key, value, .. }] if &**key == "value" => value,
                        _ => continue,
                    },
                    _ => &mut entry.value,
                };
                let warning = match &node.data {
                    Data::String(text) => {
                        inline.insert(name.clone(), Sensitive::new(Value::String(text.clone())));
                        *node = Node::from_value(Value::deferred(Expr::variable(&name), true), node.span);
                        Some(plain_text(&secret.key, &entry.key))
                    }
                    Data::Template(expr) => bare_variable(expr)
                        .filter(|name| variables.get(*name).is_some_and(|variable| !variable.sensitive))
                        .map(|variable| open_variable(&secret.key, &entry.key, variable)),
                    _ => None,
                };
                diagnostics.extend(
                    warning
                        .filter(|_| warns)
                        .map(|warning| warning.at(node.span).about(format!("{KIND}.{}", secret.key))),
                );
            }
        }
    }
    inline
}

/// The name of what an import is given, before it is checked.
pub fn import_name(secret: &str, entry: &str) -> String {
    format!("{KIND}.{secret}.import.{entry}")
}

fn plain_text(secret: &str, entry: &str) -> Diagnostic {
    Diagnostic::warning(format!("`{entry}` of {KIND}.{secret} stands in plain text in the config")).help(
        "take it from `{env: NAME}`, `{file: PATH}`, `{exec: [COMMAND]}`, `{sops: {file: PATH, key: KEY}}` or a variable with \
         `sensitive: true`, or let hactl `generate` it",
    )
}

fn open_variable(secret: &str, entry: &str, variable: &str) -> Diagnostic {
    Diagnostic::warning(format!("`{entry}` of {KIND}.{secret} comes from a variable that is not sensitive"))
        .detail("State keeps the values of such variables in plain text.")
        .help(format!("declare it as `{variable}: {{sensitive: true}}`"))
}

/// The variable that an expression is and nothing else.
fn bare_variable(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Traversal(traversal) if traversal.root == "var" => match traversal.steps.as_slice() {
            [Step::Attr(name)] => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Answers `secret.NAME.ENTRY` for values that are known before anything is applied, and what [`VariableScope`] does.
#[derive(Clone, Copy)]
pub(crate) struct SecretScope<'a> {
    pub(crate) variables: VariableScope<'a>,
    pub(crate) secrets: &'a [Entry],
    pub(crate) invalid: &'a Invalid,
}

impl Scope for SecretScope<'_> {
    fn lookup(&self, root: &str, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        if root != KIND {
            return self.variables.lookup(root, steps);
        }
        let word = |step: Option<&ResolvedStep>| match step {
            Some(ResolvedStep::Attr(name)) => Some(name.clone()),
            Some(ResolvedStep::Index(Value::String(name))) => Some(name.to_string()),
            _ => None,
        };
        let (Some(name), Some(entry)) = (word(steps.first()), word(steps.get(1))) else {
            return Err(eval_error(
                "`secret` needs the names of a secret and of its entry",
                "write `secret.name.entry`",
            ));
        };
        let found = || Lookup { value: Value::deferred(Expr::variable(&variable_name(&name, &entry)), true), taken: 2 };
        let Some(secret) = self.secrets.iter().find(|secret| *secret.key == *name) else {
            if self.invalid.contains(KIND, &name) {
                return Ok(found());
            }
            let known: Vec<&str> = self.secrets.iter().map(|secret| &*secret.key).collect();
            return Err(eval_error(format!("there is no secret `{name}`"), suggestion(&name, &known, "secrets")));
        };
        let body = &secret.value;
        let known: Vec<&str> = match (body.get("data"), body.get("import"), body.get("generate")) {
            (Some(data), ..) => data.entries().iter().map(|entry| &*entry.key).collect(),
            (_, Some(_), _) => vec!["certificate", "privateKey", "chain"],
            (_, _, Some(_)) => {
                return Err(eval_error(
                    format!("secret.{name} is generated, so its value is known only after apply"),
                    "credentials of a registry are needed before: take them from `data`, or from a sensitive variable",
                ));
            }
            _ => return Ok(found()),
        };
        if !known.contains(&entry.as_str()) {
            return Err(eval_error(
                format!("secret.{name} has no entry `{entry}`"),
                suggestion(&entry, &known, "entries"),
            ));
        }
        let uses_others = body
            .at_path(&["data", entry.as_str()])
            .is_some_and(|node| references(node).iter().any(|reference| reference.traversal.root != "var"));
        if uses_others {
            return Err(eval_error(
                format!("secret.{name}.{entry} is made of more than variables"),
                "credentials of a registry are needed before anything is applied: use variables and other sources only",
            ));
        }
        Ok(found())
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        self.variables.file(path)
    }

    fn template(&self, path: &str) -> Result<Expr, EvalError> {
        self.variables.template(path)
    }
}
