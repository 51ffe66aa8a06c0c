//! Making a user's first identity.

use std::path::Path;

use age::secrecy::ExposeSecret;
use jiff::{Timestamp, Unit};
use zeroize::Zeroizing;

use super::error::{IdentityError, IdentityFlaw};
use super::identities::{Identities, IdentityPath};
use crate::durable;

impl Identities {
    /// Makes an identity in a file of its own, as `age-keygen` does: mode 0600, in directories of mode 0700 where they
    /// are missing. Where there is a file already, that is the identity, also when another run makes it at this moment.
    ///
    /// Returns whether it was made here.
    ///
    /// # Errors
    /// When it cannot be written, or what is there cannot be used.
    pub fn create(path: &Path) -> Result<(Self, bool), IdentityError> {
        let unwritable = |error| IdentityError::in_file(path, IdentityFlaw::Unwritable(error));
        let place = IdentityPath { path: path.to_owned(), named: false };
        if let Some(identities) = Self::load(&place)? {
            return Ok((identities, false));
        }
        let (recipient, text) = generate();
        let made = durable::create_once(path, &recipient, text.as_bytes()).map_err(unwritable)?;
        let place = IdentityPath { named: true, ..place };
        // Read back, so that what was written is known to be of use before anything is encrypted to it.
        let identities = Self::load(&place)?.ok_or_else(|| unwritable(std::io::ErrorKind::NotFound.into()))?;
        Ok((identities, made))
    }
}

/// A new key: its public half, and the text of its file.
fn generate() -> (String, Zeroizing<String>) {
    let key = age::x25519::Identity::generate();
    let recipient = key.to_public().to_string();
    let now = Timestamp::now();
    let now = now.round(Unit::Second).unwrap_or(now);
    let secret = key.to_string();
    let mut text = Zeroizing::new(String::with_capacity(512));
    for part in ["# created: ", &now.to_string(), "\n# public key: ", &recipient, "\n", secret.expose_secret(), "\n"] {
        text.push_str(part);
    }
    (recipient, text)
}
