//! What an expression is evaluated in: the scope, the names bound by for-expressions, and what is left to spend.

use std::cell::Cell;

use super::convert;
use super::limits::{DEFERRED_DEPTH, DEPTH, NODE_BYTES, WORK_BYTES};
use super::{EvalError, Scope};
use crate::expr::{Expr, ExprKind, For, Step, Traversal};
use crate::value::Value;

/// Runs an evaluation with a fresh budget.
pub(super) fn start<T>(scope: &dyn Scope, run: impl FnOnce(Env<'_>) -> T) -> T {
    let left = Cell::new(WORK_BYTES);
    run(Env { scope, bound: None, left: &left, depth: 0, symbols: 0, in_template: false })
}

/// The surroundings of one expression; cheap to copy.
#[derive(Clone, Copy)]
pub(super) struct Env<'a> {
    pub(super) scope: &'a dyn Scope,
    /// Whether the expression is from a template file.
    pub(super) in_template: bool,
    bound: Option<&'a Binding<'a>>,
    left: &'a Cell<usize>,
    depth: u32,
    /// How many symbolic names are bound around the expression; also those not visible in a template.
    symbols: u32,
}

/// A name bound by a for-expression.
pub(super) struct Binding<'a> {
    name: &'a str,
    value: &'a Value,
    outer: Option<&'a Binding<'a>>,
}

/// A name that stands in a residual for an item that is not known yet.
pub(super) struct Symbol {
    /// The name the residual for-expression binds; differs from all symbols around it.
    pub(super) name: String,
    value: Value,
}

impl<'a> Env<'a> {
    /// One level further in.
    ///
    /// # Errors
    /// When the expression nests too deeply or did too much work.
    pub(super) fn deeper(self) -> Result<Self, EvalError> {
        if self.depth >= DEPTH {
            return Err(too_deep(DEPTH));
        }
        self.spend(NODE_BYTES)?;
        Ok(Self { depth: self.depth + 1, ..self })
    }

