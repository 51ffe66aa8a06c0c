//! Verification by rustls' verifier, as its clients do it.

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Verifies a server's chain for a name with the certificates of a trust store.
pub(crate) fn verify(trusted: &str, chain: &str, name: &str, now: Timestamp) -> Result<(), webpki::Error> {
    let parse = |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let (trusted, chain) = (parse(trusted), parse(chain));
    let anchors: Vec<_> = trusted.iter().map(|certificate| anchor_from_trusted_cert(certificate).unwrap()).collect();
    let leaf = EndEntityCert::try_from(&chain[0])?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(now.as_second().try_into().unwrap()));
    for usage in [KeyUsage::server_auth(), KeyUsage::client_auth()] {
        leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &chain[1..], time, usage, None, None)?;
    }
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap())
}
