//! Sealing and unsealing.

use std::sync::Arc;

use hactl_core::state::Encryption;
use hactl_core::value::{Map, Sealed};
use hactl_core::{Digest, DigestKey, Value};
use hactl_state::encryption::{Vault, label};
use proptest::prelude::*;

use crate::support::{file, identity, load, recipients, rendered, sealed, vault};

#[test]
fn every_recipient_opens_it_and_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, bob, eve] = ["alice", "bob", "eve"].map(|name| identity(&directory, name));
    let made = vault(&[&alice, &bob]);
    let value = Value::from("hunter2");
    let entry = sealed(&made.seal("secret.registry.password", &value, None).unwrap());
    for user in [&alice, &bob] {
        let opened = Vault::open(made.header(), user).unwrap();
        assert_eq!(opened.key().digest(&value), made.key().digest(&value));
        assert_eq!(opened.header(), made.header());
        let found = opened.unseal("secret.registry.password", &entry, user).unwrap();
        assert_eq!(found.expose(), &value);
    }
    let error = Vault::open(made.header(), &eve).unwrap_err();
    let mut text = rendered(error, &directory);
    for (user, name) in [(&alice, "ALICE"), (&bob, "BOB"), (&eve, "EVE")] {
        text = text.replace(&user.recipients()[0], name);
    }
    // In the order of their keys, which are new each time.
    insta::assert_snapshot!(text.replace("`BOB`, `ALICE`", "`ALICE`, `BOB`"), @r#"
    error: the secrets of this stack are not encrypted for you
      its recipients are `ALICE`, `BOB`; yours, from DIR/eve, is `EVE`
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`
    "#);
    insta::assert_snapshot!(rendered(made.unseal("secret.registry.password", &entry, &eve).unwrap_err(), &directory), @r#"
    error: cannot open `secret.registry.password`: it is encrypted for others, or was altered
      you are among the recipients, but this is not encrypted for you: something else than hactl changed it
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    "#);
}

#[test]
fn what_has_not_changed_stays_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let vault = vault(&[&alice]);
    let first = vault.seal("var.token", &Value::from("hunter2"), None).unwrap();
    let known = sealed(&first);
    assert_eq!(vault.seal("var.token", &Value::from("hunter2"), Some(&known)).unwrap(), first);
    let other = vault.seal("var.token", &Value::from("hunter3"), Some(&known)).unwrap();
    assert_ne!(sealed(&other).digest, known.digest);
    let digest_only = Sealed { ciphertext: None, ..(*known).clone() };
    let completed = vault.seal("var.token", &Value::from("hunter2"), Some(&digest_only)).unwrap();
    assert!(sealed(&completed).ciphertext.is_some());
}

#[test]
fn what_is_not_plain_is_not_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&[&identity(&directory, "alice")]);
    let inner = Value::sealed(Digest::sha256(b"another"));
    let error = vault.seal("var.token", &Value::from(vec![inner]), None).unwrap_err();
    assert_eq!(error.to_string(), "cannot encrypt `var.token`: it is not known yet");
}

#[test]
fn what_was_tampered_with_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let vault = vault(&[&alice]);
    let key = sealed(&vault.seal("secret.tls.privateKey", &Value::from("KEY"), None).unwrap());
    let ca = sealed(&vault.seal("secret.ca.privateKey", &Value::from("CA KEY"), None).unwrap());
    let text = key.ciphertext.clone().unwrap();
    let with = |text: &str| Sealed { digest: key.digest, ciphertext: Some(text.into()) };
    let last = text.rfind("\n-----END").unwrap() - 12;
    let flipped = if text.as_bytes()[last] == b'A' { "B" } else { "A" };
    let payload = format!("{}{flipped}{}", &text[..last], &text[last + 1..]);
    let mut texts = Vec::new();
    for (what, entry) in [
        ("payload", with(&payload)),
        ("cut", with(&text[..text.len() / 2])),
        ("empty", with("")),
        ("plain text", with("KEY")),
        ("with the digest of another", Sealed { digest: ca.digest, ciphertext: Some(text) }),
        ("ciphertext of another", with(ca.ciphertext.as_deref().unwrap())),
        ("whole entry of another", (*ca).clone()),
        ("digest only", Sealed { ciphertext: None, ..(*key).clone() }),
    ] {
        let error = vault.unseal("secret.tls.privateKey", &entry, &alice).unwrap_err();
        texts.push(format!("{what}\n{}", rendered(error, &directory)));
    }
    insta::assert_snapshot!(texts.join("\n\n"), @r#"
    payload
    error: cannot open `secret.tls.privateKey`: it was altered or damaged
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    cut
    error: cannot open `secret.tls.privateKey`: it was altered or damaged
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    empty
    error: cannot open `secret.tls.privateKey`: it was altered or damaged
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    plain text
    error: cannot open `secret.tls.privateKey`: it was altered or damaged
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    with the digest of another
    error: cannot open `secret.tls.privateKey`: it does not match its digest
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    ciphertext of another
    error: cannot open `secret.tls.privateKey`: it was put in the place of another, it is `secret.ca.privateKey`
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    whole entry of another
    error: cannot open `secret.tls.privateKey`: it was put in the place of another, it is `secret.ca.privateKey`
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    digest only
    error: cannot open `secret.tls.privateKey`: only its digest is kept in the state
      help: `hactl apply` writes what can be opened
    "#);
}

#[test]
fn every_byte_of_a_ciphertext_counts() {
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let vault = vault(&[&alice]);
    let entry = sealed(&vault.seal("var.token", &Value::from("hunter2"), None).unwrap());
    let text = entry.ciphertext.clone().unwrap();
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let damaged = String::from_utf8(bytes).unwrap();
        let damaged = Sealed { ciphertext: Some(damaged.into()), ..(*entry).clone() };
        assert!(vault.unseal("var.token", &damaged, &alice).is_err(), "byte {at}");
    }
}

#[test]
fn a_header_that_was_tampered_with_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, eve] = ["alice", "eve"].map(|name| identity(&directory, name));
    let good = vault(&[&alice]).header().clone();
    let entry = vault(&[&alice]).seal("var.token", &Value::from("hunter2"), None).unwrap();
    let with_key = |key: &str| Encryption { key: key.to_owned(), ..good.clone() };
    let with_recipients = |recipients: Vec<String>| Encryption { recipients, ..good.clone() };
    let both = recipients(&[&alice, &eve]).as_slice().to_vec();
    let mut texts = Vec::new();
    for (what, header) in [
        ("a recipient added by hand", with_recipients(both)),
        ("recipients damaged", with_recipients(vec!["age1abc".to_owned()])),
        ("no recipients", with_recipients(Vec::new())),
        ("key damaged", with_key(&good.key.replacen("\nYWdl", "\nYWdm", 1))),
        ("key is text", with_key("0707")),
        ("key is an entry", with_key(sealed(&entry).ciphertext.as_deref().unwrap())),
        ("key is another vault's", with_key(&vault(&[&eve]).header().key)),
    ] {
        let error = Vault::open(&header, &alice).unwrap_err();
        texts.push(format!("{what}\n{}", rendered(error, &directory)));
    }
    insta::assert_snapshot!(texts.join("\n\n"), @r#"
    a recipient added by hand
    error: the recipients in the encryption header of the state were changed by something else than hactl
      whoever is among them could read everything that is encrypted from now on
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`; recipients are changed in the config, by `hactl state reencrypt`

    recipients damaged
    error: the recipients in the encryption header of the state are damaged
      recipient 1 is damaged or cut: `age1abc`
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    no recipients
    error: the recipients in the encryption header of the state are damaged
      recipient 1 is missing: there has to be one at least
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    key damaged
    error: cannot open the encryption header of the state: it was altered or damaged
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    key is text
    error: cannot open the encryption header of the state: it was altered or damaged
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    key is an entry
    error: cannot open the encryption header of the state: it was put in the place of another, it is `var.token`
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    key is another vault's
    error: cannot open the encryption header of the state: it is encrypted for others, or was altered
      you are among the recipients, but this is not encrypted for you: something else than hactl changed it
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    "#);
}

