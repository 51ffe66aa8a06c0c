//! A CA that is rotated: servers and clients change over in any order, and every handshake succeeds.

use hactl_pki::{Authority, Certificate, Issuer, authority};
use jiff::Timestamp;

use crate::foreign::verify;
use crate::support::{Bench, ca_spec, days, entropy, issuer, leaf, now, root};

/// The same name before and after, or another.
const NAMES: [&str; 2] = ["Example CA", "Example CA 2"];

fn rotated(name: &str, seed: u8, predecessor: &Issuer) -> Authority {
    authority(&ca_spec(name), days(3650), None, Some(predecessor), now(), &mut entropy(seed)).unwrap()
}

/// Trust stores by name, certificates by name, and whether one is trusted with the other.
fn cases(name: &str) -> Vec<(&'static str, String, &'static str, Certificate, bool)> {
    let old = root("Example CA", 1);
    let new = rotated(name, 2, &issuer(&old));
    let (old_leaf, new_leaf) = (leaf(&issuer(&old), 3), leaf(&issuer(&new), 4));
    assert_eq!(new_leaf.chain, new_leaf.certificate.clone() + new.cross_certificate.as_deref().unwrap());
    let reversed = old.certificate.clone() + &new.certificate;
    let mut cases = Vec::new();
    for (store, trusted, takes_old, takes_new) in [
        ("old", &old.certificate, true, true),
        ("new", &new.certificate, false, true),
        ("bundle", &new.bundle, true, true),
        ("bundle, reversed", &reversed, true, true),
    ] {
        cases.push((store, trusted.clone(), "old leaf", old_leaf.clone(), takes_old));
        cases.push((store, trusted.clone(), "new leaf", new_leaf.clone(), takes_new));
    }
    cases
}

#[test]
fn openssl_verifies_in_every_order_of_updates() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    for name in NAMES {
        for (store, trusted, what, certificate, expected) in cases(name) {
            bench.write("trusted.crt", &trusted);
            bench.write("chain.crt", &certificate.chain);
            bench.write("leaf.crt", &certificate.certificate);
            for options in ["", " -x509_strict", " -no_alt_chains"] {
                let command = format!(
                    "openssl verify -verify_hostname web.example.com{options} -CAfile trusted.crt -untrusted chain.crt leaf.crt"
                );
                let (is_trusted, printed) = bench.run(&command);
                assert_eq!(is_trusted, expected, "{name}: {what} with {store}: {command}\n{printed}");
            }
        }
    }
}

#[test]
fn rustls_verifies_in_every_order_of_updates() {
    for name in NAMES {
        for (store, trusted, what, certificate, expected) in cases(name) {
            let result = verify(&trusted, &certificate.chain, "web.example.com", now());
            assert_eq!(result.is_ok(), expected, "{name}: {what} with {store}: {result:?}");
        }
    }
}

#[test]
fn gnutls_verifies_in_every_order_of_updates() {
    let Some(bench) = Bench::where_there_is(&["certtool"]) else { return };
    for name in NAMES {
        for (store, trusted, what, certificate, expected) in cases(name) {
            bench.write("trusted.crt", &trusted);
            bench.write("chain.crt", &certificate.chain);
            let command = "certtool --verify --load-ca-certificate trusted.crt --infile chain.crt --verify-hostname web.example.com";
            let (is_trusted, printed) = bench.run(command);
            assert_eq!(is_trusted, expected, "{name}: {what} with {store}:\n{printed}");
        }
    }
}

#[test]
fn a_second_rotation_reaches_back_to_the_first() {
    let first = root("Example CA", 1);
    let second = rotated("Example CA", 2, &issuer(&first));
    let third = rotated("Example CA", 3, &issuer(&second));
    let web = leaf(&issuer(&third), 4);
    assert_eq!(web.chain.matches("BEGIN").count(), 3);
    for trusted in [&first.certificate, &second.certificate, &third.certificate, &third.bundle] {
        verify(trusted, &web.chain, "web.example.com", now()).unwrap();
    }
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    bench.write("chain.crt", &web.chain);
    for trusted in [&first.certificate, &second.certificate, &third.certificate, &third.bundle] {
        bench.write("trusted.crt", trusted);
        bench.ok("openssl verify -x509_strict -CAfile trusted.crt -untrusted chain.crt chain.crt");
    }
}

#[test]
fn an_intermediate_is_rotated_below_a_root_that_stays() {
    let root = root("Example Root", 1);
    let above = issuer(&root);
    let spec = ca_spec("Example Sub");
    let old = authority(&spec, days(365), Some(&above), None, now(), &mut entropy(2)).unwrap();
    let new = authority(&spec, days(365), Some(&above), Some(&issuer(&old)), now(), &mut entropy(3)).unwrap();
    for (ca, seed) in [(&old, 4), (&new, 5)] {
        let web = leaf(&issuer(ca), seed);
        verify(&root.certificate, &web.chain, "web.example.com", now()).unwrap();
        let Some(bench) = Bench::with(&["openssl"]) else { continue };
        bench.write("chain.crt", &web.chain);
        bench.write("trusted.crt", &root.certificate);
        bench.ok("openssl verify -x509_strict -CAfile trusted.crt -untrusted chain.crt chain.crt");
    }
}

#[test]
fn what_has_expired_is_left_out_of_chains() {
    let old = root("Example CA", 1);
    let new = authority(&ca_spec("Example CA"), days(7300), None, Some(&issuer(&old)), now(), &mut entropy(2)).unwrap();
    let later: Timestamp = old.not_after + days(1);
    let web = hactl_pki::issue(&crate::support::web_spec(), days(90), &issuer(&new), later, &mut entropy(3)).unwrap();
    assert_eq!(web.chain, web.certificate);
    verify(&new.certificate, &web.chain, "web.example.com", later).unwrap();
    let late =
        authority(&ca_spec("Example CA"), days(7300), None, Some(&issuer(&old)), later, &mut entropy(4)).unwrap();
    assert_eq!(
        (late.cross_certificate, late.chain == late.certificate, late.bundle == late.certificate),
        (None, true, true)
    );
}
