//! Saved plans: they hold no values, and are applied with the same values or not at all.

use std::fs;

use crate::encryption::team::{CONFIG, Team, after_plan};

const OUTSIDE: [(&str, &str); 1] = [("OUTSIDE", "hunter2")];

fn team() -> Team {
    let team = Team::new();
    team.write(&CONFIG.replace("data: {", "data: {outside: {env: OUTSIDE}, "));
    team
}

#[test]
fn one_made_before_there_is_a_state_is_applied_later() {
    let team = team();
    let planned = team.run_with("alice", "plan --out first.plan", &OUTSIDE);
    insta::assert_snapshot!(after_plan(&planned), @"
    Plan: 4 to add, 0 to change, 0 to destroy.

    Made your identity DIR/alice/.config/hactl/identity.txt: with it, and only with it, you can decrypt the secrets in your states. Keep a copy in a safe place. Its public key, for `encryption.recipients`:
      ALICE

    Saved the plan to first.plan. To do exactly this:

      hactl apply first.plan
    ");
    let saved = fs::read_to_string(team.file("first.plan")).unwrap();
    assert!(!saved.contains("hunter2") && !saved.contains("\"one\""), "{saved}");
    insta::assert_snapshot!(team.run_with("alice", "apply first.plan", &OUTSIDE), @"
    secret.ca: creating...
    secret.ca: creation complete after 0s
    secret.given: creating...
    secret.given: creation complete after 0s
    secret.password: creating...
    secret.password: creation complete after 0s
    secret.tls: creating...
    secret.tls: creation complete after 0s

    Apply complete! Resources: 4 added, 0 changed, 0 destroyed.

    Outputs:

    password = (sensitive)
    ");
    assert_eq!(team.run_with("alice", "plan", &OUTSIDE), "No changes. The state matches the config.");
    insta::assert_snapshot!(team.run_with("alice", "apply first.plan", &OUTSIDE), @"
    error: saved plan is stale: the state has changed since it was made (serial 1, there was none when the plan was made)
      note: a plan is applied only to the state it was made from
      help: make a new plan: `hactl plan --out FILE`
    [exit 1]
    ");
}

#[test]
fn other_values_than_those_it_was_made_with_are_refused() {
    let team = team();
    team.run_with("alice", "plan --out first.plan", &OUTSIDE);
    insta::assert_snapshot!(team.run_with("alice", "apply first.plan", &[("OUTSIDE", "other")]), @"
    error: the sensitive values are not those that the plan was made with
      note: secret.given would get another value than the one that was planned
      help: give the same values as for `hactl plan`, or make a new plan
    [exit 1]
    ");
    insta::assert_snapshot!(team.run_with("alice", "apply first.plan --var token=other", &OUTSIDE), @"
    error: the sensitive values are not those that the plan was made with
      note: secret.given would get another value than the one that was planned
      help: give the same values as for `hactl plan`, or make a new plan
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("alice", "apply first.plan"), @r#"
    error: the environment variable `OUTSIDE` is not set
     --> hactl.yaml:8:27
      |
    8 |   given: {data: {outside: {env: OUTSIDE}, token: "${var.token}"}}
      |                           ^
      |
      = help: set it where hactl runs, as in `OUTSIDE=… hactl plan`
    [exit 1]
    "#);
    assert!(!team.file("state/team.json").exists());

    // The same for a change.
    team.run_with("alice", "apply first.plan", &OUTSIDE);
    team.run_with("alice", "plan --out second.plan", &[("OUTSIDE", "swordfish")]);
    insta::assert_snapshot!(team.run_with("alice", "apply second.plan", &OUTSIDE), @"
    error: the sensitive values are not those that the plan was made with
      note: secret.given would get another value than the one that was planned
      help: give the same values as for `hactl plan`, or make a new plan
    [exit 1]
    ");
    let applied = team.run_with("alice", "apply second.plan", &[("OUTSIDE", "swordfish")]);
    assert!(applied.contains("0 added, 1 changed, 0 destroyed"), "{applied}");
    assert_eq!(team.value("alice", "given.outside"), "swordfish");
}

#[test]
fn one_of_somebody_else_needs_an_identity_that_opens_it() {
    let team = Team::of(&["alice", "bob", "eve"]);
    team.recipients(&["alice", "bob"], "");
    team.succeed("alice", "plan --out first.plan");
    insta::assert_snapshot!(team.run("eve", "apply first.plan"), @"
    error: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`, `BOB`; yours, from DIR/eve/.config/hactl/identity.txt, is `EVE`
            what is planned cannot be done without them: secret.ca, secret.given, secret.password, secret.tls
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`
    [exit 1]
    ");
    let applied = team.run("bob", "apply first.plan");
    assert!(applied.contains("4 added"), "{applied}");
    assert_eq!(team.run("alice", "plan"), "No changes. The state matches the config.");
}
