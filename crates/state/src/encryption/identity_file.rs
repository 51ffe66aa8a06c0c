//! The text of an identity file: which private keys are in it.

use age::ssh::UnsupportedKey;
use zeroize::Zeroizing;

use super::envelope::ARMOUR;
use super::error::IdentityFlaw;
use super::recipients::looks_public;

/// One private key.
pub(crate) enum Key {
    /// age's own.
    Age(age::x25519::Identity),
    /// OpenSSH's, without a passphrase.
    Ssh(Box<age::ssh::Identity>),
}

impl Key {
    /// Its public half, as age and OpenSSH write it.
    pub(crate) fn recipient(&self) -> Result<String, IdentityFlaw> {
        match self {
            Self::Age(key) => Ok(key.to_public().to_string()),
            Self::Ssh(key) => age::ssh::Recipient::try_from(key.as_ref().clone())
                .map(|recipient| recipient.to_string())
                .map_err(|_| IdentityFlaw::Unsupported("an RSA key of more than 4096 bits".to_owned())),
        }
    }

    pub(crate) fn as_identity(&self) -> &dyn age::Identity {
        match self {
            Self::Age(key) => key,
            Self::Ssh(key) => key.as_ref(),
        }
    }
}

/// Finds the private keys in the text of a file: at least one.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Key>, IdentityFlaw> {
    if text.starts_with(b"age-encryption.org/") || text.trim_ascii_start().starts_with(ARMOUR.as_bytes()) {
        return Err(IdentityFlaw::EncryptedFile);
    }
    let text = std::str::from_utf8(text).map_err(|_| IdentityFlaw::NoKey { line: 1 })?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with("-----BEGIN ") {
        return parse_ssh(text).map(|key| vec![Key::Ssh(Box::new(key))]);
    }
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            keys.push(parse_line(line, index + 1)?);
        }
    }
    if keys.is_empty() { Err(IdentityFlaw::Empty) } else { Ok(keys) }
}

fn parse_line(text: &str, line: usize) -> Result<Key, IdentityFlaw> {
    // No longer than what tells the types apart: none of the key.
    let start: String = text.chars().take(START).collect::<String>().to_ascii_uppercase();
    Err(if start.starts_with("AGE-SECRET-KEY-1") {
        match text.parse() {
            Ok(key) => return Ok(Key::Age(key)),
            Err(_) => IdentityFlaw::DamagedKey { line },
        }
    } else if start.starts_with("AGE-SECRET-KEY-") {
        IdentityFlaw::Unsupported("an age key of a newer type".to_owned())
    } else if start.starts_with("AGE-PLUGIN-") {
        IdentityFlaw::Unsupported("a key of an age plugin".to_owned())
    } else if looks_public(text) {
        IdentityFlaw::PublicKey { line }
    } else {
        IdentityFlaw::NoKey { line }
    })
}

const START: usize = "AGE-SECRET-KEY-1".len();

fn parse_ssh(text: &str) -> Result<age::ssh::Identity, IdentityFlaw> {
    let header = text.lines().next().unwrap_or_default().trim_end();
    let unix = Zeroizing::new(text.replace("\r\n", "\n"));
    match age::ssh::Identity::from_buffer(unix.as_bytes(), None) {
        Ok(key @ age::ssh::Identity::Unencrypted(_)) => Ok(key),
        Ok(age::ssh::Identity::Encrypted(_)) => Err(IdentityFlaw::EncryptedKey),
        Ok(age::ssh::Identity::Unsupported(key)) => Err(match key {
            UnsupportedKey::EncryptedPem | UnsupportedKey::EncryptedSsh(_) => IdentityFlaw::EncryptedKey,
            UnsupportedKey::Hardware(kind) | UnsupportedKey::Type(kind) => {
                IdentityFlaw::Unsupported(format!("an OpenSSH key of type {kind}"))
            }
        }),
        Err(_) => Err(match header {
            "-----BEGIN ENCRYPTED PRIVATE KEY-----" => IdentityFlaw::EncryptedKey,
            "-----BEGIN OPENSSH PRIVATE KEY-----" | "-----BEGIN RSA PRIVATE KEY-----" => {
                IdentityFlaw::DamagedKey { line: 1 }
            }
            "-----BEGIN PRIVATE KEY-----" => IdentityFlaw::OpenSslFormat,
            "-----BEGIN EC PRIVATE KEY-----" => IdentityFlaw::Unsupported("an ECDSA key".to_owned()),
            _ => IdentityFlaw::NoKey { line: 1 },
        }),
    }
}
