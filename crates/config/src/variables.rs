//! Variables: what a config declares, and the values a run gives them.

use std::fmt;
use std::path::PathBuf;

use hactl_core::diagnostic::Span;
use hactl_core::eval::{EvalError, Lookup, ResolvedStep, Scope};
use hactl_core::expr::{Expr, ExprKind, Step, Traversal};
use hactl_core::value::Map;
use hactl_core::{Diagnostic, Value, address};
use indexmap::IndexMap;

use crate::evaluate::references;
use crate::expression::expression_span;
use crate::given::Given;
use crate::inputs::{Inputs, eval_error};
use crate::invalid::Invalid;
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::validate::{suggestion, unknown_key};

/// The prefix of environment variables that set variables.
pub const ENVIRONMENT_PREFIX: &str = "HACTL_VAR_";

/// A declared variable with its value for this run.
#[derive(Clone, PartialEq)]
pub struct Variable {
    /// The value; the real one, also where it is sensitive.
    pub value: Value,
    /// Whether the value must never be shown or stored in plain text.
    pub sensitive: bool,
    /// What it is for.
    pub description: Option<String>,
    /// Its key in the config.
    pub span: Span,
}

/// Never shows a sensitive value.
impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive { f.write_str("(sensitive)") } else { self.value.fmt(f) }
    }
}

/// What a run gives to a config: the values of variables, of which the first that has one wins, and the cluster.
#[derive(Clone, Default)]
pub struct VariableInputs {
    /// `--var`, each as `name=value`; the last one of a name wins.
    pub assignments: Vec<String>,
    /// `--var-file`: YAML maps of names to values; the last one that has a name wins.
    pub files: Vec<PathBuf>,
    /// The environment; what does not start with [`ENVIRONMENT_PREFIX`] is left alone.
    pub environment: Vec<(String, String)>,
    /// Whether a variable without a value is no mistake; what depends on it is then not judged.
    pub optional: bool,
    /// Values that win over all others, whatever else gives one.
    pub values: Map,
    /// `--kubeconfig`, relative to the working directory: it is used in place of the one that the config names.
    pub kubeconfig: Option<PathBuf>,
    /// Whether the run is in the sandbox. Objects go to its own API server then, and no kubeconfig is looked for.
    pub sandbox: bool,
}

/// Shows no values: any of them may be sensitive.
impl fmt::Debug for VariableInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VariableInputs")
            .field("assignments", &self.assignments.len())
            .field("files", &self.files)
            .field("kubeconfig", &self.kubeconfig)
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

/// Answers `var.*` and reads files; what else there is depends on who evaluates.
#[derive(Debug, Clone, Copy)]
pub struct VariableScope<'a> {
    /// The variables by name.
    pub variables: &'a IndexMap<String, Variable>,
    /// The files that expressions may read.
    pub inputs: &'a Inputs,
}

impl Scope for VariableScope<'_> {
    fn lookup(&self, root: &str, steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        if root != "var" {
            return Err(eval_error(
                format!("`{root}` cannot be used here"),
                "only variables (`var.…`) and functions can",
            ));
        }
        let name = match steps.first() {
            Some(ResolvedStep::Attr(name)) => name.as_str(),
            Some(ResolvedStep::Index(Value::String(name))) => name,
            _ => {
                return Err(eval_error("`var` needs the name of a variable", "write `var.name`"));
            }
        };
        let known: Vec<&str> = self.variables.keys().map(String::as_str).collect();
        let variable = self.variables.get(name).ok_or_else(|| {
            eval_error(format!("there is no variable `{name}`"), suggestion(name, &known, "variables"))
        })?;
        let value =
            if variable.sensitive { Value::deferred(Expr::variable(name), true) } else { variable.value.clone() };
        Ok(Lookup { value, taken: 1 })
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        self.inputs.text(path).map(Value::String)
    }

    fn template(&self, path: &str) -> Result<Expr, EvalError> {
        self.inputs.template(path)
    }
}

