//! Values and their differences as lines of text.

use hactl_core::value::Value;
use similar::{ChangeTag, TextDiff};

/// Lines around a change in a text.
const CONTEXT: usize = 2;

/// A value on one line; a sensitive or deferred one by what it stands for.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::Deferred(deferred) if deferred.sensitive => "(sensitive)".to_owned(),
        Value::Sealed(_) => "(sensitive)".to_owned(),
        Value::Deferred(_) => "(known after apply)".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        plain => format!("{plain:?}"),
    }
}

/// The lines of a text that spans several; none for any other value.
pub(crate) fn lines_of(value: &Value) -> Option<Vec<&str>> {
    let text = value.as_str()?;
    text.trim_end_matches('\n').contains('\n').then(|| text.lines().collect())
}

/// The difference of two texts, line by line: sign and line, with `…` where equal lines are left out.
pub(crate) fn text_diff(before: &str, after: &str) -> Vec<(char, String)> {
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
            lines.push((sign, change.value().trim_end_matches(['\n', '\r']).to_owned()));
        }
    }
    if before.ends_with('\n') != after.ends_with('\n') {
        let which = if after.ends_with('\n') { "before" } else { "after" };
        lines.push((' ', format!("(no newline at the end {which})")));
    }
    lines
}
