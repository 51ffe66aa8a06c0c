//! Authorities that were made elsewhere, and what cannot sign.

use hactl_pki::{AuthoritySpec, CertificateSpec, Issuer, Mistake, authority, issue};
use jiff::SignedDuration;

use crate::foreign::verify;
use crate::support::{Bench, ca_spec, days, entropy, issuer, leaf, now, root, show, web_spec};

/// Makes a CA by OpenSSL with a key of these options and this subject.
fn openssl_ca(bench: &Bench, key: &str, subject: &str, extensions: &str) {
    bench.ok(&format!("openssl {key}"));
    bench.ok(&format!("openssl req -x509 -key ca.key -subj {subject} -utf8 -days 30 -sha256 -out ca.crt{extensions}"));
}

#[test]
fn authorities_of_others_sign_with_the_name_they_have() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    for key in [
        "genrsa -traditional -out ca.key 2048",
        "genpkey -out ca.key -algorithm RSA -pkeyopt rsa_keygen_bits:4096",
        "ecparam -out ca.key -genkey -name prime256v1",
        "ecparam -out ca.key -genkey -name prime256v1 -noout",
        "genpkey -out ca.key -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "ecparam -out ca.key -genkey -name secp384r1 -noout",
        "genpkey -out ca.key -algorithm ED25519",
    ] {
        // As Active Directory names them, with parts that stand twice, and with one part of two attributes.
        let subject = "/DC=com/DC=example/C=DE/OU=One/OU=Two/CN=Corp\u{20ac}+UID=ca";
        openssl_ca(&bench, key, subject, "");
        let issuer = Issuer::parse(&bench.read("ca.crt"), &bench.read("ca.key"))
            .unwrap_or_else(|error| panic!("{key}: {error:?}"));
        let web = leaf(&issuer, 1);
        assert_eq!(web.chain, web.certificate);
        bench.write("web.crt", &web.certificate);
        bench.ok("openssl verify -CAfile ca.crt web.crt");
        let trusted = String::from_utf8(bench.read("ca.crt")).unwrap();
        verify(&trusted, &web.chain, "web.example.com", now()).unwrap();
    }
}

#[test]
fn what_cannot_sign_is_explained() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    let mut told = String::new();
    let mut tell = |what: &str, mistakes: Vec<Mistake>| told += &format!("# {what}\n{}", show(&mistakes));
    let (one, other) = (root("One", 1), root("Other", 2));
    let parse = |certificates: &str, key: &str| Issuer::parse(certificates.as_bytes(), key.as_bytes()).unwrap_err();

    tell("key of another", parse(&one.certificate, other.private_key.expose()));
    tell("key of the second", parse(&(one.certificate.clone() + &other.certificate), other.private_key.expose()));
    let web = leaf(&issuer(&one), 3);
    tell("no CA", parse(&web.certificate, web.private_key.expose()));
    tell("swapped", parse(one.private_key.expose(), &one.certificate));
    openssl_ca(&bench, "ecparam -out ca.key -genkey -name secp521r1 -noout", "/CN=Big", "");
    tell("P-521", Issuer::parse(&bench.read("ca.crt"), &bench.read("ca.key")).unwrap_err());
    insta::assert_snapshot!(told);
}

#[test]
fn what_cannot_be_made_is_explained() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    let mut told = String::new();
    let mut tell = |what: &str, mistakes: Vec<Mistake>| told += &format!("# {what}\n{}", show(&mistakes));
    let one = root("One", 1);
    let signing = issuer(&one);
    let web = |validity, now| issue(&web_spec(), validity, &signing, now, &mut entropy(1)).unwrap_err();
    let undated = |mistakes: Vec<Mistake>| -> Vec<Mistake> {
        let undated = |text: String| text.replace(|character: char| character.is_ascii_digit(), "0");
        mistakes.into_iter().map(|mistake| Mistake { summary: undated(mistake.summary), ..mistake }).collect()
    };
    tell("expired", undated(web(days(1), one.not_after + days(1))));
    tell("not yet valid", undated(web(days(1), one.not_before - days(1))));
    tell("no time", web(SignedDuration::from_millis(999), now()));
    tell("negative time", web(days(-1), now()));
    tell("all time", web(SignedDuration::MAX, now()));
    tell("empty spec", issue(&CertificateSpec::default(), days(1), &signing, now(), &mut entropy(1)).unwrap_err());
    let nameless = AuthoritySpec { common_name: " ".to_owned(), ..ca_spec("x") };
    tell("empty CA", authority(&nameless, days(1), None, None, now(), &mut entropy(1)).unwrap_err());

    openssl_ca(
        &bench,
        "genpkey -out ca.key -algorithm ED25519",
        "/CN=Last",
        " -addext basicConstraints=critical,CA:TRUE,pathlen:0",
    );
    let last = Issuer::parse(&bench.read("ca.crt"), &bench.read("ca.key")).unwrap();
    leaf(&last, 1);
    let below = |issuer, predecessor| {
        authority(&ca_spec("Sub"), days(1), issuer, predecessor, now(), &mut entropy(1)).unwrap_err()
    };
    tell("path length", below(Some(&last), None));
    tell("path length of the predecessor", below(None, Some(&last)));
    insta::assert_snapshot!(told);
}

#[test]
fn nothing_outlives_its_issuer() {
    let one = root("One", 1);
    let made = issue(&web_spec(), days(36500), &issuer(&one), now(), &mut entropy(2)).unwrap();
    assert_eq!((made.not_after, made.is_shortened), (one.not_after, true));
}
