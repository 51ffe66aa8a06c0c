//! What a config asks of hactl about an object, beside what the object is.

use hactl_core::value::{Map, Value};

use crate::object::SETTINGS;

/// What is asked about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Whether to wait until it is ready.
    pub(crate) wait: bool,
    /// How long to wait until it is ready, or gone; a duration.
    pub(crate) timeout: Option<String>,
    /// The type of a condition that must be true before it is ready.
    pub(crate) condition: Option<String>,
    /// Whether fields are taken from other managers.
    pub(crate) force_conflicts: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self { wait: true, timeout: None, condition: None, force_conflicts: false }
    }
}

impl Asked {
    /// Puts it into a spec, as far as it is not what is done anyway.
    pub(crate) fn put_into(&self, spec: &mut Map) {
        let mut settings = Map::new();
        if self.force_conflicts {
            settings.insert("forceConflicts".to_owned(), Value::Bool(true));
        }
        if !self.wait {
            settings.insert("wait".to_owned(), Value::Bool(false));
        }
        let texts = [("timeout", &self.timeout), ("condition", &self.condition)];
        settings.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::from(text.clone()?)))));
        if !settings.is_empty() {
            spec.insert(SETTINGS.to_owned(), Value::Map(settings));
        }
    }
}
