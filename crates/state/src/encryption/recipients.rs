//! Those who can read the secrets of a stack: public keys.

use std::fmt;

use age::ssh::ParseRecipientKeyError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::error::{RecipientError, RecipientFlaw};

/// Public keys that values are encrypted to: at least one, each once, sorted.
#[derive(Clone)]
pub struct Recipients {
    texts: Vec<String>,
    keys: Vec<Key>,
}

#[derive(Clone)]
enum Key {
    Age(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
}

impl Recipients {
    /// Parses public keys as age and OpenSSH write them: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`.
    ///
    /// # Errors
    /// Every one that is wrong. A private key is never repeated in an error.
    pub fn parse(texts: &[String]) -> Result<Self, Vec<RecipientError>> {
        if texts.is_empty() {
            return Err(vec![RecipientError { position: 1, flaw: RecipientFlaw::None }]);
        }
        let mut parsed: Vec<(String, Key, usize)> = Vec::with_capacity(texts.len());
        let mut errors = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let position = index + 1;
            match parse(text.trim()) {
                Err(flaw) => errors.push(RecipientError { position, flaw }),
                Ok(key) => {
                    let text = key.to_string();
                    match parsed.iter().find(|(other, ..)| *other == text) {
                        None => parsed.push((text, key, position)),
                        Some((.., first)) => {
                            let flaw = RecipientFlaw::Duplicate { recipient: text, first: *first };
                            errors.push(RecipientError { position, flaw });
                        }
                    }
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        parsed.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        let (texts, keys) = parsed.into_iter().map(|(text, key, _)| (text, key)).unzip();
        Ok(Self { texts, keys })
    }

    /// The public keys as state names them: sorted, without comments.
    pub fn as_slice(&self) -> &[String] {
        &self.texts
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &dyn age::Recipient> {
        self.keys.iter().map(|key| match key {
            Key::Age(key) => key as &dyn age::Recipient,
            Key::Ssh(key) => key as &dyn age::Recipient,
        })
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.texts).finish()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(key) => key.fmt(f),
            Self::Ssh(key) => key.fmt(f),
        }
    }
}

/// Whether a text begins like a public key, of whatever type.
pub(crate) fn looks_public(text: &str) -> bool {
    let lower = start(text);
    ["age1", "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|prefix| lower.starts_with(prefix))
}

/// Whether a text begins like a private key, of whatever type.
pub(crate) fn looks_private(text: &str) -> bool {
    let lower = start(text);
    ["age-secret-key-", "age-plugin-", "-----begin"].iter().any(|prefix| lower.starts_with(prefix))
}

fn start(text: &str) -> String {
    text.chars().take(16).collect::<String>().to_ascii_lowercase()
}

fn parse(text: &str) -> Result<Key, RecipientFlaw> {
    if looks_private(text) {
        Err(RecipientFlaw::PrivateKey)
    } else if !looks_public(text) {
        Err(RecipientFlaw::NotARecipient)
    } else if text.contains(['\n', '\r']) {
        Err(RecipientFlaw::Damaged { recipient: text.lines().next().unwrap_or_default().to_owned() })
    } else if start(text).starts_with("age1") {
        parse_age(text)
    } else {
        parse_ssh(text)
    }
}

fn parse_age(text: &str) -> Result<Key, RecipientFlaw> {
    // Bech32: the last `1` ends the part that people read; `age` alone is age's own type.
    let kind = text.rsplit_once('1').map_or("", |(kind, _)| kind).to_ascii_lowercase();
    if kind != "age" {
        return Err(RecipientFlaw::Unsupported { recipient: text.to_owned(), kind });
    }
    let damaged = || RecipientFlaw::Damaged { recipient: text.to_owned() };
    let key: age::x25519::Recipient = text.parse().map_err(|_| damaged())?;
    let (_, bytes) = bech32::decode(text).map_err(|_| damaged())?;
    let point = <[u8; 32]>::try_from(bytes).map_err(|_| damaged())?;
    // A point of low order, with which anybody could decrypt; age ends the process over it.
    if x25519_dalek::x25519(x25519_dalek::X25519_BASEPOINT_BYTES, point) == [0; 32] {
        return Err(damaged());
    }
    Ok(Key::Age(key))
}

fn parse_ssh(text: &str) -> Result<Key, RecipientFlaw> {
    let recipient = || shown(text);
    let mut words = text.split_whitespace();
    let (Some(kind), Some(encoded)) = (words.next(), words.next()) else {
        return Err(RecipientFlaw::Damaged { recipient: recipient() });
    };
    if !ssh_fields(encoded).is_some_and(|fields| {
        fields.first().is_some_and(|first| first == kind.as_bytes())
            && fields.iter().all(|field| field.iter().any(|byte| *byte != 0))
    }) {
        return Err(RecipientFlaw::Damaged { recipient: recipient() });
    }
    format!("{kind} {encoded} ").parse().map(Key::Ssh).map_err(|error| match error {
        ParseRecipientKeyError::Unsupported(kind) => RecipientFlaw::Unsupported { recipient: recipient(), kind },
        ParseRecipientKeyError::RsaModulusTooSmall => RecipientFlaw::RsaSize { recipient: recipient() },
        ParseRecipientKeyError::RsaModulusTooLarge => RecipientFlaw::RsaSize { recipient: recipient() },
        _ => RecipientFlaw::Damaged { recipient: recipient() },
    })
}

/// Type, the start of the key, and comment: enough to know it by.
fn shown(text: &str) -> String {
    let mut words = text.split_whitespace();
    let kind = words.next().unwrap_or_default();
    let key = words.next().unwrap_or_default();
    let comment = words.collect::<Vec<_>>().join(" ");
    let end: String = key.chars().rev().take(8).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{kind} …{end} {comment}").trim_end().to_owned()
}

/// The strings that a public key of OpenSSH is made of (RFC 4253, section 6.6).
fn ssh_fields(encoded: &str) -> Option<Vec<Vec<u8>>> {
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let mut rest = bytes.as_slice();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (field, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        fields.push(field.to_vec());
        rest = after;
    }
    Some(fields)
}
