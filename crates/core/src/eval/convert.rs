//! Conversions between simple values, as HCL makes them: a number or boolean serves as text, and text
//! that reads as a number or boolean serves as one. No other conversion is made without being asked for.

use std::borrow::Cow;

use super::EvalError;
use crate::value::{MARKER, Value};

/// A number of either form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Int(i64),
    /// Always finite.
    Float(f64),
}

impl Number {
    pub(super) fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "used only where the result is a float anyway")]
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// The whole number, if it is one of 64 bits.
    pub(super) fn whole(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            Self::Float(value) if value.fract() == 0.0 && value.abs() < EXACT =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
                Some(value as i64)
            }
            Self::Float(_) => None,
        }
    }

    /// A value: an [`Value::Int`] where the number is whole and small enough to be exact.
    pub(super) fn into_value(self) -> Value {
        match (self.whole(), self) {
            (Some(whole), _) => Value::Int(whole),
            (None, Self::Int(value)) => Value::Int(value),
            (None, Self::Float(value)) => Value::Float(value),
        }
    }
}

/// 2^53: below it every whole number is exact as a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The number a float is.
///
/// # Errors
/// When it is infinite or not a number.
pub(super) fn finite(value: f64) -> Result<Number, EvalError> {
    if value.is_finite() {
        Ok(Number::Float(value))
    } else {
        Err(EvalError::new("the result is too large for a number"))
    }
}

pub(super) fn as_number(value: &Value) -> Option<Number> {
    match value {
        Value::Int(value) => Some(Number::Int(*value)),
        Value::Float(value) => Some(Number::Float(*value)),
        Value::String(text) => parse_number(text),
        _ => None,
    }
}

fn parse_number(text: &str) -> Option<Number> {
    if let Ok(value) = text.parse() {
        return Some(Number::Int(value));
    }
    let starts_as_number = text.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit());
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite() && starts_as_number)?;
    Some(Number::Float(value))
}

pub(super) fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(value) => Some(Cow::Owned(value.to_string())),
        Value::Int(value) => Some(Cow::Owned(value.to_string())),
        Value::Float(value) => Some(Cow::Owned(float_text(*value))),
        _ => None,
    }
}

/// The shortest text that reads back as the same float; `0` also for `-0.0`.
fn float_text(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { value.to_string() }
}

/// The key of a map that a value serves as.
///
/// # Errors
/// When it is not text, or is the key that marks a value which is not plain data.
pub(super) fn key(value: &Value) -> Result<String, EvalError> {
    let text = as_text(value)
        .ok_or_else(|| EvalError::new(format!("a key of a map must be text, not {}", value.type_name())))?;
    plain_key(text.into_owned())
}

pub(super) fn plain_key(key: String) -> Result<String, EvalError> {
    if key == MARKER {
        return Err(EvalError::new(format!("the key `{MARKER}` is reserved")).help("choose another key"));
    }
    Ok(key)
}

/// A condition's value.
///
/// # Errors
/// When it is not true or false.
pub(super) fn condition(value: &Value) -> Result<bool, EvalError> {
    as_bool(value).ok_or_else(|| {
        EvalError::new(format!("a condition must be true or false, not {}", value.type_name()))
            .help("compare it with something, as in `x != null`")
    })
}
