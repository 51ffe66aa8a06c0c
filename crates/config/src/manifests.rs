//! Where the manifests of a native config have their objects from: files, directories, and the config itself.

use std::collections::BTreeMap;

use crate::decode::is_known;
use crate::documents::{self, Document, KIND, Reader};
use crate::evaluate::evaluate;
use crate::expression::parse_templates;
use crate::invalid::Invalid;
use crate::section::Declaration;
use crate::tree::{Data, Entry};
use crate::variables::{VariableScope, check_uses};
use hactl_core::Diagnostic;

/// The key under which objects stand in the config itself: as text, a map, or a list of maps.
pub(crate) const INLINE: &str = "inline";

/// The keys that say where objects come from.
const SOURCE_KEYS: [&str; 4] = ["file", "directory", INLINE, "template"];

/// Reads the objects of every manifest, by its name, and takes the keys that say where they come from out of its spec: so
/// two manifests with equal objects are equal. Their shape was held against the schema before.
///
/// Objects from files are kept as they are, unless the manifest says `template: true`; those in the config itself are
/// templates, unless it says `template: false`.
pub(crate) fn read(
    declarations: &mut [Declaration],
    scope: VariableScope<'_>,
    invalid: &mut Invalid,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Vec<Document>> {
    let mut all = BTreeMap::new();
    for declaration in declarations.iter_mut().filter(|declaration| declaration.kind == KIND) {
        let before = reader.diagnostics.len();
        let keys = match &mut declaration.body.data {
            Data::Map(fields) => fields.extract_if(.., |field| SOURCE_KEYS.contains(&&*field.key)).collect(),
            _ => Vec::new(),
        };
        let names_files = keys.iter().any(|key| matches!(&*key.key, "file" | "directory"));
        let was_wrong = invalid.contains(KIND, &declaration.name);
        let documents = of_manifest(keys, scope, was_wrong, invalid, reader);
        if documents.is_empty() && !was_wrong && reader.diagnostics.len() == before {
            reader.diagnostics.push(
                Diagnostic::error(format!("the manifest `{}` has no objects", declaration.name))
                    .at(declaration.span)
                    .help(match names_files {
                        true => "what it names holds none; take it out until it does",
                        false => "name a `file` or a `directory`, or write them under `inline`",
                    }),
            );
        }
        if reader.diagnostics.len() > before {
            invalid.add(KIND, &declaration.name);
            let subject = format!("{KIND}.{}", declaration.name);
            for diagnostic in &mut reader.diagnostics[before..] {
                diagnostic.subject.get_or_insert_with(|| subject.clone());
            }
        }
        all.insert(declaration.name.clone(), documents);
    }
    all
}

fn of_manifest(
    keys: Vec<Entry>,
    scope: VariableScope<'_>,
    was_wrong: bool,
    invalid: &Invalid,
    reader: &mut Reader<'_>,
) -> Vec<Document> {
    let (mut found, mut from_text, mut from_files) = (Vec::new(), Vec::new(), Vec::new());
    let mut template = None;
    for Entry { key, value, .. } in keys {
        if &*key == INLINE {
            match &value.data {
                Data::String(text) => from_text = reader.text(text, &value),
                _ => {
                    let before = reader.diagnostics.len();
                    found = reader.tree(value);
                    if was_wrong {
                        // What is no map in it was reported with the shape of the declaration.
                        reader.diagnostics.truncate(before);
                    }
                }
            }
            continue;
        }
        let value = evaluate(&value, &scope, reader.sources, reader.diagnostics);
        is_known(&value, reader.diagnostics);
        match (&*key, &value.data) {
            ("template", Data::Bool(value)) => template = Some(*value),
            ("directory", Data::String(path)) => from_files.extend(reader.directory(path, value.span)),
            ("file", Data::String(path)) => from_files.extend(reader.file(path, value.span)),
            ("file", Data::List(paths)) => {
                let paths = paths.iter().filter_map(|item| Some((item.as_str()?, item.span)));
                paths.for_each(|(path, at)| from_files.extend(reader.file(path, at)));
            }
            _ => {}
        }
    }
    if template.unwrap_or(true) {
        parse(&mut from_text, scope, invalid, reader);
    }
    if template.unwrap_or(false) {
        parse(&mut from_files, scope, invalid, reader);
    }
    found.append(&mut from_text);
    found.append(&mut from_files);
    // Only now, so that messages can still show the expressions in them.
    found.iter().for_each(|document| documents::redact(&document.node, reader.sources));
    found
}

fn parse(documents: &mut [Document], scope: VariableScope<'_>, invalid: &Invalid, reader: &mut Reader<'_>) {
    for Document { node } in documents {
        parse_templates(node, reader.sources, reader.diagnostics);
        check_uses(node, scope.variables, invalid, reader.sources, reader.diagnostics);
    }
}
