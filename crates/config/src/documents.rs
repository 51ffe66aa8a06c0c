//! The objects that manifests hold, as they are written, and the reading of files and texts that hold some.

use std::fmt;
use std::path::{Path, PathBuf};

use hactl_core::diagnostic::{Diagnostic, SourceId, Span};

use crate::secrets::redact_value;
use crate::source::{SourceMap, span};
use crate::tree::{Data, Entry, Node};
use crate::validate::refuse_reserved_keys;
use crate::yaml::{self, Origin};
use crate::{files, withheld};

/// The kind whose declarations have documents.
pub const KIND: &str = "manifest";

/// The files of a directory that are read.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The keys of a Kubernetes Secret under which nothing secret stands, but for one annotation. Any other may be mistyped.
const OPEN_KEYS: [&str; 5] = ["apiVersion", "kind", "metadata", "type", "immutable"];

/// The annotation in which `kubectl apply` keeps a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One object of a manifest, as it is written.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// The object, a map; templates in it are not evaluated yet. It may lack anything that an object needs.
    pub node: Node,
}

impl Document {
    /// Whether it is a Kubernetes Secret: all under its `data` and `stringData` is secret.
    pub fn is_secret(&self) -> bool {
        is_secret(&self.node)
    }

    /// The object without what is secret in it; of maps of secrets the keys are left.
    pub(crate) fn public(&self) -> Node {
        let mut node = self.node.clone();
        if let (true, Data::Map(entries)) = (self.is_secret(), &mut node.data) {
            for Entry { key, value, .. } in entries {
                match &mut value.data {
                    data if !OPEN_KEYS.contains(&&**key) => hide(data),
                    Data::Map(fields) if &**key == "metadata" => {
                        let annotations = fields.iter_mut().find(|field| &*field.key == "annotations");
                        if let Some(Data::Map(annotations)) = annotations.map(|field| &mut field.value.data) {
                            annotations.retain(|annotation| &*annotation.key != LAST_APPLIED);
                        }
                    }
                    _ => {}
                }
            }
        }
        node
    }
}

/// Leaves of a map its keys, and nothing of all else.
fn hide(data: &mut Data) {
    match data {
        Data::Map(entries) => entries.iter_mut().for_each(|entry| entry.value.data = Data::Null),
        data => *data = Data::Null,
    }
}

/// Shows no values: they may be secret.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("kind", &self.node.get("kind")).field("span", &self.node.span).finish()
    }
}

/// Takes all that is secret in Kubernetes Secrets, at any depth of a tree, out of what messages can show.
pub(crate) fn redact(node: &Node, sources: &mut SourceMap) {
    if is_secret(node) {
        let hidden = node.entries().iter().filter(|entry| !OPEN_KEYS.contains(&&*entry.key));
        hidden.for_each(|entry| redact_value(&entry.value, sources));
        if let Some(copy) = node.at_path(&["metadata", "annotations", LAST_APPLIED]) {
            redact_value(copy, sources);
        }
        return;
    }
    node.items().iter().for_each(|item| redact(item, sources));
    node.entries().iter().for_each(|entry| redact(&entry.value, sources));
}

fn is_secret(node: &Node) -> bool {
    // One whose kind is misspelt is no Secret, and what is in it is secret all the same.
    node.get("kind").and_then(Node::as_str).is_some_and(|kind| kind.trim().eq_ignore_ascii_case("secret"))
}

