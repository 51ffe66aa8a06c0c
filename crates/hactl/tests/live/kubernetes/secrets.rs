//! Secrets of the stack as Secrets of the cluster, and that they are nowhere else.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cluster::{Namespace, connection};
use crate::stack::Stack;
use crate::suite::{Case, cases};
use crate::witness::Keys;

pub(crate) const CASES: &[Case] = cases![a_certificate_is_delivered_and_rotated, plain_values_are_nowhere_else];

const NAME: &str = "rancher.example.com";

fn entry(namespace: &Namespace, secret: &str, key: &str) -> String {
    let encoded = namespace.field(&format!("secret {secret}"), &format!(".data.{}", key.replace('.', "\\.")));
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

/// Has OpenSSL verify a certificate by its authority.
fn is_verified(directory: &Path, authority: &str, chain: &str) {
    std::fs::write(directory.join("ca.pem"), authority).unwrap();
    std::fs::write(directory.join("chain.pem"), chain).unwrap();
    let words = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", NAME, "-CAfile", "ca.pem"];
    let output = Command::new("openssl").args(words).arg("chain.pem").current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn a_certificate_is_delivered_and_rotated() {
    let namespace = Namespace::made("secrets");
    let name = &namespace.name;
    let mut stack = Stack::empty();
    stack.configure(&format!(
        "{}secrets:
  rancher-ca: {{generate: {{certificateAuthority: {{commonName: Rancher CA}}}}}}
  tls-rancher-ingress:
    generate: {{certificate: {{issuer: rancher-ca, dnsNames: [{NAME}]}}}}
    kubernetes: {{namespace: {name}, type: kubernetes.io/tls}}
  cattle-keys-server:
    data: {{cacerts.pem: \"${{secret.rancher-ca.certificate}}\"}}
    kubernetes: {{namespace: {name}}}
manifests:
  web:
    inline:
      apiVersion: v1
      kind: ConfigMap
      metadata: {{name: trust, namespace: {name}}}
      data: {{ca.pem: \"${{secret.rancher-ca.certificate}}\"}}
",
        connection()
    ));
    let log = stack.path("log");
    stack.export("HACTL_LOG", "trace");
    stack.export("HACTL_LOG_FILE", &log.to_string_lossy());
    let mut keys = Keys::default();
    stack.succeed("plan --out first.plan");
    stack.succeed("apply --auto-approve first.plan");
    stack.ends("plan --detailed-exitcode", 0);
    assert_eq!(namespace.field("secret tls-rancher-ingress", ".type"), "kubernetes.io/tls");
    assert_eq!(namespace.field("secret cattle-keys-server", ".type"), "Opaque");
    let openssl = tempfile::tempdir().unwrap();
    let verify = || {
        let authority = entry(&namespace, "cattle-keys-server", "cacerts.pem");
        is_verified(openssl.path(), &authority, &entry(&namespace, "tls-rancher-ingress", "tls.crt"));
        assert_eq!(namespace.object("configmap trust")["data"]["ca.pem"], authority);
    };
    verify();
    let (chain, key) =
        (entry(&namespace, "tls-rancher-ingress", "tls.crt"), entry(&namespace, "tls-rancher-ingress", "tls.key"));
    keys.add(&key);

    stack.succeed("secret rotate --auto-approve tls-rancher-ingress").says(&["secret.tls-rancher-ingress.object"]);
    stack.ends("plan --detailed-exitcode", 0);
    assert_ne!(entry(&namespace, "tls-rancher-ingress", "tls.crt"), chain);
    keys.add(&entry(&namespace, "tls-rancher-ingress", "tls.key"));
    verify();
    stack.succeed("secret rotate --auto-approve rancher-ca");
    stack.ends("plan --detailed-exitcode", 0);
    keys.add(&entry(&namespace, "tls-rancher-ingress", "tls.key"));
    verify();

    // Somebody writes over it.
    namespace.kubectl(r#"patch secret tls-rancher-ingress -p={"data":{"tls.crt":"bm9uZQ=="}}"#);
    stack
        .ends("plan --detailed-exitcode", 2)
        .says(&["secret.tls-rancher-ingress.object", "1 to change"])
        .does_not_say(&["bm9uZQ"]);
    stack.converges();
    verify();
    keys.are_not_below(&stack.path(""));
    assert!(std::fs::metadata(&log).unwrap().len() > 1000, "nothing was logged");
    stack.destroy();
    assert!(!namespace.has("secret tls-rancher-ingress") && !namespace.has("secret cattle-keys-server"));
    keys.are_not_below(&stack.path(""));
}

/// Values that no text has by chance.
const WORDS: [&str; 3] = ["correct-horse-battery-0471", "staple-tulip-anchor-2266", "velvet-quarry-orbit-9183"];

fn plain_values_are_nowhere_else() {
    let namespace = Namespace::made("plain");
    let name = &namespace.name;
    let mut stack = Stack::empty();
    let objects = |words: &[&str]| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: words, namespace: {name}}}\nstringData: {{one: {}}}\ndata: {{two: {}}}\n",
            words[0],
            STANDARD.encode(words[1])
        )
    };
    // The files that name them lie elsewhere, so that what hactl writes can be looked through as a whole.
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("objects.yaml");
    std::fs::write(&file, objects(&WORDS)).unwrap();
    stack.configure(&format!(
        "variables: {{three: {{sensitive: true}}}}
{}manifests:
  words: {{file: \"{}\"}}
  inline:
    inline: {{apiVersion: v1, kind: Secret, metadata: {{name: third, namespace: {name}}}, stringData: {{three: \"${{var.three}}\"}}}}
",
        connection(),
        file.display()
    ));
    stack.export("HACTL_VAR_three", WORDS[2]);
    stack.export("HACTL_LOG", "trace");
    stack.export("HACTL_LOG_FILE", &stack.path("log").to_string_lossy());
    let mut told = String::new();
    let mut run = |stack: &Stack, words: &str, code: i32| told += &stack.ends(words, code).to_string();
    run(&stack, "plan --out saved.plan", 0);
    run(&stack, "show saved.plan", 0);
    run(&stack, "show --json saved.plan", 0);
    run(&stack, "apply --auto-approve --json", 0);
    run(&stack, "plan --detailed-exitcode", 0);
    run(&stack, "state show manifest.words[\"Secret/NAMESPACE/words\"]".replace("NAMESPACE", name).as_str(), 0);
    namespace.kubectl(r#"patch secret words -p={"stringData":{"one":"drifted-by-hand-7731"}}"#);
    run(&stack, "plan --detailed-exitcode", 2);
    run(&stack, "plan --refresh-only", 0);
    run(&stack, "apply --auto-approve", 0);
    // The server refuses it, and may quote what it was given.
    std::fs::write(&file, objects(&WORDS).replace("name: words", "name: Wrong_Name")).unwrap();
    run(&stack, "plan", 1);
    std::fs::write(&file, objects(&WORDS).replace("two: ", "two: \"%%")).unwrap();
    run(&stack, "plan", 1);
    std::fs::write(&file, objects(&WORDS)).unwrap();
    assert_eq!(entry(&namespace, "words", "one"), WORDS[0]);
    assert_eq!(entry(&namespace, "words", "two"), WORDS[1]);
    assert_eq!(entry(&namespace, "third", "three"), WORDS[2]);
    let texts =
        WORDS.iter().chain(&["drifted-by-hand-7731"]).flat_map(|word| [(*word).to_owned(), STANDARD.encode(word)]);
    for text in texts {
        assert!(!told.contains(&text), "{text} was said:\n{told}");
        is_not_below(&stack.path(""), text.as_bytes());
    }
    stack.destroy();
}

/// Asserts that no file of a directory holds some bytes.
fn is_not_below(directory: &Path, bytes: &[u8]) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            is_not_below(&entry.path(), bytes);
        } else if let Ok(content) = std::fs::read(entry.path()) {
            let holds = content.windows(bytes.len()).any(|window| window == bytes);
            assert!(!holds, "{} is in {}", String::from_utf8_lossy(bytes), entry.path().display());
        }
    }
}
