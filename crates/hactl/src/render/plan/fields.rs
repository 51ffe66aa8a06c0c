//! The fields of a resource: all of a new one, those that differ of a changed one.

use std::collections::BTreeSet;

use hactl_core::diff::{at_path, display_path, keys, same};
use hactl_core::plan::PathChange;
use hactl_core::value::Value;

use crate::render::plan::page::{Page, Tone};
use crate::render::value::{inline, lines_of, list_diff, text_diff};

/// Names are aligned up to this width, in characters.
const ALIGNED: usize = 28;
/// Longer values get lines of their own, in characters.
const ONE_LINE: usize = 100;
/// A new text shows this many lines.
pub(super) const NEW_TEXT_LINES: usize = 24;

/// Every field with a value, one a line, nested ones by their path.
pub(super) fn all(page: &mut Page, indent: usize, value: &Value) {
    let mut leaves = Vec::new();
    collect(value, "", &mut leaves);
    let width = leaves.iter().map(|(name, _)| name.chars().count()).filter(|width| *width <= ALIGNED).max();
    for (name, value) in leaves {
        field(page, indent, &format!("{name:<width$}", width = width.unwrap_or(0)), value);
    }
}

/// The fields that differ, old and new; `place` is where they are, as in `the host`, where some may have drifted.
pub(super) fn different(
    page: &mut Page,
    indent: usize,
    before: &Value,
    after: &Value,
    paths: &[PathChange],
    place: Option<&str>,
) {
    let drifted = format!("changed on {}", place.unwrap_or("the host"));
    for change in paths {
        let name = name_of(&change.path);
        let mut marks = Vec::new();
        if change.drifted {
            marks.push(drifted.as_str());
        }
        if change.forces_replacement {
            marks.push("forces replacement");
        }
        let mut differences = Vec::new();
        compare(&name, at_path(before, &change.path), at_path(after, &change.path), &mut differences);
        for (name, before, after) in differences {
            match (before, after) {
                (Some(before), Some(after)) => changed(page, indent, &name, before, after, marks.clone()),
                (None, Some(after)) => one_sided(page, indent, '+', &name, after, &marks),
                (Some(before), None) => one_sided(page, indent, '-', &name, before, &marks),
                (None, None) => {}
            }
        }
    }
}

/// Where two values differ. Lists of maps are taken apart as well, their items known by name: that is what objects of
/// Kubernetes are made of.
fn compare<'a>(
    name: &str,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    found: &mut Vec<(String, Option<&'a Value>, Option<&'a Value>)>,
) {
    match (before, after) {
        (Some(Value::Map(old)), Some(Value::Map(new))) => {
            for key in keys(old, new) {
                compare(&below(name, key), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::List(old)), Some(Value::List(new))) if are_maps(old) && are_maps(new) => {
            let (old_items, new_items) = (item_names(old), item_names(new));
            for (item, value) in old_items.iter().zip(old).filter(|(item, _)| !new_items.contains(item)) {
                found.push((format!("{name}{item}"), Some(value), None));
            }
            for (item, value) in new_items.iter().zip(new) {
                let known = old_items.iter().position(|old| old == item).map(|position| &old[position]);
                compare(&format!("{name}{item}"), known, Some(value), found);
            }
        }
        (Some(old), Some(new)) if same(old, new) => {}
        _ => found.push((name.to_owned(), before, after)),
    }
}

fn are_maps(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item, Value::Map(_)))
}

/// What the items of a list of maps are called: by what identifies them all, else by number.
fn item_names(items: &[Value]) -> Vec<String> {
    let by = |key: &str| -> Option<Vec<String>> {
        let names: Vec<&str> = items.iter().map(|item| item.get(key)?.as_str()).collect::<Option<_>>()?;
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        (distinct.len() == names.len()).then(|| names.iter().map(|name| format!("[{name:?}]")).collect())
    };
    let by_key = ["name", "ip", "host", "mountPath"].into_iter().find_map(by);
    by_key.unwrap_or_else(|| (0..items.len()).map(|number| format!("[{number}]")).collect())
}

fn below(name: &str, key: &str) -> String {
    let key = display_path(&[key.to_owned()]);
    if name.is_empty() || key.starts_with('[') { format!("{name}{key}") } else { format!("{name}.{key}") }
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

fn collect<'a>(value: &'a Value, name: &str, leaves: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Null => {}
        Value::List(items) if items.is_empty() => {}
        Value::List(items) if are_maps(items) => {
            for (item, value) in item_names(items).iter().zip(items) {
                collect(value, &format!("{name}{item}"), leaves);
            }
        }
        Value::Map(map) => map.iter().for_each(|(key, value)| collect(value, &below(name, key), leaves)),
        leaf => leaves.push((name.to_owned(), leaf)),
    }
}

fn name_of(path: &[String]) -> String {
    if path.is_empty() { "value".to_owned() } else { display_path(path) }
}

/// A field that is only there before or after.
fn one_sided(page: &mut Page, indent: usize, sign: char, name: &str, value: &Value, marks: &[&str]) {
    let mut leaves = Vec::new();
    collect(value, name, &mut leaves);
    if leaves.is_empty() {
        leaves.push((name.to_owned(), value));
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
        match after {
            Value::Deferred(deferred) if deferred.digest.is_none() => marks.insert(0, "known after apply"),
            _ if marks.iter().any(|mark| mark.starts_with("changed")) => {}
            _ => marks.insert(0, "changed"),
        }
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
