//! State as JSON, in the shape of Terraform's `show -json`, so that tools which read that work unchanged.

use hactl_core::Address;
use hactl_core::state::State;
use hactl_core::value::{Map, Value};
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::render::value::{json, sensitive_json};

/// The version of this shape, Terraform's.
const FORMAT_VERSION: &str = "1.0";

/// The version that stands in every JSON document that hactl writes.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A state: `{format_version, values: {outputs, root_module: {resources: […]}}}`.
///
/// A resource's `values` are what was applied, and beside it what became known by that, as a container's id. Sensitive
/// values are null and marked in `sensitive_values`.
pub(crate) fn state_json(state: &State) -> Json {
    let resources: Vec<Json> = state
        .resources
        .iter()
        .map(|(address, resource)| {
            let mut values = (*resource.spec).clone();
            if let Value::Map(values) = &mut values {
                for (name, output) in &resource.outputs {
                    values.entry(name.clone()).or_insert_with(|| output.clone());
                }
            }
            let mut entry = resource_json(address, &values);
            let depends_on: Vec<&str> = resource.dependencies.iter().map(|needed| needed.on.as_str()).collect();
            entry.insert("depends_on".to_owned(), json!(depends_on));
            Json::Object(entry)
        })
        .collect();
    json!({
        "format_version": FORMAT_VERSION,
        "terraform_version": VERSION,
        "hactl_version": VERSION,
        "values": {"outputs": outputs_json(&state.outputs), "root_module": {"resources": resources}},
    })
}

/// Outputs by name: `{sensitive, value}`, without a value that is sensitive or not known.
pub(crate) fn outputs_json(outputs: &Map) -> Json {
    let entries = outputs.iter().map(|(name, value)| (name.clone(), output_json(value)));
    Json::Object(entries.collect())
}

fn output_json(value: &Value) -> Json {
    if value.is_plain() {
        json!({"sensitive": false, "type": type_json(value), "value": json(value)})
    } else {
        json!({"sensitive": value.is_sensitive()})
    }
}

/// A resource with its values: the entry that `resources` lists hold.
pub(crate) fn resource_json(address: &Address, values: &Value) -> JsonMap<String, Json> {
    let mut entry = identity_json(address);
    entry.insert("schema_version".to_owned(), json!(0));
    entry.insert("values".to_owned(), json(values));
    entry.insert("sensitive_values".to_owned(), sensitive_json(values));
    entry
}

/// What an address says: `address`, `mode`, `type`, `name`, `index` where there is a key, `provider_name`.
pub(crate) fn identity_json(address: &Address) -> JsonMap<String, Json> {
    let mut entry = JsonMap::new();
    entry.insert("address".to_owned(), json!(address.as_str()));
    entry.insert("mode".to_owned(), json!("managed"));
    entry.insert("type".to_owned(), json!(address.kind()));
    entry.insert("name".to_owned(), json!(address.name()));
    if let Some(key) = address.key() {
        entry.insert("index".to_owned(), json!(key));
    }
    entry.insert("provider_name".to_owned(), json!("hactl"));
    entry
}

/// A value's type as Terraform writes it: `"string"`, `["tuple", […]]`, `["object", {…}]`.
fn type_json(value: &Value) -> Json {
    match value {
        Value::Bool(_) => json!("bool"),
        Value::Int(_) | Value::Float(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::List(items) => json!(["tuple", items.iter().map(type_json).collect::<Vec<_>>()]),
        Value::Map(map) => {
            let fields: JsonMap<String, Json> =
                map.iter().map(|(key, value)| (key.clone(), type_json(value))).collect();
            json!(["object", fields])
        }
        Value::Null | Value::Deferred(_) | Value::Sealed(_) => json!("dynamic"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plan::samples;

    #[test]
    fn shape() {
        insta::with_settings!({filters => vec![(VERSION, "[version]")]}, {
            insta::assert_snapshot!(serde_json::to_string_pretty(&state_json(&samples::small_state())).unwrap(), @r#"
            {
              "format_version": "1.0",
              "terraform_version": "[version]",
              "hactl_version": "[version]",
              "values": {
                "outputs": {
                  "token": {
                    "sensitive": true
                  },
                  "url": {
                    "sensitive": false,
                    "type": "string",
                    "value": "https://shop.example.com"
                  }
                },
                "root_module": {
                  "resources": [
                    {
                      "address": "container.web[\"node1\"]",
                      "mode": "managed",
                      "type": "container",
                      "name": "web",
                      "index": "node1",
                      "provider_name": "hactl",
                      "schema_version": 0,
                      "values": {
                        "env": {
                          "GREETING": "hello"
                        },
                        "id": "c0ffee",
                        "image": "nginx:1.25",
                        "password": null
                      },
                      "sensitive_values": {
                        "password": true
                      },
                      "depends_on": [
                        "file.site[\"node1\"]"
                      ]
                    },
                    {
                      "address": "container.web[\"node2\"]",
                      "mode": "managed",
                      "type": "container",
                      "name": "web",
                      "index": "node2",
                      "provider_name": "hactl",
                      "schema_version": 0,
                      "values": {
                        "env": {
                          "GREETING": "hello"
                        },
                        "id": "c0ffee",
                        "image": "nginx:1.25",
                        "password": null
                      },
                      "sensitive_values": {
                        "password": true
                      },
                      "depends_on": [
                        "file.site[\"node2\"]"
                      ]
                    },
                    {
                      "address": "file.site[\"node1\"]",
                      "mode": "managed",
                      "type": "file",
                      "name": "site",
                      "index": "node1",
                      "provider_name": "hactl",
                      "schema_version": 0,
                      "values": {
                        "content": "<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n",
                        "id": "c0ffee",
                        "mode": "0644",
                        "path": "/srv/index.html"
                      },
                      "sensitive_values": {},
                      "depends_on": []
                    },
                    {
                      "address": "file.site[\"node2\"]",
                      "mode": "managed",
                      "type": "file",
                      "name": "site",
                      "index": "node2",
                      "provider_name": "hactl",
                      "schema_version": 0,
                      "values": {
                        "content": "<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n",
                        "id": "c0ffee",
                        "mode": "0644",
                        "path": "/srv/index.html"
                      },
                      "sensitive_values": {},
                      "depends_on": []
                    }
                  ]
                }
              }
            }
            "#);
        });
    }
}
