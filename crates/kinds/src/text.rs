//! Text in a spec that may be deferred: an environment variable, the content of a file.

use hactl_core::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// Text, a number or a boolean (which are taken as their text), or a value that is known only at apply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text(Value);

impl Text {
    /// The text; none while it is deferred.
    pub(crate) fn known(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// The text, or what stands for it.
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            value @ (Value::String(_) | Value::Deferred(_) | Value::Sealed(_)) => value,
            Value::Bool(value) => Value::from(value.to_string()),
            Value::Int(value) => Value::from(value.to_string()),
            Value::Float(value) => Value::from(value.to_string()),
            other => return Err(serde::de::Error::custom(format!("text is needed here, not {}", other.type_name()))),
        };
        Ok(Self(text))
    }
}

impl JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]})
    }
}
