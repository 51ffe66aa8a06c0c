//! Encryption of what must not be read: the recipients of a stack, the identities of its users, and the vault that
//! state's sensitive values are put into and taken out of.
//!
//! Files are age's (<https://age-encryption.org/v1>), armoured, so that `age -d` reads them too. What is encrypted is
//! always the JSON `[label, value]`, where the label says which entry of the state it is ([`label`]): a ciphertext that
//! was put in the place of another is noticed. age does not say who encrypted something, and everyone knows the
//! recipients; that an entry is genuine follows from its keyed digest, whose key only recipients know.

mod create;
mod envelope;
mod error;
mod explain;
mod identities;
mod identity_file;
pub mod label;
mod recipients;
mod reencrypt;
mod relabel;
mod vault;

pub use error::{EntryError, EntryFlaw, IdentityError, IdentityFlaw, RecipientError, RecipientFlaw, VaultError};
pub use identities::{Identities, IdentityPath};
pub use recipients::Recipients;
pub use reencrypt::{ReencryptError, reencrypt};
pub use relabel::{names_its_address, relabel};
pub use vault::Vault;
