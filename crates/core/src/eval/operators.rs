//! Operators on known values.
//!
//! Whole numbers stay whole where the result is: `80 / 2` is 40, `80 / 3` a float. A whole result beyond
//! 64 bits, or a float beyond its range, is an error: no number is ever silently another one.

use std::cmp::Ordering;

use super::EvalError;
use super::convert::{self, Number};
use crate::expr::{BinaryOp, UnaryOp};
use crate::value::Value;

pub(super) fn unary(operator: UnaryOp, operand: &Value) -> Result<Value, EvalError> {
    match operator {
        UnaryOp::Not => convert::as_bool(operand)
            .map(|value| Value::Bool(!value))
            .ok_or_else(|| EvalError::new(format!("`!` needs true or false, not {}", operand.type_name()))),
        UnaryOp::Neg => match number(operand, "-")? {
            Number::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
            Number::Float(value) => Ok(Number::Float(-value).into_value()),
        },
    }
}

/// Applies an operator other than `&&` and `||`, whose right side may not be needed.
pub(super) fn binary(left: &Value, operator: BinaryOp, right: &Value) -> Result<Value, EvalError> {
    match operator {
        BinaryOp::Eq => return Ok(Value::Bool(order(left, right).is_eq())),
        BinaryOp::NotEq => return Ok(Value::Bool(order(left, right).is_ne())),
        _ => {}
    }
    let sign = sign(operator);
    let (a, b) = (number(left, sign)?, number(right, sign)?);
    match operator {
        BinaryOp::Less => Ok(Value::Bool(compare(a, b).is_lt())),
        BinaryOp::LessEq => Ok(Value::Bool(compare(a, b).is_le())),
        BinaryOp::Greater => Ok(Value::Bool(compare(a, b).is_gt())),
        BinaryOp::GreaterEq => Ok(Value::Bool(compare(a, b).is_ge())),
        _ => arithmetic(a, operator, b),
    }
}

/// Checks one operand of an operator on numbers while the other is deferred.
pub(super) fn check(operand: &Value, operator: BinaryOp) -> Result<(), EvalError> {
    match operand {
        Value::Deferred(_) => Ok(()),
        value => number(value, sign(operator)).map(drop),
    }
}

/// A total order over plain values: by type, then by content; numbers of both forms by their size.
///
/// Two values are equal exactly if this says so; no text equals a number.
pub(super) fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => a
            .iter()
            .zip(b)
            .map(|(a, b)| order(a, b))
            .find(|found| found.is_ne())
            .unwrap_or_else(|| a.len().cmp(&b.len())),
        (Value::Map(a), Value::Map(b)) => a
            .iter()
            .zip(b)
            .map(|((a_key, a), (b_key, b))| a_key.cmp(b_key).then_with(|| order(a, b)))
            .find(|found| found.is_ne())
            .unwrap_or_else(|| a.len().cmp(&b.len())),
        _ => match (plain_number(left), plain_number(right)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

/// The order of two numbers, exact also where a float cannot hold the whole number.
pub(super) fn compare(left: Number, right: Number) -> Ordering {
    match (left, right) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (Number::Int(a), Number::Float(b)) => compare_mixed(a, b),
        (Number::Float(a), Number::Int(b)) => compare_mixed(b, a).reverse(),
    }
}

fn compare_mixed(whole: i64, float: f64) -> Ordering {
    const PAST_I64: f64 = 9_223_372_036_854_775_808.0;
    if float >= PAST_I64 {
        return Ordering::Less;
    }
    if float < -PAST_I64 {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within 64 bits, and the fraction is compared next")]
    let floor = float.floor() as i64;
    let below = if float.fract() == 0.0 { Ordering::Equal } else { Ordering::Less };
    whole.cmp(&floor).then(below)
}

fn arithmetic(left: Number, operator: BinaryOp, right: Number) -> Result<Value, EvalError> {
    let by_zero = right.as_f64() == 0.0;
    if by_zero && matches!(operator, BinaryOp::Div | BinaryOp::Mod) {
        let what = if operator == BinaryOp::Div { "division" } else { "remainder of a division" };
        return Err(EvalError::new(format!("{what} by zero")).help("check the right side first: `b == 0 ? 0 : a / b`"));
    }
    if let (Number::Int(a), Number::Int(b)) = (left, right) {
        let whole = match operator {
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Mod => Some(a.wrapping_rem(b)),
            _ if a.wrapping_rem(b) == 0 => a.checked_div(b),
            _ => return convert::finite(left.as_f64() / right.as_f64()).map(Number::into_value),
        };
        return whole.map(Value::Int).ok_or_else(overflow);
    }
    let (a, b) = (left.as_f64(), right.as_f64());
    let result = match operator {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Mod => a % b,
        _ => a / b,
    };
    convert::finite(result).map(Number::into_value)
}

fn number(value: &Value, sign: &str) -> Result<Number, EvalError> {
    convert::as_number(value).ok_or_else(|| {
        let error = EvalError::new(format!("`{sign}` needs numbers, not {}", value.type_name()));
        match value {
            Value::String(_) if sign == "+" => error.help("texts are put together in a template: \"${a}${b}\""),
            _ => error,
        }
    })
}

fn plain_number(value: &Value) -> Option<Number> {
    match value {
        Value::Int(_) | Value::Float(_) => convert::as_number(value),
        _ => None,
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => 2,
        Value::String(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
        Value::Deferred(_) => 6,
        Value::Sealed(_) => 7,
    }
}

fn overflow() -> EvalError {
    EvalError::new("the result is too large for a whole number (64 bits)")
}

fn sign(operator: BinaryOp) -> &'static str {
    match operator {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
        BinaryOp::Eq => "==",
        BinaryOp::NotEq => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEq => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEq => ">=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
