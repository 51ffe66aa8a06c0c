//! Functions on numbers, and conversions asked for by name.

use std::cmp::Ordering;

use super::super::convert::{self, Number};
use super::super::operators::compare;
use super::super::wording::brief;
use super::{Call, EvalError};
use crate::value::Value;

pub(super) fn min(call: &Call<'_>) -> Result<Value, EvalError> {
    extreme(call, Ordering::Less)
}

pub(super) fn max(call: &Call<'_>) -> Result<Value, EvalError> {
    extreme(call, Ordering::Greater)
}

fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<Value, EvalError> {
    let mut best = call.number(0)?;
    for index in 1..call.arguments.len() {
        let number = call.number(index)?;
        if compare(number, best) == wanted {
            best = number;
        }
    }
    Ok(best.into_value())
}

pub(super) fn abs(call: &Call<'_>) -> Result<Value, EvalError> {
    match call.number(0)? {
        Number::Int(value) => value
            .checked_abs()
            .map(Value::Int)
            .ok_or_else(|| call.error("has a result too large for a whole number (64 bits)")),
        Number::Float(value) => Ok(Number::Float(value.abs()).into_value()),
    }
}

pub(super) fn ceil(call: &Call<'_>) -> Result<Value, EvalError> {
    round(call, f64::ceil)
}

pub(super) fn floor(call: &Call<'_>) -> Result<Value, EvalError> {
    round(call, f64::floor)
}

fn round(call: &Call<'_>, to: fn(f64) -> f64) -> Result<Value, EvalError> {
    Ok(match call.number(0)? {
        Number::Int(value) => Value::Int(value),
        Number::Float(value) => Number::Float(to(value)).into_value(),
    })
}

pub(super) fn tostring(call: &Call<'_>) -> Result<Value, EvalError> {
    match call.value(0) {
        Value::Null => Ok(Value::Null),
        _ => Ok(Value::string(call.text(0)?)),
    }
}

pub(super) fn tonumber(call: &Call<'_>) -> Result<Value, EvalError> {
    match call.value(0) {
        Value::Null => Ok(Value::Null),
        Value::String(text) => convert::as_number(call.value(0))
            .map(Number::into_value)
            .ok_or_else(|| call.error(format!("cannot read {:?} as a number", brief(text)))),
        _ => Ok(call.number(0)?.into_value()),
    }
}

pub(super) fn tobool(call: &Call<'_>) -> Result<Value, EvalError> {
    match call.value(0) {
        Value::Null => Ok(Value::Null),
        value => {
            convert::as_bool(value).map(Value::Bool).ok_or_else(|| call.wrong(0, "true, false or one of them as text"))
        }
    }
}
