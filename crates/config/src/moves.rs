//! `moved` and `removed`: what became of resources whose names are no longer in the config.

use hactl_core::diagnostic::Span;
use hactl_core::moves::{Move, Removal};
use hactl_core::{Address, Diagnostic};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::Decoder;
use crate::tree::{Data, Entry, Node};

/// The top-level key of moves.
pub(crate) const MOVED: &str = "moved";

/// The top-level key of what is no longer managed.
pub(crate) const REMOVED: &str = "removed";

/// A resource that had another address before.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MovedSpec {
    /// The address that it had: `kind.name`, or one instance of it as `kind.name["key"]`.
    from: String,
    /// The address that it has now.
    to: String,
}

/// A resource that is no longer managed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RemovedSpec {
    /// The address that it had: `kind.name`, or one instance of it as `kind.name["key"]`.
    from: String,
}

/// The moves in the lists of all files.
pub(crate) fn moved(entries: &[Entry], diagnostics: &mut Vec<Diagnostic>) -> Vec<Move> {
    let decoder = Decoder::<MovedSpec>::new();
    let mut moves = Vec::new();
    for item in items(MOVED, entries, diagnostics) {
        let Some(spec) = decoder.decode(item, item.span, diagnostics) else { continue };
        let from = address(item, "from", &spec.from, diagnostics);
        let to = address(item, "to", &spec.to, diagnostics);
        if let (Some((from, span)), Some((to, to_span))) = (from, to) {
            moves.push(Move { from, to, span: Some(span), to_span: Some(to_span) });
        }
    }
    moves
}

/// What the lists of all files say is no longer managed.
pub(crate) fn removed(entries: &[Entry], diagnostics: &mut Vec<Diagnostic>) -> Vec<Removal> {
    let decoder = Decoder::<RemovedSpec>::new();
    let mut removed = Vec::new();
    for item in items(REMOVED, entries, diagnostics) {
        let Some(spec) = decoder.decode(item, item.span, diagnostics) else { continue };
        let from = address(item, "from", &spec.from, diagnostics);
        removed.extend(from.map(|(address, span)| Removal { address, span: Some(span) }));
    }
    removed
}

fn items<'a>(key: &str, entries: &'a [Entry], diagnostics: &mut Vec<Diagnostic>) -> Vec<&'a Node> {
    let mut items = Vec::new();
    for entry in entries.iter().filter(|entry| &*entry.key == key) {
        match &entry.value.data {
            Data::List(list) => items.extend(list),
            Data::Null | Data::Invalid => {}
            _ => {
                let example = if key == MOVED { "{from: file.old, to: file.new}" } else { "{from: file.old}" };
                diagnostics.push(
                    Diagnostic::error(format!("`{key}` is {}, expected a list", entry.value.type_name()))
                        .at(entry.key_span)
                        .help(format!("write it as in `{key}: [{example}]`")),
                );
            }
        }
    }
    items
}

fn address(item: &Node, key: &str, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<(Address, Span)> {
    let span = item.get(key).map_or(item.span, |node| node.span);
    match Address::parse(text) {
        Ok(address) => Some((address, span)),
        Err(error) => {
            let help = "as in `container.web`, or `container.web[\"node1\"]` for one instance";
            diagnostics.push(Diagnostic::error(error.to_string()).at(span).help(help));
            None
        }
    }
}
