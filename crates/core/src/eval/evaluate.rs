//! The walk over an expression.

use std::borrow::Cow;

use super::convert::{self, condition};
use super::environment::{Env, known_condition};
use super::limits::TEXT_BYTES;
use super::wording::brief;
use super::{EvalError, access, collect, functions, operators};
use crate::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::value::{Deferred, Map, Value};

/// Evaluates an expression as far as the environment knows.
pub(super) fn evaluate(expr: &Expr, env: Env<'_>) -> Result<Value, EvalError> {
    env.deeper().and_then(|env| evaluate_kind(&expr.kind, env)).map_err(|error| error.or_at(expr.at))
}

/// Evaluates the deferred values inside a value.
pub(super) fn resolve(value: &Value, env: Env<'_>) -> Result<Value, EvalError> {
    match value {
        Value::Deferred(before) => match evaluate(&before.expr, env).map_err(|error| without_values(error, before))? {
            Value::Deferred(after) if after.expr == before.expr => Ok(value.clone()),
            Value::Deferred(after) if before.sensitive && !after.sensitive => {
                Ok(Value::deferred(after.expr.clone(), true))
            }
            after => Ok(after),
        },
        Value::List(items) => Ok(Value::List(items.iter().map(|item| resolve(item, env)).collect::<Result<_, _>>()?)),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, item)| Ok((key.clone(), resolve(item, env)?)));
            Ok(Value::Map(entries.collect::<Result<_, EvalError>>()?))
        }
        value => env.hold(value.clone()),
    }
}

/// The error of a deferred value; of a sensitive one without the reason, which may quote a secret.
fn without_values(error: EvalError, deferred: &Deferred) -> EvalError {
    if !deferred.sensitive {
        return error;
    }
    EvalError {
        message: "a sensitive value cannot be computed; the reason is not shown, for it may hold the value".to_owned(),
        help: Some(
            "check that the secrets and variables it is made of have the form the expression expects".to_owned(),
        ),
        at: error.at,
    }
}

/// A deferred value of a residual expression; sensitive if one of the values it came from is.
pub(super) fn defer<'v>(kind: ExprKind, from: impl IntoIterator<Item = &'v Value>) -> Value {
    let sensitive = from.into_iter().any(Value::is_sensitive);
    Value::deferred(Expr::new(kind), sensitive)
}

fn evaluate_kind(kind: &ExprKind, env: Env<'_>) -> Result<Value, EvalError> {
    match kind {
        ExprKind::Literal(value) => resolve(value, env),
        ExprKind::Template(parts) => template(parts, env),
        ExprKind::Traversal(traversal) => access::traversal(traversal, env),
        ExprKind::Access(base, steps) => access::access(base, steps, env),
        ExprKind::List(items) => {
            Ok(Value::List(items.iter().map(|item| evaluate(item, env)).collect::<Result<_, _>>()?))
        }
        ExprKind::Map(entries) => map(entries, env),
        ExprKind::Unary(operator, operand) => unary(*operator, operand, env),
        ExprKind::Binary(left, operator, right) => binary(left, *operator, right, env),
        ExprKind::Conditional(condition, yes, no) => conditional(condition, yes, no, env),
        ExprKind::Call(name, arguments, spread) => functions::call(name, arguments, *spread, env),
        ExprKind::For(each) => collect::for_each(each, env),
        ExprKind::Output(output) => env.hold(env.scope.output(output)?),
        ExprKind::Variable(name) => env.hold(env.scope.variable(name)?),
    }
}

fn template(parts: &[Expr], env: Env<'_>) -> Result<Value, EvalError> {
    if let [part] = parts {
        return evaluate(part, env);
    }
    let mut done: Vec<Value> = Vec::new();
    let mut text = String::new();
    for part in parts {
        match evaluate(part, env)? {
            deferred @ Value::Deferred(_) => {
                if !text.is_empty() {
                    done.push(Value::from(std::mem::take(&mut text)));
                }
                done.push(deferred);
            }
            value => text.push_str(&template_text(&value).map_err(|error| error.or_at(part.at))?),
        }
        if text.len() > TEXT_BYTES {
            return Err(too_long());
        }
    }
    // A template of one part would yield that part with its type, not as text: keep two.
    if done.is_empty() {
        return env.hold(Value::from(text));
    }
    if done.len() == 1 || !text.is_empty() {
        done.push(Value::from(text));
    }
    Ok(defer(ExprKind::Template(env.residuals(&done)?), &done))
}

