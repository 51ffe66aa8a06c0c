//! Functions between values and texts in a format, and digests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::convert::{self, Number};
use super::{Call, EvalError, yaml};
use crate::digest::Digest;
use crate::value::Value;

pub(super) fn jsonencode(call: &Call<'_>) -> Result<Value, EvalError> {
    let json = json(call.value(0))?;
    call.check_text(json.len())?;
    Ok(Value::from(json))
}

/// A plain value as JSON without spaces, keys in order.
pub(super) fn json(value: &Value) -> Result<String, EvalError> {
    serde_json::to_string(value)
        .map_err(|error| EvalError::new(format!("the value cannot be written as JSON: {error}")))
}

pub(super) fn jsondecode(call: &Call<'_>) -> Result<Value, EvalError> {
    let text = call.text(0)?;
    let json =
        serde_json::from_str(&text).map_err(|error| call.error(format!("is given text that is not JSON: {error}")))?;
    plain(call, json)
}

/// JSON as plain data: never through [`Value`]'s own form, in which a text could pose as a deferred value.
fn plain(call: &Call<'_>, json: serde_json::Value) -> Result<Value, EvalError> {
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(float)) if number.is_f64() && float.is_finite() => Number::Float(float).into_value(),
            _ => {
                return Err(call.error(format!("is given {number}, too large for a whole number (64 bits)")));
            }
        },
        serde_json::Value::Array(items) => {
            Value::List(items.into_iter().map(|item| plain(call, item)).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((convert::plain_key(key)?, plain(call, value)?)));
            Value::Map(entries.collect::<Result<_, EvalError>>()?)
        }
    })
}

pub(super) fn yamlencode(call: &Call<'_>) -> Result<Value, EvalError> {
    let text = yaml::encode(call.value(0)).ok_or_else(|| call.error("would make a text longer than 10 MiB"))?;
    call.check_text(text.len())?;
    Ok(Value::from(text))
}

pub(super) fn base64encode(call: &Call<'_>) -> Result<Value, EvalError> {
    let text = call.text(0)?;
    call.check_text(text.len() / 3 * 4 + 4)?;
    Ok(Value::from(STANDARD.encode(&*text)))
}

pub(super) fn base64decode(call: &Call<'_>) -> Result<Value, EvalError> {
    let bytes = STANDARD
        .decode(&*call.text(0)?)
        .map_err(|error| call.error(format!("is given text that is not base64: {error}")))?;
    String::from_utf8(bytes).map(Value::from).map_err(|_| call.error("finds bytes that are not UTF-8 text"))
}

pub(super) fn sha256(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::from(Digest::sha256(call.text(0)?.as_bytes()).to_string()))
}
