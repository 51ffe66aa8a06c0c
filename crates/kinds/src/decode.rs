//! From an evaluated spec to its typed form.

use hactl_config::{Data, Node};
use hactl_core::Diagnostic;
use hactl_core::value::Value;
use serde::de::DeserializeOwned;

use crate::registry::Draft;

/// Decodes a spec of a config; what is wrong is reported at its place.
///
/// Its shape was validated before, so what is left is mostly a value known only at apply where one is needed now.
pub(crate) fn decode<T: DeserializeOwned>(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<T> {
    decode_node(draft, &[], diagnostics)
}

/// Decodes what is at a path of keys in a spec, which is there.
pub(crate) fn decode_node<T: DeserializeOwned>(
    draft: &Draft<'_>,
    path: &[&str],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<T> {
    let body = draft.body.at_path(path)?;
    if has_invalid(body) {
        return None;
    }
    let json = serde_json::to_value(body.to_value()).unwrap_or_default();
    match serde_path_to_error::deserialize(json) {
        Ok(spec) => Some(spec),
        Err(error) => {
            let (path, place) = locate(body, path.join("."), error.path());
            let span = place.map_or(draft.span, |node| node.span);
            let deferred = place.and_then(|node| match &node.data {
                Data::Deferred(deferred) => Some(deferred),
                _ => None,
            });
            let diagnostic = if deferred.is_some_and(|deferred| deferred.sensitive) {
                shown_to_all(&path)
            } else if deferred.is_some() {
                Diagnostic::error(format!(
                    "`{path}` is needed before anything is applied, and this value is known only then"
                ))
                .help("use a value that the config itself holds; only texts such as `env` and `content` can wait")
            } else {
                Diagnostic::error(format!("`{path}`: {}", error.inner()))
            };
            diagnostics.push(diagnostic.at(span));
            None
        }
    }
}

/// Reports a sensitive value at a path of keys, where others can read it or where it decides names and paths.
pub(crate) fn refuse_sensitive(draft: &Draft<'_>, path: &[&str], value: &Value, diagnostics: &mut Vec<Diagnostic>) {
    if value.is_sensitive() {
        let span = (0..=path.len()).rev().find_map(|length| draft.body.at_path(&path[..length])).map(|node| node.span);
        diagnostics.push(shown_to_all(&path.join(".")).at(span.unwrap_or(draft.span)));
    }
}

fn shown_to_all(path: &str) -> Diagnostic {
    Diagnostic::error(format!("`{path}` cannot hold a sensitive value: it is shown in plans, in state and on the host"))
        .help("use a value that is not sensitive here; a secret is delivered in the `content` of a file, which `volumes` mount")
}

/// Decodes a spec as it was planned or applied.
///
/// # Errors
/// When it is not of this kind's form, which takes a damaged plan or state.
pub(crate) fn decode_value<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    let json = serde_json::to_value(value).map_err(|error| error.to_string())?;
    serde_path_to_error::deserialize(json)
        .map_err(|error| format!("the spec cannot be read at `{}`: {}", error.path(), error.inner()))
}

fn locate<'a>(body: &'a Node, above: String, path: &serde_path_to_error::Path) -> (String, Option<&'a Node>) {
    let mut node = Some(body);
    let mut words = above;
    for segment in path {
        match segment {
            serde_path_to_error::Segment::Map { key } if key == hactl_core::value::MARKER => break,
            serde_path_to_error::Segment::Map { key } => {
                if !words.is_empty() {
                    words.push('.');
                }
                words.push_str(key);
                node = node.and_then(|node| node.get(key));
            }
            serde_path_to_error::Segment::Seq { index } => {
                words.push_str(&format!("[{index}]"));
                node = node.and_then(|node| node.items().get(*index));
            }
            serde_path_to_error::Segment::Enum { variant } => {
                if let Some(inner) = node.and_then(|node| node.get(variant)) {
                    words.push_str(&format!(".{variant}"));
                    node = Some(inner);
                }
            }
            serde_path_to_error::Segment::Unknown => {}
        }
    }
    (words, node)
}

fn has_invalid(node: &Node) -> bool {
    match &node.data {
        Data::Invalid => true,
        Data::List(items) => items.iter().any(has_invalid),
        Data::Map(entries) => entries.iter().any(|entry| has_invalid(&entry.value)),
        _ => false,
    }
}
