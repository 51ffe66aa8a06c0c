//! What the tests of this folder share: objects from YAML, and back.

use hactl_config::{Node, SourceMap, yaml};
use hactl_core::diagnostic::{Diagnostic, Severity};
use hactl_core::value::{Map, Value};

use super::places::place;

/// YAML text, parsed, and where it stands.
pub(super) struct Sample {
    sources: SourceMap,
    node: Node,
}

impl Sample {
    pub(super) fn new(text: &str) -> Self {
        let mut sources = SourceMap::new();
        let source = sources.add("object.yaml", text.to_owned());
        let node = yaml::parse(&sources, source).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        Self { sources, node }
    }

    pub(super) fn object(&self) -> Map {
        match self.node.to_value() {
            Value::Map(map) => map,
            other => panic!("{other:?}"),
        }
    }

    /// What a step makes of the object, then what it says.
    pub(super) fn after<T>(
        &self,
        step: impl FnOnce(Map, super::places::Places<'_>, &mut Vec<Diagnostic>) -> T,
    ) -> (T, String) {
        let mut diagnostics = Vec::new();
        let result = step(self.object(), &|path| Some(place(&self.node, path)), &mut diagnostics);
        (result, self.say(&diagnostics))
    }

    fn say(&self, diagnostics: &[Diagnostic]) -> String {
        let mut out = String::new();
        for diagnostic in diagnostics {
            let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
            let place = diagnostic.labels.first().map_or_else(String::new, |label| {
                let (line, column) = self.sources.position(label.span);
                format!(" {line}:{column}")
            });
            out.push_str(&format!("{severity}{place}: {}\n", diagnostic.summary));
            if !diagnostic.detail.is_empty() {
                out.push_str(&format!("  {}\n", diagnostic.detail));
            }
            if let Some(help) = &diagnostic.help {
                out.push_str(&format!("  help: {help}\n"));
            }
        }
        out
    }
}

/// The objects of a YAML list.
pub(super) fn objects(text: &str) -> Vec<Value> {
    match Sample::new(text).node.to_value() {
        Value::List(objects) => objects,
        other => panic!("{other:?}"),
    }
}

/// A value as YAML, with a line per leaf.
pub(super) fn yaml_text(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Map(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("{indent}{key}:"));
                nested(value, depth + 1, out);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                write(item, depth + 1, &mut inner);
                out.push_str(&format!("{indent}- {}", inner.trim_start()));
            }
        }
        leaf => out.push_str(&format!("{indent}{}\n", scalar(leaf))),
    }
}

fn nested(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Map(map) if !map.is_empty() => out.push('\n'),
        Value::List(items) if !items.is_empty() => out.push('\n'),
        leaf => return out.push_str(&format!(" {}\n", scalar(leaf))),
    }
    write(value, depth, out);
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if text.parse::<f64>().is_err() && !text.is_empty() => text.to_string(),
        other => format!("{other:?}"),
    }
}
