//! A Kubernetes object as people write it: in YAML.

use hactl_core::value::{Map, Value};

use crate::render::plan::fields::NEW_TEXT_LINES;
use crate::render::plan::page::{Page, Tone};
use crate::render::value::{inline, lines_of};

/// Writes an object, one field a line.
pub(super) fn write(page: &mut Page, indent: usize, object: &Value) {
    if let Value::Map(fields) = object {
        map(page, indent, "", fields);
    }
}

/// Writes the fields of a map; `before` stands before the first of them.
fn map(page: &mut Page, indent: usize, before: &str, fields: &Map) {
    for (number, (key, value)) in fields.iter().enumerate() {
        let (indent, before) = if number == 0 { (indent, before) } else { (indent + before.len(), "") };
        field(page, indent, before, &key_text(key), value);
    }
}

fn field(page: &mut Page, indent: usize, before: &str, key: &str, value: &Value) {
    let deeper = indent + before.len() + 2;
    match value {
        Value::Map(fields) if !fields.is_empty() => {
            page.line(indent, Tone::Plain, format!("{before}{key}:"));
            map(page, deeper, "", fields);
        }
        Value::List(items) if !items.is_empty() => {
            page.line(indent, Tone::Plain, format!("{before}{key}:"));
            items.iter().for_each(|item| list_item(page, indent + before.len(), item));
        }
        _ => match lines_of(value) {
            Some(lines) => {
                page.line(indent, Tone::Plain, format!("{before}{key}: |"));
                lines.iter().take(NEW_TEXT_LINES).for_each(|line| page.line(deeper, Tone::Plain, line));
                if lines.len() > NEW_TEXT_LINES {
                    let more = lines.len() - NEW_TEXT_LINES;
                    page.line(deeper, Tone::Plain, format!("… and {more} more lines"));
                }
            }
            None => page.line(indent, Tone::Plain, format!("{before}{key}: {}", scalar(value))),
        },
    }
}

fn list_item(page: &mut Page, indent: usize, item: &Value) {
    match item {
        Value::Map(fields) if !fields.is_empty() => map(page, indent, "- ", fields),
        _ => page.line(indent, Tone::Plain, format!("- {}", scalar(item))),
    }
}

/// A value on one line, in quotes only where YAML would read it as something else.
fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) if is_plain(text) => text.to_string(),
        _ => inline(value),
    }
}

fn key_text(key: &str) -> String {
    if is_plain(key) { key.to_owned() } else { format!("{key:?}") }
}

/// Whether YAML reads a text as that text without quotes. Texts that might be anything else are not among them.
fn is_plain(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | ':');
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    starts && text.chars().all(inside) && !text.ends_with(':') && !words.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_shown_as_it_is_written() {
        let object = serde_json::from_str(
            r#"{"apiVersion":"v1","data":{"a":"1","b":"x\ny\n"},"metadata":{"labels":{},"name":"web"},
                "spec":{"args":["--on","yes",3],"ports":[{"name":"http","port":80},{"port":81}]}}"#,
        );
        let mut page = Page::new(false);
        write(&mut page, 2, &object.unwrap());
        insta::assert_snapshot!(page.finish(), @r#"
        apiVersion: v1
        data:
          a: "1"
          b: |
            x
            y
        metadata:
          labels: {}
          name: web
        spec:
          args:
          - "--on"
          - "yes"
          - 3
          ports:
          - name: http
            port: 80
          - port: 81
        "#);
    }
}
