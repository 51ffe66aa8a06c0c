//! The addons of an RKE cluster file: objects as text in the file, and files that hold some.
//!
//! All of them are one manifest, so an object keeps its address when it moves from the one to the other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hactl_core::cluster::ClusterConnection;
use hactl_core::diagnostic::{Diagnostic, Severity, Span};

use crate::documents::{self, Document, KIND, Reader};
use crate::expression::expression_span;
use crate::invalid::Invalid;
use crate::kubernetes::KubernetesConfig;
use crate::section::{Declaration, Section};
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::variables::VariableInputs;

/// The key of objects as text.
pub(crate) const TEXT: &str = "addons";

/// The key of files that hold objects.
pub(crate) const FILES: &str = "addons_include";

/// The manifest that all addons are.
pub(crate) const MANIFEST: &str = "addons";

/// The placeholders of the templates that Rancher published for RKE.
const PLACEHOLDERS: [&str; 7] =
    ["<BASE64_CA>", "<BASE64_CRT>", "<BASE64_KEY>", "<FQDN>", "<IP>", "<PEM_FILE>", "<USER>"];

/// The addons of a file, as far as it says something about them.
pub(crate) struct Addons {
    text: Option<Entry>,
    files: Option<Entry>,
}

impl Addons {
    /// Finds them among the keys of a cluster file. What is of a wrong type is reported; what is empty counts as left out,
    /// as `rke config` writes it.
    pub(crate) fn new(cluster: &Node, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut of_type = |key: &str, expected: &str, is_right: fn(&Data) -> bool| {
            let entry = cluster.entry(key)?;
            let found = match &entry.value.data {
                data if is_right(data) => return Some(entry.clone()),
                Data::Invalid => return None,
                _ => entry.value.type_name(),
            };
            diagnostics.push(Diagnostic::error(format!("`{key}` is {found}, expected {expected}")).at(entry.key_span));
            None
        };
        let text = of_type(TEXT, "text", |data| matches!(data, Data::String(_)));
        let files = of_type(FILES, "a list of files", |data| matches!(data, Data::List(_)));
        for item in files.iter().flat_map(|entry| entry.value.items()) {
            if !matches!(item.data, Data::String(_) | Data::Invalid) {
                let found = item.type_name();
                diagnostics.push(
                    Diagnostic::error(format!("an item of `{FILES}` is {found}, expected the path of a file"))
                        .at(item.span),
                );
            }
        }
        Self {
            text: text.filter(|entry| entry.value.as_str().is_some_and(|text| !text.trim().is_empty())),
            files: files.filter(|entry| !entry.value.items().is_empty()),
        }
    }

    /// Where they begin; none where there are none.
    pub(crate) fn span(&self) -> Option<Span> {
        self.keys().next().map(|entry| entry.key_span)
    }

    /// The keys under which there are any.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Entry> {
        self.text.iter().chain(&self.files)
    }

    /// The objects as text, and the scalar that it is.
    pub(crate) fn text(&self) -> Option<(&str, &Node)> {
        self.text.as_ref().and_then(|entry| Some((entry.value.as_str()?, &entry.value)))
    }

    /// The paths of files that hold objects, as they are written.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, Span)> {
        let items = self.files.iter().flat_map(|entry| entry.value.items());
        items.filter_map(|item| Some((item.as_str()?, item.span)))
    }

    /// Reads the objects that stand in the file itself. Nothing in them is a template.
    pub(crate) fn read_text(&self, reader: &mut Reader<'_>) -> Vec<Document> {
        let documents = self.written(reader);
        finished(documents, reader)
    }

    fn written(&self, reader: &mut Reader<'_>) -> Vec<Document> {
        self.text().map(|(text, scalar)| reader.text(text, scalar)).unwrap_or_default()
    }

    /// Reads all objects and finds the cluster for them. Where nobody says which cluster that is, they are named as not
    /// acted on, and of what is wrong with them only placeholders are errors: they are what is forgotten.
    pub(crate) fn read(
        &self,
        section: Option<&Section>,
        file: &Path,
        given: &VariableInputs,
        reader: &mut Reader<'_>,
    ) -> Acted {
        let mut acted = Acted::default();
        let Some(span) = self.span() else { return acted };
        let Some(section) = section else {
            self.warn("is not acted on yet", None, reader);
            return acted;
        };
        let before = reader.diagnostics.len();
        let mut documents = self.written(reader);
        documents.extend(self.files().flat_map(|(path, at)| reader.file(path, at)));
        let mistakes = before..reader.diagnostics.len();
        let documents = finished(documents, reader);
        let found = &mut reader.diagnostics[before..];
        let subject = format!("{KIND}.{MANIFEST}");
        found.iter_mut().for_each(|mistake| mistake.subject = Some(subject.clone()));
        let Some(kubernetes) = cluster(span, file, given, reader.directory) else {
            reader.diagnostics[mistakes].iter_mut().for_each(|mistake| mistake.severity = Severity::Warning);
            let name = kubeconfig_name(file);
            let help = format!("name one with `--kubeconfig`, or put `{name}` beside the file, as RKE does");
            self.warn("is not acted on: there is no kubeconfig", Some(&help), reader);
            acted.ignored = Some(span);
            return acted;
        };
        if found.iter().any(Diagnostic::is_error) {
            acted.invalid.add(KIND, MANIFEST);
        } else if documents.is_empty() {
            return acted;
        }
        acted.kubernetes = Some(kubernetes);
        acted.declarations.push(declaration(section.kind, span));
        acted.documents.insert(MANIFEST.to_owned(), documents);
        acted
    }

    fn warn(&self, what: &str, help: Option<&str>, reader: &mut Reader<'_>) {
        for entry in self.keys() {
            let warning = Diagnostic::warning(format!("`{}` {what}", entry.key)).at(entry.key_span);
            reader.diagnostics.push(match help {
                Some(help) => warning.help(help),
                None => warning,
            });
        }
    }
}

