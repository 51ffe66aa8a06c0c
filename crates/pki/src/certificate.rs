//! Certificates that are read: out of PEM, what they say, and who signed whom.

mod describe;
mod signature;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

pub use describe::{CertificateInfo, describe};
pub(crate) use describe::{common_name_or_subject, host_names, nothing, shown};
pub(crate) use signature::signed_by;

use crate::Mistake;
use crate::pem::{self, Block};

/// A file of certificates.
pub(crate) struct File {
    blocks: Vec<Block>,
    what: &'static str,
}

/// One certificate of a file.
pub(crate) struct Parsed<'a> {
    pub(crate) x509: X509Certificate<'a>,
    pub(crate) der: &'a [u8],
    /// Where its block begins, from 1.
    pub(crate) line: usize,
}

impl File {
    /// Takes PEM with nothing in it but certificates; `what` names the file in mistakes.
    pub(crate) fn read(text: &[u8], what: &'static str) -> Result<Self, Vec<Mistake>> {
        let blocks = pem::blocks(text, what)?;
        let mistakes: Vec<_> = blocks.iter().filter_map(|block| not_a_certificate(block, what)).collect();
        if mistakes.is_empty() { Ok(Self { blocks, what }) } else { Err(mistakes) }
    }

    /// The certificates in the order of the file; at least one.
    pub(crate) fn certificates(&self) -> Result<Vec<Parsed<'_>>, Vec<Mistake>> {
        let mut parsed = Vec::new();
        let mut mistakes = Vec::new();
        for block in &self.blocks {
            match X509Certificate::from_der(&block.der) {
                Ok(([], x509)) => parsed.push(Parsed { x509, der: &block.der, line: block.line }),
                _ => mistakes.push(Mistake::new(
                    format!("{}: what the block at line {} holds is not a certificate", self.what, block.line),
                    "It is well formed PEM with something else in it, or damaged: copy the file again as a whole.",
                )),
            }
        }
        if mistakes.is_empty() { Ok(parsed) } else { Err(mistakes) }
    }
}

/// From when it is valid.
pub(crate) fn not_before(x509: &X509Certificate<'_>) -> Timestamp {
    Timestamp::from_second(x509.validity().not_before.timestamp()).unwrap_or(Timestamp::MIN)
}

/// Until when it is valid.
pub(crate) fn not_after(x509: &X509Certificate<'_>) -> Timestamp {
    Timestamp::from_second(x509.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX)
}

/// Whether it names itself as issuer, and its own key signed it as far as that can be told. A cross certificate of an
/// authority that kept its name only does the first.
pub(crate) fn is_self_signed(x509: &X509Certificate<'_>) -> bool {
    x509.issuer().as_raw() == x509.subject().as_raw() && signed_by(x509, x509) != Some(false)
}

/// Whether `parent` is the issuer of `child`, as far as that can be told.
pub(crate) fn is_issuer(parent: &X509Certificate<'_>, child: &X509Certificate<'_>) -> bool {
    child.issuer().as_raw() == parent.subject().as_raw() && signed_by(child, parent) != Some(false)
}

/// Whether its key usage lets it sign certificates.
pub(crate) fn may_sign_certificates(x509: &X509Certificate<'_>) -> bool {
    !matches!(x509.key_usage(), Ok(Some(usage)) if !usage.value.key_cert_sign())
}

/// How many authorities may stand below it.
pub(crate) fn path_length(x509: &X509Certificate<'_>) -> Option<u32> {
    x509.basic_constraints().ok().flatten().and_then(|constraints| constraints.value.path_len_constraint)
}

/// The identifier of its key, where it has one.
pub(crate) fn subject_key_identifier(x509: &X509Certificate<'_>) -> Option<Vec<u8>> {
    x509.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
        _ => None,
    })
}

fn not_a_certificate(block: &Block, what: &str) -> Option<Mistake> {
    let (is, help) = match block.label.as_str() {
        "CERTIFICATE" | "X509 CERTIFICATE" => return None,
        label if label.ends_with("PRIVATE KEY") => (
            "a private key",
            "Keep the key in a file of its own and name that as the private key: certificates are not held secret.",
        ),
        label if label.ends_with("CERTIFICATE REQUEST") => (
            "a certificate signing request (CSR)",
            "Send it to the CA; the answer is the certificate that belongs here.",
        ),
        "TRUSTED CERTIFICATE" => {
            ("a certificate in OpenSSL's own form", "Convert it by `openssl x509 -in FILE -out FILE.pem`.")
        }
        "PKCS7" | "CMS" => ("PKCS#7", "Convert it by `openssl pkcs7 -in FILE -print_certs -out FILE.pem`."),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => ("a public key", "Give the certificate that holds this key."),
        "X509 CRL" => ("a revocation list", "Give the CA's certificate itself."),
        _ => ("something else than a certificate", "Take this block out."),
    };
    Some(Mistake::new(format!("{what}: the block at line {} is {is}", block.line), help))
}
