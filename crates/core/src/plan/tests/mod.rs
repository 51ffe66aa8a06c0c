//! Plans of small worlds, as tables.

mod adopt;
mod changes;
mod laws;
mod lost;
mod moves;
mod options;
mod order;
mod recovery;
mod scale;
mod sensitive;
mod text;
mod world;

use std::sync::Arc;

use insta::assert_snapshot;

use super::*;
use crate::observed::{Observed, Present};
use crate::resource::{InPlace, KindRules, Replacement};
use text::desired;
use world::{Fate, World};

/// A box is swapped, a page is rewritten in place, a vol outlives its deletion, a net is deleted and made again, an object
/// changes as its place allows, a key
/// changes in place and is another one then.
const RULES: Rules = Rules(&[
    KindRules {
        kind: "box",
        replacement: Replacement::Swap,
        generations: true,
        in_place: InPlace::Fields(&["cpu", "name", "running"]),
        computed: &[],
        remakes: &[],
        keep_on_delete: false,
        claims: |spec| [claim(spec, "port"), claim(spec, "name")].concat(),
    },
    KindRules {
        kind: "key",
        replacement: Replacement::DeleteThenCreate,
        generations: false,
        in_place: InPlace::Fields(&["size", "from", "renew"]),
        computed: &[],
        remakes: &["size", "from"],
        keep_on_delete: false,
        claims: |_| Vec::new(),
    },
    KindRules {
        kind: "net",
        replacement: Replacement::DeleteThenCreate,
        generations: true,
        in_place: InPlace::Fields(&[]),
        computed: &[],
        remakes: &[],
        keep_on_delete: false,
        claims: |_| Vec::new(),
    },
    KindRules {
        kind: "object",
        replacement: Replacement::DeleteThenCreate,
        generations: true,
        in_place: InPlace::UnlessRefused,
        computed: &[],
        remakes: &[],
        keep_on_delete: false,
        claims: |_| Vec::new(),
    },
    KindRules {
        kind: "page",
        replacement: Replacement::DeleteThenCreate,
        generations: false,
        in_place: InPlace::Fields(&["content"]),
        computed: &[],
        remakes: &[],
        keep_on_delete: false,
        claims: |spec| claim(spec, "path"),
    },
    KindRules {
        kind: "vol",
        replacement: Replacement::DeleteThenCreate,
        generations: false,
        in_place: InPlace::Fields(&["label"]),
        computed: &[],
        remakes: &[],
        keep_on_delete: true,
        claims: |_| Vec::new(),
    },
]);

fn claim(spec: &Value, field: &str) -> Vec<String> {
    match spec.get(field) {
        Some(Value::Deferred(_)) | None => Vec::new(),
        Some(value) => vec![format!("{field} {value:?}")],
    }
}
