//! What hactl does about an object, beside what the object is.

use std::time::Duration;

use hactl_core::value::Value;

use crate::formats::duration;
use crate::object::SETTINGS;

/// How long to wait for an object where its settings do not say.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// What a spec holds under [`SETTINGS`], completed by the defaults. Whether its changes end with waiting is in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings<'a> {
    /// Whether fields are taken from other managers.
    pub(crate) force_conflicts: bool,
    /// How long to wait until it is ready, or gone.
    pub(crate) timeout: Duration,
    /// The type of the condition that says that it is ready.
    pub(crate) condition: Option<&'a str>,
}

impl<'a> Settings<'a> {
    pub(crate) fn of(spec: &'a Value) -> Self {
        let setting = |name: &str| spec.get(SETTINGS)?.get(name);
        let text = |name: &str| setting(name).and_then(Value::as_str);
        Self {
            force_conflicts: setting("forceConflicts") == Some(&Value::Bool(true)),
            timeout: text("timeout").and_then(|text| duration(text).ok()).unwrap_or(TIMEOUT),
            condition: text("condition"),
        }
    }
}
