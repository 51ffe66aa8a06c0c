//! What attackers and accidents tried: nothing is used that hactl did not write, nothing leaks, nobody is locked out for good.

use std::fs;

use serde_json::{Value as Json, json};

use crate::encryption::team::{CONFIG, Team, after_plan};

/// A stack that Alice applied, after which somebody edited the state.
fn edited(edit: impl FnOnce(&mut Json)) -> Team {
    let team = Team::of(&["alice", "eve"]);
    team.recipients(&["alice"], "");
    team.succeed("alice", "apply --auto-approve");
    let mut state = team.state();
    edit(&mut state);
    team.tamper(&format!("{state:#}\n"));
    team
}

fn outputs<'a>(state: &'a mut Json, secret: &str) -> &'a mut Json {
    &mut state["resources"][format!("secret.{secret}")]["outputs"]
}

#[test]
fn a_state_without_its_header_is_not_written_to() {
    let team = edited(|state| {
        state.as_object_mut().unwrap().shift_remove("encryption");
    });
    insta::assert_snapshot!(team.run("alice", "apply --auto-approve"), @"
    error: the state holds encrypted values, and no longer who can read them
      note: its field `encryption` is missing: it was edited by something else than hactl
      help: get the file back: `git checkout -- DIR/stack/state/team.json`
    [exit 1]
    ");
}

#[test]
fn a_value_that_is_not_encrypted_is_not_taken() {
    let team = edited(|state| outputs(state, "password")["value"] = json!("chosen by eve"));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: secret.password was altered in the state: its entry `value` is not encrypted
      help: get the state file back from git; hactl alone writes it
    [exit 1]
    ");
}

#[test]
fn an_entry_that_is_gone_is_missed() {
    let team = edited(|state| {
        outputs(state, "ca").as_object_mut().unwrap().shift_remove("privateKey");
    });
    insta::assert_snapshot!(team.run("alice", "secret rotate ca --auto-approve"), @"
    error: secret.ca was altered in the state: its entry `privateKey` is missing
      help: get the state file back from git; hactl alone writes it
    [exit 1]
    ");
}

#[test]
fn a_date_is_that_of_the_certificate() {
    let team = edited(|state| outputs(state, "tls")["notAfter"] = json!("9999-01-01T00:00:00Z"));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: secret.tls was altered in the state: `notAfter` is not what its certificate says
      help: get the state file back from git; hactl alone writes it
    [exit 1]
    ");
}

#[test]
fn recipients_that_no_config_names_are_refused() {
    let team = Team::of(&["alice", "eve"]);
    team.recipients(&["alice", "eve"], "");
    team.succeed("eve", "apply --auto-approve");
    // As if the state had been put in the place of Alice's own.
    team.write(&CONFIG.replace("default: one", "default: two"));
    insta::assert_snapshot!(after_plan(&team.run("alice", "apply --auto-approve")), @"
    Plan: 0 to add, 1 to change, 0 to destroy.
    error: the state is encrypted to other recipients than the config names
      note: to be removed: EVE
      help: name them under `encryption.recipients`, or run `hactl state reencrypt`, which changes nothing on hosts
    [exit 1]
    ");
}

#[test]
fn a_key_in_the_place_of_its_file_is_not_repeated() {
    let team = Team::of(&["alice"]);
    team.succeed("alice", "apply --auto-approve");
    let key = fs::read_to_string(team.identity("alice")).unwrap();
    let told = team.run_with("alice", "plan", &[("HACTL_AGE_IDENTITY", &key)]);
    insta::assert_snapshot!(told, @"
    error: HACTL_AGE_IDENTITY holds a private key, and has to name the file of one
      help: write the key to a file that only you can read (mode 0600), and set the variable to the file's path
    [exit 1]
    ");
    assert!(!told.contains("AGE-SECRET-KEY"));
}

#[test]
fn what_is_lost_can_be_destroyed_and_made_anew() {
    let team = Team::of(&["alice"]);
    team.succeed("alice", "apply --auto-approve");
    fs::remove_file(team.identity("alice")).unwrap();
    team.succeed("alice", "init");
    team.succeed("alice", "destroy --auto-approve");
    team.succeed("alice", "apply --auto-approve");
    let planned = team.run("alice", "plan");
    assert!(planned.contains("No changes. The state matches the config."), "{planned}");
    assert!(team.run("alice", "output --raw --reveal password").contains(&team.value("alice", "password.value")));
}

#[test]
fn what_is_protected_is_not_made_anew() {
    let team = Team::of(&["alice"]);
    let protected = CONFIG.replace("password: {generate", "password: {protect: true, generate");
    team.write(&protected);
    team.succeed("alice", "apply --auto-approve");
    insta::assert_snapshot!(team.run("alice", "secret rotate password --auto-approve"), @"
    error: secret.password is protected and would be made anew
     --> hactl.yaml:7:3
      |
    7 |   password: {protect: true, generate: {password: {}}}
      |   ^^^^^^^^
      |
      = note: it was applied with `protect: true`, which state remembers
      = help: set `protect: false` on it and apply that first, if you mean it
    [exit 1]
    ");
    team.write(&protected.replace("password: {}", "password: {length: 40}"));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: secret.password is protected and would be made anew
     --> hactl.yaml:7:3
      |
    7 |   password: {protect: true, generate: {password: {length: 40}}}
      |   ^^^^^^^^
      |
      = note: it was applied with `protect: true`, which state remembers
      = help: set `protect: false` on it and apply that first, if you mean it
    [exit 1]
    ");
}

#[test]
fn a_saved_plan_holds_no_text_that_is_beside_a_secret() {
    let team = Team::of(&["alice"]);
    fs::write(team.file("pepper"), "hunter2").unwrap();
    team.write(
        &CONFIG
            .replace("data: {", r#"data: {url: "postgres://hunter3:${file(\"pepper\")}@${secret.password.value}", "#),
    );
    team.succeed("alice", "plan --out p.plan");
    let saved = fs::read_to_string(team.file("p.plan")).unwrap();
    assert!(!saved.contains("hunter"), "{saved}");
    team.succeed("alice", "apply p.plan");
    let expected = format!("postgres://hunter3:hunter2@{}", team.value("alice", "password.value"));
    assert_eq!(team.value("alice", "given.url"), expected);
}

#[test]
fn entries_are_texts_that_are_not_empty() {
    let team = Team::of(&["alice"]);
    team.write(&CONFIG.replace(
        "data: {",
        r#"data: {length: "${length(secret.password.value)}", none: "${secret.password.value == \"\" ? \"x\" : null}", "#,
    ));
    insta::assert_snapshot!(team.run("alice", "apply --auto-approve").split("error:").last().unwrap(), @"
     secret.given: creation: the entry `none` is null, expected text
      help: take one value out of it, or make it text with `jsonencode(…)`

    Not complete. Resources: 3 added, 0 changed, 0 destroyed. 1 failed.
    What was done is in the state; mend the cause and run it again to go on from there.
    [exit 1]
    ");
    team.write(&CONFIG.replace("data: {", r#"data: {length: "${length(secret.password.value)}", "#));
    team.succeed("alice", "apply --auto-approve");
    assert_eq!(team.value("alice", "given.length"), "32");
}

#[test]
fn what_comes_from_elsewhere_is_not_ignored() {
    let team = Team::of(&["alice"]);
    team.write(&CONFIG.replace("given: {", "given: {ignoreChanges: [data.token], "));
    insta::assert_snapshot!(team.run("alice", "plan"), @r#"
    error: `ignoreChanges` names `data.token`: what comes from elsewhere is not kept
     --> hactl.yaml:8:3
      |
    8 |   given: {ignoreChanges: [data.token], data: {token: "${var.token}"}}
      |   ^^^^^
      |
      = help: only what is generated can be left as it is, as in `generate`
    [exit 1]
    "#);
}
