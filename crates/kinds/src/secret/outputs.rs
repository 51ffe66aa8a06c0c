//! The names of a secret's outputs.

/// A certificate in PEM; an authority's with its predecessor's after it while a rotation overlaps.
pub(crate) const CERTIFICATE: &str = "certificate";
/// A certificate and what stands behind it, in PEM: what a server sends.
pub(crate) const CHAIN: &str = "chain";
/// A private key: PKCS#8 in PEM, or in OpenSSH's format.
pub(crate) const PRIVATE_KEY: &str = "privateKey";
/// A public key in OpenSSH's format.
pub(crate) const PUBLIC_KEY: &str = "publicKey";
/// The entries that are made to be shown.
pub(crate) const PUBLIC: [&str; 3] = [CERTIFICATE, CHAIN, PUBLIC_KEY];
/// The one entry of a password or token.
pub(crate) const VALUE: &str = "value";
/// Of an authority: its certificate and what links it to others, for those that it issues. Nothing else refers to it.
pub const ISSUING: &str = "issuing";
/// From when a certificate is valid (RFC 3339); not sensitive.
pub(crate) const NOT_BEFORE: &str = "notBefore";
/// Until when a certificate is valid (RFC 3339); not sensitive.
pub const NOT_AFTER: &str = "notAfter";
/// Until when an authority's predecessor is trusted beside it (RFC 3339); not sensitive.
pub const OVERLAP_UNTIL: &str = "overlapUntil";

/// The entries of an authority that its predecessor has a part in while a rotation overlaps: those who verify trust its
/// certificate as well, and what is issued carries the cross certificate that it signed.
pub(crate) const BUNDLED: [&str; 3] = [CERTIFICATE, CHAIN, ISSUING];
