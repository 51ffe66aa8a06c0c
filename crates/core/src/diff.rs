//! The structural difference between two values.

use crate::value::{Map, Value};

/// A path into a value: the keys of maps from the outside in. Lists are compared as a whole.
pub type Path = Vec<String>;

/// The paths at which two values differ, in order; an empty path when they differ altogether.
pub fn diff(before: &Value, after: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    compare(before, after, &mut Vec::new(), &mut paths);
    paths
}

/// Whether two values are the same as far as can be told: a sensitive value is the same as one that was applied
/// when their keyed digests are; a value known only after apply is the same as nothing.
pub fn same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Sealed(sealed), Value::Deferred(deferred)) | (Value::Deferred(deferred), Value::Sealed(sealed)) => {
            deferred.digest == Some(sealed.digest)
        }
        (Value::Sealed(a), Value::Sealed(b)) => a.digest == b.digest,
        (Value::Deferred(a), Value::Deferred(b)) => a.digest.is_some() && a.digest == b.digest,
        (Value::Int(int), Value::Float(float)) | (Value::Float(float), Value::Int(int)) => *int as f64 == *float,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && same(a, b))
        }
        _ => before == after,
    }
}

/// Whether two values differ at most in sensitive ones that cannot be compared for want of their key.
pub fn may_be_same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Sealed(_), Value::Deferred(deferred)) => deferred.sensitive && deferred.digest.is_none(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| may_be_same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && may_be_same(a, b))
        }
        _ => same(before, after),
    }
}

fn compare(before: &Value, after: &Value, at: &mut Path, paths: &mut Vec<Path>) {
    match (before, after) {
        (Value::Map(before), Value::Map(after)) => {
            for key in keys(before, after) {
                at.push(key.clone());
                match (before.get(key), after.get(key)) {
                    (Some(before), Some(after)) => compare(before, after, at, paths),
                    _ => paths.push(at.clone()),
                }
                at.pop();
            }
        }
        _ if same(before, after) => {}
        _ => paths.push(at.clone()),
    }
}

/// The keys of both maps, each once, in order.
pub fn keys<'a>(a: &'a Map, b: &'a Map) -> impl Iterator<Item = &'a String> {
    let mut a = a.keys().peekable();
    let mut b = b.keys().peekable();
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if x == y => {
            b.next();
            a.next()
        }
        (Some(x), Some(y)) if x < y => a.next(),
        (_, Some(_)) => b.next(),
        (_, None) => a.next(),
    })
}

/// The value at a path; none where there is nothing.
pub fn at_path<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Puts `from`'s value at a path into `into`, or removes it there where `from` has none.
///
/// Does nothing where the path leads through something that is no map.
pub fn copy_path(from: &Value, into: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let source = at_path(from, path).cloned();
    let mut target = into;
    for key in parents {
        let Value::Map(map) = target else { return };
        if source.is_none() && !map.contains_key(key) {
            return;
        }
        target = map.entry(key.clone()).or_insert_with(|| Value::Map(Map::new()));
    }
    let Value::Map(map) = target else { return };
    match source {
        Some(value) => {
            map.insert(last.clone(), value);
        }
        None => {
            map.remove(last);
        }
    }
}

/// A path in the words of a config: `env.GREETING`; a key that is no plain word is quoted.
pub fn display_path(path: &[String]) -> String {
    path.iter()
        .enumerate()
        .map(|(index, key)| {
            let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
            match (plain, index) {
                (true, 0) => key.clone(),
                (true, _) => format!(".{key}"),
                (false, _) => format!("[\"{key}\"]"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn paths_of_what_differs() {
        let before = value(r#"{"image":"a:1","env":{"A":"1","B":"2"},"ports":["80:80"],"x":null}"#);
        let after = value(r#"{"image":"a:2","env":{"B":"3","C":"4"},"ports":["80:80","81:81"],"x":null}"#);
        let paths: Vec<_> = diff(&before, &after).iter().map(|path| display_path(path)).collect();
        assert_eq!(paths, ["env.A", "env.B", "env.C", "image", "ports"]);
        assert!(diff(&after, &after).is_empty());
    }

    #[test]
    fn ignored_paths_are_copied_back() {
        let before = value(r#"{"env":{"A":"1"},"cpus":1}"#);
        let mut after = value(r#"{"env":{"A":"2","B":"3"}}"#);
        for path in [vec!["env", "A"], vec!["env", "B"], vec!["cpus"], vec!["no", "such"]] {
            copy_path(&before, &mut after, &path.into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
        assert_eq!(before, after);
    }
}
