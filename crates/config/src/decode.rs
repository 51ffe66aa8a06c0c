//! From a tree to a typed spec: validated by the spec's own schema, then deserialized.

use std::marker::PhantomData;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::schema::Schema;
use crate::tree::{Data, Node};
use crate::validate::{drop_notes, validate};

/// Decodes trees into `T`; made once for many trees.
pub(crate) struct Decoder<T> {
    schema: Schema,
    spec: PhantomData<T>,
}

impl<T: JsonSchema + DeserializeOwned> Decoder<T> {
    pub(crate) fn new() -> Self {
        Self { schema: Schema::of::<T>(&[]), spec: PhantomData }
    }

    /// The spec; none where something is wrong with it, which is then reported.
    ///
    /// `place` is the key under which the tree stands. A sensitive or deferred value is an error: what is decoded here
    /// is needed before anything is applied and is kept in state as it is.
    pub(crate) fn decode(&self, node: &Node, place: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<T> {
        let before = diagnostics.len();
        validate(node, place, &self.schema, diagnostics);
        if !is_known(node, diagnostics) || diagnostics.len() > before {
            return None;
        }
        let mut spec = node.clone();
        drop_notes(&mut spec, &self.schema);
        let json = serde_json::to_value(spec.to_value()).and_then(serde_json::from_value);
        json.map_err(|error| diagnostics.push(Diagnostic::error(error.to_string()).at(place))).ok()
    }
}

/// Whether every part is plain data; what is not is reported, unless it was before.
pub(crate) fn is_known(node: &Node, diagnostics: &mut Vec<Diagnostic>) -> bool {
    match &node.data {
        Data::Invalid => false,
        Data::Template(_) | Data::Deferred(_) => {
            diagnostics.push(
                Diagnostic::error(format!("{} cannot be used here", node.type_name()))
                    .at(node.span)
                    .detail("This value is needed before anything is applied, and state keeps it in plain text.")
                    .help("use plain text or a variable that is not sensitive"),
            );
            false
        }
        Data::List(items) => {
            let unknown = items.iter().filter(|item| !is_known(item, diagnostics));
            unknown.count() == 0
        }
        Data::Map(entries) => {
            let unknown = entries.iter().filter(|entry| !is_known(&entry.value, diagnostics));
            unknown.count() == 0
        }
        _ => true,
    }
}
