//! Two recipients, one who joins and one who leaves.

use crate::encryption::team::{Team, after_plan};

#[test]
fn what_one_recipient_writes_another_reads() {
    let team = Team::of(&["alice", "bob"]);
    team.recipients(&["alice", "bob"], "");
    team.succeed("alice", "apply --auto-approve");
    insta::assert_snapshot!(team.run("bob", "plan"), @"No changes. The state matches the config.");
    let password = team.value("alice", "password.value");
    assert_eq!(password.len(), 32);
    assert_eq!(team.value("bob", "password.value"), password);
    insta::assert_snapshot!(team.run("bob", "output --raw --reveal password").replace(&password, "PASSWORD"), @"
    The output password is sensitive; this is its value.
    PASSWORD
    ");
    // And the other way round: Bob rotates, Alice reads.
    team.succeed("bob", "secret rotate password --auto-approve");
    let rotated = team.value("alice", "password.value");
    assert_ne!(rotated, password);
    assert_eq!(team.value("bob", "password.value"), rotated);
    assert!(team.run("alice", "output --raw --reveal password").ends_with(&rotated));
}

#[test]
fn one_who_joins_reads_after_the_state_was_encrypted_anew() {
    let team = Team::of(&["alice", "bob"]);
    team.succeed("alice", "apply --auto-approve");
    let before = team.state();
    insta::assert_snapshot!(team.run("bob", "plan"), @"
    warning: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/bob/.config/hactl/identity.txt, is `BOB`
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`

    No changes, as far as can be told without the sensitive values.
    ");
    team.recipients(&["alice", "bob"], "");
    // Who is not yet among them cannot let himself in.
    insta::assert_snapshot!(team.run("bob", "state reencrypt"), @"
    error: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/bob/.config/hactl/identity.txt, is `BOB`
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    warning: the state is encrypted to other recipients than the config names
      note: to be added: BOB
      help: name them under `encryption.recipients`, or run `hactl state reencrypt`, which changes nothing on hosts

    No changes. The state matches the config.
    ");
    insta::assert_snapshot!(team.run("alice", "apply --auto-approve --var token=two"), @"
    warning: the state is encrypted to other recipients than the config names
      note: to be added: BOB
      help: name them under `encryption.recipients`, or run `hactl state reencrypt`, which changes nothing on hosts

    ~ secret.given
        why: its source has another value
        ~ data.token = (sensitive)  # changed

    Plan: 0 to add, 1 to change, 0 to destroy.
    error: the state is encrypted to other recipients than the config names
      note: to be added: BOB
      help: name them under `encryption.recipients`, or run `hactl state reencrypt`, which changes nothing on hosts
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("alice", "state reencrypt"), @"
    The secrets in the state are now encrypted to:
      ALICE
      BOB
    ");
    insta::assert_snapshot!(team.run("alice", "state reencrypt"), @"The secrets in the state are encrypted to these recipients already.");
    assert_eq!(team.run("bob", "plan"), "No changes. The state matches the config.");
    assert_eq!(team.value("bob", "ca.certificate"), team.value("alice", "ca.certificate"));
    // The same digests: nobody left.
    let digest = |state: &serde_json::Value| state["outputs"]["password"]["$hactl"]["sealed"]["digest"].clone();
    assert_eq!(digest(&before), digest(&team.state()));
}

#[test]
fn one_who_was_removed_reads_nothing_that_is_written_after() {
    let team = Team::of(&["alice", "bob"]);
    team.recipients(&["alice", "bob"], "");
    team.succeed("alice", "apply --auto-approve");
    let (before, old) = (team.entry("password", "value"), team.state_text());
    team.recipients(&["alice"], "");
    insta::assert_snapshot!(team.run("bob", "plan"), @"
    warning: the state is encrypted to other recipients than the config names
      note: to be removed: BOB
      help: name them under `encryption.recipients`, or run `hactl state reencrypt`, which changes nothing on hosts

    No changes. The state matches the config.
    ");
    insta::assert_snapshot!(team.run("alice", "state reencrypt"), @"
    The secrets in the state are now encrypted to:
      ALICE
    Whoever was removed can still read older revisions of the state: rotate the secrets in them with `hactl secret rotate`, and change those that come from elsewhere.
    ");
    // Not even whether a value is still the same can be seen.
    assert_ne!(team.entry("password", "value").digest, before.digest);
    insta::assert_snapshot!(team.run("bob", "plan"), @"
    warning: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/bob/.config/hactl/identity.txt, is `BOB`
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`

    No changes, as far as can be told without the sensitive values.
    ");
    insta::assert_snapshot!(team.run("bob", "output --raw --reveal password"), @"
    error: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/bob/.config/hactl/identity.txt, is `BOB`
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`
    [exit 1]
    ");
    assert_eq!(team.run("alice", "plan"), "No changes. The state matches the config.");
    team.succeed("alice", "secret rotate password --auto-approve");
    insta::assert_snapshot!(team.run("bob", "secret export password.value --out mine"), @"
    error: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/bob/.config/hactl/identity.txt, is `BOB`
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`
    [exit 1]
    ");
    assert!(!team.file("mine").exists());
    // What was written before stays readable to him, as the message says: in older revisions.
    team.tamper(&old);
    assert_eq!(team.value("bob", "password.value").len(), 32);
}

#[test]
fn who_removes_himself_is_told() {
    let team = Team::of(&["alice", "bob"]);
    team.recipients(&["alice", "bob"], "");
    team.succeed("alice", "apply --auto-approve");
    team.recipients(&["alice"], "");
    insta::assert_snapshot!(team.run("bob", "state reencrypt"), @"
    error: you are not among the recipients that the config names: you could not read what you write
      note: yours: BOB
      help: add your public key to `encryption.recipients`, or leave it to one of those who stay
    [exit 1]
    ");
}

#[test]
fn nothing_is_written_that_its_writer_could_not_read() {
    let team = Team::of(&["alice", "bob"]);
    team.recipients(&["alice"], "");
    insta::assert_snapshot!(after_plan(&team.run("bob", "apply --auto-approve")), @"
    Plan: 4 to add, 0 to change, 0 to destroy.
    error: none of the recipients in `encryption` is you: you could not read what you write
      note: yours: BOB
      help: add your public key to `encryption.recipients`, or name the right identity in HACTL_AGE_IDENTITY; `hactl init` makes one
    [exit 1]
    ");
    insta::assert_snapshot!(after_plan(&team.run("eve", "apply --auto-approve")), @"
    Plan: 4 to add, 0 to change, 0 to destroy.
    error: none of the recipients in `encryption` is you: you could not read what you write
      note: there is no identity in DIR/eve/.config/hactl/identity.txt
      help: add your public key to `encryption.recipients`, or name the right identity in HACTL_AGE_IDENTITY; `hactl init` makes one
    [exit 1]
    ");
    assert!(!team.file("state/team.json").exists() && !team.identity("eve").exists());
    insta::assert_snapshot!(team.run("alice", "state reencrypt"), @"
    error: nothing is encrypted in the state of `team` yet
      help: `hactl apply` encrypts to the recipients of the config
    [exit 1]
    ");
}
