//! The JSON Schema of a whole native config, for editors (`# yaml-language-server: $schema=…`).

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value as Json, json};

use crate::encryption::EncryptionSpec;
use crate::git::GitSpec;
use crate::kubernetes::KubernetesSpec;
use crate::moves::{MovedSpec, RemovedSpec};
use crate::nodes::{NodeSpec, SshSpec};
use crate::registries::RegistrySpec;
use crate::section::{CommonSpec, NODE_KEYS, Section};

/// The JSON Schema (draft 2020-12) of a config with these sections.
///
/// Wherever a value may be written as a template, text with `${` in it is allowed beside the value's own type.
pub fn editor_schema(sections: &[Section]) -> Json {
    let mut document = Document::default();
    let mut properties = Map::new();
    let mut add = |key: &str, description: &str, mut schema: Json| {
        schema["description"] = description.into();
        properties.insert(key.to_owned(), schema);
    };
    add("hactl", "The version of the format.", json!({"const": 1}));
    add("name", "The name of the stack, and of its state. It may use variables.", json!({"type": "string"}));
    add(
        "variables",
        "Values that differ between runs: `name: default`, or a map of `default`, `description` and `sensitive`. \
         Set them with `--var name=value`, `--var-file` or `HACTL_VAR_name`.",
        named(variable()),
    );
    add("ssh", "Defaults for how to log in to nodes.", document.embed("ssh", spec::<SshSpec>()));
    add("nodes", "The hosts, by name.", named(document.embed("node", spec::<NodeSpec>())));
    add(
        "registries",
        "How to log in to image registries, by `host[:port]` as in image names; `docker.io` for images without a host.",
        named(document.embed("registry", spec::<RegistrySpec>())),
    );
    add("encryption", "Who can read the secrets in the state.", document.embed("encryption", spec::<EncryptionSpec>()));
    add("git", "How the state is kept in git, and how a team takes turns.", document.embed("git", spec::<GitSpec>()));
    add(
        "kubernetes",
        "The Kubernetes cluster that objects are on, and how to reach it.",
        document.embed("kubernetes", spec::<KubernetesSpec>()),
    );
    for section in sections {
        let mut schema = (section.schema)();
        add_common_keys(&mut schema, section);
        let description = format!("Resources of the kind `{}`, by name.", section.kind);
        add(section.key, &description, named(document.embed(section.kind, schema)));
    }
    add(
        "moved",
        "Resources that had another address before: they keep what they are, and nothing is made anew.",
        json!({"type": "array", "items": document.embed("moved", spec::<MovedSpec>())}),
    );
    add(
        "removed",
        "Resources that are no longer managed: they are taken out of the state and left as they are.",
        json!({"type": "array", "items": document.embed("removed", spec::<RemovedSpec>())}),
    );
    add("outputs", "Values to show after an apply.", named(json!({})));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hactl config",
        "type": "object",
        "required": ["hactl"],
        "properties": properties,
        "patternProperties": {"^x-": true},
        "additionalProperties": false,
        "$defs": document.definitions,
    })
}

fn spec<T: JsonSchema>() -> Json {
    schema_for!(T).to_value()
}

fn named(schema: Json) -> Json {
    json!({"type": "object", "additionalProperties": schema})
}

fn variable() -> Json {
    json!({
        "anyOf": [
            {"type": ["string", "number", "boolean", "array", "null"]},
            {
                "type": "object",
                "properties": {
                    "default": {"description": "The value where none is given; it decides the type."},
                    "description": {"type": "string", "description": "What the variable is for."},
                    "sensitive": {"type": "boolean", "description": "Never show the value, nor store it in plain text."},
                },
                "additionalProperties": false,
            },
        ]
    })
}

/// Adds the keys that every declaration has to the schema of a kind.
fn add_common_keys(schema: &mut Json, section: &Section) {
    let mut common = spec::<CommonSpec>();
    if section.node_keys.len() < NODE_KEYS.len()
        && let Some(common) = common.as_object_mut()
    {
        // Selectors are all that it defines.
        if !section.takes("nodes") {
            common.remove("$defs");
        }
        if let Some(Json::Object(properties)) = common.get_mut("properties") {
            properties.retain(|key, _| section.takes(key));
        }
    }
    for keyword in ["properties", "$defs"] {
        let Some(from) = common.get(keyword).and_then(Json::as_object) else {
            continue;
        };
        if let Some(object) = schema.as_object_mut() {
            let into = object.entry(keyword).or_insert_with(|| json!({}));
            if let Some(into) = into.as_object_mut() {
                into.extend(from.clone());
            }
        }
    }
    if section.on_nodes
        && let Some(object) = schema.as_object_mut()
    {
        let required = object.entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            required.push("nodes".into());
        }
    }
}

/// The definitions of all embedded schemas, each under the name of what it belongs to.
#[derive(Default)]
struct Document {
    definitions: Map<String, Json>,
}

impl Document {
    /// Moves a schema's definitions into the document and returns the rest of it.
    fn embed(&mut self, owner: &str, mut schema: Json) -> Json {
        let definitions = schema.as_object_mut().and_then(|object| {
            object.remove("$schema");
            object.remove("title");
            object.remove("$defs")
        });
        if let Some(Json::Object(definitions)) = definitions {
            for (name, mut definition) in definitions {
                adapt(&mut definition, owner);
                self.definitions.insert(format!("{owner}.{name}"), definition);
            }
        }
        adapt(&mut schema, owner);
        schema
    }
}

/// Points references at the document's definitions, allows templates as values, and `x-` keys in closed maps.
fn adapt(schema: &mut Json, owner: &str) {
    let Json::Object(object) = schema else {
        return;
    };
    if let Some(Json::String(reference)) = object.get_mut("$ref") {
        *reference = reference.replacen("#/$defs/", &format!("#/$defs/{owner}."), 1);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        if let Some(Json::Array(alternatives)) = object.get_mut(keyword) {
            alternatives.iter_mut().for_each(|alternative| adapt(alternative, owner));
        }
    }
    if let Some(Json::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(|property| adapt_value(property, owner));
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(keyword) {
            adapt_value(inner, owner);
        }
    }
    if object.get("additionalProperties") == Some(&Json::Bool(false)) {
        object.insert("patternProperties".to_owned(), json!({"^x-": true}));
    }
}

fn adapt_value(schema: &mut Json, owner: &str) {
    adapt(schema, owner);
    let Json::Object(object) = schema else {
        return;
    };
    let is_any = !["type", "$ref", "oneOf", "anyOf", "allOf", "enum", "const"]
        .iter()
        .any(|keyword| object.contains_key(*keyword));
    let is_plain_text =
        object.get("type") == Some(&json!("string")) && !object.contains_key("enum") && !object.contains_key("const");
    if is_any {
        return;
    }
    if is_plain_text {
        // A format is a note to editors; they would mark templates as mistakes.
        object.remove("format");
        return;
    }
    let description = object.remove("description");
    let own = std::mem::take(object);
    object.extend(description.map(|text| ("description".to_owned(), text)));
    let template = json!({"type": "string", "pattern": r"\$\{"});
    object.insert("anyOf".to_owned(), json!([own, template]));
}
