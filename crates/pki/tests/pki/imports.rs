//! Certificates that were made elsewhere: what is taken, and what is told of what is not.

use hactl_pki::{Authority, Certificate, ImportPart, Imported, Mistake, authority, check_import, describe};
use jiff::Timestamp;

use crate::support::{Bench, ca_spec, days, entropy, issuer, leaf, now, root, show};

/// Root, intermediate and leaf.
struct Made {
    root: Authority,
    middle: Authority,
    leaf: Certificate,
}

impl Made {
    fn new() -> Self {
        let root = root("Example Root", 1);
        let above = issuer(&root);
        let middle =
            authority(&ca_spec("Example Sub"), days(1000), Some(&above), None, now(), &mut entropy(2)).unwrap();
        let leaf = leaf(&issuer(&middle), 3);
        Self { root, middle, leaf }
    }

    fn check(
        &self,
        certificate: &str,
        ca: Option<&str>,
        now: Timestamp,
    ) -> Result<Imported, Vec<(ImportPart, Mistake)>> {
        let key = self.leaf.private_key.expose();
        check_import(certificate.as_bytes(), key.as_bytes(), ca.map(str::as_bytes), now)
    }
}

/// Mistakes with every time taken out.
fn told(result: Result<Imported, Vec<(ImportPart, Mistake)>>) -> String {
    let mistakes: Vec<Mistake> = result.unwrap_err().into_iter().map(|(_, mistake)| mistake).collect();
    let mut text = show(&mistakes);
    while let Some(position) = text.find(" UTC") {
        text.replace_range(position - 19..position + 4, "<time>");
    }
    text
}

#[test]
fn chains_are_taken_with_and_without_what_stands_above() {
    let made = Made::new();
    let (leaf, middle, root) = (&made.leaf.certificate, &made.middle.certificate, &made.root.certificate);
    let imported = made.check(&format!("{leaf}{middle}"), Some(root), now()).unwrap();
    assert_eq!(imported.chain, made.leaf.chain);
    assert_eq!(imported.certificate, *leaf);
    assert_eq!((imported.not_before, imported.not_after), (made.leaf.not_before, made.leaf.not_after));
    assert_eq!(imported.subject, "CN=web");
    assert_eq!(imported.names, ["web.example.com", "*.apps.example.com", "10.0.0.10", "fd00::10"]);
    made.check(&format!("{leaf}{middle}{root}"), Some(root), now()).unwrap();
    made.check(&format!("{leaf}{middle}{root}"), None, now()).unwrap();
    made.check(&format!("{leaf}{middle}"), Some(middle), now()).unwrap();
    made.check(leaf, Some(middle), now()).unwrap();
    made.check(leaf, None, now()).unwrap();
    let other = crate::support::root("Other Root", 9);
    made.check(&format!("{leaf}{middle}"), Some(&(other.certificate + root)), now()).unwrap();
}

#[test]
fn a_rotated_chain_is_taken() {
    let old = root("Example CA", 1);
    let new = authority(&ca_spec("Example CA"), days(100), None, Some(&issuer(&old)), now(), &mut entropy(2)).unwrap();
    let web = leaf(&issuer(&new), 3);
    for ca in [&old.certificate, &new.certificate, &new.bundle] {
        check_import(web.chain.as_bytes(), web.private_key.expose().as_bytes(), Some(ca.as_bytes()), now()).unwrap();
    }
}

#[test]
fn text_and_line_ends_of_other_programs_do_no_harm() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    let made = Made::new();
    let mut chain = String::new();
    for certificate in [&made.leaf.certificate, &made.middle.certificate] {
        bench.write("crt", certificate);
        chain += &bench.ok("openssl x509 -in crt -text");
    }
    let windows = chain.replace('\n', "\r\n") + "\r\n\r\n";
    assert!(windows.contains("Signature Algorithm"));
    assert_eq!(made.check(&windows, Some(&made.root.certificate), now()).unwrap().chain, made.leaf.chain);
}

