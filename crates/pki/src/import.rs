//! Certificates that were made elsewhere, checked before they reach a host.

mod chain;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;

use crate::certificate::{
    File, Parsed, common_name_or_subject, host_names, is_issuer, not_after, not_before, nothing, shown, signed_by,
};
use crate::key::{self, PrivateKey, describe_public};
use crate::mistake::show;
use crate::{Mistake, pem};

/// A certificate that was found to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The certificate itself, in PEM.
    pub certificate: String,
    /// The certificate and all that stood behind it, in PEM. Text between the blocks is left out.
    pub chain: String,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid, this second included.
    pub not_after: Timestamp,
    /// Its subject, as OpenSSL shows it: `O=Example, CN=web`. Empty where it has none.
    pub subject: String,
    /// DNS names and IP addresses it is good for, in its order.
    pub names: Vec<String>,
}

/// Which of the texts given a mistake is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportPart {
    /// The certificate with its chain.
    Certificate,
    /// The private key.
    PrivateKey,
    /// The CA.
    Ca,
}

const CERTIFICATE: &str = "the certificate";
const PRIVATE_KEY: &str = "the private key";
const CA: &str = "the CA";

/// Checks a certificate with its chain, its private key, and the CA that verifiers are to trust, all PEM.
///
/// Certificates and keys of the types RSA, ECDSA P-256, P-384 and P-521, and Ed25519 are taken, keys as PKCS#1, SEC1 and
/// PKCS#8. Signatures that cannot be checked here (P-521, RSA below 2048 bits) are taken to be right.
///
/// # Errors
/// All mistakes at once: files of another format, a wrong order, certificates that did not sign each other, a key of
/// another certificate, what has expired or is not valid yet, and a CA that did not sign the chain or is none.
pub fn check_import(
    certificate: &[u8],
    private_key: &[u8],
    ca: Option<&[u8]>,
    now: Timestamp,
) -> Result<Imported, Vec<(ImportPart, Mistake)>> {
    use ImportPart::{Ca, Certificate, PrivateKey};

    let mut mistakes = Mistakes(Vec::new());
    let file = mistakes.kept(Certificate, File::read(certificate, CERTIFICATE));
    let key = mistakes.kept(PrivateKey, key::read_first(private_key, PRIVATE_KEY).map_err(Vec::from));
    let ca_file = ca.and_then(|ca| mistakes.kept(Ca, File::read(ca, CA)));
    let certificates = file.as_ref().and_then(|file| mistakes.kept(Certificate, file.certificates()));
    let cas = ca_file.as_ref().and_then(|file| mistakes.kept(Ca, file.certificates())).unwrap_or_default();
    let Some(certificates) = certificates else { return Err(mistakes.0) };

    let chain = chain::Chain::of(&certificates, key.as_ref());
    let Some(leaf) = certificates.get(chain.leaf) else { return Err(vec![(Certificate, nothing())]) };
    mistakes.add(PrivateKey, key.as_ref().and_then(|key| other_key(key, &leaf.x509)));
    mistakes.add(Certificate, chain.mistakes(&certificates));
    mistakes.add(Certificate, times(&leaf.x509, "", now));
    for (index, parsed) in certificates.iter().enumerate().filter(|(index, _)| *index != chain.leaf) {
        if chain.links.contains(&index) {
            mistakes.add(Certificate, not_a_ca(parsed, CERTIFICATE));
        }
        mistakes.add(Certificate, times(&parsed.x509, "the issuer ", now));
    }
    if ca_file.is_some() && !cas.is_empty() {
        let links: Vec<&Parsed<'_>> = chain.links.iter().filter_map(|index| certificates.get(*index)).collect();
        mistakes.add(Ca, cas.iter().filter(|ca| ca.der != leaf.der).filter_map(|ca| not_a_ca(ca, CA)));
        mistakes.add(Ca, cas.iter().filter(|ca| ca.der != leaf.der).filter_map(|ca| times(&ca.x509, "the CA ", now)));
        mistakes.add(Ca, unanchored(&links, &cas));
    }
    if !mistakes.0.is_empty() {
        return Err(mistakes.0);
    }
    written(leaf, &certificates).map_err(|mistake| vec![(Certificate, mistake)])
}

