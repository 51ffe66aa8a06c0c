//! Names, and the steps taken from a value: `.name`, `[index]`, `[*]`.

use super::convert;
use super::environment::Env;
use super::evaluate::evaluate;
use super::limits::NODE_BYTES;
use super::wording::{brief, with_keys};
use super::{EvalError, ResolvedStep};
use crate::expr::{Expr, ExprKind, Step, Traversal};
use crate::value::{Map, Value};

/// A name and the steps from it. Names bound by a for-expression come first, then the scope's.
pub(super) fn traversal(traversal: &Traversal, env: Env<'_>) -> Result<Value, EvalError> {
    let steps = resolve_steps(&traversal.steps, env)?;
    let path = Path { origin: &traversal.root, steps: &steps, env };
    if let Some(value) = env.local(&traversal.root) {
        return env.hold(path.take(value, 0)?);
    }
    let shown = steps.iter().position(is_deferred).unwrap_or(steps.len());
    let found = env.scope.lookup(&traversal.root, &steps[..shown])?;
    let taken = found.taken.min(shown);
    let splats = steps[..taken].iter().filter(|step| matches!(step, ResolvedStep::Splat)).count();
    if splats == 0 || taken == steps.len() {
        return env.hold(path.take(&found.value, taken)?);
    }
    // The scope went through splats: what remains is taken from each item.
    let each = [vec![ResolvedStep::Splat; splats], steps[taken..].to_vec()].concat();
    env.hold(Path { steps: &each, ..path }.take(&found.value, 0)?)
}

/// Steps from the value of an expression.
pub(super) fn access(base: &Expr, steps: &[Step], env: Env<'_>) -> Result<Value, EvalError> {
    let value = evaluate(base, env)?;
    let steps = resolve_steps(steps, env)?;
    env.hold(Path { origin: "…", steps: &steps, env }.take(&value, 0)?)
}

fn resolve_steps(steps: &[Step], env: Env<'_>) -> Result<Vec<ResolvedStep>, EvalError> {
    steps
        .iter()
        .map(|step| match step {
            Step::Attr(name) => Ok(ResolvedStep::Attr(name.clone())),
            Step::Index(index) => evaluate(index, env).map(ResolvedStep::Index),
            Step::Splat => Ok(ResolvedStep::Splat),
        })
        .collect()
}

fn is_deferred(step: &ResolvedStep) -> bool {
    matches!(step, ResolvedStep::Index(index) if !index.is_plain())
}

/// Steps from an origin, known well enough to be named in an error.
#[derive(Clone, Copy)]
struct Path<'a> {
    origin: &'a str,
    steps: &'a [ResolvedStep],
    env: Env<'a>,
}