fn template_text(value: &Value) -> Result<Cow<'_, str>, EvalError> {
    convert::as_text(value).ok_or_else(|| {
        let error = EvalError::new(format!("{} cannot be part of a text", value.type_name()));
        match value {
            Value::Null => error.help("give it a default, as in `coalesce(x, \"\")`"),
            Value::List(_) => error.help("make it text with join() or jsonencode()"),
            _ => error.help("take one of its entries, or make it text with jsonencode()"),
        }
    })
}

fn too_long() -> EvalError {
    EvalError::new(format!("the text is longer than {} MiB", TEXT_BYTES >> 20))
}

fn map(entries: &[(Expr, Expr)], env: Env<'_>) -> Result<Value, EvalError> {
    let mut map = Map::new();
    let mut keys = Vec::with_capacity(entries.len());
    let mut values = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        keys.push(evaluate(key, env)?);
        values.push(evaluate(value, env)?);
    }
    if keys.iter().any(|key| matches!(key, Value::Deferred(_))) {
        let pairs = env.residuals(&keys)?.into_iter().zip(env.residuals(&values)?).collect();
        return Ok(defer(ExprKind::Map(pairs), keys.iter().chain(&values)));
    }
    for ((key, value), (key_expr, _)) in keys.iter().zip(values).zip(entries) {
        let key = convert::key(key).map_err(|error| error.or_at(key_expr.at))?;
        if map.contains_key(&key) {
            return Err(EvalError::new(format!("the key `{}` is given twice", brief(&key))).or_at(key_expr.at));
        }
        map.insert(key, value);
    }
    Ok(Value::Map(map))
}

fn unary(operator: UnaryOp, operand: &Expr, env: Env<'_>) -> Result<Value, EvalError> {
    match evaluate(operand, env)? {
        value @ Value::Deferred(_) => Ok(defer(ExprKind::Unary(operator, Box::new(env.residual(&value)?)), [&value])),
        value => operators::unary(operator, &value),
    }
}

fn binary(left: &Expr, operator: BinaryOp, right: &Expr, env: Env<'_>) -> Result<Value, EvalError> {
    let left_value = evaluate(left, env)?;
    // `a && b` is decided by a false `a`, `a || b` by a true one.
    let logical = match operator {
        BinaryOp::And => Some(false),
        BinaryOp::Or => Some(true),
        _ => None,
    };
    if let Some(decides) = logical {
        let left_known = known_condition(&left_value).map_err(|error| error.or_at(left.at))?;
        if left_known == Some(decides) {
            return Ok(Value::Bool(decides));
        }
        let right_value = evaluate(right, env)?;
        let right_known = known_condition(&right_value).map_err(|error| error.or_at(right.at))?;
        if let (Some(_), Some(value)) = (left_known, right_known) {
            return Ok(Value::Bool(value));
        }
        return deferred_binary(&left_value, operator, &right_value, env);
    }
    let right_value = evaluate(right, env)?;
    let equality = matches!(operator, BinaryOp::Eq | BinaryOp::NotEq);
    let known = |value: &Value| {
        if equality { value.is_plain() } else { !matches!(value, Value::Deferred(_)) }
    };
    if known(&left_value) && known(&right_value) {
        return operators::binary(&left_value, operator, &right_value);
    }
    if !equality {
        operators::check(&left_value, operator)?;
        operators::check(&right_value, operator)?;
    }
    deferred_binary(&left_value, operator, &right_value, env)
}

fn deferred_binary(left: &Value, operator: BinaryOp, right: &Value, env: Env<'_>) -> Result<Value, EvalError> {
    let kind = ExprKind::Binary(Box::new(env.residual(left)?), operator, Box::new(env.residual(right)?));
    Ok(defer(kind, [left, right]))
}

fn conditional(test: &Expr, yes: &Expr, no: &Expr, env: Env<'_>) -> Result<Value, EvalError> {
    let test_value = evaluate(test, env)?;
    if !matches!(test_value, Value::Deferred(_)) {
        let picked = if condition(&test_value).map_err(|error| error.or_at(test.at))? { yes } else { no };
        return evaluate(picked, env);
    }
    let (yes, no) = (evaluate(yes, env)?, evaluate(no, env)?);
    let [test, yes_expr, no_expr] = [&test_value, &yes, &no].map(|value| env.residual(value).map(Box::new));
    Ok(defer(ExprKind::Conditional(test?, yes_expr?, no_expr?), [&test_value, &yes, &no]))
}
