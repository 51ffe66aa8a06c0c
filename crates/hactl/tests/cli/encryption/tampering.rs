//! A state that something else than hactl changed, with its checksum repaired: the error names the entry.

use crate::encryption::team::{Sealed, Team};

/// A team whose stack was applied.
fn applied() -> Team {
    let team = Team::of(&["alice", "eve"]);
    team.recipients(&["alice"], "");
    team.succeed("alice", "apply --auto-approve");
    team
}

/// A ciphertext with one character of its last whole line changed.
fn altered(ciphertext: &str) -> String {
    let at = ciphertext.rfind("\\n-----END").unwrap() - 20;
    let other = if &ciphertext[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &ciphertext[..at], &ciphertext[at + 1..])
}

#[test]
fn an_altered_ciphertext_is_named() {
    let team = applied();
    let password = team.entry("password", "value");
    team.tamper(&team.state_text().replace(&password.ciphertext, &altered(&password.ciphertext)));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: cannot open `secret.password.value`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("alice", "secret export password.value --out x"), @"
    error: cannot open `secret.password.value`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("alice", "apply --auto-approve"), @"
    error: cannot open `secret.password.value`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    // Who cannot open anything is told nothing about it.
    assert!(team.run("eve", "plan").contains("No changes, as far as can be told"));
}

#[test]
fn all_that_were_altered_are_named() {
    let team = applied();
    let mut text = team.state_text();
    for (secret, entry) in [("ca", "privateKey"), ("tls", "chain"), ("password", "value")] {
        let sealed = team.entry(secret, entry);
        text = text.replace(&sealed.ciphertext, &altered(&sealed.ciphertext));
    }
    team.tamper(&text);
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: cannot open `secret.ca.privateKey`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    error: cannot open `secret.password.value`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    error: cannot open `secret.tls.chain`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
}

#[test]
fn swapped_entries_are_named() {
    let team = applied();
    let (password, key) = (team.entry("password", "value"), team.entry("ca", "privateKey"));
    let swap = |text: &str, one: &str, other: &str| text.replace(one, "\0").replace(other, one).replace('\0', other);
    let text = team.state_text();
    team.tamper(&swap(&text, &password.ciphertext, &key.ciphertext));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: cannot open `secret.ca.privateKey`: it was put in the place of another, it is `secret.password.value`
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    error: cannot open `secret.password.value`: it was put in the place of another, it is `secret.ca.privateKey`
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    // With their digests as well.
    let text = swap(&text, &password.ciphertext, &key.ciphertext);
    team.tamper(&swap(&text, &password.digest, &key.digest));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: cannot open `secret.ca.privateKey`: it was put in the place of another, it is `secret.password.value`
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    error: cannot open `secret.password.value`: it was put in the place of another, it is `secret.ca.privateKey`
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
}

#[test]
fn a_digest_that_is_not_of_the_value_is_named() {
    let team = applied();
    let password = team.entry("password", "value");
    team.tamper(&team.state_text().replace(&password.digest, &team.entry("ca", "chain").digest));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: cannot open `secret.password.value`: it does not match its digest
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
}

#[test]
fn an_altered_header_is_refused() {
    let team = applied();
    let text = team.state_text();
    let key = team.state()["encryption"]["key"].as_str().unwrap().replace('\n', "\\n");
    team.tamper(&text.replace(&key, &altered(&key)));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: cannot open the encryption header of the state: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    // Eve would like to read what is written from now on.
    let (alice, eve) = (team.public("alice"), team.public("eve"));
    team.tamper(&text.replace(&format!("\"{alice}\"\n"), &format!("\"{alice}\",\n      \"{eve}\"\n")));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: the recipients in the encryption header of the state were changed by something else than hactl
      note: whoever is among them could read everything that is encrypted from now on
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`; recipients are changed in the config, by `hactl state reencrypt`
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("alice", "state reencrypt"), @"
    error: the recipients in the encryption header of the state were changed by something else than hactl
      note: whoever is among them could read everything that is encrypted from now on
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`; recipients are changed in the config, by `hactl state reencrypt`
    [exit 1]
    ");
    team.tamper(&text.replace(&alice, "age1damaged"));
    insta::assert_snapshot!(team.run("alice", "plan"), @"
    error: the recipients in the encryption header of the state are damaged
      note: recipient 1 is damaged or cut: `age1damaged`
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
}

#[test]
fn what_a_plan_does_not_need_is_named_where_it_is_needed() {
    let team = applied();
    let output = Sealed::of(&team.state()["outputs"]["password"]);
    let variable = Sealed::of(&team.state()["variables"]["token"]);
    let text = team.state_text().replace(&output.ciphertext, &altered(&output.ciphertext));
    team.tamper(&text.replace(&variable.ciphertext, &altered(&variable.ciphertext)));
    insta::assert_snapshot!(team.run("alice", "output --raw --reveal password"), @"
    error: cannot open `output.password`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    team.recipients(&["alice", "eve"], "");
    let before = team.state_text();
    insta::assert_snapshot!(team.run("alice", "state reencrypt"), @"
    error: cannot open `var.token`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`

    error: cannot open `output.password`: it was altered or damaged
      note: nothing of it was used; the file was edited, merged by hand or damaged
      help: bring back the last good state file: `git log -- state/`, `git checkout REVISION -- state/STACK.json`
    [exit 1]
    ");
    assert_eq!(team.state_text(), before);
}
