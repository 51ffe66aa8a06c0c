//! States in git: nothing is written anew that has not changed.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::encryption::team::{CONFIG, Sealed, Team};

/// Every value of a state that is encrypted.
fn all_sealed(json: &Json, found: &mut BTreeSet<Sealed>) {
    match json {
        Json::Object(map) if map.get("$hactl").is_some_and(|special| !special["sealed"]["age"].is_null()) => {
            found.insert(Sealed::of(json));
        }
        Json::Object(map) => map.values().for_each(|inner| all_sealed(inner, found)),
        Json::Array(items) => items.iter().for_each(|inner| all_sealed(inner, found)),
        _ => {}
    }
}

fn sealed(team: &Team) -> BTreeSet<Sealed> {
    let mut found = BTreeSet::new();
    all_sealed(&team.state(), &mut found);
    found
}

#[test]
fn an_apply_that_changes_nothing_writes_nothing() {
    let team = Team::of(&["alice"]);
    team.succeed("alice", "apply --auto-approve");
    let before = team.state_text();
    team.succeed("alice", "apply --auto-approve");
    assert_eq!(team.state_text(), before);
}

#[test]
fn a_change_elsewhere_leaves_every_ciphertext_as_it_is() {
    let team = Team::of(&["alice", "bob"]);
    team.recipients(&["alice", "bob"], "");
    team.succeed("alice", "apply --auto-approve");
    let (before, header) = (sealed(&team), team.state()["encryption"].clone());
    assert!(before.len() >= 10, "{before:?}");
    team.recipients(&["alice", "bob"], "x-note: more\n");
    let config = std::fs::read_to_string(team.file("hactl.yaml")).unwrap();
    team.write(&config.replace("secrets:\n", "secrets:\n  more: {generate: {token: {}}}\n"));
    // Whoever of the two does it.
    let told = team.succeed("bob", "apply --auto-approve");
    assert!(told.contains("1 added, 0 changed, 0 destroyed"), "{told}");
    let after = sealed(&team);
    assert_eq!(after.difference(&before).count(), 1);
    assert!(after.is_superset(&before));
    assert_eq!(team.state()["encryption"], header);
}

#[test]
fn another_value_changes_its_own_ciphertexts_alone() {
    let team = Team::of(&["alice"]);
    team.succeed("alice", "apply --auto-approve");
    let before = sealed(&team);
    team.succeed("alice", "apply --auto-approve --var token=two");
    let after = sealed(&team);
    // The variable, and the entry that is made of it.
    assert_eq!((before.difference(&after).count(), after.difference(&before).count()), (2, 2));
    // A value that comes back is a new ciphertext with the old digest.
    team.succeed("alice", "apply --auto-approve --var token=one");
    let back: BTreeSet<String> = sealed(&team).into_iter().map(|sealed| sealed.digest).collect();
    assert_eq!(back, before.into_iter().map(|sealed| sealed.digest).collect());
}

#[test]
fn a_config_without_secrets_needs_no_identity_and_encrypts_nothing() {
    let team = Team::new();
    team.write("hactl: 1\nname: team\nvariables: {a: b}\noutputs: {a: \"${var.a}\"}\n");
    team.succeed("alice", "apply --auto-approve");
    assert!(!team.identity("alice").exists() && team.state().get("encryption").is_none());
    // Then the first secret comes.
    team.write(CONFIG);
    assert!(team.succeed("alice", "apply --auto-approve").contains("Made your identity"));
}
