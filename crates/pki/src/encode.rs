//! Certificates as DER (RFC 5280): the one place that writes them.
//!
//! Names are carried over as the issuer's certificate has them, byte for byte: verifiers compare them so.

use jiff::Timestamp;
use rand_core::RngCore as _;
use ring::digest;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{Any, BitString, GeneralizedTime, Ia5String, OctetString, SetOfVec, UtcTime};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc4519::{CN, O};
use x509_cert::der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use x509_cert::der::{Encode, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use crate::key::Signer;
use crate::{CertificateSpec, Entropy, KeyType, Mistake, Usage, pem};

/// What a certificate says of its subject.
pub(crate) struct Subject {
    pub(crate) name: Name,
    pub(crate) public_key: SubjectPublicKeyInfoOwned,
}

/// Who signs it: name and key identifier as in the signer's own certificate.
pub(crate) struct SignedBy<'a> {
    pub(crate) name: &'a Name,
    pub(crate) key_identifier: Option<&'a [u8]>,
    pub(crate) signer: &'a Signer,
}

/// From when to when, to the second.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

/// Writes the certificate of an authority, in PEM. Signed by itself, `by` is its own name and key.
pub(crate) fn authority(
    subject: &Subject,
    window: Window,
    by: &SignedBy<'_>,
    entropy: &mut Entropy,
) -> Result<String, Mistake> {
    let extensions = vec![
        extension(true, &BasicConstraints { ca: true, path_len_constraint: None })?,
        extension(true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?,
    ];
    certificate(subject, window, extensions, by, entropy)
}

/// Writes the certificate of a server or client, in PEM.
pub(crate) fn leaf(
    spec: &CertificateSpec,
    subject: &Subject,
    window: Window,
    by: &SignedBy<'_>,
    entropy: &mut Entropy,
) -> Result<String, Mistake> {
    // TLS 1.2 without forward secrecy sends a key that RSA encrypts.
    let usages = match spec.key_type {
        KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => {
            KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment
        }
        KeyType::EcdsaP256 | KeyType::Ed25519 => KeyUsages::DigitalSignature.into(),
    };
    let purposes = spec.usages.iter().map(|usage| match usage {
        Usage::ServerAuth => ID_KP_SERVER_AUTH,
        Usage::ClientAuth => ID_KP_CLIENT_AUTH,
    });
    let mut extensions = vec![
        extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
        extension(true, &KeyUsage(usages))?,
        extension(false, &ExtendedKeyUsage(purposes.collect()))?,
    ];
    let names = alternative_names(spec)?;
    if !names.is_empty() {
        extensions.push(extension(subject.name.is_empty(), &SubjectAltName(names))?);
    }
    certificate(subject, window, extensions, by, entropy)
}

/// A subject's name: organisation, then common name.
pub(crate) fn name(organisation: Option<&str>, common_name: Option<&str>) -> Result<Name, Mistake> {
    let parts = [(O, organisation), (CN, common_name)];
    let parts = parts.into_iter().filter_map(|(oid, text)| Some((oid, text?)));
    parts.map(|(oid, text)| part(oid, text)).collect::<Result<_, _>>().map(RdnSequence)
}

/// The identifier of a key: the first 160 bits of its SHA-256 (RFC 7093, section 2).
pub(crate) fn key_identifier(public_key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    let digest = digest::digest(&digest::SHA256, public_key.subject_public_key.raw_bytes());
    digest.as_ref().iter().copied().take(20).collect()
}

fn certificate(
    subject: &Subject,
    window: Window,
    mut extensions: Vec<Extension>,
    by: &SignedBy<'_>,
    entropy: &mut Entropy,
) -> Result<String, Mistake> {
    extensions.push(extension(false, &SubjectKeyIdentifier(octets(&key_identifier(&subject.public_key))?))?);
    if let Some(identifier) = by.key_identifier {
        let identifier = AuthorityKeyIdentifier { key_identifier: Some(octets(identifier)?), ..Default::default() };
        extensions.push(extension(false, &identifier)?);
    }
    let algorithm: AlgorithmIdentifierOwned = by.signer.algorithm();
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: serial(entropy)?,
        signature: algorithm.clone(),
        issuer: by.name.clone(),
        validity: Validity { not_before: time(window.not_before)?, not_after: time(window.not_after)? },
        subject: subject.name.clone(),
        subject_public_key_info: subject.public_key.clone(),
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    let signature = by.signer.sign(&tbs_certificate.to_der().map_err(internal)?)?;
    let signature = BitString::from_bytes(&signature).map_err(internal)?;
    let certificate = Certificate { tbs_certificate, signature_algorithm: algorithm, signature };
    pem::encode("CERTIFICATE", &certificate.to_der().map_err(internal)?)
}

/// 20 random bytes, positive and never shorter (RFC 5280, section 4.1.2.2).
fn serial(entropy: &mut Entropy) -> Result<SerialNumber, Mistake> {
    let mut bytes = [0; 20];
    entropy.fill_bytes(&mut bytes);
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::new(&bytes).map_err(internal)
}

/// Two-digit years until 2049, four digits after (RFC 5280, section 4.1.2.5).
fn time(time: Timestamp) -> Result<Time, Mistake> {
    let since_1970 = u64::try_from(time.as_second()).map(std::time::Duration::from_secs).map_err(internal)?;
    match UtcTime::from_unix_duration(since_1970) {
        Ok(time) => Ok(time.into()),
        Err(_) => GeneralizedTime::from_unix_duration(since_1970).map(Time::from).map_err(internal),
    }
}

fn alternative_names(spec: &CertificateSpec) -> Result<Vec<GeneralName>, Mistake> {
    let mut names: Vec<GeneralName> = Vec::new();
    for name in &spec.dns_names {
        names.push(GeneralName::DnsName(Ia5String::new(name).map_err(internal)?));
    }
    for address in &spec.ip_addresses {
        let bytes = match address {
            std::net::IpAddr::V4(address) => address.octets().to_vec(),
            std::net::IpAddr::V6(address) => address.octets().to_vec(),
        };
        names.push(GeneralName::IpAddress(octets(&bytes)?));
    }
    let mut distinct: Vec<GeneralName> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    Ok(distinct)
}

fn part(oid: ObjectIdentifier, text: &str) -> Result<RelativeDistinguishedName, Mistake> {
    let value = Any::new(Tag::Utf8String, text.as_bytes()).map_err(internal)?;
    let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }]).map_err(internal)?;
    Ok(RelativeDistinguishedName(set))
}

fn extension<T: AssociatedOid + Encode>(critical: bool, content: &T) -> Result<Extension, Mistake> {
    let extn_value = octets(&content.to_der().map_err(internal)?)?;
    Ok(Extension { extn_id: T::OID, critical, extn_value })
}

fn octets(bytes: &[u8]) -> Result<OctetString, Mistake> {
    OctetString::new(bytes).map_err(internal)
}

/// A failure that no checked spec can cause.
fn internal(error: impl std::fmt::Display) -> Mistake {
    Mistake::new(format!("a certificate cannot be written: {error}"), "Please report this.")
}
