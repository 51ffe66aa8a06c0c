//! The values that a run gives to variables: from the command line, files and the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hactl_core::diagnostic::Span;
use hactl_core::value::Map;
use hactl_core::{Diagnostic, Value};
use indexmap::IndexMap;

use crate::invalid::Invalid;
use crate::source::SourceMap;
use crate::tree::{Data, Entry};
use crate::validate::suggestion;
use crate::variables::{Declaration, ENVIRONMENT_PREFIX, Variable};
use crate::{files, withheld, yaml};

/// The values that a run was given, by name.
#[derive(Default)]
pub(crate) struct Given {
    /// Those that win over all others.
    pub(crate) values: Map,
    assignments: BTreeMap<String, String>,
    files: BTreeMap<String, Entry>,
    environment: BTreeMap<String, String>,
    /// Whether a variable may have no value.
    optional: bool,
}

impl Given {
    pub(crate) fn new(optional: bool) -> Self {
        Self { optional, ..Self::default() }
    }

    pub(crate) fn read_assignments(&mut self, assignments: &[String], diagnostics: &mut Vec<Diagnostic>) {
        for assignment in assignments {
            match assignment.split_once('=') {
                Some((name, value)) => {
                    self.assignments.insert(name.trim().to_owned(), value.to_owned());
                }
                None => diagnostics.push(Diagnostic::error("`--var` takes `name=value`, but there is no `=`")),
            }
        }
    }

    pub(crate) fn read_environment(&mut self, environment: &[(String, String)]) {
        for (name, value) in environment {
            if let Some(name) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                self.environment.insert(name.to_owned(), value.clone());
            }
        }
    }

    pub(crate) fn read_files(&mut self, paths: &[PathBuf], sources: &mut SourceMap, diagnostics: &mut Vec<Diagnostic>) {
        for path in paths {
            match read_file(path, sources) {
                Ok(entries) => {
                    let named = entries.into_iter().map(|entry| (entry.key.to_string(), entry));
                    self.files.extend(named);
                }
                Err(mistakes) => diagnostics.extend(mistakes),
            }
        }
    }

    /// What the files give, whether it is used or not.
    pub(crate) fn file_entries(&self) -> impl Iterator<Item = &Entry> {
        self.files.values()
    }

    /// The value of a variable; none where there is none or it does not fit, which is then reported.
    pub(crate) fn value(
        &self,
        name: &str,
        declaration: &Declaration,
        at: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Value> {
        if let Some(value) = self.values.get(name) {
            return Some(value.clone());
        }
        let default = declaration.default.as_ref();
        let from_text = |text: &str, origin: String, diagnostics: &mut Vec<Diagnostic>| match convert(text, default) {
            Ok(value) => Some(value),
            Err(expected) => {
                diagnostics.push(
                    Diagnostic::error(format!(
                        "the variable `{name}` is {expected}, but {origin} gives something else"
                    ))
                    .label(at, "its default decides the type"),
                );
                None
            }
        };
        if let Some(text) = self.assignments.get(name) {
            return from_text(text, "`--var`".to_owned(), diagnostics);
        }
        if let Some(entry) = self.files.get(name) {
            let value = entry.value.to_value();
            if default.is_none_or(|default| default.is_null() || default.type_name() == value.type_name()) {
                return Some(value);
            }
            let expected = default.map_or("a value", Value::type_name);
            diagnostics.push(
                Diagnostic::error(format!(
                    "the variable `{name}` is {expected}, but the file has {}",
                    value.type_name()
                ))
                .at(entry.key_span)
                .label(at, "its default decides the type"),
            );
            return None;
        }
        if let Some(text) = self.environment.get(name) {
            return from_text(text, format!("{ENVIRONMENT_PREFIX}{name}"), diagnostics);
        }
        if default.is_none() && !self.optional {
            diagnostics.push(
                Diagnostic::error(format!("the variable `{name}` has no value"))
                    .label(at, declaration.description.as_deref().unwrap_or_default())
                    .help(format!(
                        "pass `--var {name}=…`, set {ENVIRONMENT_PREFIX}{name}, name a file with `--var-file`, or give it a `default`"
                    )),
            );
        }
        default.cloned()
    }

    /// Reports what is given to variables that are not declared.
    pub(crate) fn report_unknown(
        &self,
        variables: &IndexMap<String, Variable>,
        invalid: &Invalid,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let known: Vec<&str> = variables.keys().map(String::as_str).collect();
        let unknown = |name: &str, origin: &str| {
            (!variables.contains_key(name) && !invalid.contains("var", name)).then(|| {
                (
                    format!("{origin} sets `{name}`, but there is no such variable"),
                    suggestion(name, &known, "variables"),
                )
            })
        };
        for name in self.assignments.keys() {
            if let Some((summary, help)) = unknown(name, "`--var`") {
                diagnostics.push(Diagnostic::error(summary).help(help));
            }
        }
        for (name, entry) in &self.files {
            if let Some((summary, help)) = unknown(name, "the file") {
                diagnostics.push(Diagnostic::error(summary).at(entry.key_span).help(help));
            }
        }
        for name in self.environment.keys() {
            if let Some((summary, help)) = unknown(name, "the environment") {
                diagnostics.push(Diagnostic::warning(summary).help(help));
            }
        }
    }
}

fn read_file(path: &Path, sources: &mut SourceMap) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let text = files::read(path).map_err(|error| {
        let missing = !path.exists();
        vec![if missing { error.help("look at the path that `--var-file` names") } else { *error }]
    })?;
    let source = sources.add(path, text);
    let parsed = yaml::parse(sources, source).and_then(|node| match node.data {
        Data::Map(entries) => Ok(entries),
        Data::Null => Ok(Vec::new()),
        _ => Err(vec![
            Diagnostic::error(format!("a file of variables is a map, this is {}", node.type_name()))
                .at(node.span)
                .help("write one `name: value` per line"),
        ]),
    });
    parsed.map_err(|mistakes| {
        let withheld = mistakes.into_iter().map(|mistake| withheld::without_content(mistake, sources)).collect();
        sources.redact_all(source);
        withheld
    })
}

/// Text as the type of a default; the error names that type.
fn convert(text: &str, default: Option<&Value>) -> Result<Value, &'static str> {
    let Some(default) = default else {
        return Ok(Value::from(text));
    };
    let trimmed = text.trim();
    let float = || trimmed.parse::<f64>().ok().filter(|value| value.is_finite()).map(Value::Float);
    let value = match default {
        Value::Bool(_) => trimmed.parse().ok().map(Value::Bool),
        Value::Int(_) | Value::Float(_) => trimmed.parse().ok().map(Value::Int).or_else(float),
        Value::List(_) | Value::Map(_) => {
            let mut sources = SourceMap::new();
            let source = sources.add("", text.to_owned());
            let value = yaml::parse(&sources, source).ok().map(|node| node.to_value());
            value.filter(|value| value.type_name() == default.type_name())
        }
        _ => Some(Value::from(text)),
    };
    value.ok_or(default.type_name())
}
