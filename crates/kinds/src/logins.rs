//! Logging in to image registries.

use std::collections::BTreeMap;

use hactl_core::registry::{RegistryLogin, registry_of};
use hactl_core::resolve::{NoOutputs, Secrets, reveal};
use hactl_core::{Diagnostic, Value};
use hactl_host::RegistryAuth;

/// The credentials of a run, by registry. Held in memory only: they are sent to Docker Engine, and nowhere else.
#[derive(Debug, Clone, Default)]
pub struct Logins(BTreeMap<String, RegistryAuth>);

impl Logins {
    /// The credentials that a plan says, with the values of a run.
    ///
    /// # Errors
    /// Each value that the run does not have, or that is no text.
    pub fn reveal(planned: &BTreeMap<String, RegistryLogin>, secrets: &Secrets) -> Result<Self, Vec<Diagnostic>> {
        let mut logins = BTreeMap::new();
        let mut diagnostics = Vec::new();
        for (registry, login) in planned {
            let mut text = |what, value| {
                let told = |diagnostic| diagnostics.push(diagnostic);
                text(&format!("the {what} of the registry `{registry}`"), value, secrets).map_err(told).ok()
            };
            let (username, password) = (text("username", &login.username), text("password", &login.password));
            if let (Some(username), Some(password)) = (username, password) {
                logins.insert(registry.clone(), RegistryAuth::new(username, password));
            }
        }
        if diagnostics.is_empty() { Ok(Self(logins)) } else { Err(diagnostics) }
    }

    /// The credentials for the registry that an image comes from; none where it takes none.
    pub(crate) fn of_image(&self, image: &str) -> Option<&RegistryAuth> {
        self.0.get(registry_of(image))
    }
}

fn text(what: &str, value: &Value, secrets: &Secrets) -> Result<String, Diagnostic> {
    match reveal(value, &NoOutputs, secrets) {
        Ok(Value::String(text)) => Ok(text.to_string()),
        Ok(other) => Err(Diagnostic::error(format!("{what} is {}, expected text", other.type_name()))
            .help("put it in quotes where it is written")),
        Err(error) => Err(Diagnostic::error(format!("{what} cannot be told: {}", error.message))
            .help("give the same variables as for `hactl plan`, or make a new plan")),
    }
}
