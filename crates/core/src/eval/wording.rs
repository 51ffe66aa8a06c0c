//! Pieces of error messages that hold what a user wrote, kept short: it may be megabytes long.

use super::EvalError;
use crate::diagnostic::did_you_mean;
use crate::value::Map;

/// Most characters of a text, and keys of a map, that an error shows.
const SHOWN: usize = 60;

/// Most keys of a map that an error lists.
const KEYS_LISTED: usize = 12;

/// Most keys among which one that was meant is searched.
const KEYS_SEARCHED: usize = 1_000;

/// The start of a text.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The key of a map that was meant by a mistyped one.
pub(super) fn near_key<'m>(key: &str, map: &'m Map) -> Option<&'m str> {
    let short = |key: &&str| key.len() <= SHOWN;
    let keys = map.keys().map(String::as_str).filter(short).take(KEYS_SEARCHED);
    Some(key).filter(short).and_then(|key| did_you_mean(key, keys))
}

/// Adds to an error about a missing key which one was meant, or which there are.
pub(super) fn with_keys(error: EvalError, key: &str, map: &Map) -> EvalError {
    if let Some(near) = near_key(key, map) {
        return error.help(format!("did you mean `{near}`?"));
    }
    if map.is_empty() {
        return error.help("the map is empty");
    }
    let keys: Vec<String> = map.keys().take(KEYS_LISTED).map(|key| brief(key)).collect();
    let more = if map.len() > KEYS_LISTED { ", …" } else { "" };
    error.help(format!("keys are: {}{more}", keys.join(", ")))
}
