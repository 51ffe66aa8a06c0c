//! What is declared but wrong, so that nothing is reported as a consequence of a mistake that is reported already.

use std::collections::{BTreeMap, BTreeSet};

/// Names that a config declares but that could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invalid {
    names: BTreeMap<String, BTreeSet<String>>,
    /// Kinds of which any name may be declared: their whole section could not be read.
    kinds: BTreeSet<String>,
}

impl Invalid {
    /// Whether a name of a kind (`container`, `node`, `var`) is declared, or may be, but could not be read.
    pub fn contains(&self, kind: &str, name: &str) -> bool {
        self.kinds.contains(kind) || self.names.get(kind).is_some_and(|names| names.contains(name))
    }

    /// Whether any name of a kind could not be read.
    pub fn any(&self, kind: &str) -> bool {
        self.kinds.contains(kind) || self.names.contains_key(kind)
    }

    pub(crate) fn add(&mut self, kind: &str, name: &str) {
        self.names.entry(kind.to_owned()).or_default().insert(name.to_owned());
    }

    pub(crate) fn add_all_of(&mut self, kind: &str) {
        self.kinds.insert(kind.to_owned());
    }
}
