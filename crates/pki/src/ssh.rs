//! SSH key pairs in OpenSSH's formats.

use hactl_core::sensitive::Sensitive;
use rand_core::RngCore as _;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData, RsaKeypair, RsaPrivateKey};
use ssh_key::public::{Ed25519PublicKey, RsaPublicKey};
use ssh_key::{LineEnding, Mpint, PrivateKey};
use zeroize::Zeroizing;

use crate::{Entropy, Mistake};

/// What an SSH key is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SshKeyType {
    /// Ed25519, taken by OpenSSH since 6.5 (2014).
    #[default]
    Ed25519,
    /// RSA, for old devices.
    Rsa {
        /// Size of the modulus: 2048 to 4096.
        bits: u32,
    },
}

/// An SSH key pair.
#[derive(Debug, Clone)]
pub struct SshKey {
    /// One line as in `authorized_keys`, with the comment, without a line end.
    pub public_key: String,
    /// The file that ssh takes (`-----BEGIN OPENSSH PRIVATE KEY-----`), not encrypted.
    pub private_key: Sensitive<String>,
}

/// Makes an SSH key pair. The comment stands at the end of the public key, and may be empty.
///
/// # Errors
/// An RSA size outside of 2048 to 4096 bits, and control characters in the comment.
pub fn ssh_key(key_type: SshKeyType, comment: &str, entropy: &mut Entropy) -> Result<SshKey, Mistake> {
    if comment.chars().any(char::is_control) {
        return Err(Mistake::new(
            "the comment of an SSH key holds a control character",
            "Keep it to one line: it stands in the line of the public key.",
        ));
    }
    let pair = match key_type {
        SshKeyType::Ed25519 => ed25519(entropy)?,
        SshKeyType::Rsa { bits: bits @ 2048..=4096 } => rsa(bits as usize, entropy)?,
        SshKeyType::Rsa { bits } => {
            return Err(Mistake::new(
                format!("an RSA key of {bits} bits is not made"),
                "Ask for 2048 to 4096 bits, or for ed25519.",
            ));
        }
    };
    let key = PrivateKey::new(pair, comment).map_err(internal)?;
    let private_key = key.to_openssh(LineEnding::LF).map_err(internal)?;
    Ok(SshKey {
        public_key: key.public_key().to_openssh().map_err(internal)?.trim_end().to_owned(),
        private_key: Sensitive::new(private_key.as_str().to_owned()),
    })
}

fn ed25519(entropy: &mut Entropy) -> Result<KeypairData, Mistake> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill_bytes(&mut *seed);
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(internal)?;
    let public = Ed25519PublicKey::try_from(pair.public_key().as_ref()).map_err(internal)?;
    Ok(Ed25519Keypair { public, private: Ed25519PrivateKey::from_bytes(&seed) }.into())
}

fn rsa(bits: usize, entropy: &mut Entropy) -> Result<KeypairData, Mistake> {
    let key = rsa::RsaPrivateKey::new(entropy, bits).map_err(internal)?;
    let [p, q] = key.primes() else { return Err(internal("an RSA key has two primes")) };
    let inverse = key.crt_coefficient().ok_or_else(|| internal("its primes have no inverse"))?;
    let number = |number: &rsa::BigUint| Mpint::from_positive_bytes(&number.to_bytes_be()).map_err(internal);
    let pair = RsaKeypair {
        public: RsaPublicKey { e: number(key.e())?, n: number(key.n())? },
        private: RsaPrivateKey { d: number(key.d())?, iqmp: number(&inverse)?, p: number(p)?, q: number(q)? },
    };
    Ok(pair.into())
}

fn internal(error: impl std::fmt::Display) -> Mistake {
    Mistake::new(format!("an SSH key cannot be made: {error}"), "Please report this.")
}
