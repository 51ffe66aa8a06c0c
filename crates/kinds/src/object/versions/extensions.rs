//! What extends the API: custom resource definitions and admission webhooks.

use hactl_core::value::{Map, Value};

use super::Notes;
use super::edit::{fill, map_at, map_made, maps_in, rename, take};

/// A CustomResourceDefinition of `apiextensions.k8s.io/v1beta1`.
///
/// It kept fields that its schema does not name, unless it said `preserveUnknownFields: false`. Version 1 says the same
/// in the schema, at every level that has fields.
pub(super) fn custom_resource_definition(object: &mut Map, notes: &mut Notes) {
    let Some(spec) = map_at(object, &["spec"]) else { return };
    if fill(spec, "scope", "Namespaced") {
        notes.kept("`spec.scope` Namespaced");
    }
    let prunes = take(spec, "preserveUnknownFields") == Some(Value::Bool(false));
    versions(spec);
    let shared = ["validation", "subresources", "additionalPrinterColumns"].map(|key| take(spec, key));
    let mut accepts_anything = false;
    for version in maps_in(spec, "versions") {
        for (key, value) in ["schema", "subresources", "additionalPrinterColumns"].into_iter().zip(&shared) {
            if let Some(value) = value {
                fill(version, key, value.clone());
            }
        }
        for column in maps_in(version, "additionalPrinterColumns") {
            rename(column, "JSONPath", "jsonPath");
        }
        let Some(schema) = map_made(version, "schema").and_then(|schema| map_made(schema, "openAPIV3Schema")) else {
            continue;
        };
        accepts_anything |= schema.is_empty();
        fill(schema, "type", "object");
        if !prunes {
            keep_unknown(schema, true);
        }
    }
    if accepts_anything {
        notes.say("A schema that accepts any object is filled in where there was none.");
    }
    if !prunes {
        notes
            .kept("fields that a schema does not name are kept (`x-kubernetes-preserve-unknown-fields` in the schema)");
    }
    conversion(spec);
}

/// `version`, where it is not there, is the first of `versions`.
fn versions(spec: &mut Map) {
    let Some(name) = take(spec, "version") else { return };
    let only = Map::from([
        ("name".to_owned(), name),
        ("served".to_owned(), Value::Bool(true)),
        ("storage".to_owned(), Value::Bool(true)),
    ]);
    if spec.get("versions").and_then(Value::as_list).is_some_and(<[Value]>::is_empty) {
        take(spec, "versions");
    }
    fill(spec, "versions", Value::List(vec![only.into()]));
}

fn keep_unknown(schema: &mut Map, root: bool) {
    const FIELD: &str = "x-kubernetes-preserve-unknown-fields";
    let has_fields = matches!(schema.get("properties"), Some(Value::Map(_)));
    let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
    if root || has_fields || (is_object && !schema.contains_key("additionalProperties")) {
        fill(schema, FIELD, true);
    }
    if let Some(properties) = map_at(schema, &["properties"]) {
        for (name, property) in properties {
            // The metadata of an object have a schema of their own, to which nothing may be added.
            if let Value::Map(property) = property
                && !(root && name == "metadata")
            {
                keep_unknown(property, false);
            }
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = map_at(schema, &[key]) {
            keep_unknown(inner, false);
        }
    }
}

fn conversion(spec: &mut Map) {
    let Some(conversion) = map_at(spec, &["conversion"]) else { return };
    let client = take(conversion, "webhookClientConfig");
    let versions = take(conversion, "conversionReviewVersions");
    if conversion.get("strategy").and_then(Value::as_str) != Some("Webhook") {
        return;
    }
    let Some(webhook) = map_made(conversion, "webhook") else { return };
    if let Some(client) = client {
        fill(webhook, "clientConfig", client);
    }
    fill(webhook, "conversionReviewVersions", versions.unwrap_or_else(|| vec!["v1beta1"].into()));
}

/// A MutatingWebhookConfiguration or ValidatingWebhookConfiguration of `admissionregistration.k8s.io/v1beta1`.
pub(super) fn webhooks(object: &mut Map, notes: &mut Notes) {
    let mut assumed = false;
    for webhook in maps_in(object, "webhooks") {
        let name = webhook.get("name").and_then(Value::as_str).unwrap_or("?").to_owned();
        for (key, value) in [
            ("failurePolicy", Value::from("Ignore")),
            ("matchPolicy", Value::from("Exact")),
            ("timeoutSeconds", Value::Int(30)),
            ("admissionReviewVersions", vec!["v1beta1"].into()),
        ] {
            let shown = if key == "admissionReviewVersions" { "[v1beta1]".to_owned() } else { plain(&value) };
            if fill(webhook, key, value) {
                notes.kept(format!("`{key}` {shown} of {name}"));
            }
        }
        if webhook.get("sideEffects").and_then(Value::as_str) == Some("Unknown") {
            take(webhook, "sideEffects");
        }
        assumed |= fill(webhook, "sideEffects", "None");
    }
    if assumed {
        notes.say(
            "`sideEffects` is filled in as None, because v1 no longer has Unknown: \
             check that the webhook changes nothing outside of the object it is asked about.",
        );
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("{value:?}"), str::to_owned)
}
