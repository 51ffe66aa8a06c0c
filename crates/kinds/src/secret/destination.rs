//! The Kubernetes Secret that a secret is delivered as.

use hactl_config::Node;
use hactl_core::Address;
use hactl_core::diagnostic::{Diagnostic, did_you_mean};
use hactl_core::resource::Dependency;
use hactl_core::value::{Map, Value};

use crate::decode::decode_node;
use crate::manifest::{self, Asked};
use crate::registry::{Draft, Part};
use crate::secret::spec::DestinationSpec;

/// The type of Secrets with a certificate and its key.
const TLS: &str = "kubernetes.io/tls";

/// The Secret that a declaration asks for; none where it asks for none, or what it says is wrong.
pub(super) fn lower(draft: &Draft<'_>, entries: &Map, diagnostics: &mut Vec<Diagnostic>) -> Option<Part> {
    let Some(written) = draft.body.get("kubernetes") else {
        if let Some(span) = draft.adopt {
            diagnostics.push(
                Diagnostic::error(
                    "a secret has no `adopt` of its own: there is nothing outside of the state to take over",
                )
                .at(span)
                .help("it is for secrets that are delivered as a Secret of `kubernetes`"),
            );
        }
        return None;
    };
    let spec: DestinationSpec = decode_node(draft, &["kubernetes"], diagnostics)?;
    let name = spec.name.as_deref().unwrap_or(draft.name);
    let mut metadata = Map::from([("name".to_owned(), Value::from(name))]);
    metadata.extend(spec.namespace.as_deref().map(|namespace| ("namespace".to_owned(), Value::from(namespace))));
    let secret_type = spec.secret_type.as_deref().unwrap_or("Opaque");
    let before = diagnostics.len();
    let mut data = Map::new();
    for (key, entry) in keys(&spec, secret_type, entries) {
        match entries.get(&entry) {
            Some(value) => {
                data.insert(key, manifest::encoded(value));
            }
            None => diagnostics.push(unknown_entry(written, &key, &entry, entries)),
        }
    }
    if diagnostics.len() > before {
        return None;
    }
    let secret = Value::Map(Map::from([
        ("apiVersion".to_owned(), Value::from("v1")),
        ("data".to_owned(), Value::Map(data)),
        ("kind".to_owned(), Value::from("Secret")),
        ("metadata".to_owned(), Value::Map(metadata)),
        ("type".to_owned(), Value::from(secret_type)),
    ]));
    let node = Node::from_value(secret, written.span);
    let object = manifest::lower_object(&node, None, draft.config, diagnostics)?;
    let asked = Asked { force_conflicts: spec.force_conflicts, ..Asked::default() };
    let part = object.part(Address::new("secret", &format!("{}.object", draft.name), None), &asked);
    Some(Part { dependencies: vec![Dependency::on(Address::new("secret", draft.name, None))], ..part })
}

/// The keys of the Secret, each with the entry that it holds.
fn keys(spec: &DestinationSpec, secret_type: &str, entries: &Map) -> Vec<(String, String)> {
    let pair = |key: &str, entry: &str| (key.to_owned(), entry.to_owned());
    if !spec.keys.is_empty() {
        return spec.keys.iter().map(|(key, entry)| pair(key, entry)).collect();
    }
    if secret_type == TLS && entries.contains_key("chain") && entries.contains_key("privateKey") {
        return vec![pair("tls.crt", "chain"), pair("tls.key", "privateKey")];
    }
    entries.keys().map(|entry| pair(entry, entry)).collect()
}

fn unknown_entry(written: &Node, key: &str, entry: &str, entries: &Map) -> Diagnostic {
    let span = written.at_path(&["keys", key]).map_or(written.span, |node| node.span);
    let names: Vec<&str> = entries.keys().map(String::as_str).collect();
    let help = match did_you_mean(entry, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has: {}", names.join(", ")),
    };
    Diagnostic::error(format!("the secret has no entry `{entry}`")).at(span).help(help)
}
