//! Keys, certificates and passwords: made, read and checked.
//!
//! Everything here is a function of its arguments. Time is a [`jiff::Timestamp`] that is passed in, randomness an
//! [`Entropy`]; there is no clock, no disk and no network. With [`Entropy::seeded`] and the same time the same
//! certificates are made, to the byte.
//!
//! Private keys and passwords are [`Sensitive`](hactl_core::sensitive::Sensitive). What is wrong is told as
//! [`Mistake`]s, which never hold key material.

mod certificate;
mod encode;
mod entropy;
mod import;
mod issue;
mod issuer;
mod key;
mod mistake;
mod password;
mod pem;
mod spec;
mod ssh;

pub use certificate::{CertificateInfo, describe};
pub use entropy::Entropy;
pub use import::{ImportPart, Imported, check_import};
pub use issue::{Authority, Certificate, authority, issue};
pub use issuer::Issuer;
pub use key::KeyType;
pub use mistake::Mistake;
pub use password::{
    DEFAULT_ALPHABET, DEFAULT_TOKEN_BYTES, MAXIMUM_LENGTH, MINIMUM_BITS, MINIMUM_TOKEN_BYTES, Weak, check_alphabet,
    password, token,
};
pub use spec::{AuthoritySpec, CertificateSpec, Usage};
pub use ssh::{SshKey, SshKeyType, ssh_key};