/// Reads documents; mistakes are collected.
pub(crate) struct Reader<'a> {
    /// Where relative paths start.
    pub(crate) directory: &'a Path,
    pub(crate) sources: &'a mut SourceMap,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The documents of a file that is named at a place.
    pub(crate) fn file(&mut self, path: &str, at: Span) -> Vec<Document> {
        if self.refuse_address(path, at) {
            return Vec::new();
        }
        self.read(&self.place(path), at)
    }

    /// Reports the address of something that is no file here, and whether it was one.
    pub(crate) fn refuse_address(&mut self, path: &str, at: Span) -> bool {
        let is_address = path.starts_with("https://") || path.starts_with("http://");
        if is_address {
            self.diagnostics.push(
                Diagnostic::error(format!("`{path}` is not a file, and hactl does not download manifests"))
                    .at(at)
                    .help("save it beside this file and name that"),
            );
        }
        is_address
    }

    /// The documents of the `*.yaml`, `*.yml` and `*.json` of a directory that is named at a place.
    pub(crate) fn directory(&mut self, path: &str, at: Span) -> Vec<Document> {
        let place = self.place(path);
        match files::in_directory(&place, &EXTENSIONS) {
            Ok(paths) if paths.is_empty() => {
                self.diagnostics.push(
                    Diagnostic::error(format!(
                        "there is no `*.yaml`, `*.yml` or `*.json` in the directory {}",
                        place.display()
                    ))
                    .at(at)
                    .help("directories in it are not looked into"),
                );
                Vec::new()
            }
            Ok(paths) => paths.iter().flat_map(|path| self.read(path, at)).collect(),
            Err(error) => {
                self.diagnostics.push(error.at(at).help("relative paths start at the config's directory"));
                Vec::new()
            }
        }
    }

    /// The documents in the text of a scalar.
    pub(crate) fn text(&mut self, text: &str, scalar: &Node) -> Vec<Document> {
        let origin = Origin::of_scalar(self.sources, scalar, text);
        let found = self.parse(text, &origin, scalar.span);
        if !origin.is_exact() && found.iter().any(Document::is_secret) {
            self.sources.redact(scalar.span);
        }
        found
    }

    /// The documents that are written out in a tree: a map is one, a list holds one in each item.
    pub(crate) fn tree(&mut self, tree: Node) -> Vec<Document> {
        let mut found = Vec::new();
        match tree.data {
            Data::List(items) => items.into_iter().for_each(|item| self.add(item, &mut found)),
            _ => self.add(tree, &mut found),
        }
        found
    }

    /// Where a path leads that is written in the config.
    fn place(&self, path: &str) -> PathBuf {
        let place = self.directory.join(path);
        match place.strip_prefix(".") {
            Ok(below) if !below.as_os_str().is_empty() => below.to_owned(),
            _ => place,
        }
    }

    fn read(&mut self, path: &Path, at: Span) -> Vec<Document> {
        match files::read(path) {
            Ok(text) => {
                let source = self.sources.add(path, text.clone());
                self.parse(&text, &Origin::of_file(source), whole(source, &text))
            }
            Err(error) => {
                let help = match path.is_dir() {
                    true => "name it under `directory`",
                    false => "relative paths start at the config's directory",
                };
                self.diagnostics.push(error.at(at).help(help));
                Vec::new()
            }
        }
    }

    fn parse(&mut self, text: &str, origin: &Origin, place: Span) -> Vec<Document> {
        let mut found = Vec::new();
        match yaml::documents(self.sources, text, origin) {
            Ok(documents) => {
                for document in documents {
                    refuse_reserved_keys(&document, self.diagnostics);
                    self.add(document, &mut found);
                }
            }
            // Which values are secret is not known then.
            Err(mistakes) if text.contains("Secret") => {
                let sources = &*self.sources;
                let told = mistakes.into_iter().map(|mistake| withheld::without_content(mistake, sources));
                self.diagnostics.extend(told);
                self.sources.redact(place);
            }
            Err(mistakes) => self.diagnostics.extend(mistakes),
        }
        found
    }

    /// Adds an object, or each of a list of them.
    fn add(&mut self, node: Node, found: &mut Vec<Document>) {
        match &node.data {
            Data::Null | Data::Invalid => {}
            Data::Map(_) => match items_of_list(&node) {
                Some(items) => items.into_iter().for_each(|item| self.add(item, found)),
                None => found.push(Document { node }),
            },
            _ => self.diagnostics.push(
                Diagnostic::error(format!("an object of a manifest is a map, this is {}", node.type_name()))
                    .at(node.span)
                    .help(
                        "write `apiVersion`, `kind` and `metadata`; `---` on a line of its own stands between objects",
                    ),
            ),
        }
    }
}

/// The objects in a `List`, or in a list of one kind (`ConfigMapList`), whose items need not repeat what they are.
fn items_of_list(node: &Node) -> Option<Vec<Node>> {
    let kind = node.entry("kind")?;
    let item_kind = kind.value.as_str()?.strip_suffix("List")?;
    let Some(Node { data: Data::List(items), .. }) = node.get("items") else { return None };
    let mut items = items.clone();
    if !item_kind.is_empty() {
        for item in &mut items {
            let Data::Map(fields) = &mut item.data else { continue };
            if fields.iter().any(|field| matches!(&*field.key, "apiVersion" | "kind")) {
                continue;
            }
            let value = Node::new(kind.value.span, Data::String(item_kind.into()));
            fields.insert(0, Entry { value, ..kind.clone() });
            fields.extend(node.entry("apiVersion").cloned());
        }
    }
    Some(items)
}

fn whole(source: SourceId, text: &str) -> Span {
    span(source, 0, text.len())
}
