//! A certificate authority that signs: its certificate, what links it to other authorities, and its key.

use std::fmt;

use jiff::Timestamp;
use x509_cert::der::Decode as _;
use x509_cert::name::Name;
use x509_parser::certificate::X509Certificate;

use crate::certificate::{self, File, Parsed, common_name_or_subject};
use crate::encode::SignedBy;
use crate::key::{self, PrivateKey, Signer, describe_public};
use crate::mistake::show;
use crate::{Mistake, pem};

/// A certificate authority with its private key, ready to sign.
pub struct Issuer {
    /// What messages call it.
    label: String,
    name: Name,
    key_identifier: Option<Vec<u8>>,
    signer: Signer,
    own: Link,
    is_self_signed: bool,
    not_before: Timestamp,
    path_length: Option<u32>,
    above: Vec<Link>,
}

/// A certificate as it is passed on in chains.
struct Link {
    pem: String,
    not_after: Timestamp,
}

impl Issuer {
    /// Takes an authority's certificate and private key, in PEM.
    ///
    /// The first certificate is the authority's own. What follows it are intermediates and cross certificates, which
    /// go into the chains of what it signs; other roots among them are passed over. So [`Authority::chain`] fits, with
    /// or without [`Authority::bundle`] before or behind it.
    ///
    /// [`Authority::chain`]: crate::Authority::chain
    /// [`Authority::bundle`]: crate::Authority::bundle
    ///
    /// # Errors
    /// Anything that cannot be read, a certificate that is no authority's, a key that does not belong to it, and keys
    /// that cannot sign here (ECDSA P-521).
    pub fn parse(certificates: &[u8], private_key: &[u8]) -> Result<Self, Vec<Mistake>> {
        let file = File::read(certificates, "the CA's certificate");
        let key = key::read_first(private_key, "the CA's private key");
        let (file, key) = match (file, key) {
            (Ok(file), Ok(key)) => (file, key),
            (file, key) => return Err([file.err().unwrap_or_default(), key.err().into_iter().collect()].concat()),
        };
        let parsed = file.certificates()?;
        let (own, others) = parsed.split_first().ok_or_else(certificate::nothing)?;
        let mistakes: Vec<Mistake> =
            not_an_authority(&own.x509).into_iter().chain(other_key(&key, own, others)).collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self {
            label: common_name_or_subject(&own.x509),
            name: Name::from_der(own.x509.subject().as_raw()).map_err(|_| unreadable_name(&own.x509))?,
            key_identifier: certificate::subject_key_identifier(&own.x509),
            signer: Signer::new(&key, &own.x509.public_key().subject_public_key.data)?,
            own: link(own)?,
            is_self_signed: certificate::is_self_signed(&own.x509),
            not_before: certificate::not_before(&own.x509),
            path_length: certificate::path_length(&own.x509),
            above: others
                .iter()
                .filter(|other| !certificate::is_self_signed(&other.x509) && other.der != own.der)
                .map(link)
                .collect::<Result<_, _>>()?,
        })
    }

    /// From when it may sign.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when it may sign; nothing it signs lasts longer.
    pub fn not_after(&self) -> Timestamp {
        self.own.not_after
    }

    /// Its own certificate, in PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.own.pem
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn signed_by(&self) -> SignedBy<'_> {
        SignedBy { name: &self.name, key_identifier: self.key_identifier.as_deref(), signer: &self.signer }
    }

    /// What stands behind a certificate that it signed: itself unless it is a root, then what links it to others.
    /// What has expired by `now` links nothing any more.
    pub(crate) fn chain(&self, now: Timestamp) -> String {
        let own = (!self.is_self_signed).then_some(&self.own);
        let links = own.into_iter().chain(&self.above).filter(|link| link.not_after > now);
        links.map(|link| link.pem.as_str()).collect()
    }

    /// Tells whether it may sign at this time.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), Mistake> {
        if now > self.not_after() {
            return Err(Mistake::new(
                format!("the CA `{}` has expired on {}", self.label, show(self.not_after())),
                "Renew or rotate the CA first; what it signs now nobody would trust.",
            ));
        }
        if now < self.not_before {
            return Err(Mistake::new(
                format!("the CA `{}` is not valid before {}", self.label, show(self.not_before)),
                "Wait until then, or set this machine's clock if it is slow.",
            ));
        }
        Ok(())
    }

    /// Tells whether authorities may stand below it.
    pub(crate) fn check_path(&self) -> Result<(), Mistake> {
        if self.path_length == Some(0) {
            return Err(Mistake::new(
                format!("the CA `{}` may sign certificates, but no other CA (path length 0)", self.label),
                "Sign by a CA above it, or let it sign the certificates itself.",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("label", &self.label)
            .field("not_after", &self.own.not_after)
            .finish_non_exhaustive()
    }
}

fn link(read: &Parsed<'_>) -> Result<Link, Mistake> {
    Ok(Link { pem: pem::encode("CERTIFICATE", read.der)?, not_after: certificate::not_after(&read.x509) })
}

fn not_an_authority(x509: &X509Certificate<'_>) -> Option<Mistake> {
    if x509.is_ca() && certificate::may_sign_certificates(x509) {
        return None;
    }
    Some(Mistake::new(
        format!("the certificate `{}` is not a CA's", common_name_or_subject(x509)),
        "It may not sign other certificates (basic constraints, key usage). Give the CA's certificate and key; \
         it stands first in its file.",
    ))
}

fn other_key(key: &PrivateKey, own: &Parsed<'_>, others: &[Parsed<'_>]) -> Option<Mistake> {
    if key.belongs_to(own.x509.public_key()) != Some(false) {
        return None;
    }
    let owner = others.iter().find(|other| key.belongs_to(other.x509.public_key()) == Some(true));
    let help = match owner {
        Some(Parsed { x509, line, .. }) => {
            let name = common_name_or_subject(x509);
            format!("It belongs to `{name}` (line {line}): put that certificate first.")
        }
        None => "Give the key that was made with this certificate.".to_owned(),
    };
    let (ours, theirs) = (key.describe(), describe_public(own.x509.public_key()));
    let name = common_name_or_subject(&own.x509);
    let summary = format!("the private key ({ours}) does not belong to the CA certificate `{name}` ({theirs})");
    Some(Mistake::new(summary, help))
}

fn unreadable_name(x509: &X509Certificate<'_>) -> Mistake {
    Mistake::new(
        format!("the subject of the CA `{}` is not written as X.509 asks for", common_name_or_subject(x509)),
        "It cannot be carried over into other certificates: use another CA, or have this one issued again.",
    )
}