#[test]
fn one_identity_file_may_hold_several_keys() {
    let directory = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| identity(&directory, name));
    let texts = [&old, &new].map(|identity| std::fs::read_to_string(identity.path()).unwrap());
    let both = load(&file(&directory, "both", texts.concat())).unwrap();
    let made = vault(&[&new]);
    assert!(Vault::open(made.header(), &both).is_ok());
}

#[test]
fn steps_that_run_at_once_share_them() {
    fn shared<T: Send + Sync>() {}
    shared::<Vault>();
    shared::<hactl_state::encryption::Identities>();
}

#[test]
fn labels() {
    let address = hactl_core::Address::parse("secret.tls").unwrap();
    assert_eq!(label::variable("token"), "var.token");
    assert_eq!(label::output("url"), "output.url");
    assert_eq!(label::resource_output(&address, "privateKey"), "secret.tls.privateKey");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::NORMAL.prop_map(Value::Float),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map("[a-zA-Z \\-\"\n{}é]{0,6}", inner, 0..4).prop_map(|map: Map| Value::Map(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_comes_out_as_it_went_in(value in values(), name in "[a-z.\"]{1,12}", key in any::<[u8; 32]>()) {
        let directory = tempfile::tempdir().unwrap();
        let alice = identity(&directory, "alice");
        let made = Vault::new(recipients(&[&alice]), DigestKey::new(key)).unwrap();
        let stored = serde_json::to_string(&made.seal(&name, &value, None).unwrap()).unwrap();
        let entry = sealed(&serde_json::from_str::<Value>(&stored).unwrap());
        let vault = Vault::open(made.header(), &alice).unwrap();
        let found = vault.unseal(&name, &entry, &alice).unwrap();
        prop_assert_eq!(found.expose(), &value);
        let other = Arc::new(Sealed { digest: Digest::sha256(b""), ..(*entry).clone() });
        prop_assert!(vault.unseal(&name, &other, &alice).is_err());
    }
}
