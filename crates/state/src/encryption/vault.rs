//! What holds the sensitive values of one stack.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hactl_core::state::Encryption;
use hactl_core::value::{Map, Sealed};
use hactl_core::{DigestKey, Sensitive, Value};
use zeroize::Zeroizing;

use super::envelope;
use super::error::{EntryError, EntryFlaw, VaultError};
use super::identities::Identities;
use super::label;
use super::recipients::Recipients;

/// The recipients and the digest key of one stack: values are sealed for those, and compared under this.
#[derive(Debug, Clone)]
pub struct Vault {
    recipients: Recipients,
    key: DigestKey,
    header: Encryption,
}

impl Vault {
    /// A vault for a stack that has none yet, or for other recipients than before.
    ///
    /// # Errors
    /// When the key cannot be encrypted.
    pub fn new(recipients: Recipients, key: DigestKey) -> Result<Self, VaultError> {
        let content = header_value(&recipients, &key);
        let armoured = envelope::close(label::HEADER, content.expose(), &recipients)
            .map_err(|flaw| VaultError::Entry(EntryError { label: label::HEADER.to_owned(), flaw }))?;
        let header = Encryption { recipients: recipients.as_slice().to_vec(), key: armoured };
        Ok(Self { recipients, key, header })
    }

    /// Opens the vault that a state's header describes.
    ///
    /// # Errors
    /// When none of the identities is a recipient, or the header was altered.
    pub fn open(header: &Encryption, identities: &Identities) -> Result<Self, VaultError> {
        let recipients = Recipients::parse(&header.recipients).map_err(VaultError::Recipients)?;
        let content = envelope::open(label::HEADER, &header.key, identities).map_err(|flaw| match flaw {
            EntryFlaw::OtherRecipients if !is_recipient(&recipients, identities) => VaultError::NotARecipient {
                recipients: header.recipients.clone(),
                yours: identities.recipients().to_vec(),
                identity: identities.path().to_owned(),
            },
            flaw => VaultError::Entry(EntryError { label: label::HEADER.to_owned(), flaw }),
        })?;
        let key = read_key(content.expose()).ok_or(VaultError::BadKey)?;
        if content.expose().get(RECIPIENTS) != Some(&recipients_value(&recipients)) {
            return Err(VaultError::OtherRecipients);
        }
        Ok(Self { recipients, key, header: header.clone() })
    }

    /// What state, journal and saved plans carry of it. The same at every call: nothing is encrypted anew.
    pub fn header(&self) -> &Encryption {
        &self.header
    }

    /// Those who can open it.
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// The key under which its values are compared.
    pub fn key(&self) -> &DigestKey {
        &self.key
    }

    /// Seals a value, which must be plain data, with a ciphertext. `known` is what was sealed under this label before:
    /// it is kept as it is where the value is the same, so that state does not change.
    ///
    /// # Errors
    /// When the value is not plain data, or cannot be encrypted.
    pub fn seal(&self, label: &str, value: &Value, known: Option<&Sealed>) -> Result<Value, EntryError> {
        let digest = self.key.digest(value);
        if let Some(known) = known.filter(|known| known.digest == digest && known.ciphertext.is_some()) {
            return Ok(Value::Sealed(Arc::new(known.clone())));
        }
        let ciphertext = envelope::close(label, value, &self.recipients)
            .map_err(|flaw| EntryError { label: label.to_owned(), flaw })?;
        Ok(Value::Sealed(Arc::new(Sealed { digest, ciphertext: Some(ciphertext.into()) })))
    }

    /// The value that was sealed under this label.
    ///
    /// # Errors
    /// When there is no ciphertext, it is encrypted for others or altered, or is not this entry's or this value's.
    pub fn unseal(
        &self,
        label: &str,
        sealed: &Sealed,
        identities: &Identities,
    ) -> Result<Sensitive<Value>, EntryError> {
        let fail = |flaw| EntryError { label: label.to_owned(), flaw };
        let ciphertext = sealed.ciphertext.as_deref().ok_or_else(|| fail(EntryFlaw::NoCiphertext))?;
        let value = envelope::open(label, ciphertext, identities).map_err(fail)?;
        if self.key.digest(value.expose()) == sealed.digest { Ok(value) } else { Err(fail(EntryFlaw::OtherValue)) }
    }
}

const KEY: &str = "key";
const RECIPIENTS: &str = "recipients";

/// What is encrypted in the header. The recipients are in it too: who adds one to the file by hand, so that secrets
/// are encrypted to it from then on, is found out.
fn header_value(recipients: &Recipients, key: &DigestKey) -> Sensitive<Value> {
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(key.bytes().expose()));
    Sensitive::new(Value::Map(Map::from([
        (KEY.to_owned(), Value::string(encoded.as_str())),
        (RECIPIENTS.to_owned(), recipients_value(recipients)),
    ])))
}

fn recipients_value(recipients: &Recipients) -> Value {
    Value::from(recipients.as_slice().to_vec())
}

fn read_key(content: &Value) -> Option<DigestKey> {
    let bytes = BASE64_STANDARD.decode(content.get(KEY)?.as_str()?).ok()?;
    DigestKey::parse(Sensitive::new(bytes))
}

fn is_recipient(recipients: &Recipients, identities: &Identities) -> bool {
    identities.recipients().iter().any(|own| recipients.as_slice().contains(own))
}
