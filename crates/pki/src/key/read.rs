//! Keys out of PEM: PKCS#1, SEC1 and PKCS#8.

use p256::pkcs8::PrivateKeyInfo;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use sec1::EcPrivateKey;
use x509_cert::spki::ObjectIdentifier;
use zeroize::Zeroizing;

use super::{ED25519, PrivateKey, RSA, RsaKey, bits};
use crate::Mistake;
use crate::pem::{self, Block};

const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

const TAKEN: &str = "Keys of the types RSA, ECDSA P-256, P-384 and P-521, and Ed25519 are taken.";

/// Reads the first private key of a file; `what` names the file in mistakes.
///
/// Certificates beside it are passed over: servers such as HAProxy keep both in one file.
pub(crate) fn read_first(text: &[u8], what: &str) -> Result<PrivateKey, Mistake> {
    let blocks = pem::blocks(text, what)?;
    match blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")) {
        Some(block) => read(block, what),
        None => Err(no_key(&blocks, what)),
    }
}

/// Reads one block that says it is a private key.
fn read(block: &Block, what: &str) -> Result<PrivateKey, Mistake> {
    if block.is_encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err(Mistake::new(
            format!("{what} is encrypted with a pass phrase"),
            "Decrypt it by `openssl pkey -in FILE -out FILE.plain` and give that; hactl encrypts it in the state itself.",
        ));
    }
    match block.label.as_str() {
        "PRIVATE KEY" => pkcs8(&block.der, what),
        "RSA PRIVATE KEY" => rsa(&block.der, what),
        "EC PRIVATE KEY" => elliptic(&block.der, None, what),
        "OPENSSH PRIVATE KEY" => Err(Mistake::new(
            format!("{what} is an OpenSSH key"),
            "Convert a copy of it by `ssh-keygen -p -m PEM -f COPY`, or make a key for TLS.",
        )),
        label => Err(Mistake::new(format!("{what} is a `{label}`, which is not taken"), TAKEN)),
    }
}

fn no_key(blocks: &[Block], what: &str) -> Mistake {
    let labels: Vec<&str> = blocks.iter().map(|block| block.label.as_str()).collect();
    let help = match labels.first() {
        Some(&"CERTIFICATE") => "The certificate belongs into `certificate`, its private key here. Were they swapped?",
        Some(&"PUBLIC KEY") => "That is the public half: give the private key it was made from.",
        Some(label) if label.ends_with("CERTIFICATE REQUEST") => {
            "A signing request holds no private key: give the key it was made with."
        }
        _ => "Give the file with the line `-----BEGIN PRIVATE KEY-----`.",
    };
    Mistake::new(format!("{what} is missing: there is only {}", labels.join(", ")), help)
}

fn pkcs8(der: &[u8], what: &str) -> Result<PrivateKey, Mistake> {
    let info = PrivateKeyInfo::try_from(der).map_err(|_| damaged(what))?;
    match info.algorithm.oid {
        RSA => rsa(info.private_key, what),
        ELLIPTIC_CURVE => {
            let curve = info.algorithm.parameters_oid().map_err(|_| damaged(what))?;
            elliptic(info.private_key, Some(curve), what)
        }
        ED25519 => match info.private_key {
            [0x04, 0x20, seed @ ..] => {
                seed.try_into().map(|seed| PrivateKey::Ed25519(Zeroizing::new(seed))).map_err(|_| damaged(what))
            }
            _ => Err(damaged(what)),
        },
        other => Err(Mistake::new(format!("{what} is of the type {other}, which is not taken"), TAKEN)),
    }
}

fn rsa(der: &[u8], what: &str) -> Result<PrivateKey, Mistake> {
    RsaKey::from_pkcs1(der).map(PrivateKey::Rsa).ok_or_else(|| damaged(what))
}

impl RsaKey {
    /// Reads PKCS#1. Whether the numbers fit each other is checked up to 4096 bits.
    pub(super) fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let key = rsa::pkcs1::RsaPrivateKey::try_from(der).ok()?;
        let modulus = key.modulus.as_bytes().to_vec();
        if bits(&modulus) <= 4096 {
            rsa::RsaPrivateKey::from_pkcs1_der(der).ok()?;
        }
        Some(Self { der: Zeroizing::new(der.to_vec()), modulus, exponent: key.public_exponent.as_bytes().to_vec() })
    }
}

/// Reads SEC1 (RFC 5915). The curve is named inside, or outside where PKCS#8 wraps it.
fn elliptic(der: &[u8], curve: Option<ObjectIdentifier>, what: &str) -> Result<PrivateKey, Mistake> {
    let key = EcPrivateKey::try_from(der).map_err(|_| damaged(what))?;
    let curve = curve.or_else(|| key.parameters.as_ref().and_then(|parameters| parameters.named_curve()));
    match curve {
        Some(P256) => {
            p256::SecretKey::from_slice(&padded(key.private_key, 32)).map(PrivateKey::P256).map_err(|_| damaged(what))
        }
        Some(P384) => Ok(PrivateKey::P384(padded(key.private_key, 48))),
        Some(P521) => Ok(PrivateKey::P521 { public_key: key.public_key.map(<[u8]>::to_vec) }),
        Some(other) => Err(Mistake::new(format!("{what} is on the curve {other}, which is not taken"), TAKEN)),
        None => Err(Mistake::new(
            format!("{what} does not name its curve"),
            "Make it again by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.",
        )),
    }
}

/// Some programs leave out leading zeros.
fn padded(scalar: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; length.saturating_sub(scalar.len())]);
    padded.extend_from_slice(scalar);
    padded
}

fn damaged(what: &str) -> Mistake {
    Mistake::new(
        format!("{what} is damaged"),
        "Its base64 is well formed, what it holds is not such a key: copy the file again as a whole; \
         `openssl pkey -in FILE -check -noout` tells when it is right.",
    )
}
