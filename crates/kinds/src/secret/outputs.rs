//! The outputs of secrets: their names, and whether a state holds them as they were made.

use hactl_core::resolve::Entries;
use hactl_core::state::ResourceState;
use hactl_core::value::Value;

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

/// The outputs that anybody may see.
const PLAIN: [&str; 3] = [NOT_BEFORE, NOT_AFTER, OVERLAP_UNTIL];

/// What is wrong with a secret of a state whose entries were decrypted, as a clause: then something else than hactl wrote it.
pub fn flaw_of_secret(known: &ResourceState, entries: &Entries) -> Option<String> {
    let plain = known.outputs.iter().find(|(name, value)| !value.is_sensitive() && !PLAIN.contains(&name.as_str()));
    if let Some((name, _)) = plain {
        return Some(format!("its entry `{name}` is not encrypted"));
    }
    if let Some(name) = names(&known.spec).into_iter().find(|name| !entries.contains_key(*name)) {
        return Some(format!("its entry `{name}` is missing"));
    }
    let certificate = entries.get(CERTIFICATE).filter(|_| known.spec.get("data").is_none())?;
    let Ok(info) = hactl_pki::describe(certificate.expose().as_str().unwrap_or_default().as_bytes()) else {
        return Some("its certificate cannot be read".to_owned());
    };
    let told = |name: &str| known.outputs.get(name).and_then(Value::as_str).and_then(|time| time.parse().ok());
    let dates = [(NOT_BEFORE, info.not_before), (NOT_AFTER, info.not_after)];
    let other = dates.into_iter().find(|(name, time)| told(name) != Some(*time))?;
    Some(format!("`{}` is not what its certificate says", other.0))
}

/// The entries that a secret has to have.
fn names(spec: &Value) -> Vec<&str> {
    if let Some(data) = spec.get("data").and_then(Value::as_map) {
        return data.keys().map(String::as_str).collect();
    }
    let generated = spec.get("generate").and_then(Value::as_map).and_then(|generate| generate.keys().next());
    match generated.map(String::as_str) {
        Some("password" | "token") => vec![VALUE],
        Some("sshKey") => vec![PUBLIC_KEY, PRIVATE_KEY],
        Some("certificateAuthority") => vec![CERTIFICATE, CHAIN, PRIVATE_KEY, ISSUING],
        _ => vec![CERTIFICATE, CHAIN, PRIVATE_KEY],
    }
}
