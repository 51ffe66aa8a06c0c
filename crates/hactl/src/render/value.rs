//! Values and their differences as text and as plain JSON. A sensitive value is never shown, only that it is there.

use hactl_core::value::Value;
use serde_json::{Map as JsonMap, Value as Json};
use similar::{Algorithm, ChangeTag, DiffOp, TextDiff, capture_diff_slices};

/// Lines around a change in a text.
const CONTEXT: usize = 2;

/// Texts with more lines than this are not compared line by line.
const COMPARED_LINES: usize = 20_000;

/// A value on one line; a sensitive or deferred one by what it stands for.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Deferred(deferred) if deferred.sensitive => "(sensitive)".to_owned(),
        Value::Sealed(_) => "(sensitive)".to_owned(),
        Value::Deferred(_) => "(known after apply)".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{} = {}", key_text(key), inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        plain => format!("{plain:?}"),
    }
}

fn key_text(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    if plain { key.to_owned() } else { format!("{key:?}") }
}

/// The lines of a text that spans several, safe for a terminal; none for any other value.
pub(crate) fn lines_of(value: &Value) -> Option<Vec<String>> {
    let text = value.as_str()?;
    text.trim_end_matches('\n').contains('\n').then(|| text.split_terminator('\n').map(visible).collect())
}

/// The difference of two texts, line by line: sign (`-`, `+` or a space) and line, with `…` where equal lines are left
/// out. None where they are too long to be compared.
pub(crate) fn text_diff(before: &str, after: &str) -> Option<Vec<(char, String)>> {
    if before.lines().count().max(after.lines().count()) > COMPARED_LINES {
        return None;
    }
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            lines.push((' ', "…".to_owned()));
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let line: &str = change.value();
            lines.push((sign, visible(line.strip_suffix('\n').unwrap_or(line))));
        }
    }
    if !before.is_empty() && !after.is_empty() && before.ends_with('\n') != after.ends_with('\n') {
        let which = if after.ends_with('\n') { "before" } else { "after" };
        lines.push((' ', format!("(no newline at the end {which})")));
    }
    Some(lines)
}

/// What two lists differ in: sign (`-` or `+`) and item, in order. Empty where nothing that may be shown differs.
pub(crate) fn list_diff(before: &[Value], after: &[Value]) -> Vec<(char, String)> {
    let before: Vec<String> = before.iter().map(inline).collect();
    let after: Vec<String> = after.iter().map(inline).collect();
    let mut lines = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &before, &after) {
        if !matches!(operation, DiffOp::Equal { .. }) {
            lines.extend(before[operation.old_range()].iter().map(|item| ('-', item.clone())));
            lines.extend(after[operation.new_range()].iter().map(|item| ('+', item.clone())));
        }
    }
    lines
}

/// A line with its control characters escaped, so that none reaches a terminal.
pub(crate) fn visible(line: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        if c != '\t' && (c.is_control() || reorders(c)) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// A value as plain JSON, null where it is deferred or sealed.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Null | Value::Deferred(_) | Value::Sealed(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(text.as_ref()),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => Json::Object(map.iter().map(|(key, value)| (key.clone(), json(value))).collect()),
    }
}

/// Which parts [`json`] cannot tell: `true` in their place, `false` for other values, and only such keys of maps.
pub(crate) fn unknown_json(value: &Value) -> Json {
    marks(value, &|value| matches!(value, Value::Deferred(_) | Value::Sealed(_)))
}

/// Which parts are sensitive, in the shape of [`unknown_json`].
pub(crate) fn sensitive_json(value: &Value) -> Json {
    marks(value, &|value| match value {
        Value::Deferred(deferred) => deferred.sensitive,
        other => matches!(other, Value::Sealed(_)),
    })
}

fn marks(value: &Value, marked: &impl Fn(&Value) -> bool) -> Json {
    match value {
        Value::List(items) => items.iter().map(|item| marks(item, marked)).collect(),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.clone(), marks(value, marked)));
            Json::Object(entries.filter(|(_, mark)| is_marked(mark)).collect::<JsonMap<_, _>>())
        }
        leaf => Json::Bool(marked(leaf)),
    }
}

fn is_marked(mark: &Json) -> bool {
    match mark {
        Json::Bool(mark) => *mark,
        Json::Array(items) => items.iter().any(is_marked),
        Json::Object(entries) => !entries.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use hactl_core::DigestKey;
    use hactl_core::expr::Expr;
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_differ_by_lines_that_cannot_harm_a_terminal() {
        let before = "a\nb\nc\nd\ne\nf\ng\n";
        let after = "a\nb\nc\nd\nE\u{1b}[31m\nf\ng";
        let diff: Vec<String> =
            text_diff(before, after).unwrap().into_iter().map(|(sign, line)| format!("{sign}{line}")).collect();
        assert_eq!(diff, [" c", " d", "-e", "+E\\u{1b}[31m", " f", "-g", "+g", " (no newline at the end after)"]);
        assert!(text_diff(&"x\n".repeat(COMPARED_LINES + 1), "").is_none());
    }

    #[test]
    fn lists_differ_by_items() {
        let list = |items: &[&str]| items.iter().map(|item| Value::from(*item)).collect::<Vec<_>>();
        let diff = list_diff(&list(&["80:80", "81:81"]), &list(&["81:81", "82:82"]));
        assert_eq!(diff, [('-', "\"80:80\"".to_owned()), ('+', "\"82:82\"".to_owned())]);
    }

    #[test]
    fn json_of_what_is_not_held_is_null_and_marked() {
        let sealed = Value::sealed(DigestKey::new([7; 32]).digest(&Value::from("hunter2")));
        let value = Value::Map(
            [
                ("plain".to_owned(), Value::Int(1)),
                ("sealed".to_owned(), sealed),
                ("list".to_owned(), Value::List(vec![Value::Int(1), Value::deferred(Expr::variable("v"), false)])),
                ("map".to_owned(), Value::Map([("x".to_owned(), Value::from("y"))].into())),
            ]
            .into(),
        );
        assert_eq!(json(&value), json!({"list": [1, null], "map": {"x": "y"}, "plain": 1, "sealed": null}));
        assert_eq!(unknown_json(&value), json!({"list": [false, true], "sealed": true}));
        assert_eq!(sensitive_json(&value), json!({"sealed": true}));
    }
}