#[test]
fn every_type_of_key_and_form_is_taken() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    for (key, described) in [
        ("genrsa -traditional -out KEY 2048", "RSA 2048"),
        ("genpkey -out KEY -algorithm RSA -pkeyopt rsa_keygen_bits:2048", "RSA 2048"),
        ("genrsa -out KEY 1024", "RSA 1024"),
        ("ecparam -out KEY -genkey -name prime256v1", "ECDSA P-256"),
        ("genpkey -out KEY -algorithm EC -pkeyopt ec_paramgen_curve:P-256", "ECDSA P-256"),
        ("ecparam -out KEY -genkey -name secp384r1", "ECDSA P-384"),
        ("genpkey -out KEY -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "ECDSA P-384"),
        ("ecparam -out KEY -genkey -name secp521r1", "ECDSA P-521"),
        ("genpkey -out KEY -algorithm EC -pkeyopt ec_paramgen_curve:P-521", "ECDSA P-521"),
        ("genpkey -out KEY -algorithm ED25519", "Ed25519"),
    ] {
        let make = |file| bench.ok(&format!("openssl {}", key.replace("KEY", file)));
        make("ca.key");
        bench.ok("openssl req -x509 -key ca.key -subj /CN=CA -days 30 -out ca.crt");
        make("web.key");
        bench.ok("openssl req -new -key web.key -subj /CN=web -out web.csr");
        bench.ok("openssl x509 -req -in web.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3 -out web.crt");
        let [ca, certificate, web, other] = ["ca.crt", "web.crt", "web.key", "ca.key"].map(|name| bench.read(name));
        let imported =
            check_import(&certificate, &web, Some(&ca), now()).unwrap_or_else(|error| panic!("{key}: {error:?}"));
        assert_eq!(imported.subject, "CN=web");
        assert_eq!(describe(&certificate).unwrap().key_type, described, "{key}");
        let mistakes = check_import(&certificate, &other, Some(&ca), now()).unwrap_err();
        assert!(mistakes[0].1.summary.contains("does not belong to"), "{key}: {mistakes:?}");
        // Another CA of the same name, but where its signatures cannot be checked.
        make("ca.key");
        bench.ok("openssl req -x509 -key ca.key -subj /CN=CA -days 30 -out ca.crt");
        let is_checked = !matches!(described, "RSA 1024" | "ECDSA P-521");
        let result = check_import(&certificate, &web, Some(&bench.read("ca.crt")), now());
        assert_eq!(result.is_err(), is_checked, "{key}: {result:?}");
    }
}

#[test]
fn a_p521_key_without_its_public_half_is_not_judged() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    bench.ok("openssl ecparam -genkey -noout -name secp521r1 -out full.key");
    bench.ok("openssl req -x509 -key full.key -subj /CN=web -days 30 -out web.crt");
    bench.ok("openssl ec -in full.key -no_public -out web.key");
    check_import(&bench.read("web.crt"), &bench.read("web.key"), Some(&bench.read("web.crt")), now()).unwrap();
}

#[test]
fn a_self_signed_server_vouches_for_itself() {
    let Some(bench) = Bench::with(&["openssl"]) else { return };
    bench.ok("openssl ecparam -genkey -noout -name prime256v1 -out web.key");
    bench.ok(
        "openssl req -x509 -key web.key -subj /CN=web -days 30 -out web.crt -addext basicConstraints=critical,CA:FALSE",
    );
    let (certificate, key) = (bench.read("web.crt"), bench.read("web.key"));
    check_import(&certificate, &key, None, now()).unwrap();
    check_import(&certificate, &key, Some(&certificate), now()).unwrap();
}

#[test]
fn wrong_chains_are_explained() {
    let made = Made::new();
    let (leaf, middle, root) = (&made.leaf.certificate, &made.middle.certificate, &made.root.certificate);
    let other = crate::support::root("Other Root", 9).certificate;
    let namesake = crate::support::root("Example Root", 8).certificate;
    let mut text = String::new();
    let mut tell = |what: &str, certificate: &str, ca: Option<&str>| {
        text += &format!("# {what}\n{}\n", told(made.check(certificate, ca, now())));
    };
    tell("reversed", &format!("{root}{middle}{leaf}"), None);
    tell("root before intermediate", &format!("{leaf}{root}{middle}"), None);
    tell("intermediate missing", &format!("{leaf}{root}"), None);
    tell("intermediate missing below the CA", leaf, Some(root));
    tell("one too many", &format!("{leaf}{middle}{root}{other}"), None);
    tell("root of the same name in the chain", &format!("{leaf}{middle}{namesake}"), None);
    tell("another CA", &format!("{leaf}{middle}"), Some(&other));
    tell("CA of the same name", &format!("{leaf}{middle}"), Some(&namesake));
    tell("leaf as CA", &format!("{leaf}{middle}"), Some(&crate::support::leaf(&issuer(&made.root), 5).certificate));
    tell("key of the other", root, None);
    let mut mixed_up = Made::new();
    mixed_up.leaf.private_key = mixed_up.middle.private_key.clone();
    let chain = format!("{}{}", mixed_up.leaf.certificate, mixed_up.middle.certificate);
    text += &format!("# key of the intermediate\n{}\n", told(mixed_up.check(&chain, None, now())));
    insta::assert_snapshot!(text);
}

