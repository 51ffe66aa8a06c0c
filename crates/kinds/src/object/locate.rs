//! Paths of fields as the API server writes them, found in a spec.
//!
//! Errors name fields as in `spec.ports[0].nodePort` or `metadata.annotations[a.b/c]`, conflicts as in
//! `.spec.containers[name="web"].image` or `.metadata.annotations.a.b/c`: a dot may be part of a key, so only the value that
//! a path leads through can tell where a key ends.

use hactl_core::diff::Path;
use hactl_core::value::Value;

/// Where a path of the server leads in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    /// The keys as far as they are there, up to the first list: lists are compared as a whole.
    pub(crate) path: Path,
    /// Whether all of it is there.
    pub(crate) whole: bool,
}

/// Follows a path of the server into a value.
pub(crate) fn locate(value: &Value, field: &str) -> Located {
    let mut at = value;
    let mut rest = field.strip_prefix('.').unwrap_or(field);
    let mut path = Path::new();
    let mut in_list = false;
    while !rest.is_empty() {
        let next = match at {
            Value::Map(_) => step_in_map(at, rest).map(|(key, value, rest)| {
                if !in_list {
                    path.push(key.to_owned());
                }
                (value, rest)
            }),
            Value::List(items) => {
                in_list = true;
                step_in_list(items, rest)
            }
            // What is held as a whole is there in all its parts.
            Value::Sealed(_) | Value::Deferred(_) => return Located { path, whole: true },
            _ => None,
        };
        let Some((value, after)) = next else { return Located { path, whole: false } };
        at = value;
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    Located { path, whole: true }
}

/// The longest key that the rest of a path begins with.
fn step_in_map<'v, 'f>(at: &'v Value, rest: &'f str) -> Option<(&'v str, &'v Value, &'f str)> {
    if let Some(bracket) = rest.strip_prefix('[') {
        let (key, after) = bracket.split_once(']')?;
        let (key, value) = at.as_map()?.get_key_value(key.trim_matches('"'))?;
        return Some((key, value, after));
    }
    let keys = at.as_map()?.iter().filter_map(|(key, value)| {
        let after = rest.strip_prefix(key.as_str())?;
        (after.is_empty() || after.starts_with(['.', '['])).then_some((key.as_str(), value, after))
    });
    keys.max_by_key(|(key, ..)| key.len())
}

/// The item that `[0]`, `[name="web"]` or `[="text"]` means.
fn step_in_list<'v, 'f>(items: &'v [Value], rest: &'f str) -> Option<(&'v Value, &'f str)> {
    let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
    if let Ok(index) = inside.parse::<usize>() {
        return Some((items.get(index)?, after));
    }
    if let Some(text) = inside.strip_prefix('=') {
        return Some((items.iter().find(|item| is_written(item, text))?, after));
    }
    let keys: Vec<(&str, &str)> = inside.split(',').filter_map(|pair| pair.split_once('=')).collect();
    // A key that the item leaves to the server's default fits.
    let fits = |item: &&Value| {
        let written = |(key, text): &(&str, &str)| item.get(key).is_none_or(|value| is_written(value, text));
        keys.iter().all(written) && keys.iter().any(|(key, _)| item.get(key).is_some())
    };
    Some((items.iter().find(fits)?, after))
}

/// Whether a value is written like this in a path.
fn is_written(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => **own == *text.trim_matches('"'),
        Value::Int(own) => own.to_string() == text,
        Value::Bool(own) => own.to_string() == text,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use hactl_core::diff::display_path;
    use serde_json::json;

    #[test]
    fn paths_in_all_their_forms() {
        let spec = from_json(&json!({
            "metadata": {"annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "1", "nginx": "x"},
                "finalizers": ["a/b"]},
            "spec": {"replicas": 1, "ports": [{"port": 80, "nodePort": 30000}],
                "template": {"spec": {"containers": [{"name": "web", "image": "x"}]}}},
        }));
        let table = [
            (".spec.replicas", "spec.replicas", true),
            ("spec.replicas", "spec.replicas", true),
            ("spec.selector", "spec", false),
            (r#".spec.template.spec.containers[name="web"].image"#, "spec.template.spec.containers", true),
            (r#".spec.template.spec.containers[name="web"].args"#, "spec.template.spec.containers", false),
            (r#".spec.template.spec.containers[name="db"].image"#, "spec.template.spec.containers", false),
            ("spec.template.spec.containers[0].image", "spec.template.spec.containers", true),
            (r#".spec.ports[port=80,protocol="TCP"].nodePort"#, "spec.ports", true),
            (
                ".metadata.annotations.nginx.ingress.kubernetes.io/proxy-read-timeout",
                "metadata.annotations[\"nginx.ingress.kubernetes.io/proxy-read-timeout\"]",
                true,
            ),
            ("metadata.annotations[nginx]", "metadata.annotations.nginx", true),
            (r#".metadata.finalizers[="a/b"]"#, "metadata.finalizers", true),
            ("", "", true),
            ("data", "", false),
        ];
        for (field, path, whole) in table {
            let located = locate(&spec, field);
            assert_eq!((display_path(&located.path).as_str(), located.whole), (path, whole), "{field}");
        }
    }
}
