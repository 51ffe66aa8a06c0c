//! Credentials for image registries.

use std::fmt;

use hactl_core::Sensitive;

/// How to log in to an image registry.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryAuth {
    /// The user's name.
    pub username: String,
    password: Sensitive<String>,
}

impl RegistryAuth {
    /// Credentials of a user.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: Sensitive::new(password.into()) }
    }

    /// The password in plain text, to be sent to Docker Engine and nowhere else.
    pub fn reveal_password(&self) -> &str {
        self.password.expose()
    }
}

/// Never shows the password.
impl fmt::Debug for RegistryAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryAuth({})", self.username)
    }
}