impl Path<'_> {
    /// Takes the steps from number `from` on from a value.
    fn take(&self, value: &Value, from: usize) -> Result<Value, EvalError> {
        let Some(step) = self.steps.get(from) else {
            return Ok(value.clone());
        };
        if let Value::Deferred(_) = value {
            return self.defer(value, from);
        }
        match step {
            ResolvedStep::Splat => self.splat(value, from),
            ResolvedStep::Attr(name) => self.take(self.attribute(value, name, from)?, from + 1),
            ResolvedStep::Index(Value::Deferred(_)) => match value {
                Value::List(_) | Value::Map(_) => self.defer(value, from),
                _ => Err(self.not_indexable(value, from)),
            },
            ResolvedStep::Index(index) => self.take(self.index(value, index, from)?, from + 1),
        }
    }

    fn splat(&self, value: &Value, from: usize) -> Result<Value, EvalError> {
        self.env.spend(NODE_BYTES)?;
        match value {
            Value::List(items) => {
                let taken = items.iter().map(|item| {
                    self.env.spend(NODE_BYTES)?;
                    self.take(item, from + 1)
                });
                Ok(Value::List(taken.collect::<Result<_, _>>()?))
            }
            Value::Null => Ok(Value::List(Vec::new())),
            value => Ok(Value::List(vec![self.take(value, from + 1)?])),
        }
    }

    fn attribute<'v>(&self, value: &'v Value, name: &str, from: usize) -> Result<&'v Value, EvalError> {
        match value {
            Value::Map(map) => map.get(name).ok_or_else(|| self.no_key(map, name, from)),
            Value::List(_) => {
                Err(EvalError::new(format!("{} is a list and has no attribute `{name}`", self.describe(from)))
                    .help(format!("take one item with `[0]`, or `.{name}` of each with `[*].{name}`")))
            }
            value => Err(EvalError::new(format!(
                "{} is {} and has no attribute `{name}`",
                self.describe(from),
                value.type_name()
            ))),
        }
    }

    fn index<'v>(&self, value: &'v Value, index: &Value, from: usize) -> Result<&'v Value, EvalError> {
        match value {
            Value::Map(map) => {
                let key = convert::as_text(index)
                    .ok_or_else(|| EvalError::new(format!("a key of a map must be text, not {}", index.type_name())))?;
                map.get(&*key).ok_or_else(|| self.no_key(map, &key, from))
            }
            Value::List(items) => {
                let number = convert::as_number(index).and_then(convert::Number::whole).ok_or_else(|| {
                    EvalError::new(format!("an index of a list must be a whole number, not {}", index.type_name()))
                })?;
                usize::try_from(number).ok().and_then(|number| items.get(number)).ok_or_else(|| {
                    let error = EvalError::new(format!("{} has no item {number}", self.describe(from)));
                    match items.len() {
                        0 => error.help("the list is empty"),
                        count => error.help(format!("its items are 0 to {}", count - 1)),
                    }
                })
            }
            value => Err(self.not_indexable(value, from)),
        }
    }

    /// The residual of the steps from number `from` on.
    fn defer(&self, value: &Value, from: usize) -> Result<Value, EvalError> {
        let mut sensitive = value.is_sensitive();
        let mut rest = Vec::new();
        for step in &self.steps[from..] {
            rest.push(match step {
                ResolvedStep::Attr(name) => Step::Attr(name.clone()),
                ResolvedStep::Splat => Step::Splat,
                ResolvedStep::Index(index) => {
                    sensitive |= index.is_sensitive();
                    Step::Index(self.env.residual(index)?)
                }
            });
        }
        Ok(Value::deferred(Expr::new(extend(self.env.residual(value)?, rest)), sensitive))
    }

    fn no_key(&self, map: &Map, key: &str, from: usize) -> EvalError {
        let message = format!("{} has no key `{}`", self.describe(from), brief(key));
        with_keys(EvalError::new(message), key, map)
    }

    fn not_indexable(&self, value: &Value, from: usize) -> EvalError {
        EvalError::new(format!("{} is {} and cannot be indexed", self.describe(from), value.type_name()))
    }

    /// What the first `count` steps led to, as a user wrote it.
    fn describe(&self, count: usize) -> String {
        let mut text = format!("`{}", self.origin);
        for step in &self.steps[..count] {
            match step {
                ResolvedStep::Attr(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                ResolvedStep::Index(index) if index.is_plain() => {
                    text.push_str(&format!("[{}]", brief(&format!("{index:?}"))))
                }
                ResolvedStep::Index(_) => text.push_str("[…]"),
                ResolvedStep::Splat => text.push_str("[*]"),
            }
        }
        text.push('`');
        text
    }
}

/// Appends steps to an expression; to its own steps, unless a splat among them would swallow the new ones.
fn extend(base: Expr, rest: Vec<Step>) -> ExprKind {
    let has_splat = |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Splat));
    match base.kind {
        ExprKind::Traversal(Traversal { root, steps }) if !has_splat(&steps) => {
            ExprKind::Traversal(Traversal { root, steps: [steps, rest].concat() })
        }
        ExprKind::Access(inner, steps) if !has_splat(&steps) => ExprKind::Access(inner, [steps, rest].concat()),
        _ => ExprKind::Access(Box::new(base), rest),
    }
}
