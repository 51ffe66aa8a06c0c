//! Between the values of specs and the JSON of the API server.

use hactl_core::value::{Map, Value};
use hactl_kube::Object;
use serde_json::Value as Json;

/// The JSON of a plain value.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), to_json(value))).collect()),
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(&**text),
        Value::Null | Value::Deferred(_) | Value::Sealed(_) => Json::Null,
    }
}

/// The value of some JSON. What looks like a stand-in for a value is a map like any other here.
pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(map) => from_map(map),
    }
}

/// An object as a value.
pub(crate) fn from_object(object: &Object) -> Value {
    from_map(&object.0)
}

fn from_map(map: &serde_json::Map<String, Json>) -> Value {
    Value::Map(map.iter().map(|(key, value)| (key.clone(), from_json(value))).collect::<Map>())
}
