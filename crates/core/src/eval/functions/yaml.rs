//! Writing a value as YAML, in block style.
//!
//! Only texts that no YAML version reads as anything else stand plain; all others are double-quoted, with
//! JSON's escapes, which YAML shares.

use super::super::limits::TEXT_BYTES;
use crate::value::Value;

/// A plain value as a YAML document that ends with a newline; none if it would pass the limit for texts.
pub(super) fn encode(value: &Value) -> Option<String> {
    let mut out = String::new();
    write(&mut out, value, Place::Line(0))?;
    Some(out)
}

/// Where a value is written.
#[derive(Clone, Copy)]
enum Place {
    /// At the start of a line, already indented by so many spaces.
    Line(usize),
    /// After `key:`; the key is indented by so many spaces.
    Key(usize),
}

fn write(out: &mut String, value: &Value, place: Place) -> Option<()> {
    let (indent, after_key) = match place {
        Place::Line(indent) => (indent, false),
        Place::Key(indent) => (indent + 2, true),
    };
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (number, (key, item)) in map.iter().enumerate() {
                start_line(out, indent, number == 0 && !after_key);
                scalar_text(out, key);
                out.push(':');
                write(out, item, Place::Key(indent))?;
            }
        }
        Value::List(items) if !items.is_empty() => {
            for (number, item) in items.iter().enumerate() {
                start_line(out, indent, number == 0 && !after_key);
                out.push_str("- ");
                write(out, item, Place::Line(indent + 2))?;
            }
        }
        scalar => {
            if after_key {
                out.push(' ');
            }
            write_scalar(out, scalar);
            out.push('\n');
        }
    }
    (out.len() <= TEXT_BYTES).then_some(())
}

/// Starts an entry: the first of a value that begins in its line is there already.
fn start_line(out: &mut String, indent: usize, here: bool) {
    if here {
        return;
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&float(*value)),
        Value::String(text) => scalar_text(out, text),
        Value::List(_) => out.push_str("[]"),
        Value::Map(_) => out.push_str("{}"),
        // The others are refused before a function is called.
        Value::Null | Value::Deferred(_) | Value::Sealed(_) => out.push_str("null"),
    }
}

/// A float as YAML 1.1 and 1.2 both read it: with a point, and a sign in the exponent.
fn float(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
    }
}

fn scalar_text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        quote(out, text);
    }
}

/// Whether a text stands for itself without quotes, in every YAML version and place.
fn is_plain(text: &str) -> bool {
    const RESERVED: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let ends_well = !text.ends_with([' ', ':']);
    let plain = |char: char| char.is_ascii_alphanumeric() || " _-./+=@:".contains(char);
    starts_well
        && ends_well
        && text.chars().all(plain)
        && !text.contains(": ")
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Not printable in YAML, or a line break for one of its versions.
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => out.push(char),
        }
    }
    out.push('"');
}
