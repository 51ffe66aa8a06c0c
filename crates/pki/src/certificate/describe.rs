//! What a certificate says, in words.

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::x509::X509Name;

use super::{File, not_after, not_before};
use crate::Mistake;
use crate::key::describe_public;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Its subject, as OpenSSL shows it: `O=Example, CN=web`. Empty where it has none.
    pub subject: String,
    /// The subject of who signed it.
    pub issuer: String,
    /// DNS names and IP addresses it is good for, in its order.
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid, this second included.
    pub not_after: Timestamp,
    /// What its key is: `ECDSA P-256`, `RSA 2048`, `Ed25519`; an object identifier where none of these.
    pub key_type: String,
    /// Whether it is an authority's.
    pub is_ca: bool,
    /// Its serial number: lower-case hexadecimal bytes with colons between them.
    pub serial: String,
}

/// Tells what the first certificate of a PEM text says.
///
/// # Errors
/// Text without a certificate that can be read.
pub fn describe(pem: &[u8]) -> Result<CertificateInfo, Mistake> {
    let first = |mistakes: Vec<Mistake>| mistakes.into_iter().next().unwrap_or_else(nothing);
    let file = File::read(pem, "the certificate").map_err(first)?;
    let certificates = file.certificates().map_err(first)?;
    let x509 = &certificates.first().ok_or_else(nothing)?.x509;
    Ok(CertificateInfo {
        subject: shown(x509.subject()),
        issuer: shown(x509.issuer()),
        names: host_names(x509),
        not_before: not_before(x509),
        not_after: not_after(x509),
        key_type: describe_public(x509.public_key()),
        is_ca: x509.is_ca(),
        serial: x509.raw_serial_as_string(),
    })
}

/// DNS names and IP addresses of a certificate.
pub(crate) fn host_names(x509: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = x509.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(plain(name)),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

/// What messages call a certificate: its common name, else its subject, else its first host name.
pub(crate) fn common_name_or_subject(x509: &X509Certificate<'_>) -> String {
    let common_name = x509.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    match common_name {
        Some(name) => plain(name),
        None if x509.subject().iter().next().is_some() => shown(x509.subject()),
        None => host_names(x509).into_iter().next().unwrap_or_else(|| x509.raw_serial_as_string()),
    }
}

/// A subject or issuer as OpenSSL shows it.
pub(crate) fn shown(name: &X509Name<'_>) -> String {
    plain(&name.to_string())
}

/// What others wrote into a certificate does nothing to a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}

/// Said of a text that holds none.
pub(crate) fn nothing() -> Mistake {
    Mistake::new("there is no certificate", "Give the text with the line `-----BEGIN CERTIFICATE-----`.")
}
