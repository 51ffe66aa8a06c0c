//! Private keys: made, written, read, and compared with certificates.

mod read;
mod signer;

use hactl_core::sensitive::Sensitive;
use p256::pkcs8::{
    AlgorithmIdentifierRef, EncodePrivateKey as _, EncodePublicKey as _, PrivateKeyInfo, SecretDocument,
};
use rand_core::RngCore as _;
use ring::signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use x509_cert::der::asn1::{AnyRef, BitString, UintRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

pub(crate) use read::read_first;
pub(crate) use signer::Signer;

use crate::{Entropy, Mistake, pem};

/// What a key is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyType {
    /// ECDSA on the curve P-256: small, fast, and taken by everything since 2010.
    #[default]
    EcdsaP256,
    /// RSA of 2048 bits, for what cannot do ECDSA.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits. Making one takes seconds.
    Rsa4096,
    /// Ed25519. Browsers do not take certificates with it.
    Ed25519,
}

/// A private key in memory. It is overwritten when dropped.
pub(crate) enum PrivateKey {
    Rsa(RsaKey),
    P256(p256::SecretKey),
    P384(Zeroizing<Vec<u8>>),
    /// Can only be compared, where the file held the public key as well.
    P521 {
        public_key: Option<Vec<u8>>,
    },
    Ed25519(Zeroizing<[u8; 32]>),
}

/// An RSA key as PKCS#1 has it (RFC 8017), with its public numbers, big-endian without leading zeros.
pub(crate) struct RsaKey {
    der: Zeroizing<Vec<u8>>,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// RFC 8017, appendix C.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 8410, section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

impl PrivateKey {
    /// Makes a key.
    pub(crate) fn generate(key_type: KeyType, entropy: &mut Entropy) -> Result<Self, Mistake> {
        match key_type {
            KeyType::EcdsaP256 => Ok(Self::P256(p256::SecretKey::random(entropy))),
            KeyType::Rsa2048 => rsa(2048, entropy),
            KeyType::Rsa3072 => rsa(3072, entropy),
            KeyType::Rsa4096 => rsa(4096, entropy),
            KeyType::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                entropy.fill_bytes(&mut *seed);
                Ok(Self::Ed25519(seed))
            }
        }
    }

    /// The key as PKCS#8 in PEM (RFC 5958, 7468). Only for keys that were made here.
    pub(crate) fn to_pem(&self) -> Result<Sensitive<String>, Mistake> {
        let der = match self {
            Self::P256(key) => key.to_pkcs8_der().map_err(internal)?.to_bytes(),
            Self::Rsa(key) => pkcs8(RSA, Some(AnyRef::NULL), &key.der)?,
            // Without the public key (RFC 8410, section 7): OpenSSL 3.0 does not read the version that has it.
            Self::Ed25519(seed) => pkcs8(ED25519, None, &Zeroizing::new([&[0x04, 0x20], seed.as_slice()].concat()))?,
            Self::P384(_) | Self::P521 { .. } => return Err(internal("a key of this type is not written here")),
        };
        pem::encode("PRIVATE KEY", &der).map(Sensitive::new)
    }

    /// The public half, as certificates hold it. Only for keys that were made here.
    pub(crate) fn public_key_info(&self) -> Result<SubjectPublicKeyInfoOwned, Mistake> {
        let (oid, parameters, bytes) = match self {
            Self::P256(key) => {
                let document = key.public_key().to_public_key_der().map_err(internal)?;
                return SubjectPublicKeyInfoOwned::from_der(document.as_bytes()).map_err(internal);
            }
            Self::Rsa(key) => {
                let public = rsa::pkcs1::RsaPublicKey {
                    modulus: UintRef::new(&key.modulus).map_err(internal)?,
                    public_exponent: UintRef::new(&key.exponent).map_err(internal)?,
                };
                (RSA, Some(AnyRef::NULL), public.to_der().map_err(internal)?)
            }
            Self::Ed25519(seed) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(internal)?;
                (ED25519, None, pair.public_key().as_ref().to_vec())
            }
            Self::P384(_) | Self::P521 { .. } => return Err(internal("a key of this type is not made here")),
        };
        Ok(SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid, parameters: parameters.map(Into::into) },
            subject_public_key: BitString::from_bytes(&bytes).map_err(internal)?,
        })
    }

    /// Whether this is the key of a certificate that holds `public_key`. `None`: that cannot be told here.
    pub(crate) fn belongs_to(&self, public_key: &SubjectPublicKeyInfo<'_>) -> Option<bool> {
        let bytes = &*public_key.subject_public_key.data;
        let Ok(parsed) = public_key.parsed() else { return None };
        let is_same = match (self, parsed) {
            (Self::Rsa(key), PublicKey::RSA(public)) => {
                key.modulus == without_zeros(public.modulus) && key.exponent == without_zeros(public.exponent)
            }
            (Self::P256(key), PublicKey::EC(_)) => {
                p256::PublicKey::from_sec1_bytes(bytes).is_ok_and(|public| public == key.public_key())
            }
            (Self::P384(scalar), PublicKey::EC(_)) => p384(scalar, bytes).is_some(),
            (Self::P521 { public_key: Some(own) }, PublicKey::EC(_)) => own == bytes,
            (Self::P521 { public_key: None }, PublicKey::EC(_)) => return None,
            (Self::Ed25519(seed), PublicKey::Unknown(_)) => {
                Ed25519KeyPair::from_seed_and_public_key(seed.as_slice(), bytes).is_ok()
            }
            _ => false,
        };
        Some(is_same)
    }

    /// What the key is, for messages: `RSA 2048`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Rsa(key) => format!("RSA {}", bits(&key.modulus)),
            Self::P256(_) => "ECDSA P-256".to_owned(),
            Self::P384(_) => "ECDSA P-384".to_owned(),
            Self::P521 { .. } => "ECDSA P-521".to_owned(),
            Self::Ed25519(_) => "Ed25519".to_owned(),
        }
    }
}

fn rsa(bits: usize, entropy: &mut Entropy) -> Result<PrivateKey, Mistake> {
    let key = rsa::RsaPrivateKey::new(entropy, bits).map_err(internal)?;
    let der = key.to_pkcs1_der().map_err(internal)?.to_bytes();
    RsaKey::from_pkcs1(&der).map(PrivateKey::Rsa).ok_or_else(|| internal("what was made is not read again"))
}

fn pkcs8(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Mistake> {
    let info = PrivateKeyInfo::new(AlgorithmIdentifierRef { oid, parameters }, key);
    SecretDocument::try_from(info).map(|document| document.to_bytes()).map_err(internal)
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// The pair, if the private and public half belong together.
fn p384(scalar: &[u8], public_key: &[u8]) -> Option<EcdsaKeyPair> {
    let random = ring::rand::SystemRandom::new();
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P384_SHA384_ASN1_SIGNING, scalar, public_key, &random).ok()
}

/// What a public key is, for messages and for `describe`.
pub(crate) fn describe_public(public_key: &SubjectPublicKeyInfo<'_>) -> String {
    match public_key.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(point)) => match point.key_size() {
            size @ (256 | 384 | 521) => format!("ECDSA P-{size}"),
            528 => "ECDSA P-521".to_owned(),
            size => format!("ECDSA {size}"),
        },
        _ if public_key.algorithm.algorithm.to_id_string() == ED25519.to_string() => "Ed25519".to_owned(),
        _ => public_key.algorithm.algorithm.to_id_string(),
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// A failure that no input can cause.
fn internal(error: impl std::fmt::Display) -> Mistake {
    Mistake::new(format!("a key cannot be made or written: {error}"), "Please report this.")
}
