//! Who signed whom.

use x509_parser::certificate::X509Certificate;
use x509_parser::public_key::PublicKey;

/// What signature algorithms (RFC 3279, 4055, 5758, 8410) begin with, by the family of key that makes them.
const FAMILIES: [(&str, Family); 3] =
    [("1.2.840.113549.1.1.", Family::Rsa), ("1.2.840.10045.4.", Family::Elliptic), ("1.3.101.112", Family::Ed25519)];

const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";

#[derive(Clone, Copy, PartialEq)]
enum Family {
    Rsa,
    Elliptic,
    Ed25519,
}

/// Whether the key of `parent` signed `child`. `None`: that cannot be told here, because the algorithm is not known
/// (P-521), or a size is (RSA below 2048 bits).
pub(crate) fn signed_by(child: &X509Certificate<'_>, parent: &X509Certificate<'_>) -> Option<bool> {
    let algorithm = child.signature_algorithm.algorithm.to_id_string();
    let made_with = FAMILIES.iter().find(|(prefix, _)| algorithm.starts_with(prefix)).map(|(_, family)| *family)?;
    let (family, bits) = key(parent)?;
    if made_with != family {
        return Some(false);
    }
    if child.verify_signature(Some(parent.public_key())).is_ok() {
        return Some(true);
    }
    // The check fails just the same for what it does not know.
    let is_known = match family {
        Family::Rsa => (2048..=8192).contains(&bits) && algorithm != RSASSA_PSS && is_known_rsa_hash(&algorithm),
        Family::Elliptic => matches!(bits, 256 | 384) && is_known_elliptic_hash(&algorithm),
        Family::Ed25519 => true,
    };
    is_known.then_some(false)
}

/// SHA-1, SHA-256, SHA-384 and SHA-512 with RSA.
fn is_known_rsa_hash(algorithm: &str) -> bool {
    ["5", "11", "12", "13"].iter().any(|last| algorithm == format!("1.2.840.113549.1.1.{last}"))
}

/// ECDSA with SHA-256 and SHA-384.
fn is_known_elliptic_hash(algorithm: &str) -> bool {
    algorithm == "1.2.840.10045.4.3.2" || algorithm == "1.2.840.10045.4.3.3"
}

/// What a certificate's key is, and its size in bits.
fn key(x509: &X509Certificate<'_>) -> Option<(Family, usize)> {
    match x509.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Some((Family::Rsa, key.key_size())),
        // Curves of the same size other than NIST's are not known either.
        Ok(PublicKey::EC(point)) => {
            let curve = x509.public_key().algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            let is_nist = curve == "1.2.840.10045.3.1.7" || curve == "1.3.132.0.34";
            Some((Family::Elliptic, if is_nist { point.key_size() } else { 0 }))
        }
        Ok(PublicKey::Unknown(_)) if x509.public_key().algorithm.algorithm.to_id_string() == "1.3.101.112" => {
            Some((Family::Ed25519, 256))
        }
        _ => None,
    }
}
