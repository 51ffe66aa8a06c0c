//! Small changes to maps that may hold anything. What is not of the expected form is left alone.

use hactl_core::value::{Map, Value};

/// The map at the end of a path of keys, if all of it is there.
pub(super) fn map_at<'a>(map: &'a mut Map, path: &[&str]) -> Option<&'a mut Map> {
    path.iter().try_fold(map, |map, key| match map.get_mut(*key) {
        Some(Value::Map(inner)) => Some(inner),
        _ => None,
    })
}

/// The map under a key, made where there is nothing; none where there is something else.
pub(super) fn map_made<'a>(map: &'a mut Map, key: &str) -> Option<&'a mut Map> {
    fill(map, key, Map::new());
    map_at(map, &[key])
}

/// The maps in the list under a key.
pub(super) fn maps_in<'a>(map: &'a mut Map, key: &str) -> impl Iterator<Item = &'a mut Map> {
    let list = match map.get_mut(key) {
        Some(Value::List(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    list.iter_mut().filter_map(|item| match item {
        Value::Map(map) => Some(map),
        _ => None,
    })
}

/// Sets a key where there is nothing, and tells whether it did.
pub(super) fn fill(map: &mut Map, key: &str, value: impl Into<Value>) -> bool {
    let empty = map.get(key).is_none_or(Value::is_null);
    if empty {
        map.insert(key.to_owned(), value.into());
    }
    empty
}

/// Takes what is under a key out; none where there is nothing.
pub(super) fn take(map: &mut Map, key: &str) -> Option<Value> {
    map.remove(key).filter(|value| !value.is_null())
}

/// Moves what is under one key to another, unless there is something.
pub(super) fn rename(map: &mut Map, from: &str, to: &str) {
    if let Some(value) = take(map, from) {
        fill(map, to, value);
    }
}
