//! Evaluating expressions: a pure, partial evaluator.
//!
//! What is known is computed; what touches a deferred value becomes a deferred value whose expression
//! holds everything known as literals. Such a *residual* has only outputs and sensitive variables as
//! leaves, and evaluating it in a scope that knows them gives the same value as evaluating the whole at once.
//!
//! One choice follows from "decide in the plan": where a condition is deferred, both branches are evaluated
//! now, and a mistake in either is an error now, not in the middle of an apply. A known condition picks
//! its branch, and the other may be anything.

mod access;
mod collect;
mod convert;
mod environment;
mod evaluate;
mod functions;
pub mod limits;
mod operators;
#[cfg(test)]
mod tests;
mod wording;

use crate::expr::{Expr, Output};
use crate::value::Value;

pub use functions::{FUNCTIONS, Function};

/// Where names in an expression come from.
pub trait Scope {
    /// Looks up a name and as many of the steps that follow it as the scope itself answers for.
    ///
    /// Index steps are already evaluated into `steps`, and never deferred: the steps from the first
    /// deferred index on are not shown. The evaluator takes the remaining steps from the value.
    ///
    /// # Errors
    /// When there is no such name; the error says which names there are or what is near.
    fn lookup(&self, root: &str, steps: &[ResolvedStep]) -> Result<Lookup, EvalError>;

    /// The content of a file named in the config, for `file()` and `templatefile()`; read before evaluation.
    ///
    /// # Errors
    /// When the file was not or could not be read.
    fn file(&self, path: &str) -> Result<Value, EvalError>;

    /// The text of a file, parsed as a template, for `templatefile()`.
    ///
    /// Errors found while evaluating it name the path; where [`Scope::file`] has the text, also the line.
    ///
    /// # Errors
    /// When the file was not read or is no template. The default knows no templates.
    fn template(&self, path: &str) -> Result<Expr, EvalError> {
        Err(EvalError::new(format!("the template `{path}` cannot be read here")))
    }

    /// The value of a residual's output leaf. The default knows none and defers it again.
    ///
    /// # Errors
    /// When the output should be known and is not.
    fn output(&self, output: &Output) -> Result<Value, EvalError> {
        Ok(Value::deferred(Expr::output(output.address.clone(), &output.name), false))
    }

    /// The value of a residual's variable leaf. The default knows none and defers it again, as sensitive.
    ///
    /// # Errors
    /// When the variable should be known and is not.
    fn variable(&self, name: &str) -> Result<Value, EvalError> {
        Ok(Value::deferred(Expr::variable(name), true))
    }
}

/// A step with its index evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum ResolvedStep {
    /// `.name`
    Attr(String),
    /// `[value]`
    Index(Value),
    /// `[*]`
    Splat,
}

/// What a scope answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// The value, deferred where it is not known or sensitive.
    pub value: Value,
    /// How many of the steps led to it. Where these include a splat, the steps that remain are taken
    /// from each item of the value.
    pub taken: usize,
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Byte offset in the expression's source text, where known.
    pub at: Option<u32>,
}

impl EvalError {
    /// An error without help or place; [`eval`] adds the place of the innermost expression that failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, at: None }
    }

    /// Sets what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sets the place, unless one is known already.
    #[must_use]
    fn or_at(mut self, at: u32) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

/// Evaluates an expression, as far as `scope` knows.
///
/// The result is plain data, a deferred value, or a list or map that holds deferred values inside.
///
/// # Errors
/// When a name is unknown, types do not fit, a function refuses its arguments, or a limit of
/// [`limits`] is passed.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Result<Value, EvalError> {
    environment::start(scope, |env| evaluate::evaluate(expr, env))
}

/// Evaluates every deferred value inside a value again, as far as `scope` now knows.
///
/// What stays deferred keeps its digest if its expression did not change, and stays sensitive if it was.
/// What becomes known is plain data: whether it is sensitive is seen in `value`, not in the result.
///
/// # Errors
/// As [`eval`]; the error of a sensitive value does not say why, for the reason may quote a secret.
pub fn resolve(value: &Value, scope: &dyn Scope) -> Result<Value, EvalError> {
    environment::start(scope, |env| evaluate::resolve(value, env))
}
