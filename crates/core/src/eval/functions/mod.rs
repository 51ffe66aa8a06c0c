//! The functions of expressions, as data: the documentation, the suggestions for mistyped names and the
//! calls all come from [`FUNCTIONS`].

mod collections;
mod encoding;
mod files;
mod format;
mod network;
mod numbers;
mod table;
mod text;
mod yaml;

use std::borrow::Cow;

use super::EvalError;
use super::convert::{self, Number};
use super::environment::Env;
use super::evaluate::{defer, evaluate};
use super::limits::{ITEMS, NODE_BYTES, TEXT_BYTES};
use crate::diagnostic::did_you_mean;
use crate::expr::{Expr, ExprKind};
use crate::value::{Map, Value};

pub use table::FUNCTIONS;

/// One function: what a user reads about it, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters, as in `(map, key, [default])`: brackets mark an optional one, `...` any number.
    pub signature: &'static str,
    /// What it yields, in one sentence.
    pub doc: &'static str,
    /// A call, as a user would write it.
    pub example: &'static str,
    /// What the example yields, as JSON.
    pub result: &'static str,
    deferral: Deferral,
    call: fn(&Call<'_>) -> Result<Value, EvalError>,
}

/// Which deferred arguments make a call wait for apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deferral {
    /// One with a deferred value anywhere inside: the function looks at all of it.
    Anywhere,
    /// One that is deferred itself: the function only moves the parts of its arguments about.
    Whole,
    /// None: the function deals with deferred arguments itself.
    Never,
}

impl Function {
    /// The names of its parameters, without brackets and dots.
    fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.signature.trim_matches(['(', ')']).split(", ").map(|name| name.trim_matches(['[', ']', '.']))
    }

    /// The name of the parameter that takes argument number `index`.
    fn parameter(&self, index: usize) -> &'static str {
        self.parameters().nth(index).or_else(|| self.parameters().last()).unwrap_or("value")
    }

    fn check_count(&self, count: usize) -> Result<(), EvalError> {
        let most = self.parameters().count();
        let variadic = self.signature.contains("...");
        let least = most - self.signature.matches('[').count() - usize::from(variadic);
        if count < least || (count > most && !variadic) {
            let many = if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") };
            return Err(EvalError::new(format!("`{}` is given {many}", self.name))
                .help(format!("it is called as {}{}", self.name, self.signature)));
        }
        Ok(())
    }
}

/// Calls a function by name.
pub(super) fn call(name: &str, arguments: &[Expr], spread: bool, env: Env<'_>) -> Result<Value, EvalError> {
    let function = find(name)?;
    let mut values = arguments.iter().map(|argument| evaluate(argument, env)).collect::<Result<Vec<_>, _>>()?;
    let mut waits_for_spread = false;
    if spread {
        match values.pop() {
            Some(Value::List(items)) => values.extend(items),
            Some(deferred @ Value::Deferred(_)) => {
                waits_for_spread = true;
                values.push(deferred);
            }
            Some(other) => {
                return Err(EvalError::new(format!("`...` spreads a list, not {}", other.type_name())));
            }
            None => {}
        }
    }
    if waits_for_spread && function.deferral == Deferral::Never {
        return Err(EvalError::new(format!("the arguments of `{name}` must be known before apply")));
    }
    if !waits_for_spread {
        function.check_count(values.len())?;
    }
    let waits = match function.deferral {
        Deferral::Anywhere => !values.iter().all(Value::is_plain),
        Deferral::Whole => values.iter().any(|value| matches!(value, Value::Deferred(_))),
        Deferral::Never => false,
    };
    if waits || waits_for_spread {
        let kind = ExprKind::Call(name.to_owned(), env.residuals(&values)?, waits_for_spread);
        return Ok(defer(kind, &values));
    }
    let result = (function.call)(&Call { function, arguments: &values, env })?;
    env.hold(result)
}

