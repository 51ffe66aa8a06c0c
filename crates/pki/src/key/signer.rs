//! Keys that sign certificates.
//!
//! Signatures follow from the key and the message alone wherever the key was made here (P-256 by RFC 6979), so that
//! seeded runs repeat. ECDSA by ring cannot do that; it signs for imported P-384 keys only.

use p256::ecdsa::signature::Signer as _;
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use x509_cert::der::asn1::{Any, Null};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier};

use super::{ED25519, PrivateKey, internal, p384};
use crate::Mistake;

/// RFC 5758 and RFC 8017.
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

pub(crate) enum Signer {
    Rsa(Box<RsaKeyPair>),
    P256(p256::ecdsa::SigningKey),
    P384(Box<EcdsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// Takes a key whose public half is `public_key` (the content of the certificate's bit string).
    pub(crate) fn new(key: &PrivateKey, public_key: &[u8]) -> Result<Self, Mistake> {
        match key {
            PrivateKey::Rsa(rsa) => {
                let pair = RsaKeyPair::from_der(&rsa.der).map_err(|_| cannot_sign(key))?;
                Ok(Self::Rsa(Box::new(pair)))
            }
            PrivateKey::P256(secret) => Ok(Self::P256(secret.into())),
            PrivateKey::P384(scalar) => {
                p384(scalar, public_key).map(|pair| Self::P384(Box::new(pair))).ok_or_else(|| cannot_sign(key))
            }
            PrivateKey::Ed25519(seed) => {
                Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map(Self::Ed25519).map_err(internal)
            }
            PrivateKey::P521 { .. } => Err(cannot_sign(key)),
        }
    }

    /// How it signs.
    pub(crate) fn algorithm(&self) -> AlgorithmIdentifierOwned {
        let (oid, parameters) = match self {
            Self::Rsa(_) => (SHA256_WITH_RSA, Some(Any::from(Null))),
            Self::P256(_) => (ECDSA_WITH_SHA256, None),
            Self::P384(_) => (ECDSA_WITH_SHA384, None),
            Self::Ed25519(_) => (ED25519, None),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    /// Signs `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Mistake> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                // The randomness only blinds the computation; it is not in the signature.
                let random = ring::rand::SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(internal)?;
                Ok(signature)
            }
            Self::P256(secret) => {
                let signature: p256::ecdsa::Signature = secret.try_sign(message).map_err(internal)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::P384(pair) => {
                let random = ring::rand::SystemRandom::new();
                Ok(pair.sign(&random, message).map_err(internal)?.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn cannot_sign(key: &PrivateKey) -> Mistake {
    Mistake::new(
        format!("a CA with a key of the type {} cannot sign here", key.describe()),
        "Use a CA with an RSA key of 2048 to 4096 bits, an ECDSA key on P-256 or P-384, or an Ed25519 key.",
    )
}
