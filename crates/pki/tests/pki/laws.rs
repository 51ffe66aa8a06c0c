//! What holds for every spec.

use std::net::IpAddr;

use hactl_pki::{
    AuthoritySpec, CertificateSpec, Entropy, Issuer, KeyType, Usage, authority, check_import, describe, issue,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::foreign::verify;

fn quick_key() -> impl Strategy<Value = KeyType> {
    prop_oneof![Just(KeyType::EcdsaP256), Just(KeyType::Ed25519)]
}

fn text() -> impl Strategy<Value = String> {
    "[A-Za-zäß€ ,+=\"\\\\<>#;-]{1,30}".prop_filter("not blank", |text| !text.trim().is_empty())
}

fn certificate_spec() -> impl Strategy<Value = CertificateSpec> {
    let name = "(\\*\\.)?[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z][a-z0-9]{0,9}){1,3}";
    let names = prop::collection::vec(
        name.prop_filter("not a whole domain", |name| name.matches('.').count() > 1 || !name.starts_with('*')),
        1..6,
    );
    (
        prop::option::of(text()),
        prop::option::of(text()),
        names,
        prop::collection::vec(any::<IpAddr>(), 0..4),
        quick_key(),
    )
        .prop_map(|(common_name, organisation, dns_names, ip_addresses, key_type)| CertificateSpec {
            common_name,
            organisation,
            dns_names,
            ip_addresses,
            usages: vec![Usage::ServerAuth, Usage::ClientAuth],
            key_type,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Made, described, checked as an import and verified: all agree, whatever the spec.
    #[test]
    fn what_is_issued_verifies(
        spec in certificate_spec(),
        (ca_name, ca_organisation, ca_key) in (text(), prop::option::of(text()), quick_key()),
        has_intermediate: bool,
        is_rotated: bool,
        seed: [u8; 32],
        // 2001 to 2096, across the years whose last two digits alone are written.
        now in 1_000_000_000i64..4_000_000_000,
        validity in 60i64..1_000_000_000,
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let mut entropy = Entropy::seeded(seed);
        let ca_spec = AuthoritySpec { common_name: ca_name, organisation: ca_organisation, key_type: ca_key };
        prop_assert_eq!(spec.mistakes(), []);
        prop_assert_eq!(ca_spec.mistakes(), []);
        let years = SignedDuration::from_hours(24 * 3650);
        let issuer = |authority: &hactl_pki::Authority| {
            Issuer::parse(authority.chain.as_bytes(), authority.private_key.expose().as_bytes()).unwrap()
        };
        let old = authority(&ca_spec, years, None, None, now, &mut entropy).unwrap();
        let mut signing = issuer(&old);
        if is_rotated {
            signing = issuer(&authority(&ca_spec, years, None, Some(&signing), now, &mut entropy).unwrap());
        }
        if has_intermediate {
            let spec = AuthoritySpec { common_name: "Sub".to_owned(), ..ca_spec };
            signing = issuer(&authority(&spec, years, Some(&signing), None, now, &mut entropy).unwrap());
        }
        let made = issue(&spec, SignedDuration::from_secs(validity), &signing, now, &mut entropy).unwrap();

        let host = spec.dns_names[0].replace('*', "any");
        prop_assert_eq!(verify(&old.certificate, &made.chain, &host, now), Ok(()));
        let ca = old.certificate.as_bytes();
        let imported = check_import(made.chain.as_bytes(), made.private_key.expose().as_bytes(), Some(ca), now).unwrap();
        let told = describe(made.certificate.as_bytes()).unwrap();
        prop_assert_eq!((imported.certificate, imported.chain), (made.certificate, made.chain));
        prop_assert_eq!((told.not_before, told.not_after), (made.not_before, made.not_after));
        prop_assert_eq!(made.not_before, now - SignedDuration::from_mins(5));
        prop_assert_eq!(made.is_shortened, made.not_after < now + SignedDuration::from_secs(validity));
        prop_assert_eq!(told.serial.split(':').count(), 20);
        let mut names = spec.dns_names.clone();
        names.extend(spec.ip_addresses.iter().map(ToString::to_string));
        prop_assert!(names.iter().all(|name| told.names.contains(name)));
    }

    /// No input makes a check panic, and none of the key shows in what it says.
    #[test]
    fn whatever_is_imported_is_answered(certificate: Vec<u8>, key: Vec<u8>, label in "[A-Z ]{1,20}", text in "\\PC{0,200}") {
        let _ = check_import(&certificate, &key, Some(&certificate), Timestamp::UNIX_EPOCH);
        let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
        let _ = check_import(pem.as_bytes(), pem.as_bytes(), None, Timestamp::UNIX_EPOCH);
        let _ = describe(pem.as_bytes());
    }

    /// Bytes changed in a certificate or key make no check panic.
    #[test]
    fn damage_is_answered(position in 0usize..400, bit in 0u8..8, seed: u8) {
        let ca = crate::support::root("Example CA", 1);
        let leaf = crate::support::leaf(&crate::support::issuer(&ca), seed);
        let damage = |pem: &str| {
            let mut bytes = pem.as_bytes().to_vec();
            let position = position % bytes.len();
            bytes[position] ^= 1 << bit;
            bytes
        };
        let (certificate, key) = (damage(&leaf.chain), damage(leaf.private_key.expose()));
        if let Err(mistakes) = check_import(&certificate, &key, Some(ca.certificate.as_bytes()), crate::support::now()) {
            let secret = leaf.private_key.expose().lines().nth(1).unwrap();
            let told = format!("{mistakes:?}");
            prop_assert!(!told.contains(&secret[10..30]));
        }
        let _ = Issuer::parse(&damage(&ca.chain), ca.private_key.expose().as_bytes());
        let _ = describe(&certificate);
    }
}

#[test]
fn the_same_seed_makes_the_same_certificates() {
    let make = |key_type| {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut entropy = Entropy::seeded([9; 32]);
        let spec = AuthoritySpec { common_name: "Example CA".to_owned(), organisation: None, key_type };
        let ca = authority(&spec, SignedDuration::from_hours(48), None, None, now, &mut entropy).unwrap();
        let spec = CertificateSpec { key_type, ..crate::support::web_spec() };
        let leaf =
            issue(&spec, SignedDuration::from_hours(24), &crate::support::issuer(&ca), now, &mut entropy).unwrap();
        (ca.chain, ca.private_key.expose().clone(), leaf.chain, leaf.private_key.expose().clone())
    };
    for key_type in [KeyType::EcdsaP256, KeyType::Ed25519, KeyType::Rsa2048] {
        assert!(make(key_type) == make(key_type), "{key_type:?}");
    }
}
