//! Certificates and keys as OpenSSL sees them.

use hactl_pki::{AuthoritySpec, CertificateSpec, KeyType, Usage, authority, issue};

use crate::support::{Bench, ca_spec, days, entropy, issuer, leaf, now, root, web_spec};

/// Keys of authorities and of what they sign; large RSA keys take long to make.
const KEY_TYPES: [(KeyType, KeyType); 5] = [
    (KeyType::EcdsaP256, KeyType::EcdsaP256),
    (KeyType::Ed25519, KeyType::Ed25519),
    (KeyType::Rsa2048, KeyType::Rsa2048),
    (KeyType::Rsa3072, KeyType::EcdsaP256),
    (KeyType::EcdsaP256, KeyType::Rsa4096),
];

#[test]
fn every_type_of_key_signs_and_is_signed() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    for (seed, (ca_type, key_type)) in (1..).zip(KEY_TYPES) {
        let spec = AuthoritySpec { key_type: ca_type, ..ca_spec("Example CA") };
        let ca = authority(&spec, days(3650), None, None, now(), &mut entropy(seed)).unwrap();
        let spec = CertificateSpec { key_type, ..web_spec() };
        let web = issue(&spec, days(90), &issuer(&ca), now(), &mut entropy(seed + 100)).unwrap();
        bench.write("ca.crt", &ca.certificate);
        bench.write("web.crt", &web.certificate);
        for purpose in ["sslserver", "sslclient"] {
            bench.ok(&format!(
                "openssl verify -x509_strict -purpose {purpose} -verify_hostname web.example.com -CAfile ca.crt web.crt"
            ));
        }
        bench.ok("openssl verify -verify_hostname a.apps.example.com -CAfile ca.crt web.crt");
        bench.ok("openssl verify -verify_ip 10.0.0.10 -CAfile ca.crt web.crt");
        bench.ok("openssl verify -verify_ip fd00::10 -CAfile ca.crt web.crt");
        assert!(!bench.run("openssl verify -verify_hostname other.example.com -CAfile ca.crt web.crt").0);

        for (name, certificate, key) in
            [("ca", &ca.certificate, &ca.private_key), ("web", &web.certificate, &web.private_key)]
        {
            bench.write("crt", certificate);
            bench.write("key", key.expose());
            if key_type != KeyType::Ed25519 {
                bench.ok("openssl pkey -in key -check -noout");
            }
            assert_eq!(
                bench.ok("openssl pkey -in key -pubout"),
                bench.ok("openssl x509 -in crt -pubkey -noout"),
                "{name}"
            );
            bench.ok("openssl req -new -key key -subj /CN=x -out x.csr");
            bench.ok("openssl req -in x.csr -verify -noout");
        }
    }
}

#[test]
fn certificates_say_what_x509_asks_for() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    let ca = root("Example CA", 1);
    let issuer = issuer(&ca);
    let mut shown = String::new();
    let rsa_client = CertificateSpec {
        common_name: Some("kube-admin".to_owned()),
        organisation: Some("system:masters".to_owned()),
        usages: vec![Usage::ClientAuth],
        key_type: KeyType::Rsa2048,
        ..CertificateSpec::default()
    };
    let nameless = CertificateSpec { common_name: None, usages: vec![Usage::ServerAuth], ..web_spec() };
    for (name, certificate) in [
        ("ca", ca.certificate.clone()),
        ("web", leaf(&issuer, 2).certificate),
        ("client", issue(&rsa_client, days(90), &issuer, now(), &mut entropy(3)).unwrap().certificate),
        ("nameless", issue(&nameless, days(90), &issuer, now(), &mut entropy(4)).unwrap().certificate),
    ] {
        bench.write("crt", &certificate);
        let text = bench.ok("openssl x509 -in crt -noout -subject -issuer -ext basicConstraints,keyUsage,extendedKeyUsage,subjectAltName,subjectKeyIdentifier,authorityKeyIdentifier");
        shown += &format!("{name}\n{text}\n");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn an_intermediate_stands_between_root_and_leaf() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    let root = root("Example Root", 1);
    let middle =
        authority(&ca_spec("Example Sub"), days(7300), Some(&issuer(&root)), None, now(), &mut entropy(2)).unwrap();
    assert!(middle.is_shortened);
    assert_eq!(middle.not_after, root.not_after);
    let web = leaf(&issuer(&middle), 3);
    assert!(!web.is_shortened);
    assert_eq!(web.chain.matches("BEGIN").count(), 2);
    bench.write("root.crt", &root.certificate);
    bench.write("web.crt", &web.certificate);
    bench.write("chain.crt", &web.chain);
    bench.ok("openssl verify -x509_strict -CAfile root.crt -untrusted chain.crt web.crt");
    assert!(!bench.run("openssl verify -CAfile root.crt web.crt").0);
}
