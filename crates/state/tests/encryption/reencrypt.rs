//! Other recipients for a whole state.

use std::sync::Arc;
use std::time::Instant;

use hactl_core::plan::Operation;
use hactl_core::state::{Intent, ResourceState, State};
use hactl_core::value::{Map, Sealed};
use hactl_core::{Address, Diagnostic, DigestKey, Value};
use hactl_state::encryption::{Identities, ReencryptError, Vault, label, reencrypt};

use crate::support::{identity, recipients, rendered, sealed, vault};

const FRESH: [u8; 32] = [9; 32];

#[test]
fn who_is_added_reads_everything_and_digests_stay() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, bob] = ["alice", "bob"].map(|name| identity(&directory, name));
    let before = state(&vault(&[&alice]));
    let after = reencrypt(&before, &alice, recipients(&[&alice, &bob]), FRESH).unwrap();
    assert_eq!(after.serial, before.serial + 1);
    assert_eq!(digests(&after), digests(&before));
    for user in [&alice, &bob] {
        assert_eq!(opened(&after, user), expected());
    }
    assert_eq!(without_secrets(&after), without_secrets(&before));
}

#[test]
fn who_is_removed_reads_and_guesses_nothing_that_is_written_after() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, bob] = ["alice", "bob"].map(|name| identity(&directory, name));
    let old = vault(&[&alice, &bob]);
    let before = state(&old);
    let after = reencrypt(&before, &alice, recipients(&[&alice]), FRESH).unwrap();
    assert!(Vault::open(after.encryption.as_ref().unwrap(), &bob).is_err());
    for (label, entry) in encrypted(&after) {
        assert!(old.unseal(&label, &entry, &bob).is_err(), "{label}");
    }
    // Every digest is another one, and none is under what bob knows.
    let key = DigestKey::new([7; 32]);
    let known = [key.digest(&Value::from("hunter2")), key.digest(&Value::from("CA KEY"))];
    let digests = digests(&after);
    assert!(!digests.is_empty() && digests.iter().all(|digest| !known.contains(digest)));
    // While alice compares as before, also where there was no ciphertext.
    let vault = Vault::open(after.encryption.as_ref().unwrap(), &alice).unwrap();
    let now = [vault.key().digest(&Value::from("hunter2")), vault.key().digest(&Value::from("CA KEY"))];
    assert!(digests.iter().all(|digest| now.contains(digest)));
    assert_eq!(opened(&after, &alice), expected());
}

#[test]
fn a_chain_grows_with_everyone_who_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| identity(&directory, name));
    let first = state(&vault(&[&alice, &bob, &carol]));
    let second = reencrypt(&first, &bob, recipients(&[&alice, &carol]), FRESH).unwrap();
    let third = reencrypt(&second, &carol, recipients(&[&alice]), [3; 32]).unwrap();
    let vault = Vault::open(third.encryption.as_ref().unwrap(), &alice).unwrap();
    assert_eq!(vault.key().bytes().expose().len(), 96);
    assert_eq!(opened(&third, &alice), expected());
    assert_eq!(third.serial, first.serial + 2);
}

#[test]
fn a_state_that_cannot_be_opened_whole_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, bob] = ["alice", "bob"].map(|name| identity(&directory, name));
    let mut broken = state(&vault(&[&alice]));
    let ca = address("secret.ca");
    let swapped = broken.resources[&ca].outputs["privateKey"].clone();
    broken.variables.insert("token".to_owned(), swapped);
    broken.outputs.insert("copy".to_owned(), broken.variables["token"].clone());
    let error = reencrypt(&broken, &alice, recipients(&[&bob]), FRESH).unwrap_err();
    let texts: Vec<String> =
        Vec::<Diagnostic>::from(error).into_iter().map(|diagnostic| rendered(diagnostic, &directory)).collect();
    insta::assert_snapshot!(texts.join("\n"), @r#"
    error: cannot open `var.token`: it was put in the place of another, it is `secret.ca.privateKey`
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    error: cannot open `output.copy`: it was put in the place of another, it is `secret.ca.privateKey`
      nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    "#);
}

#[test]
fn a_state_without_encryption_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let alice = identity(&directory, "alice");
    let error = reencrypt(&State::new("web", "6f2d"), &alice, recipients(&[&alice]), FRESH).unwrap_err();
    assert!(matches!(error, ReencryptError::NothingEncrypted { .. }));
    assert_eq!(error.to_string(), "nothing is encrypted in the state of `web` yet");
}