fn written(leaf: &Parsed<'_>, certificates: &[Parsed<'_>]) -> Result<Imported, Mistake> {
    let block = |parsed: &Parsed<'_>| pem::encode("CERTIFICATE", parsed.der);
    Ok(Imported {
        certificate: block(leaf)?,
        chain: certificates.iter().map(block).collect::<Result<_, _>>()?,
        not_before: not_before(&leaf.x509),
        not_after: not_after(&leaf.x509),
        subject: shown(leaf.x509.subject()),
        names: host_names(&leaf.x509),
    })
}

/// What is wrong, with what it is about.
struct Mistakes(Vec<(ImportPart, Mistake)>);

impl Mistakes {
    fn add(&mut self, part: ImportPart, found: impl IntoIterator<Item = Mistake>) {
        self.0.extend(found.into_iter().map(|mistake| (part, mistake)));
    }

    fn kept<T>(&mut self, part: ImportPart, result: Result<T, Vec<Mistake>>) -> Option<T> {
        result.map_err(|found| self.add(part, found)).ok()
    }
}

fn other_key(key: &PrivateKey, leaf: &X509Certificate<'_>) -> Option<Mistake> {
    if key.belongs_to(leaf.public_key()) != Some(false) {
        return None;
    }
    let (name, theirs) = (common_name_or_subject(leaf), describe_public(leaf.public_key()));
    Some(Mistake::new(
        format!("the private key ({}) does not belong to the certificate `{name}` ({theirs})", key.describe()),
        "Give the key that its signing request was made with. Key and certificate belong together when \
         `openssl pkey -in KEY -pubout` and `openssl x509 -in CERTIFICATE -pubkey -noout` print the same.",
    ))
}

fn times(x509: &X509Certificate<'_>, role: &str, now: Timestamp) -> Option<Mistake> {
    let name = common_name_or_subject(x509);
    let what = if role.is_empty() { "the certificate " } else { role };
    if now > not_after(x509) {
        let help = match role {
            "" => "Have it renewed by its CA and give the new one.",
            _ => {
                "Get its present certificate from the CA, which often keeps its key; a cross certificate whose time is \
                 over is left out."
            }
        };
        Some(Mistake::new(format!("{what}`{name}` has expired on {}", show(not_after(x509))), help))
    } else if now < not_before(x509) {
        Some(Mistake::new(
            format!("{what}`{name}` is not valid before {}", show(not_before(x509))),
            "Wait until then, or set the clock of this machine or of the CA, whichever is wrong.",
        ))
    } else {
        None
    }
}

fn not_a_ca(parsed: &Parsed<'_>, what: &str) -> Option<Mistake> {
    // Roots older than X.509 version 3 cannot say that they are one.
    if parsed.x509.is_ca() || (parsed.x509.version().0 < 2 && is_issuer(&parsed.x509, &parsed.x509)) {
        return None;
    }
    let name = common_name_or_subject(&parsed.x509);
    Some(Mistake::new(
        format!("{what}: `{name}` (line {}) is not a CA, so it cannot vouch for another certificate", parsed.line),
        "Give the certificate of the CA that issued yours; its basic constraints say `CA:TRUE`.",
    ))
}

/// Tells that none of the CAs signed any certificate of the chain.
fn unanchored(links: &[&Parsed<'_>], cas: &[Parsed<'_>]) -> Option<Mistake> {
    let is_anchored =
        links.iter().any(|link| cas.iter().any(|ca| ca.der == link.der || is_issuer(&ca.x509, &link.x509)));
    let top = &links.last()?.x509;
    if is_anchored {
        return None;
    }
    let names: Vec<String> = cas.iter().map(|ca| format!("`{}`", common_name_or_subject(&ca.x509))).collect();
    let summary = format!(
        "the CA {} did not sign the chain, which ends with `{}`, signed by `{}`",
        names.join(", "),
        common_name_or_subject(top),
        shown(top.issuer()),
    );
    let has_namesake = cas
        .iter()
        .any(|ca| ca.x509.subject().as_raw() == top.issuer().as_raw() && signed_by(top, &ca.x509) == Some(false));
    let help = if has_namesake {
        "The name is right, the key is another: it is an older or newer CA of the same name. Give the one that was in \
         use when the certificate was issued."
    } else {
        "Either intermediate certificates are missing behind the certificate, or this is the CA of something else."
    };
    Some(Mistake::new(summary, help))
}