#[test]
fn times_are_told_for_each_certificate() {
    let made = Made::new();
    let (chain, root) = (&made.leaf.chain, Some(made.root.certificate.as_str()));
    let mut text = String::new();
    for (what, at) in [
        ("leaf expired", made.leaf.not_after + days(1)),
        ("intermediate expired", made.middle.not_after + days(1)),
        ("all expired", made.root.not_after + days(1)),
        ("not yet valid", made.leaf.not_before - days(1)),
    ] {
        text += &format!("# {what}\n{}\n", told(made.check(chain, root, at)));
    }
    insta::assert_snapshot!(text);
    let summary = &made.check(chain, root, made.leaf.not_after + days(1)).unwrap_err()[0].1.summary;
    let date = made.leaf.not_after.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    assert!(summary.contains(&date), "{summary}");
    made.check(chain, root, made.leaf.not_after).unwrap();
    made.check(chain, root, made.leaf.not_before).unwrap();
}

#[test]
fn other_formats_are_told_apart() {
    let Some(bench) = Bench::with(&["openssl", "ssh-keygen"]) else { return };
    let made = Made::new();
    bench.write("crt", &made.leaf.certificate);
    bench.write("key", made.leaf.private_key.expose());
    bench.ok("openssl x509 -in crt -outform DER -out crt.der");
    bench.ok("openssl pkey -in key -outform DER -out key.der");
    bench.ok("openssl pkcs12 -export -in crt -inkey key -passout pass:x -out p12");
    bench.ok("openssl req -new -key key -subj /CN=web -out csr");
    bench.ok("openssl req -in csr -outform DER -out csr.der");
    bench.ok("openssl pkcs8 -topk8 -in key -passout pass:x -out encrypted.key");
    bench.ok("openssl pkcs8 -topk8 -in key -passout pass:x -outform DER -out encrypted.der");
    bench.ok("openssl genrsa -traditional -aes128 -passout pass:x -out encrypted.rsa 2048");
    bench.ok("openssl crl2pkcs7 -nocrl -certfile crt -out p7b");
    bench.ok("openssl crl2pkcs7 -nocrl -certfile crt -outform DER -out p7b.der");
    bench.ok("openssl x509 -in crt -trustout -out trusted");
    bench.ok("openssl pkey -in key -pubout -out public");
    bench.ok("openssl ecparam -genkey -noout -name secp256k1 -out koblitz.key");
    bench.ok("openssl genpkey -algorithm X25519 -out x25519.key");
    bench.ok("ssh-keygen -q -t ed25519 -N  -f ssh");
    let mut text = String::new();
    let mut tell = |what: &str, certificate: &str, key: &str| {
        text += &format!("# {what}\n{}\n", told(check_import(&bench.read(certificate), &bench.read(key), None, now())));
    };
    for name in ["crt.der", "key.der", "p12", "csr", "csr.der", "p7b", "p7b.der", "trusted", "public", "key"] {
        tell(&format!("certificate: {name}"), name, "key");
    }
    for name in [
        "key.der",
        "encrypted.key",
        "encrypted.der",
        "encrypted.rsa",
        "p12",
        "crt",
        "csr",
        "public",
        "ssh",
        "koblitz.key",
        "x25519.key",
    ] {
        tell(&format!("key: {name}"), "crt", name);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let made = Made::new();
    let other = crate::support::root("Other Root", 9);
    let web = leaf(&issuer(&other), 5);
    let certificate = made.middle.certificate.clone() + &made.leaf.certificate;
    let ca = web.certificate.as_bytes();
    let at = made.leaf.not_after + days(1);
    let key = other.private_key.expose().as_bytes();
    insta::assert_snapshot!(told(check_import(certificate.as_bytes(), key, Some(ca), at)));
}

#[test]
fn a_certificate_is_described() {
    let made = Made::new();
    let info = describe(made.middle.chain.as_bytes()).unwrap();
    assert_eq!(
        (info.subject.as_str(), info.issuer.as_str()),
        ("O=Example, CN=Example Sub", "O=Example, CN=Example Root")
    );
    assert_eq!((info.is_ca, info.key_type.as_str()), (true, "ECDSA P-256"));
    insta::assert_snapshot!(describe(b"hello").unwrap_err(), @"the certificate is not PEM: it has no line `-----BEGIN …-----`");
}