#[test]
#[ignore = "a measurement: cargo test --release -p hactl-state --test encryption -- --ignored --nocapture"]
fn a_thousand_entries_for_three_recipients() {
    let directory = tempfile::tempdir().unwrap();
    let users = ["alice", "bob", "carol"].map(|name| identity(&directory, name));
    let vault = vault(&[&users[0], &users[1], &users[2]]);
    let value = Value::from("x".repeat(1700));
    let labels: Vec<String> = (0..1000).map(|number| label::variable(&format!("v{number}"))).collect();
    let start = Instant::now();
    let entries: Vec<Arc<Sealed>> =
        labels.iter().map(|label| sealed(&vault.seal(label, &value, None).unwrap())).collect();
    let sealing = start.elapsed();
    let start = Instant::now();
    for (label, entry) in labels.iter().zip(&entries) {
        vault.seal(label, &value, Some(entry)).unwrap();
    }
    let keeping = start.elapsed();
    let mut report = format!("seal {sealing:?}, keep {keeping:?}");
    for user in &users {
        let start = Instant::now();
        for (label, entry) in labels.iter().zip(&entries) {
            vault.unseal(label, entry, user).unwrap();
        }
        report += &format!(", open {:?}", start.elapsed());
    }
    {
        eprintln!("1,000 entries of 1.7 KB for 3 recipients: {report}");
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A state with something sensitive in every place there is.
fn state(vault: &Vault) -> State {
    let token = Value::from("hunter2");
    let seal = |label: &str, value: &Value| vault.seal(label, value, None).unwrap();
    let digest = Value::sealed(vault.key().digest(&token));
    let web = address("container.web[\"node1\"]");
    let ca = address("secret.ca");
    let old = ResourceState {
        spec: Arc::new(Value::Map(Map::from([("image", Value::from("web:1")), ("token", digest.clone())].map(named)))),
        ..resource()
    };
    let new = ResourceState {
        spec: Arc::new(Value::Map(Map::from([(
            "env".to_owned(),
            Value::from(vec![Value::from("A"), digest, seal("container.web[\"node1\"]/spec.env.2", &token)]),
        )]))),
        previous: Some(Box::new(old)),
        ..resource()
    };
    let key = seal(&label::resource_output(&ca, "privateKey"), &Value::from("CA KEY"));
    let secret = ResourceState {
        outputs: Map::from([("privateKey", key), ("notAfter", Value::from("2027-01-01T00:00:00Z"))].map(named)),
        ..resource()
    };
    let mut state = State::new("web", "6f2d6c5e-3c0b-4a53-9f0e-0a4de3f4b1c2");
    state.serial = 4;
    state.encryption = Some(vault.header().clone());
    state.variables = Map::from([("token", seal("var.token", &token)), ("fqdn", Value::from("a.b"))].map(named));
    state.outputs = Map::from([("token", seal("output.token", &token))].map(named));
    state.resources.insert(web, new);
    state.resources.insert(ca.clone(), secret.clone());
    state.unfinished.insert(ca, Intent { operation: Operation::Update, resource: Some(secret) });
    state.unfinished.insert(address("volume.data"), Intent { operation: Operation::Delete, resource: None });
    state
}

fn resource() -> ResourceState {
    ResourceState {
        node: None,
        spec: Arc::new(Value::Null),
        outputs: Map::new(),
        generation: String::new(),
        dependencies: Vec::new(),
        protect: false,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    }
}

fn named((name, value): (&str, Value)) -> (String, Value) {
    (name.to_owned(), value)
}

/// What can be opened in [`state`], by its label.
fn encrypted(state: &State) -> Vec<(String, Arc<Sealed>)> {
    let ca = address("secret.ca");
    let web = address("container.web[\"node1\"]");
    let intent = state.unfinished[&ca].resource.as_ref().unwrap();
    let env = state.resources[&web].spec.get("env").unwrap().as_list().unwrap();
    [
        ("var.token", &state.variables["token"]),
        ("output.token", &state.outputs["token"]),
        ("secret.ca.privateKey", &state.resources[&ca].outputs["privateKey"]),
        ("secret.ca.privateKey", &intent.outputs["privateKey"]),
        ("container.web[\"node1\"]/spec.env.2", &env[2]),
    ]
    .map(|(label, value)| (label.to_owned(), sealed(value)))
    .to_vec()
}

fn opened(state: &State, user: &Identities) -> Vec<Value> {
    let vault = Vault::open(state.encryption.as_ref().unwrap(), user).unwrap();
    let entries = encrypted(state);
    entries.iter().map(|(label, entry)| vault.unseal(label, entry, user).unwrap().expose().clone()).collect()
}

fn expected() -> Vec<Value> {
    ["hunter2", "hunter2", "CA KEY", "CA KEY", "hunter2"].map(Value::from).to_vec()
}

/// Every digest in a state.
fn digests(state: &State) -> Vec<hactl_core::Digest> {
    fn visit(value: &serde_json::Value, found: &mut Vec<hactl_core::Digest>) {
        match value {
            serde_json::Value::String(text) => found.extend(hactl_core::Digest::parse(text)),
            serde_json::Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
            serde_json::Value::Object(map) => map.values().for_each(|item| visit(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(&serde_json::to_value(state).unwrap(), &mut found);
    found
}

/// The text of a state with ciphertexts and digests taken out.
fn without_secrets(state: &State) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            serde_json::Value::Object(map) if map.contains_key("$hactl") => map.clear(),
            serde_json::Value::Object(map) => map.values_mut().for_each(strip),
            _ => {}
        }
    }
    let mut json = serde_json::to_value(State { encryption: None, serial: 0, ..state.clone() }).unwrap();
    strip(&mut json);
    json
}
