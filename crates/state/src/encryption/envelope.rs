//! One encrypted value: age around the JSON `[label, value]`.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor};
use hactl_core::{Sensitive, Value};
use zeroize::Zeroizing;

use super::error::EntryFlaw;
use super::identities::Identities;
use super::recipients::Recipients;

/// Encrypts a value to all recipients: an armoured age file.
pub(crate) fn close(label: &str, value: &Value, recipients: &Recipients) -> Result<String, EntryFlaw> {
    if !value.is_plain() {
        return Err(EntryFlaw::NotPlain);
    }
    let plaintext = to_json(&(label, value)).map_err(|error| EntryFlaw::NotEncrypted(error.to_string()))?;
    let armoured = encrypt(&plaintext, recipients).map_err(|error| EntryFlaw::NotEncrypted(error.to_string()))?;
    String::from_utf8(armoured).map_err(|error| EntryFlaw::NotEncrypted(error.to_string()))
}

/// Decrypts what [`close`] encrypted under this label.
pub(crate) fn open(label: &str, armoured: &str, identities: &Identities) -> Result<Sensitive<Value>, EntryFlaw> {
    let plaintext = decrypt(armoured, identities)?;
    // The reason is left out, which may quote a part of the value.
    let (found, value) =
        serde_json::from_slice::<(Cow<'_, str>, Value)>(&plaintext).map_err(|_| EntryFlaw::Malformed)?;
    let value = Sensitive::new(value);
    if found == label { Ok(value) } else { Err(EntryFlaw::Swapped { found: found.into_owned() }) }
}

fn encrypt(plaintext: &[u8], recipients: &Recipients) -> Result<Vec<u8>, age::EncryptError> {
    let encryptor = Encryptor::with_recipients(recipients.keys())?;
    let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
    let mut writer = encryptor.wrap_output(armour)?;
    writer.write_all(plaintext)?;
    Ok(writer.finish()?.finish()?)
}

fn decrypt(armoured: &str, identities: &Identities) -> Result<Zeroizing<Vec<u8>>, EntryFlaw> {
    if !armoured.starts_with(ARMOUR) {
        return Err(EntryFlaw::Altered);
    }
    let mut reader = Decryptor::new_buffered(ArmoredReader::new(armoured.as_bytes()))
        .and_then(|decryptor| decryptor.decrypt(identities.keys()))
        .map_err(|error| match error {
            DecryptError::NoMatchingKeys => EntryFlaw::OtherRecipients,
            _ => EntryFlaw::Altered,
        })?;
    // Never shorter than the plaintext, so that no part of it is left behind where a buffer has grown.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(armoured.len()));
    reader.read_to_end(&mut plaintext).map_err(|_| EntryFlaw::Altered)?;
    Ok(plaintext)
}

/// How an armoured age file begins.
pub(crate) const ARMOUR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// The JSON in a buffer that never grows: one that does leaves copies behind.
fn to_json(value: &impl serde::Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value)?;
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, value)?;
    Ok(json)
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
