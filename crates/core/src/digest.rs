//! Digests: plain ones for identity, keyed ones for values that must not be guessed.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::sensitive::Sensitive;
use crate::value::Value;

/// A 256-bit digest; written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The SHA-256 of some bytes (FIPS 180-4).
    pub fn sha256(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Parses 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    pub fn into_bytes(self) -> [u8; 32] {
        self.0
    }

    /// The first eight digits: enough to tell two digests apart in a message.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

/// SHA-256 of bytes that come in pieces.
#[derive(Default)]
pub struct DigestOfPieces(Sha256);

impl DigestOfPieces {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a digest has 64 hexadecimal digits"))
    }
}

/// The key under which sensitive values are digested (HMAC-SHA256, RFC 2104).
///
/// A plain hash of a short password can be guessed from a table; a keyed one cannot without the key,
/// which is never written in plain text beside the digests.
///
/// It is a chain of keys, oldest first: a digest is digested again under each later key. So a key can be added without
/// knowing the values, and whoever had only the earlier ones can no longer try guesses.
#[derive(Clone)]
pub struct DigestKey(Sensitive<Vec<u8>>);

/// The length of one key of the chain, in bytes.
const KEY_BYTES: usize = 32;

impl DigestKey {
    /// A key from 32 random bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Sensitive::new(bytes.to_vec()))
    }

    /// The key of which these are the [`DigestKey::bytes`]; none where they are no chain of keys.
    pub fn parse(bytes: Sensitive<Vec<u8>>) -> Option<Self> {
        let length = bytes.expose().len();
        (length > 0 && length.is_multiple_of(KEY_BYTES)).then_some(Self(bytes))
    }

    /// The keys of the chain, one after the other: 32 bytes each.
    pub fn bytes(&self) -> &Sensitive<Vec<u8>> {
        &self.0
    }

    /// The chain with one more key, of 32 random bytes.
    #[must_use]
    pub fn followed_by(&self, bytes: [u8; KEY_BYTES]) -> Self {
        Self(Sensitive::new([self.0.expose().as_slice(), &bytes].concat()))
    }

    /// A digest under the chain without its last key, as it is under the whole chain.
    pub fn digest_again(&self, digest: &Digest) -> Digest {
        self.keys().last().map_or(*digest, |key| mac(key, digest))
    }

    /// The keyed digest of a value: of its bytes for text, of its JSON for anything else.
    ///
    /// Text is first hashed by itself, so that the digest of a file's content can also be computed
    /// from the SHA-256 that a host reports ([`DigestKey::of_sha256`]) without fetching the content.
    pub fn digest(&self, value: &Value) -> Digest {
        match value {
            Value::String(text) => self.of_sha256(&Digest::sha256(text.as_bytes())),
            other => {
                let json = serde_json::to_vec(other).unwrap_or_default();
                self.of_sha256(&Digest::sha256(&json))
            }
        }
    }

    /// The keyed digest of a text of which only the SHA-256 is known.
    pub fn of_sha256(&self, sha256: &Digest) -> Digest {
        self.keys().fold(*sha256, |digest, key| mac(key, &digest))
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.expose().chunks_exact(KEY_BYTES)
    }
}

fn mac(key: &[u8], digest: &Digest) -> Digest {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(&digest.0);
    Digest(mac.finalize().into_bytes().into())
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_added_needs_no_values() {
        let value = Value::from("hunter2");
        let first = DigestKey::new([1; 32]);
        let both = first.followed_by([2; 32]);
        assert_ne!(first.digest(&value), both.digest(&value));
        assert_eq!(both.digest_again(&first.digest(&value)), both.digest(&value));
        let read = DigestKey::parse(both.bytes().clone()).unwrap();
        assert_eq!(read.digest(&value), both.digest(&value));
        assert!(DigestKey::parse(vec![0; 33].into()).is_none());
        assert!(DigestKey::parse(Vec::new().into()).is_none());
    }
}
