//! What can go wrong with identities, recipients and what is encrypted.

use std::io;
use std::path::{Path, PathBuf};

use super::label;
use hactl_effect::trouble::reason;

/// Why an identity cannot be used or made.
///
/// Its text is the summary, as that of all errors here; [`hactl_core::Diagnostic::from`] adds why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no place for it: neither `HACTL_AGE_IDENTITY` nor a home directory is set.
    #[error("there is no place for an identity: neither HACTL_AGE_IDENTITY nor XDG_CONFIG_HOME nor HOME is set")]
    NoPlace,
    /// The variable holds a key. It is not repeated.
    #[error("HACTL_AGE_IDENTITY holds a private key, and has to name the file of one")]
    NotAPath,
    /// Something is wrong with its file.
    #[error("{} the identity {}: {flaw}", flaw.verb(), path.display())]
    InFile {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        flaw: IdentityFlaw,
    },
}

impl IdentityError {
    pub(crate) fn in_file(path: &Path, flaw: IdentityFlaw) -> Self {
        Self::InFile { path: path.to_owned(), flaw }
    }
}

/// What is wrong with the file of an identity. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFlaw {
    /// It cannot be read.
    #[error("{}", reason(.0))]
    Unreadable(io::Error),
    /// It cannot be written.
    #[error("{}", reason(.0))]
    Unwritable(io::Error),
    /// There is no key in it.
    #[error("there is no key in it")]
    Empty,
    /// A public key is in the place of a private one.
    #[error("line {line} is a public key")]
    PublicKey {
        /// Where.
        line: usize,
    },
    /// It is an OpenSSH key that needs a passphrase.
    #[error("the key is protected by a passphrase")]
    EncryptedKey,
    /// It is a file that age encrypted.
    #[error("it is encrypted itself")]
    EncryptedFile,
    /// It is a key of this type, which cannot be used.
    #[error("it is {0}")]
    Unsupported(String),
    /// It is a private key in the format of OpenSSL.
    #[error("it is a private key in OpenSSL's format")]
    OpenSslFormat,
    /// A key is not whole.
    #[error("the key in line {line} is damaged")]
    DamagedKey {
        /// Where.
        line: usize,
    },
    /// Something else is in it.
    #[error("line {line} is no private key")]
    NoKey {
        /// Where.
        line: usize,
    },
}

impl IdentityFlaw {
    fn verb(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "cannot read",
            Self::Unwritable(_) => "cannot write",
            _ => "cannot use",
        }
    }
}

/// Why a recipient cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("recipient {position} {flaw}")]
pub struct RecipientError {
    /// Which of the list, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub flaw: RecipientFlaw,
}

/// What is wrong with a recipient, as a clause. What may be a private key is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipientFlaw {
    /// The list is empty.
    #[error("is missing: there has to be one at least")]
    None,
    /// It is a private key.
    #[error("is a private key")]
    PrivateKey,
    /// It does not begin like any public key.
    #[error("is no public key of age or OpenSSH")]
    NotARecipient,
    /// It begins like one and is not whole.
    #[error("is damaged or cut: `{recipient}`")]
    Damaged {
        /// The recipient.
        recipient: String,
    },
    /// It is a key of a type that hactl cannot encrypt to.
    #[error("has a type that hactl cannot encrypt to, {kind}: `{recipient}`")]
    Unsupported {
        /// The recipient.
        recipient: String,
        /// Its type.
        kind: String,
    },
    /// It is an RSA key of fewer than 2048 or more than 4096 bits.
    #[error("is an RSA key of fewer than 2048 or more than 4096 bits: `{recipient}`")]
    RsaSize {
        /// The recipient.
        recipient: String,
    },
    /// It is there twice.
    #[error("is the same as recipient {first}: `{recipient}`")]
    Duplicate {
        /// The recipient.
        recipient: String,
        /// Where it is for the first time, counted from 1.
        first: usize,
    },
}

/// Why the encryption of a state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The user is not among those who can read it.
    #[error("the secrets of this stack are not encrypted for you")]
    NotARecipient {
        /// Those who can.
        recipients: Vec<String>,
        /// The public keys of the user.
        yours: Vec<String>,
        /// The file that they are from.
        identity: PathBuf,
    },
    /// The recipients that the header names cannot be used.
    #[error("the recipients in the encryption header of the state are damaged")]
    Recipients(Vec<RecipientError>),
    /// The recipients that the header names are not those that hactl wrote.
    #[error("the recipients in the encryption header of the state were changed by something else than hactl")]
    OtherRecipients,
    /// What the header holds is no digest key.
    #[error("the encryption header of the state holds no digest key of 32 bytes")]
    BadKey,
    /// The header cannot be encrypted or opened.
    #[error(transparent)]
    Entry(#[from] EntryError),
}

/// Why an entry cannot be encrypted or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {}: {flaw}", flaw.verb(), entry_name(label))]
pub struct EntryError {
    /// Which, as [`super::label`] names it.
    pub label: String,
    /// What is wrong.
    pub flaw: EntryFlaw,
}

fn entry_name(label: &str) -> String {
    match label {
        label::HEADER => "the encryption header of the state".to_owned(),
        label => format!("`{label}`"),
    }
}

/// What is wrong with an entry. No part of a value is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFlaw {
    /// It is not plain data.
    #[error("it is not known yet")]
    NotPlain,
    /// Encrypting it failed, for this reason.
    #[error("{0}")]
    NotEncrypted(String),
    /// Only its digest is kept.
    #[error("only its digest is kept in the state")]
    NoCiphertext,
    /// It is no ciphertext of age, or not as it was written.
    #[error("it was altered or damaged")]
    Altered,
    /// None of the identities opens it.
    #[error("it is encrypted for others, or was altered")]
    OtherRecipients,
    /// It was another entry's.
    #[error("it was put in the place of another, it is `{found}`")]
    Swapped {
        /// The label in it.
        found: String,
    },
    /// It is another value than the one that was applied.
    #[error("it does not match its digest")]
    OtherValue,
    /// It holds no entry of hactl's.
    #[error("it was encrypted by something else than hactl")]
    Malformed,
}

impl EntryFlaw {
    fn verb(&self) -> &'static str {
        match self {
            Self::NotPlain | Self::NotEncrypted(_) => "cannot encrypt",
            _ => "cannot open",
        }
    }
}