    /// The value a for-expression bound to a name.
    pub(super) fn local(&self, name: &str) -> Option<&'a Value> {
        std::iter::successors(self.bound, |binding| binding.outer)
            .find(|binding| binding.name == name)
            .map(|binding| binding.value)
    }

    pub(super) fn binding(&self, name: &'a str, value: &'a Value) -> Binding<'a> {
        Binding { name, value, outer: self.bound }
    }

    pub(super) fn with(self, binding: &'a Binding<'a>) -> Self {
        Self { bound: Some(binding), ..self }
    }

    /// A symbol for an item bound to `name`.
    pub(super) fn symbol(&self, name: &str, sensitive: bool) -> Symbol {
        // `#` is in no identifier, so a numbered symbol differs from every name and every other number.
        let name = name.split('#').next().unwrap_or(name);
        let name = match self.symbols {
            0 => name.to_owned(),
            number => format!("{name}#{number}"),
        };
        let traversal = Traversal { root: name.clone(), steps: Vec::new() };
        let value = Value::deferred(Expr::new(ExprKind::Traversal(traversal)), sensitive);
        Symbol { name, value }
    }

    pub(super) fn symbol_binding(&self, name: &'a str, symbol: &'a Symbol) -> Binding<'a> {
        self.binding(name, &symbol.value)
    }

    pub(super) fn with_symbol(self, binding: &'a Binding<'a>) -> Self {
        Self { symbols: self.symbols + 1, ..self.with(binding) }
    }

    /// The surroundings of a template file: its own scope, and none of the names bound here.
    pub(super) fn template(self, scope: &'a dyn Scope) -> Self {
        Self { scope, bound: None, in_template: true, ..self }
    }

    /// Accounts for a value that was made or copied, and hands it back.
    ///
    /// # Errors
    /// When too much was made, or a sealed value is inside.
    pub(super) fn hold(&self, value: Value) -> Result<Value, EvalError> {
        self.account(&value)?;
        Ok(value)
    }

    /// The expression that yields a value: a literal, with the expressions of what is deferred inside.
    ///
    /// # Errors
    /// When it is too large or nests too deeply.
    pub(super) fn residual(&self, value: &Value) -> Result<Expr, EvalError> {
        let kind = match value {
            Value::Deferred(deferred) => {
                self.account_expr(&deferred.expr, 1)?;
                return Ok(deferred.expr.clone());
            }
            value if value.is_plain() => ExprKind::Literal(self.hold(value.clone())?),
            Value::List(items) => ExprKind::List(self.residuals(items)?),
            Value::Map(map) => ExprKind::Map(
                map.iter()
                    .map(|(key, value)| Ok((Expr::literal(Value::string(key)), self.residual(value)?)))
                    .collect::<Result<_, EvalError>>()?,
            ),
            value => ExprKind::Literal(self.hold(value.clone())?),
        };
        Ok(Expr::new(kind))
    }

    pub(super) fn residuals<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Result<Vec<Expr>, EvalError> {
        values.into_iter().map(|value| self.residual(value)).collect()
    }

    /// Counts some bytes of work.
    ///
    /// # Errors
    /// When none are left.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), EvalError> {
        let left = self.left.get().checked_sub(bytes).ok_or_else(|| {
            EvalError::new(format!("the expression makes more than {} MiB of data", WORK_BYTES >> 20))
                .help("iterate over less, or write large texts to a file of their own")
        })?;
        self.left.set(left);
        Ok(())
    }

    fn account(&self, value: &Value) -> Result<(), EvalError> {
        self.spend(NODE_BYTES)?;
        match value {
            Value::Sealed(_) => Err(EvalError::new("a sealed value cannot be used here")
                .help("refer to the secret or variable it came from")),
            Value::String(text) => self.spend(text.len()),
            Value::List(items) => items.iter().try_for_each(|item| self.account(item)),
            Value::Map(map) => map.iter().try_for_each(|(key, item)| {
                self.spend(key.len())?;
                self.account(item)
            }),
            _ => Ok(()),
        }
    }

    fn account_expr(&self, expr: &Expr, depth: u32) -> Result<(), EvalError> {
        if depth > DEFERRED_DEPTH {
            return Err(
                too_deep(DEFERRED_DEPTH).help("it is known only after apply, which allows less nesting: split it up")
            );
        }
        self.spend(NODE_BYTES)?;
        let inner = |expr: &Expr| self.account_expr(expr, depth + 1);
        let steps = |steps: &[Step]| {
            steps.iter().try_for_each(|step| match step {
                Step::Index(index) => self.account_expr(index, depth + 2),
                Step::Attr(_) | Step::Splat => self.spend(NODE_BYTES),
            })
        };
        match &expr.kind {
            ExprKind::Literal(value) => self.account(value),
            ExprKind::Output(_) | ExprKind::Variable(_) => Ok(()),
            ExprKind::Template(parts) | ExprKind::List(parts) | ExprKind::Call(_, parts, _) => {
                parts.iter().try_for_each(inner)
            }
            ExprKind::Traversal(traversal) => steps(&traversal.steps),
            ExprKind::Access(base, taken) => {
                inner(base)?;
                steps(taken)
            }
            ExprKind::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                inner(key)?;
                inner(value)
            }),
            ExprKind::Unary(_, operand) => inner(operand),
            ExprKind::Binary(left, _, right) => {
                inner(left)?;
                inner(right)
            }
            ExprKind::Conditional(condition, yes, no) => {
                inner(condition)?;
                inner(yes)?;
                inner(no)
            }
            ExprKind::For(each) => for_parts(each).try_for_each(inner),
        }
    }
}

/// Checks a condition that may be deferred: what is known of it must be true or false.
pub(super) fn known_condition(value: &Value) -> Result<Option<bool>, EvalError> {
    match value {
        Value::Deferred(_) => Ok(None),
        value => convert::condition(value).map(Some),
    }
}

fn for_parts(each: &For) -> impl Iterator<Item = &Expr> {
    [Some(&each.collection), each.key.as_ref(), Some(&each.value), each.condition.as_ref()].into_iter().flatten()
}

fn too_deep(limit: u32) -> EvalError {
    EvalError::new(format!("the expression nests deeper than {limit} levels")).help("split it up")
}