/// What the addons of a file come to.
#[derive(Default)]
pub(crate) struct Acted {
    pub(crate) kubernetes: Option<KubernetesConfig>,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) documents: BTreeMap<String, Vec<Document>>,
    pub(crate) invalid: Invalid,
    /// Where they are, if nobody says which cluster they are for.
    pub(crate) ignored: Option<Span>,
}

/// The name that RKE gives to the kubeconfig it writes beside a cluster file.
pub(crate) fn kubeconfig_name(file: &Path) -> String {
    format!("kube_config_{}", file.file_name().unwrap_or_default().to_string_lossy())
}

/// The cluster that addons go to: the one that the run names, else the one whose kubeconfig lies beside the file. In the
/// sandbox its own.
fn cluster(span: Span, file: &Path, given: &VariableInputs, directory: &Path) -> Option<KubernetesConfig> {
    let name = kubeconfig_name(file);
    let mut cluster = KubernetesConfig::new(span, ClusterConnection::default());
    match &given.kubeconfig {
        Some(given) => cluster.override_kubeconfig(given, directory),
        None if given.sandbox => {}
        None if directory.join(&name).exists() => {
            cluster.connection.kubeconfig = Some(name);
            cluster.kubeconfig_span = Some(span);
        }
        None => return None,
    }
    Some(cluster)
}

/// The manifest that addons are. They have no settings.
fn declaration(kind: &'static str, span: Span) -> Declaration {
    Declaration {
        kind,
        name: MANIFEST.to_owned(),
        span,
        body: Node::new(span, Data::Map(Vec::new())),
        selector: Arc::default(),
        selector_span: span,
        depends_on: Vec::new(),
        protect: false,
        ignore_changes: Arc::default(),
        adopt: false,
        adopt_span: span,
    }
}

/// The documents without placeholders, which are reported.
fn finished(mut documents: Vec<Document>, reader: &mut Reader<'_>) -> Vec<Document> {
    for Document { node } in &mut documents {
        refuse_placeholders(node, reader.sources, reader.diagnostics);
        documents::redact(node, reader.sources);
    }
    documents
}

fn refuse_placeholders(node: &mut Node, sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) {
    match &mut node.data {
        Data::String(text) => {
            diagnostics.extend(refusals(text, node.span, sources));
            if is_placeholder(text) {
                // Nothing, not a wrong value: it is no secret, so its line can be shown.
                node.data = Data::Null;
            }
        }
        Data::List(items) => items.iter_mut().for_each(|item| refuse_placeholders(item, sources, diagnostics)),
        Data::Map(entries) => {
            for entry in entries {
                diagnostics.extend(refusals(&entry.key, entry.key_span, sources));
                refuse_placeholders(&mut entry.value, sources, diagnostics);
            }
        }
        _ => {}
    }
}

/// What there is to say about the placeholders in a text that stands at a place.
fn refusals(text: &str, at: Span, sources: &SourceMap) -> impl Iterator<Item = Diagnostic> {
    placeholders(text).map(move |(offset, placeholder)| {
        let offset = u32::try_from(offset).unwrap_or_default();
        Diagnostic::error(format!("`{TEXT}` still holds the placeholder `{placeholder}`"))
            .at(expression_span(at, sources.text(at.source), offset))
            .help("put in the real value")
    })
}

/// The placeholders in a text, and where in it they are: any `<WORD>` where the text is one word, as in
/// `https://<FQDN>/v3`. In longer texts that may be a tag or a command's usage, so only those count there that the
/// templates have.
fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_one_word = !text.contains(char::is_whitespace) && !text.contains("</");
    let pieces = text.match_indices('<').filter_map(move |(start, _)| {
        let end = start + text[start..].find('>')?;
        Some((start, &text[start..=end]))
    });
    pieces.filter(move |(_, piece)| is_placeholder(piece) && (is_one_word || PLACEHOLDERS.contains(piece)))
}

/// Whether a text is `<WORD>`, in capitals.
fn is_placeholder(text: &str) -> bool {
    text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).is_some_and(|word| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_words_in_capitals() {
        let none: &[(usize, &str)] = &[];
        for (text, expected) in [
            ("<FQDN>", &[(0, "<FQDN>")][..]),
            ("https://<MY_HOST1>/v3", &[(8, "<MY_HOST1>")]),
            ("server_name <FQDN>;\nlisten <IP>:80;\n", &[(12, "<FQDN>"), (27, "<IP>")]),
            ("<<A>", &[(1, "<A>")]),
            ("<HTML>\n<BODY>x</BODY>\n", none),
            ("<B>x</B>", none),
            ("usage: run <FILE>", none),
            ("a<b>c", none),
            ("<>", none),
            ("1<2", none),
            ("<1A>", none),
        ] {
            assert_eq!(placeholders(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
