//! What a user is told about an error of encryption beyond its summary: why, and what to do next.

use std::io;
use std::path::Path;

use hactl_core::Diagnostic;
use hactl_effect::trouble;

use super::error::{EntryError, EntryFlaw, IdentityError, IdentityFlaw, RecipientError, RecipientFlaw, VaultError};
use super::reencrypt::ReencryptError;

impl From<IdentityError> for Diagnostic {
    fn from(error: IdentityError) -> Self {
        let diagnostic = Self::error(error.to_string());
        match &error {
            IdentityError::NoPlace => diagnostic.help("set HACTL_AGE_IDENTITY to the file of your identity"),
            IdentityError::NotAPath => diagnostic.help(
                "write the key to a file that only you can read (mode 0600), and set the variable to the file's path",
            ),
            IdentityError::InFile { path, flaw } => {
                let diagnostic = diagnostic.help(identity_help(path, flaw));
                match identity_detail(flaw) {
                    Some(detail) => diagnostic.detail(detail),
                    None => diagnostic,
                }
            }
        }
    }
}

fn identity_detail(flaw: &IdentityFlaw) -> Option<&'static str> {
    match flaw {
        IdentityFlaw::EncryptedKey | IdentityFlaw::EncryptedFile => {
            Some("hactl never asks for a passphrase: it also runs where nobody could answer")
        }
        IdentityFlaw::Empty
        | IdentityFlaw::PublicKey { .. }
        | IdentityFlaw::Unsupported(_)
        | IdentityFlaw::OpenSslFormat
        | IdentityFlaw::NoKey { .. } => Some(
            "an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, \
             without a passphrase",
        ),
        IdentityFlaw::Unreadable(_) | IdentityFlaw::Unwritable(_) | IdentityFlaw::DamagedKey { .. } => None,
    }
}

fn identity_help(place: &Path, flaw: &IdentityFlaw) -> String {
    let path = place.display();
    match flaw {
        IdentityFlaw::Unreadable(source) | IdentityFlaw::Unwritable(source)
            if source.kind() == io::ErrorKind::NotADirectory =>
        {
            "move the file away that stands where a directory has to be".to_owned()
        }
        IdentityFlaw::Unreadable(source) => match source.kind() {
            io::ErrorKind::NotFound => {
                format!("set HACTL_AGE_IDENTITY to the file of your identity, or make one: `age-keygen -o {path}`")
            }
            io::ErrorKind::IsADirectory => "name the file, not its directory".to_owned(),
            io::ErrorKind::PermissionDenied => format!("run hactl as the user who owns {path}"),
            _ => "see to the disk, or bring the file back from a backup".to_owned(),
        },
        IdentityFlaw::Unwritable(source) => {
            format!("{}, or set HACTL_AGE_IDENTITY to a file elsewhere", trouble::remedy(place, source))
        }
        IdentityFlaw::Empty | IdentityFlaw::NoKey { .. } => {
            "set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one"
                .to_owned()
        }
        IdentityFlaw::PublicKey { .. } => {
            "give the private key that belongs to it; public keys go to `encryption.recipients` in the config"
                .to_owned()
        }
        IdentityFlaw::EncryptedKey => "use another identity: `hactl init` makes one; to use this key, make a copy \
             that only you can read and take its passphrase away with `ssh-keygen -p -f COPY`"
            .to_owned(),
        IdentityFlaw::EncryptedFile => {
            format!("decrypt it for one run: `HACTL_AGE_IDENTITY=<(age -d {path}) hactl …` in bash")
        }
        IdentityFlaw::Unsupported(_) => {
            "use another identity: `hactl init` makes one, and a recipient adds it with `hactl state reencrypt`"
                .to_owned()
        }
        IdentityFlaw::OpenSslFormat => {
            format!(
                "`ssh-keygen -p -f {path}` writes an RSA key anew in OpenSSH's own format; make a copy of it before"
            )
        }
        IdentityFlaw::DamagedKey { .. } => "bring the file back from a backup".to_owned(),
    }
}

impl From<RecipientError> for Diagnostic {
    fn from(error: RecipientError) -> Self {
        Self::error(error.to_string()).help(match &error.flaw {
            RecipientFlaw::None => "add your public key: `hactl init` makes an identity and names it",
            RecipientFlaw::PrivateKey => {
                "put the public key there (`age-keygen -y FILE`, `ssh-keygen -y -f FILE`); \
                 who has seen this file can use the private key: make a new one"
            }
            RecipientFlaw::NotARecipient => "write it as `age1…`, `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`",
            RecipientFlaw::Damaged { .. } => "copy it again, as a whole and in one line",
            RecipientFlaw::Unsupported { .. } | RecipientFlaw::RsaSize { .. } => {
                "use a key of age (`age1…`), an ed25519 key or an RSA key of 2048 to 4096 bits"
            }
            RecipientFlaw::Duplicate { .. } => "remove one of the two",
        })
    }
}

impl From<VaultError> for Diagnostic {
    fn from(error: VaultError) -> Self {
        let diagnostic = Self::error(error.to_string());
        match error {
            VaultError::NotARecipient { recipients, yours, identity } => diagnostic
                .detail(format!(
                    "its recipients are {}; yours, from {}, is {}",
                    list(&recipients),
                    identity.display(),
                    list(&yours)
                ))
                .help(
                    "set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to \
                     `encryption.recipients` and to run `hactl state reencrypt`",
                ),
            VaultError::Recipients(errors) => {
                let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                diagnostic.detail(errors.join("; ")).help(RESTORE)
            }
            VaultError::OtherRecipients => diagnostic
                .detail("whoever is among them could read everything that is encrypted from now on")
                .help(format!("{RESTORE}; recipients are changed in the config, by `hactl state reencrypt`")),
            VaultError::BadKey => diagnostic.help(RESTORE),
            VaultError::Entry(error) => error.into(),
        }
    }
}

impl From<EntryError> for Diagnostic {
    fn from(error: EntryError) -> Self {
        let diagnostic = Self::error(error.to_string());
        match &error.flaw {
            EntryFlaw::NotPlain | EntryFlaw::NotEncrypted(_) => diagnostic.help("report this: it is a defect of hactl"),
            EntryFlaw::NoCiphertext => diagnostic.help("`hactl apply` writes what can be opened"),
            EntryFlaw::OtherRecipients => diagnostic
                .detail("you are among the recipients, but this is not encrypted for you: something else than hactl changed it")
                .help(RESTORE),
            EntryFlaw::Altered | EntryFlaw::Swapped { .. } | EntryFlaw::OtherValue | EntryFlaw::Malformed => diagnostic
                .detail("nothing of it was used; the file was edited, merged by hand or damaged")
                .help(RESTORE),
        }
    }
}

impl From<ReencryptError> for Vec<Diagnostic> {
    fn from(error: ReencryptError) -> Self {
        match error {
            ReencryptError::NothingEncrypted { .. } => {
                vec![
                    Diagnostic::error(error.to_string()).help("`hactl apply` encrypts to the recipients of the config"),
                ]
            }
            ReencryptError::Vault(error) => vec![error.into()],
            ReencryptError::Entries(errors) => errors.into_iter().map(Diagnostic::from).collect(),
        }
    }
}

const RESTORE: &str = "bring back the last good state file: `git log -- state/`, \
                       `git checkout REVISION -- state/STACK.json`";

fn list(recipients: &[String]) -> String {
    let quoted: Vec<String> = recipients.iter().map(|recipient| format!("`{recipient}`")).collect();
    quoted.join(", ")
}
