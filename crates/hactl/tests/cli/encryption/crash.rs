//! A first apply that is killed: what was made is kept, encrypted, and not made a second time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::encryption::team::Team;

/// Starts an apply and kills it as soon as it says something.
fn killed_at(team: &Team, words: &str, text: &str) {
    let mut child = team.command("alice", words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line.contains(text)), "it never said {text:?}");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn what_was_made_before_a_kill_is_the_same_after_it() {
    let team = Team::new();
    // A key of this size takes longer than it takes to be killed.
    team.write(
        "hactl: 1
name: team
secrets:
  ca: {generate: {certificateAuthority: {commonName: Team CA}}}
  slow: {generate: {sshKey: {type: rsa}}, dependsOn: [secret.ca]}
",
    );
    killed_at(&team, "apply --auto-approve", "secret.slow: creating");
    assert!(!team.file("state/team.json").exists());
    let journal = fs::read_to_string(team.file("state/.team.journal")).unwrap();
    let identity = fs::read_to_string(team.identity("alice")).unwrap();
    assert!(!journal.contains("PRIVATE KEY") && !journal.contains("BEGIN CERTIFICATE"));

    insta::assert_snapshot!(team.run("alice", "plan"), @r#"
    + secret.slow
        why: new in the config
        generate.sshKey.bits    = 4096
        generate.sshKey.comment = "slow"
        generate.sshKey.type    = "rsa"

    Plan: 1 to add, 0 to change, 0 to destroy.
    "#);
    team.write(&fs::read_to_string(team.file("hactl.yaml")).unwrap().replace("type: rsa", "type: ed25519"));
    let told = team.succeed("alice", "apply --auto-approve");
    assert!(told.contains("secret.slow") && !told.contains("secret.ca"), "{told}");
    assert!(!told.contains("Made your identity"), "{told}");
    assert_eq!(fs::read_to_string(team.identity("alice")).unwrap(), identity);
    let key = team.entry("ca", "privateKey");
    assert!(journal.contains(&key.ciphertext) && journal.contains(&key.digest), "another CA was made");
    assert_eq!(team.run("alice", "plan"), "No changes. The state matches the config.");
    assert!(!team.file("state/.team.journal").exists());
}

#[test]
fn a_kill_in_a_rotation_leaves_the_old_one_or_the_new_one_and_no_third() {
    let team = Team::new();
    let config = "hactl: 1
name: team
secrets:
  ca: {generate: {certificateAuthority: {commonName: Team CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [x.example.com], keyType: rsa-4096}}}
";
    team.write(&config.replace("rsa-4096", "ed25519"));
    team.succeed("alice", "apply --auto-approve");
    let old = team.value("alice", "ca.certificate");
    team.write(config);
    killed_at(&team, "secret rotate ca --auto-approve", "secret.tls: updating");
    team.write(&config.replace("rsa-4096", "ed25519"));
    let told = team.succeed("alice", "apply --auto-approve");
    assert!(told.contains("secret.tls") && !told.contains("secret.ca: "), "{told}");
    let new = team.value("alice", "ca.certificate");
    assert!(new.ends_with(&old) && new.matches("BEGIN CERTIFICATE").count() == 2);
    assert_eq!(team.run("alice", "plan"), "No changes. The state matches the config.");
}
