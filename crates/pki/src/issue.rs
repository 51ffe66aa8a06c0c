//! Certificates and authorities that are made.

use hactl_core::sensitive::Sensitive;
use jiff::{SignedDuration, Timestamp};

use crate::encode::{self, SignedBy, Subject, Window};
use crate::key::{PrivateKey, Signer};
use crate::{AuthoritySpec, CertificateSpec, Entropy, Issuer, Mistake};

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate alone, in PEM.
    pub certificate: String,
    /// What a server sends: the certificate, intermediates, then cross certificates; without the root.
    pub chain: String,
    /// Its key: PKCS#8 in PEM.
    pub private_key: Sensitive<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid, this second included.
    pub not_after: Timestamp,
    /// Whether it ends earlier than asked for, because its issuer does.
    pub is_shortened: bool,
}

/// A certificate authority with its key.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The authority's certificate alone, in PEM.
    pub certificate: String,
    /// The certificate, then what links it to other authorities: intermediates, and the cross certificate of a
    /// rotation. With the key this is an [`Issuer`].
    pub chain: String,
    /// What verifiers are to trust while a rotation lasts: the certificate, then its predecessor's. Without a
    /// predecessor the certificate alone.
    pub bundle: String,
    /// Its own key, signed by the predecessor: whoever trusts that one alone trusts this one by it.
    pub cross_certificate: Option<String>,
    /// Its key: PKCS#8 in PEM.
    pub private_key: Sensitive<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid, this second included.
    pub not_after: Timestamp,
    /// Whether it ends earlier than asked for, because its issuer does.
    pub is_shortened: bool,
}

/// Hosts whose clocks are a little slow take new certificates all the same.
const SLOW_CLOCKS: SignedDuration = SignedDuration::from_mins(5);

/// Makes a certificate for a server or client, valid from 5 minutes before `now` for `validity` from `now` on, but not
/// longer than its issuer.
///
/// # Errors
/// The spec's [`CertificateSpec::mistakes`], a validity of less than a second or beyond the year 9999, and an issuer
/// that is not valid at `now`.
pub fn issue(
    spec: &CertificateSpec,
    validity: SignedDuration,
    issuer: &Issuer,
    now: Timestamp,
    entropy: &mut Entropy,
) -> Result<Certificate, Vec<Mistake>> {
    none(spec.mistakes())?;
    let (window, is_shortened) = window(now, validity, Some(issuer))?;
    let key = PrivateKey::generate(spec.key_type, entropy)?;
    let name = encode::name(spec.organisation.as_deref(), spec.common_name.as_deref())?;
    let subject = Subject { name, public_key: key.public_key_info()? };
    let certificate = encode::leaf(spec, &subject, window, &issuer.signed_by(), entropy)?;
    let chain = certificate.clone() + &issuer.chain(now);
    let Window { not_before, not_after } = window;
    Ok(Certificate { certificate, chain, private_key: key.to_pem()?, not_before, not_after, is_shortened })
}

/// Makes a certificate authority: a root, or an intermediate below `issuer`.
///
/// A rotation names the `predecessor`. It then also makes the cross certificate (same subject and key as the new
/// authority, signed by the predecessor), so that servers with a certificate of the new authority are trusted by
/// whoever trusts the old one, the new one, or both. A predecessor that has expired is trusted by nobody and left out.
///
/// # Errors
/// The spec's [`AuthoritySpec::mistakes`], a validity of less than a second or beyond the year 9999, and an issuer or
/// predecessor that may not sign other authorities or, for the issuer, is not valid at `now`.
pub fn authority(
    spec: &AuthoritySpec,
    validity: SignedDuration,
    issuer: Option<&Issuer>,
    predecessor: Option<&Issuer>,
    now: Timestamp,
    entropy: &mut Entropy,
) -> Result<Authority, Vec<Mistake>> {
    none(spec.mistakes())?;
    let (window, is_shortened) = window(now, validity, issuer)?;
    issuer.map_or(Ok(()), Issuer::check_path)?;
    let key = PrivateKey::generate(spec.key_type, entropy)?;
    let public_key = key.public_key_info()?;
    let name = encode::name(spec.organisation.as_deref(), Some(&spec.common_name))?;
    let subject = Subject { name, public_key };
    let certificate = match issuer {
        Some(issuer) => encode::authority(&subject, window, &issuer.signed_by(), entropy)?,
        None => {
            let signer = Signer::new(&key, subject.public_key.subject_public_key.raw_bytes())?;
            let own = SignedBy { name: &subject.name, key_identifier: None, signer: &signer };
            encode::authority(&subject, window, &own, entropy)?
        }
    };
    let above = issuer.map(|issuer| issuer.chain(now)).unwrap_or_default();
    let mut chain = certificate.clone() + &above;
    let mut bundle = certificate.clone();
    let mut cross_certificate = None;
    if let Some(predecessor) = predecessor.filter(|predecessor| predecessor.check_time(now).is_ok()) {
        let cross = cross(&subject, window, predecessor, entropy)?;
        chain += &cross;
        chain += &predecessor.chain(now);
        bundle += predecessor.certificate();
        cross_certificate = Some(cross);
    }
    let Window { not_before, not_after } = window;
    let private_key = key.to_pem()?;
    Ok(Authority { certificate, chain, bundle, cross_certificate, private_key, not_before, not_after, is_shortened })
}

/// The new authority's key, signed by the old one.
fn cross(subject: &Subject, window: Window, predecessor: &Issuer, entropy: &mut Entropy) -> Result<String, Mistake> {
    // An authority of the same name does not count in path lengths (RFC 5280, section 6.1.4 (l)).
    if *predecessor.name() != subject.name {
        predecessor.check_path()?;
    }
    let window = Window {
        not_before: window.not_before.max(predecessor.not_before()),
        not_after: window.not_after.min(predecessor.not_after()),
    };
    encode::authority(subject, window, &predecessor.signed_by(), entropy)
}

/// From when to when a certificate is valid, and whether that is less than asked for.
fn window(now: Timestamp, validity: SignedDuration, issuer: Option<&Issuer>) -> Result<(Window, bool), Mistake> {
    // Certificates know no fractions of seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let validity = SignedDuration::from_secs(validity.as_secs());
    if validity < SignedDuration::from_secs(1) {
        return Err(Mistake::new(
            "a certificate must be valid for a second at least",
            "Give a time such as `365d` as its validity.",
        ));
    }
    let wanted = now.checked_add(validity).map_err(|_| {
        Mistake::new("a certificate cannot be valid beyond the year 9999", "Give a shorter validity, such as `3650d`.")
    })?;
    let early = now.checked_sub(SLOW_CLOCKS).unwrap_or(now);
    let Some(issuer) = issuer else { return Ok((Window { not_before: early, not_after: wanted }, false)) };
    issuer.check_time(now)?;
    let not_after = wanted.min(issuer.not_after());
    Ok((Window { not_before: early.max(issuer.not_before()), not_after }, not_after < wanted))
}

fn none(mistakes: Vec<Mistake>) -> Result<(), Vec<Mistake>> {
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}
