//! The fields of a resource: all of a new one, those that differ of a changed one.

use hactl_core::diff::{at_path, display_path};
use hactl_core::plan::PathChange;
use hactl_core::value::Value;

use crate::render::plan::page::{Page, Tone};
use crate::render::value::{inline, lines_of, list_diff, text_diff};

/// Names are aligned up to this width, in characters.
const ALIGNED: usize = 28;
/// Longer values get lines of their own, in characters.
const ONE_LINE: usize = 100;
/// A new text shows this many lines.
const NEW_TEXT_LINES: usize = 24;

/// Every field with a value, one a line, nested ones by their path.
pub(super) fn all(page: &mut Page, indent: usize, value: &Value) {
    let mut leaves = Vec::new();
    collect(value, &mut Vec::new(), &mut leaves);
    let width = leaves.iter().map(|(name, _)| name.chars().count()).filter(|width| *width <= ALIGNED).max();
    for (name, value) in leaves {
        field(page, indent, &format!("{name:<width$}", width = width.unwrap_or(0)), value);
    }
}

/// The fields that differ, old and new.
pub(super) fn different(page: &mut Page, indent: usize, before: &Value, after: &Value, paths: &[PathChange]) {
    for change in paths {
        let name = name_of(&change.path);
        let mut marks = Vec::new();
        if change.drifted {
            marks.push("changed on the host");
        }
        if change.forces_replacement {
            marks.push("forces replacement");
        }
        match (at_path(before, &change.path), at_path(after, &change.path)) {
            (Some(before), Some(after)) => changed(page, indent, &name, before, after, marks),
            (None, Some(after)) => one_sided(page, indent, '+', &change.path, after, &marks),
            (Some(before), None) => one_sided(page, indent, '-', &change.path, before, &marks),
            (None, None) => {}
        }
    }
}

/// One name and its value: `name = "value"`, or lines of their own for a long one.
pub(super) fn field(page: &mut Page, indent: usize, name: &str, value: &Value) {
    if let Some(lines) = lines_of(value) {
        page.line(indent, Tone::Plain, format!("{name} = ({} lines)", lines.len()));
        for line in lines.iter().take(NEW_TEXT_LINES) {
            page.line(indent + 2, Tone::Plain, format!("| {line}"));
        }
        if lines.len() > NEW_TEXT_LINES {
            page.line(indent + 2, Tone::Plain, format!("… and {} more lines", lines.len() - NEW_TEXT_LINES));
        }
        return;
    }
    let text = inline(value);
    match value.as_list() {
        Some(items) if text.chars().count() > ONE_LINE => {
            page.line(indent, Tone::Plain, format!("{name} = ["));
            for item in items {
                page.line(indent + 2, Tone::Plain, format!("{},", inline(item)));
            }
            page.line(indent, Tone::Plain, "]");
        }
        _ => page.line(indent, Tone::Plain, format!("{name} = {text}")),
    }
}

fn collect<'a>(value: &'a Value, path: &mut Vec<String>, leaves: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Null => {}
        Value::List(items) if items.is_empty() => {}
        Value::Map(map) => {
            for (key, value) in map {
                path.push(key.clone());
                collect(value, path, leaves);
                path.pop();
            }
        }
        leaf => leaves.push((name_of(path), leaf)),
    }
}

fn name_of(path: &[String]) -> String {
    if path.is_empty() { "value".to_owned() } else { display_path(path) }
}

/// A field that is only there before or after.
fn one_sided(page: &mut Page, indent: usize, sign: char, path: &[String], value: &Value, marks: &[&str]) {
    let mut leaves = Vec::new();
    collect(value, &mut path.to_vec(), &mut leaves);
    if leaves.is_empty() {
        leaves.push((name_of(path), value));
    }
    for (name, value) in leaves {
        match lines_of(value) {
            Some(lines) => {
                page.line(indent, Tone::of(sign), marked(format!("{sign} {name} = ({} lines)", lines.len()), marks));
                for line in lines {
                    page.line(indent + 4, Tone::of(sign), format!("{sign} {line}"));
                }
            }
            None => page.line(indent, Tone::of(sign), marked(format!("{sign} {name} = {}", inline(value)), marks)),
        }
    }
}

fn changed(page: &mut Page, indent: usize, name: &str, before: &Value, after: &Value, mut marks: Vec<&str>) {
    let signed = match (before, after) {
        (Value::List(before), Value::List(after)) => list_diff(before, after),
        (Value::String(old), Value::String(new)) if lines_of(before).is_some() || lines_of(after).is_some() => {
            text_diff(old, new).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    if !signed.is_empty() {
        page.line(indent, Tone::Changed, marked(format!("~ {name}:"), &marks));
        for (sign, line) in signed {
            page.line(indent + 4, Tone::of(sign), format!("{sign} {line}"));
        }
        return;
    }
    let (old, new) = (short(before), short(after));
    if old == new {
        // What differs may not be shown.
        let open = matches!(after, Value::Deferred(deferred) if deferred.digest.is_none());
        marks.insert(0, if open { "known after apply" } else { "changed" });
        page.line(indent, Tone::Changed, marked(format!("~ {name} = {new}"), &marks));
    } else if old.chars().count() + new.chars().count() > ONE_LINE {
        page.line(indent, Tone::Changed, marked(format!("~ {name}:"), &marks));
        page.line(indent + 4, Tone::Removed, format!("- {old}"));
        page.line(indent + 4, Tone::Added, format!("+ {new}"));
    } else {
        page.line(indent, Tone::Changed, marked(format!("~ {name} = {old} -> {new}"), &marks));
    }
}

/// A value on one line, a text of several by their number.
fn short(value: &Value) -> String {
    lines_of(value).map_or_else(|| inline(value), |lines| format!("({} lines)", lines.len()))
}

fn marked(text: String, marks: &[&str]) -> String {
    if marks.is_empty() { text } else { format!("{text}  # {}", marks.join(", ")) }
}