/// Gives every declared variable its value; those whose value is wrong or missing become invalid.
pub(crate) fn resolve(
    declared: &[Entry],
    inputs: &VariableInputs,
    invalid: &mut Invalid,
    sources: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, Variable> {
    let mut given = Given::new(inputs.optional);
    given.values.clone_from(&inputs.values);
    given.read_files(&inputs.files, sources, diagnostics);
    given.read_assignments(&inputs.assignments, diagnostics);
    given.read_environment(&inputs.environment);

    let mut variables = IndexMap::new();
    for entry in declared {
        let declaration = declaration(entry, diagnostics);
        if declaration.as_ref().is_none_or(|declaration| declaration.sensitive) {
            redact(&entry.value, sources);
        }
        let value = declaration
            .as_ref()
            .and_then(|declaration| given.value(&entry.key, declaration, entry.key_span, diagnostics));
        if value.is_none() {
            invalid.add("var", &entry.key);
        }
        let variable = Variable {
            value: value.unwrap_or(Value::Null),
            sensitive: declaration.as_ref().is_none_or(|declaration| declaration.sensitive),
            description: declaration.and_then(|declaration| declaration.description),
            span: entry.key_span,
        };
        variables.insert(entry.key.to_string(), variable);
    }
    for entry in given.file_entries() {
        let variable: Option<&Variable> = variables.get(&*entry.key);
        if variable.is_none_or(|variable| variable.sensitive) {
            redact(&entry.value, sources);
        }
    }
    given.report_unknown(&variables, invalid, diagnostics);
    variables
}

/// Takes the texts and numbers of a value out of what messages can show of its file.
fn redact(node: &Node, sources: &mut SourceMap) {
    match &node.data {
        Data::List(_) | Data::Map(_) => {
            let entries = node.entries().iter().map(|entry| &entry.value);
            node.items().iter().chain(entries).for_each(|inner| redact(inner, sources));
        }
        Data::Null | Data::Bool(_) => {}
        _ => sources.redact(node.span),
    }
}

/// Reports every use of a variable that is not declared, and marks what uses one without a value as invalid.
pub(crate) fn check_uses(
    node: &mut Node,
    variables: &IndexMap<String, Variable>,
    invalid: &Invalid,
    sources: &SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) {
    match &mut node.data {
        Data::Template(_) => {
            let before = diagnostics.len();
            let mut uses_invalid = false;
            for reference in references(node) {
                let Some(name) = variable_name(reference.traversal) else {
                    continue;
                };
                if invalid.contains("var", name) {
                    uses_invalid = true;
                } else if !variables.contains_key(name) {
                    let known: Vec<&str> = variables.keys().map(String::as_str).collect();
                    let text = sources.text(reference.scalar.source);
                    diagnostics.push(
                        Diagnostic::error(format!("there is no variable `{name}`"))
                            .at(expression_span(reference.scalar, text, reference.at))
                            .help(suggestion(name, &known, "variables")),
                    );
                }
            }
            if uses_invalid || diagnostics.len() > before {
                node.data = Data::Invalid;
            }
        }
        Data::List(items) => {
            for item in items {
                check_uses(item, variables, invalid, sources, diagnostics);
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                check_uses(&mut entry.value, variables, invalid, sources, diagnostics);
            }
        }
        _ => {}
    }
}

fn variable_name(traversal: &Traversal) -> Option<&str> {
    match (traversal.root.as_str(), traversal.steps.first()) {
        ("var", Some(Step::Attr(name))) => Some(name),
        ("var", Some(Step::Index(index))) => match &index.kind {
            ExprKind::Literal(Value::String(name)) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// What a config says about a variable.
pub(crate) struct Declaration {
    pub(crate) default: Option<Value>,
    pub(crate) sensitive: bool,
    pub(crate) description: Option<String>,
}

/// `name: default`, or a map of `default`, `description` and `sensitive`.
fn declaration(entry: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<Declaration> {
    const KEYS: [&str; 3] = ["default", "description", "sensitive"];
    let before = diagnostics.len();
    let mut declaration = Declaration { default: None, sensitive: false, description: None };
    if !address::is_name(&entry.key) {
        diagnostics.push(
            Diagnostic::error(format!("`{}` cannot be the name of a variable", entry.key))
                .at(entry.key_span)
                .help("a name starts with a letter and holds letters, digits, `-` and `_`"),
        );
    }
    if entry.value.has_templates() {
        diagnostics.push(
            Diagnostic::error(format!("the variable `{}` cannot use `${{…}}`", entry.key))
                .at(entry.key_span)
                .help("put the expression where the variable is used; `$${` stands for a literal `${`"),
        );
        return None;
    }
    match &entry.value.data {
        Data::Map(fields) => {
            for field in fields {
                match (&*field.key, &field.value.data) {
                    ("default", _) => declaration.default = Some(field.value.to_value()),
                    ("description", Data::String(text)) => declaration.description = Some(text.to_string()),
                    ("sensitive", Data::Bool(sensitive)) => declaration.sensitive = *sensitive,
                    ("description", _) => diagnostics.push(wrong(field, "text")),
                    ("sensitive", _) => diagnostics.push(wrong(field, "`true` or `false`")),
                    (key, _) => diagnostics.push(
                        unknown_key(key, field.key_span, &KEYS)
                            .detail("A variable whose value is a map has it under `default`."),
                    ),
                }
            }
        }
        Data::Null => {}
        _ => declaration.default = Some(entry.value.to_value()),
    }
    (diagnostics.len() == before).then_some(declaration)
}

fn wrong(field: &Entry, expected: &str) -> Diagnostic {
    let found = field.value.type_name();
    Diagnostic::error(format!("`{}` is {found}, expected {expected}", field.key)).at(field.key_span)
}
