//! age's own tools read what hactl writes, and hactl reads what they write.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hactl_core::state::Encryption;
use hactl_core::value::Sealed;
use hactl_core::{DigestKey, Value};
use hactl_state::encryption::{Recipients, Vault};

use crate::support::{file, have, identity, load, public, run, sealed, ssh_key};

#[test]
fn age_decrypts_what_is_sealed_here() {
    if !have(&["age"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let vault = crate::support::vault(&[&alice, &identity(&directory, "bob")]);
    let pem = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    let entry = sealed(&vault.seal("secret.tls.privateKey", &Value::from(pem), None).unwrap());
    let plaintext = run("age", &["-d", "-i", alice.path().to_str().unwrap()], entry.ciphertext.as_deref().unwrap());
    assert_eq!(plaintext, serde_json::json!(["secret.tls.privateKey", pem]).to_string());
    let header = run("age", &["-d", "-i", alice.path().to_str().unwrap()], &vault.header().key);
    assert!(header.starts_with(r#"["encryption",{"key":""#), "{header}");
}

#[test]
fn what_age_encrypted_is_read_here() {
    if !have(&["age", "age-keygen"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("identity.txt");
    run("age-keygen", &["-o", path.to_str().unwrap()], "");
    let identities = load(&path).unwrap();
    let recipient = run("age-keygen", &["-y", path.to_str().unwrap()], "").trim().to_owned();
    assert_eq!(identities.recipients(), std::slice::from_ref(&recipient));
    let key = DigestKey::new([7; 32]);
    let encrypt = |json: serde_json::Value| run("age", &["-a", "-r", &recipient], &json.to_string());
    let content = serde_json::json!({"key": BASE64_STANDARD.encode([7; 32]), "recipients": [recipient]});
    let header =
        Encryption { recipients: vec![recipient.clone()], key: encrypt(serde_json::json!(["encryption", content])) };
    let vault = Vault::open(&header, &identities).unwrap();
    let value = Value::from("hunter2");
    let ciphertext = encrypt(serde_json::json!(["var.token", "hunter2"]));
    let entry = Sealed { digest: key.digest(&value), ciphertext: Some(ciphertext.into()) };
    assert_eq!(vault.unseal("var.token", &entry, &identities).unwrap().expose(), &value);
}

#[test]
fn age_uses_an_identity_that_was_made_here() {
    if !have(&["age", "age-keygen"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let path = alice.path().to_str().unwrap();
    assert_eq!(run("age-keygen", &["-y", path], "").trim(), alice.recipients()[0]);
}

#[test]
fn keys_of_openssh_are_recipients_and_identities() {
    if !have(&["age", "ssh-keygen"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let paths = [
        ssh_key(&directory, "ed25519", &["-t", "ed25519", "-N", ""]),
        ssh_key(&directory, "rsa", &["-t", "rsa", "-b", "2048", "-N", ""]),
    ];
    let recipients = Recipients::parse(&paths.each_ref().map(|path| public(path))).unwrap();
    let made = Vault::new(recipients, DigestKey::new([7; 32])).unwrap();
    let value = Value::from("hunter2");
    let entry = sealed(&made.seal("var.token", &value, None).unwrap());
    let ciphertext = entry.ciphertext.as_deref().unwrap();
    for path in &paths {
        let identities = load(path).unwrap();
        let vault = Vault::open(made.header(), &identities).unwrap();
        assert_eq!(vault.unseal("var.token", &entry, &identities).unwrap().expose(), &value);
        let plaintext = run("age", &["-d", "-i", path.to_str().unwrap()], ciphertext);
        assert_eq!(plaintext, r#"["var.token","hunter2"]"#);
    }
}

#[test]
fn what_age_encrypts_without_armour_is_refused() {
    if !have(&["age"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let vault = crate::support::vault(&[&alice]);
    let plain = file(&directory, "plain", r#"["var.token","hunter2"]"#);
    let binary = directory.path().join("binary");
    let arguments = ["-r", &alice.recipients()[0], "-o", binary.to_str().unwrap(), plain.to_str().unwrap()];
    run("age", &arguments, "");
    let bytes = fs::read(&binary).unwrap();
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let value = Value::from("hunter2");
    let entry = Sealed { digest: vault.key().digest(&value), ciphertext: Some(text.into()) };
    assert!(vault.unseal("var.token", &entry, &alice).is_err());
}
