//! Where the values of secrets come from, as a config says it. Pure: nothing is read here.

use hactl_config::{Config, Data, Node, evaluate, references};
use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;

/// Where one value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// The config itself.
    Inline,
    /// An expression.
    Expression,
    /// The environment variable of this name.
    Environment(String),
    /// A file, by its path from the config's directory.
    File(String),
    /// What a command prints: its words, at least one.
    Command(Vec<String>),
    /// A file that SOPS decrypts, and which of its values, as `sops --extract` takes it.
    Sops {
        /// The file's path from the config's directory.
        file: String,
        /// The key as it is written, and as `sops --extract` takes it.
        key: Option<(String, String)>,
    },
}

impl Form {
    /// How plans and state name it; never a value.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Inline => "inline".to_owned(),
            Self::Expression => "expression".to_owned(),
            Self::Environment(name) => format!("env {name}"),
            Self::File(path) => format!("file {path}"),
            Self::Command(words) => format!("exec {}", words.first().map_or("", String::as_str)),
            Self::Sops { file, key: Some((key, _)) } => format!("sops {file} {key}"),
            Self::Sops { file, key: None } => format!("sops {file}"),
        }
    }
}

/// Where the value of an entry comes from, from the entry as it is written; none where that is wrong, which is reported
/// unless it was before.
pub(super) fn form(written: &Node, config: &Config, diagnostics: &mut Vec<Diagnostic>) -> Option<Form> {
    let words = Words { config };
    match &written.data {
        Data::Deferred(_) | Data::String(_) => Some(Form::Inline),
        Data::Template(_) => Some(Form::Expression),
        Data::Map(entries) => {
            let [entry] = entries.as_slice() else { return None };
            match &*entry.key {
                "value" => form(&entry.value, config, diagnostics),
                "env" => words.environment(&entry.value, entry.key_span, diagnostics),
                "file" => words.path(&entry.value, entry.key_span, diagnostics).map(Form::File),
                "exec" => words.command(&entry.value, entry.key_span, diagnostics),
                "sops" => words.sops(&entry.value, entry.key_span, diagnostics),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The expression of an entry that is one.
pub(super) fn expression(written: &Node) -> &Node {
    written.get("value").unwrap_or(written)
}

/// Whether an expression uses nothing but variables and functions, so that its value is known before anything is looked at.
pub(super) fn is_of_variables(written: &Node) -> bool {
    references(written).iter().all(|reference| reference.traversal.root == "var")
}

/// Reads the words that say where a value is. They may use variables, but not sensitive ones.
struct Words<'a> {
    config: &'a Config,
}

impl Words<'_> {
    fn environment(&self, node: &Node, place: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Form> {
        let name = self.word(node, "env", diagnostics)?;
        if name.is_empty() || name.contains(['=', '\0']) || name.contains(char::is_whitespace) {
            diagnostics.push(
                Diagnostic::error("`env` is not the name of an environment variable")
                    .at(nearest(node, place))
                    .help("write its name alone, as in `{env: DB_PASSWORD}`"),
            );
            return None;
        }
        Some(Form::Environment(name))
    }

    fn path(&self, node: &Node, place: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
        let path = self.word(node, "file", diagnostics)?;
        if path.is_empty() {
            diagnostics.push(
                Diagnostic::error("`file` names no file")
                    .at(nearest(node, place))
                    .help("write its path from the config's directory, as in `{file: certs/key.pem}`"),
            );
            return None;
        }
        Some(path)
    }

    fn command(&self, node: &Node, place: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Form> {
        let before = diagnostics.len();
        let words: Vec<String> = node.items().iter().filter_map(|item| self.word(item, "exec", diagnostics)).collect();
        if diagnostics.len() > before || words.len() < node.items().len() {
            return None;
        }
        if words.first().is_none_or(String::is_empty) {
            diagnostics.push(
                Diagnostic::error("`exec` names no command")
                    .at(nearest(node, place))
                    .help("write it as a list of a program and its arguments, as in `{exec: [pass, show, db]}`"),
            );
            return None;
        }
        Some(Form::Command(words))
    }

    fn sops(&self, node: &Node, place: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Form> {
        if !matches!(node.data, Data::Map(_)) {
            diagnostics.push(
                Diagnostic::error(format!("`sops` is {}, expected a map", node.type_name()))
                    .at(nearest(node, place))
                    .help("write it out, as in `{sops: {file: secrets.enc.yaml, key: db.password}}`"),
            );
        }
        let file = self.path(node.get("file")?, place, diagnostics);
        let key = match node.entry("key") {
            None => None,
            Some(entry) => {
                let text = self.word(&entry.value, "key", diagnostics)?;
                match extraction(&text) {
                    Some(extraction) => Some((text, extraction)),
                    None => {
                        diagnostics.push(
                            Diagnostic::error("`key` is not the path of a value in a SOPS file")
                                .at(nearest(&entry.value, entry.key_span))
                                .help(
                                    "write it as in `db.password` or `users[0].token`; a key with other characters as in \
                                     `[\"a.b\"][\"c\"]`",
                                ),
                        );
                        return None;
                    }
                }
            }
        };
        Some(Form::Sops { file: file?, key })
    }

    /// One plain text; what is none is reported.
    fn word(&self, node: &Node, key: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
        let value = evaluate(node, &self.config.variable_scope(), &self.config.sources, diagnostics);
        let problem = match &value.data {
            Data::String(text) => return Some(text.to_string()),
            Data::Int(number) => return Some(number.to_string()),
            Data::Invalid => return None,
            Data::Deferred(_) if key == "exec" => Diagnostic::error("a word of `exec` is sensitive")
                .detail("Everybody on this machine can read the words of a command in the list of processes.")
                .help("let the command read the value from its environment or from a file"),
            Data::Deferred(_) => Diagnostic::error(format!("`{key}` is sensitive"))
                .help("it says where the secret is, and is shown in plans: use a text that is not sensitive"),
            _ => Diagnostic::error(format!("`{key}` is {}, expected text", value.type_name())),
        };
        diagnostics.push(problem.at(node.span));
        None
    }
}

fn nearest(node: &Node, place: Span) -> Span {
    if node.span.start < node.span.end { node.span } else { place }
}

/// A key as `sops --extract` takes it: `["db"]["password"]`; none where it is no path. Such a text is taken as it is.
fn extraction(key: &str) -> Option<String> {
    if key.starts_with('[') {
        return key.ends_with(']').then(|| key.to_owned());
    }
    let mut path = String::new();
    for part in key.split('.') {
        let (name, indexes) = part.split_once('[').map_or((part, None), |(name, rest)| (name, Some(rest)));
        if name.is_empty() || name.contains(['"', '\\', ']']) || name.contains(char::is_control) {
            return None;
        }
        path.push_str(&format!("[\"{name}\"]"));
        if let Some(rest) = indexes {
            for index in rest.strip_suffix(']')?.split("][") {
                path.push_str(&format!("[{}]", index.parse::<u32>().ok()?));
            }
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::extraction;

    #[test]
    fn keys_become_what_sops_takes() {
        for (key, path) in [
            ("db", r#"["db"]"#),
            ("db.password", r#"["db"]["password"]"#),
            ("users[0].token", r#"["users"][0]["token"]"#),
            ("a[1][2]", r#"["a"][1][2]"#),
            (r#"["a.b"][0]"#, r#"["a.b"][0]"#),
        ] {
            assert_eq!(extraction(key).as_deref(), Some(path));
        }
        for key in ["", ".", "a..b", "a.", "a[", "a[x]", "a[]", "[a", "a\"b", "a]b"] {
            assert_eq!(extraction(key), None, "{key}");
        }
    }
}