fn find(name: &str) -> Result<&'static Function, EvalError> {
    FUNCTIONS.iter().find(|function| function.name == name).ok_or_else(|| {
        let error = EvalError::new(format!("there is no function `{name}`"));
        match did_you_mean(name, FUNCTIONS.iter().map(|function| function.name)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => {
                let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
                error.help(format!("functions are: {}", names.join(", ")))
            }
        }
    })
}

/// A call's arguments, and the ways a function takes them.
struct Call<'a> {
    function: &'static Function,
    arguments: &'a [Value],
    env: Env<'a>,
}

impl<'a> Call<'a> {
    /// An argument as it is; the count was checked, so a missing one is an optional one: null.
    fn value(&self, index: usize) -> &'a Value {
        self.arguments.get(index).unwrap_or(&Value::Null)
    }

    /// An optional argument.
    fn optional(&self, index: usize) -> Option<&'a Value> {
        self.arguments.get(index)
    }

    fn text(&self, index: usize) -> Result<Cow<'a, str>, EvalError> {
        convert::as_text(self.value(index)).ok_or_else(|| self.wrong(index, "text"))
    }

    fn list(&self, index: usize) -> Result<&'a [Value], EvalError> {
        self.value(index).as_list().ok_or_else(|| self.wrong(index, "a list"))
    }

    /// A list of texts.
    fn texts(&self, index: usize) -> Result<Vec<Cow<'a, str>>, EvalError> {
        self.list(index)?
            .iter()
            .map(|item| {
                convert::as_text(item).ok_or_else(|| {
                    self.error(format!(
                        "needs a list of texts as `{}`, not one with {}",
                        self.function.parameter(index),
                        item.type_name()
                    ))
                })
            })
            .collect()
    }

    fn map(&self, index: usize) -> Result<&'a Map, EvalError> {
        self.value(index).as_map().ok_or_else(|| self.wrong(index, "a map"))
    }

    fn number(&self, index: usize) -> Result<Number, EvalError> {
        convert::as_number(self.value(index)).ok_or_else(|| self.wrong(index, "a number"))
    }

    fn whole(&self, index: usize) -> Result<i64, EvalError> {
        self.number(index)?.whole().ok_or_else(|| self.wrong(index, "a whole number"))
    }

    /// A whole number from 0 to `most`.
    fn size(&self, index: usize, most: usize) -> Result<usize, EvalError> {
        let number = self.whole(index)?;
        usize::try_from(number).ok().filter(|size| *size <= most).ok_or_else(|| {
            self.error(format!("needs a number from 0 to {most} as `{}`, not {number}", self.function.parameter(index)))
        })
    }

    /// Refuses a text that would be longer than the limit, and accounts for one that is not.
    fn check_text(&self, bytes: usize) -> Result<(), EvalError> {
        self.check_length(bytes)?;
        self.env.spend(bytes)
    }

    /// Refuses a text that would be longer than the limit.
    fn check_length(&self, bytes: usize) -> Result<(), EvalError> {
        if bytes > TEXT_BYTES {
            let limit = TEXT_BYTES >> 20;
            return Err(self.error(format!("would make a text longer than {limit} MiB")));
        }
        Ok(())
    }

    /// Refuses a list that would be longer than the limit.
    fn check_items(&self, items: usize) -> Result<(), EvalError> {
        if items > ITEMS {
            return Err(self.error(format!("would make a list of more than {ITEMS} items")));
        }
        self.env.spend(items.saturating_mul(NODE_BYTES))
    }

    fn wrong(&self, index: usize, wanted: &str) -> EvalError {
        let value = self.value(index);
        let given = match (wanted, value) {
            ("a whole number", Value::Float(float)) => float.to_string(),
            _ => value.type_name().to_owned(),
        };
        self.error(format!("needs {wanted} as `{}`, not {given}", self.function.parameter(index)))
    }

    /// An error that starts with the function's name.
    fn error(&self, clause: impl AsRef<str>) -> EvalError {
        EvalError::new(format!("`{}` {}", self.function.name, clause.as_ref()))
    }
}
