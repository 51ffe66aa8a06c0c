//! As much of JSON Schema as `state/state.schema.json` uses.

use std::path::Path;

use hactl_core::Digest;
use serde_json::Value;

pub(crate) fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Where a document is not as its schema says.
pub(crate) fn violations(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    visit(schema, schema, document, "", &mut found);
    found
}

fn visit(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "default" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                visit(root, root.pointer(pointer).unwrap(), value, at, found);
                true
            }
            "type" => is_type(rule.as_str().unwrap(), value),
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "minItems" => value.as_array().is_none_or(|items| Some(items.len() as u64) >= rule.as_u64()),
            "minimum" => value.as_f64() >= rule.as_f64(),
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$", "the one pattern known here");
                value.as_str().is_none_or(|text| Digest::parse(text).is_some())
            }
            "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "properties" => {
                for (key, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        visit(root, schema, value, &format!("{at}/{key}"), found);
                    }
                }
                true
            }
            "additionalProperties" => {
                let named = schema.get("properties").and_then(Value::as_object);
                for (key, value) in value.as_object().into_iter().flatten() {
                    let place = format!("{at}/{key}");
                    match rule {
                        _ if named.is_some_and(|named| named.contains_key(key)) => {}
                        Value::Bool(false) => found.push(format!("{place}: not allowed")),
                        rule => visit(root, rule, value, &place, found),
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    visit(root, rule, value, &format!("{at}/{index}"), found);
                }
                true
            }
            other => panic!("the schema uses `{other}`, which this test does not know"),
        };
        if !fits {
            found.push(format!("{at}: {keyword} {rule}"));
        }
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the schema uses the type `{other}`, which this test does not know"),
    }
}
