//! What hactl does about an object, where that is not the default.

use std::time::Duration;

use hactl_core::value::{Map, Value};

use crate::formats;
use crate::object::SETTINGS;

/// How long an object is waited for: until it is ready, or gone.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What hactl does about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whether to wait until it is ready.
    pub(crate) wait: bool,
    /// How long to wait until it is ready, or gone; a duration.
    pub(crate) timeout: Option<String>,
    /// The type of a condition that must be true before it is ready.
    pub(crate) condition: Option<String>,
    /// Whether fields are taken from other managers.
    pub(crate) force_conflicts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { wait: true, timeout: None, condition: None, force_conflicts: false }
    }
}

impl Settings {
    /// Those of a spec.
    pub(crate) fn of(spec: &Value) -> Self {
        let settings = spec.get(SETTINGS);
        let text = |key: &str| settings?.get(key)?.as_str().map(str::to_owned);
        let is = |key: &str, value: bool| settings.and_then(|settings| settings.get(key)) == Some(&Value::Bool(value));
        Self {
            wait: !is("wait", false),
            timeout: text("timeout"),
            condition: text("condition"),
            force_conflicts: is("forceConflicts", true),
        }
    }

    /// How long to wait.
    pub(crate) fn patience(&self) -> Duration {
        self.timeout.as_deref().and_then(|text| formats::duration(text).ok()).unwrap_or(TIMEOUT)
    }

    /// Puts them into a spec, where they are not the defaults.
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
