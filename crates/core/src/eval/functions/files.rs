//! `file` and `templatefile`: both are done before apply, so that a plan names no files.

use super::super::evaluate::evaluate;
use super::super::wording::near_key;
use super::super::{EvalError, Lookup, ResolvedStep, Scope};
use super::{Call, Value};
use crate::expr::{Expr, ExprKind, Step, Traversal};

pub(super) fn file(call: &Call<'_>) -> Result<Value, EvalError> {
    call.env.scope.file(&path(call)?)
}

pub(super) fn templatefile(call: &Call<'_>) -> Result<Value, EvalError> {
    let path = path(call)?;
    if call.env.in_template {
        return Err(call.error("cannot be called inside a template file"));
    }
    if !matches!(call.value(1), Value::Map(_) | Value::Deferred(_)) {
        return Err(call.wrong(1, "a map"));
    }
    let template = call.env.scope.template(&path)?;
    let scope = TemplateScope { path: &path, variables: call.value(1), outer: call.env.scope };
    evaluate(&template, call.env.template(&scope)).map_err(|error| EvalError {
        message: format!("in {}: {}", place(call.env.scope, &path, error.at), error.message),
        help: error.help,
        at: None,
    })
}

fn path(call: &Call<'_>) -> Result<String, EvalError> {
    if let Value::Deferred(_) = call.value(0) {
        return Err(call.error("needs a path that is known before apply"));
    }
    Ok(call.text(0)?.into_owned())
}

/// The path, and the line where it can be told: the offset counts bytes of the template's text.
fn place(scope: &dyn Scope, path: &str, at: Option<u32>) -> String {
    let text = scope.file(path).ok();
    let before =
        at.zip(text.as_ref().and_then(Value::as_str)).and_then(|(at, text)| text.as_bytes().get(..at as usize));
    match before {
        Some(before) => format!("`{path}`, line {}", before.iter().filter(|byte| **byte == b'\n').count() + 1),
        None => format!("`{path}`"),
    }
}

/// The scope of a template file: its variables are all the names there are.
struct TemplateScope<'a> {
    path: &'a str,
    variables: &'a Value,
    outer: &'a dyn Scope,
}

impl Scope for TemplateScope<'_> {
    fn lookup(&self, root: &str, _steps: &[ResolvedStep]) -> Result<Lookup, EvalError> {
        let Value::Map(map) = self.variables else {
            return Ok(Lookup { value: variable_of(self.variables, root), taken: 0 });
        };
        match map.get(root) {
            Some(value) => Ok(Lookup { value: value.clone(), taken: 0 }),
            None => {
                let error = EvalError::new(format!("the template is not given `{root}`"));
                Err(match near_key(root, map) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help(format!("add it to the second argument of templatefile(\"{}\", …)", self.path)),
                })
            }
        }
    }

    fn file(&self, path: &str) -> Result<Value, EvalError> {
        self.outer.file(path)
    }

    fn output(&self, output: &crate::expr::Output) -> Result<Value, EvalError> {
        self.outer.output(output)
    }

    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        self.outer.variable(name)
    }
}

/// An entry of variables that are deferred as a whole.
fn variable_of(variables: &Value, name: &str) -> Value {
    let Value::Deferred(deferred) = variables else {
        return Value::Null;
    };
    let step = Step::Attr(name.to_owned());
    let kind = match &deferred.expr.kind {
        ExprKind::Traversal(Traversal { root, steps }) if steps.is_empty() => {
            ExprKind::Traversal(Traversal { root: root.clone(), steps: vec![step] })
        }
        _ => ExprKind::Access(Box::new(deferred.expr.clone()), vec![step]),
    };
    Value::deferred(Expr::new(kind), deferred.sensitive)
}
