//! Parsing recipients.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hactl_state::encryption::Recipients;
use proptest::prelude::*;

use crate::support::{have, public, rendered, ssh_key};

const AGE: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

#[test]
fn they_are_sorted_and_without_comments() {
    let parsed = parse(&[&format!("{SSH} alice@laptop"), &AGE.to_uppercase()]).unwrap();
    assert_eq!(parsed.as_slice(), [AGE, SSH]);
    assert_eq!(parse(&[AGE, SSH]).unwrap().as_slice(), parsed.as_slice());
    assert_eq!(parse(&[&format!("  {AGE}\n")]).unwrap().as_slice(), [AGE]);
}

#[test]
fn every_one_that_is_wrong_is_told() {
    let secret = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    let texts = [
        AGE,
        "hunter2-hunter2",
        secret,
        &secret.to_lowercase(),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n",
        &AGE[..AGE.len() - 5],
        "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHFliOyIZs1gxGF3fmDxFykQhE88wy6AKDGFBfn0R6ZuvRmENABZQa9+pj9hMki+LX0qDJbmHTiWDbYv/cmFt/Q= bob",
        &SSH[..60],
        &format!("{SSH} alice"),
        SSH,
        &format!(" {AGE} "),
        &format!("{AGE}\n{AGE}"),
        "ssh-ed25519",
        &low_order(),
        &ssh_rsa_of_zero(),
    ];
    let errors = parse(&texts).unwrap_err();
    let directory = tempfile::tempdir().unwrap();
    let texts: Vec<String> = errors.into_iter().map(|error| rendered(error, &directory)).collect();
    let text = texts.join("\n");
    assert!(!text.to_uppercase().contains("2PVQ2Y5J33") && !text.contains("hunter2"), "{text}");
    insta::assert_snapshot!(text, @r#"
    error: recipient 2 is no public key of age or OpenSSH
      help: write it as `age1…`, `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`
    error: recipient 3 is a private key
      help: put the public key there (`age-keygen -y FILE`, `ssh-keygen -y -f FILE`); who has seen this file can use the private key: make a new one
    error: recipient 4 is a private key
      help: put the public key there (`age-keygen -y FILE`, `ssh-keygen -y -f FILE`); who has seen this file can use the private key: make a new one
    error: recipient 5 is a private key
      help: put the public key there (`age-keygen -y FILE`, `ssh-keygen -y -f FILE`); who has seen this file can use the private key: make a new one
    error: recipient 6 is damaged or cut: `age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6sv`
      help: copy it again, as a whole and in one line
    error: recipient 7 has a type that hactl cannot encrypt to, age1yubikey: `age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t`
      help: use a key of age (`age1…`), an ed25519 key or an RSA key of 2048 to 4096 bits
    error: recipient 8 has a type that hactl cannot encrypt to, ecdsa-sha2-nistp256: `ecdsa-sha2-nistp256 …/cmFt/Q= bob`
      help: use a key of age (`age1…`), an ed25519 key or an RSA key of 2048 to 4096 bits
    error: recipient 9 is damaged or cut: `ssh-ed25519 …z5dvMgjz`
      help: copy it again, as a whole and in one line
    error: recipient 11 is the same as recipient 10: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN`
      help: remove one of the two
    error: recipient 12 is the same as recipient 1: `age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa`
      help: remove one of the two
    error: recipient 13 is damaged or cut: `age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa`
      help: copy it again, as a whole and in one line
    error: recipient 14 is damaged or cut: `ssh-ed25519 …`
      help: copy it again, as a whole and in one line
    error: recipient 15 is damaged or cut: `age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z`
      help: copy it again, as a whole and in one line
    error: recipient 16 is damaged or cut: `ssh-rsa …AAABAA==`
      help: copy it again, as a whole and in one line
    "#);
}

#[test]
fn there_has_to_be_one() {
    let errors = parse(&[]).unwrap_err();
    assert_eq!(errors[0].to_string(), "recipient 1 is missing: there has to be one at least");
}

#[test]
fn rsa_keys_have_a_size_that_is_safe() {
    if !have(&["ssh-keygen"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (bits, good) in [("1024", false), ("2048", true), ("4096", true), ("5120", false)] {
        let path = ssh_key(&directory, bits, &["-t", "rsa", "-b", bits, "-N", ""]);
        let parsed = parse(&[&public(&path)]);
        assert_eq!(parsed.is_ok(), good, "{bits}: {parsed:?}");
    }
}

fn parse(texts: &[&str]) -> Result<Recipients, Vec<hactl_state::encryption::RecipientError>> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Recipients::parse(&texts)
}

/// A public key with which everybody has the shared secret zero.
fn low_order() -> String {
    bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("age").unwrap(), &[0; 32]).unwrap()
}

fn ssh_rsa_of_zero() -> String {
    let mut blob = Vec::new();
    for field in [b"ssh-rsa".as_slice(), &[0, 0], &[0]] {
        blob.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
        blob.extend_from_slice(field);
    }
    format!("ssh-rsa {}", BASE64_STANDARD.encode(blob))
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![
        any::<String>(),
        "(age1|ssh-ed25519 |ssh-rsa |sk-ssh-)[A-Za-z0-9+/= ]{0,80}",
    ]) {
        let _result = parse(&[&text]);
    }

    #[test]
    fn no_ssh_key_panics(fields in prop::collection::vec(prop::collection::vec(0u8..3, 0..40), 0..4)) {
        for kind in ["ssh-rsa", "ssh-ed25519"] {
            let mut blob = Vec::new();
            for field in std::iter::once(kind.as_bytes()).chain(fields.iter().map(Vec::as_slice)) {
                blob.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
                blob.extend_from_slice(field);
            }
            let _result = parse(&[&format!("{kind} {}", BASE64_STANDARD.encode(blob))]);
        }
    }
}
