//! What a user decrypts with: private keys.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hactl_core::Diagnostic;
use zeroize::Zeroizing;

use super::error::{IdentityError, IdentityFlaw};
use super::identity_file::{self, Key};

/// Where a user's identity is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPath {
    /// The file.
    pub path: PathBuf,
    /// Whether the user named it, so that it has to be there.
    pub named: bool,
}

impl IdentityPath {
    /// `$HACTL_AGE_IDENTITY`, else `hactl/identity.txt` in `$XDG_CONFIG_HOME` or `~/.config`. Nothing is read but these
    /// variables; an empty one counts as unset.
    ///
    /// # Errors
    /// When none of them is set, nor `HOME`, or the first is a key itself, which is not repeated.
    pub fn of_user(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, IdentityError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(path) = variable("HACTL_AGE_IDENTITY") {
            let text = path.to_string_lossy();
            if text.contains("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY") || text.contains('\n') {
                return Err(IdentityError::NotAPath);
            }
            return Ok(Self { path, named: true });
        }
        // The XDG Base Directory Specification has relative paths ignored.
        let directory = variable("XDG_CONFIG_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| variable("HOME").map(|home| home.join(".config")))
            .ok_or(IdentityError::NoPlace)?;
        Ok(Self { path: directory.join("hactl/identity.txt"), named: false })
    }
}

/// The private keys of a user, from one file.
pub struct Identities {
    path: PathBuf,
    keys: Vec<Key>,
    recipients: Vec<String>,
    /// The file's mode, where others than its owner may read or write it.
    open_mode: Option<u32>,
}

impl Identities {
    /// Reads an age identity file (`AGE-SECRET-KEY-1…`, one per line) or an OpenSSH private key (ed25519, RSA) without a
    /// passphrase; none where there is no file and the user did not name one.
    ///
    /// # Errors
    /// When a named file is missing, or there is one that cannot be read or decrypted with. No part of a key is in an error.
    pub fn load(place: &IdentityPath) -> Result<Option<Self>, IdentityError> {
        match read(&place.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !place.named => Ok(None),
            Err(error) => Err(IdentityError::in_file(&place.path, IdentityFlaw::Unreadable(error))),
            Ok((text, open_mode)) => Self::parse(&place.path, &text, open_mode).map(Some),
        }
    }

    pub(crate) fn parse(path: &Path, text: &[u8], open_mode: Option<u32>) -> Result<Self, IdentityError> {
        let fail = |flaw| IdentityError::in_file(path, flaw);
        let keys = identity_file::parse(text).map_err(fail)?;
        let recipients = keys.iter().map(Key::recipient).collect::<Result<_, _>>().map_err(fail)?;
        Ok(Self { path: path.to_owned(), keys, recipients, open_mode })
    }

    /// The public keys of these, in the file's order: what a stack's recipients are made of.
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }

    /// The file they are from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the user should know about the file: that others may read it.
    pub fn warning(&self) -> Option<Diagnostic> {
        let mode = self.open_mode?;
        let path = self.path.display();
        let summary = format!("others than you may read the identity {path} (mode {mode:04o})");
        Some(
            Diagnostic::warning(summary)
                .detail("whoever reads it can decrypt the secrets of every stack that it is a recipient of")
                .help(format!("`chmod 600 {path}`")),
        )
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.keys.iter().map(Key::as_identity)
    }
}

/// Shows the public halves only.
impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").field("path", &self.path).field("recipients", &self.recipients).finish()
    }
}

/// The most that is read: an identity file has some hundred bytes.
const LIMIT: u64 = 1024 * 1024;

fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, Option<u32>)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o7777;
    let open_mode = (metadata.is_file() && mode & 0o077 != 0).then_some(mode);
    let capacity = usize::try_from(metadata.len().min(LIMIT)).unwrap_or_default();
    // With the capacity it needs, for a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(capacity + 64));
    file.take(LIMIT).read_to_end(&mut text)?;
    Ok((text, open_mode))
}
