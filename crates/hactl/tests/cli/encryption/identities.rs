//! Identities: made, missing, wrong, and of other kinds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::encryption::team::{Team, after_plan};

#[test]
fn the_first_apply_makes_one_and_says_so() {
    let team = Team::new();
    insta::assert_snapshot!(after_plan(&team.run("alice", "apply --auto-approve")), @"
    Plan: 4 to add, 0 to change, 0 to destroy.

    Made your identity DIR/alice/.config/hactl/identity.txt: with it, and only with it, you can decrypt the secrets in your states. Keep a copy in a safe place. Its public key, for `encryption.recipients`:
      ALICE
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
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(team.identity("alice")), 0o600);
    assert_eq!(mode(team.home("alice").join(".config/hactl")), 0o700);
    let kept = fs::read(team.identity("alice")).unwrap();
    assert_eq!(team.run("alice", "plan"), "No changes. The state matches the config.");
    assert_eq!(fs::read(team.identity("alice")).unwrap(), kept);
}

#[test]
fn a_plan_makes_none() {
    let team = Team::new();
    team.succeed("alice", "plan");
    assert!(!team.identity("alice").exists());
}

#[test]
fn init_makes_one_once_also_where_there_is_a_config() {
    let team = Team::new();
    insta::assert_snapshot!(team.run("alice", "init"), @"
    hactl.yaml is there already, and stays as it is.

    Made your identity DIR/alice/.config/hactl/identity.txt: with it, and only with it, you can decrypt the secrets in your states. Keep a copy in a safe place. Its public key, for `encryption.recipients`:
      ALICE
    ");
    insta::assert_snapshot!(team.run("alice", "init"), @"
    hactl.yaml is there already, and stays as it is.

    Your identity is DIR/alice/.config/hactl/identity.txt; its public key, for `encryption.recipients`:
      ALICE
    ");
    insta::assert_snapshot!(team.run("alice", "init -f other.yaml"), @"
    Wrote other.yaml. Try it on a simulated fleet:

      hactl plan --sandbox -f other.yaml
      hactl apply --sandbox -f other.yaml

    Then put the addresses of your hosts in, and leave out --sandbox.

    Your identity is DIR/alice/.config/hactl/identity.txt; its public key, for `encryption.recipients`:
      ALICE
    ");
    let nowhere = [("HOME", "/dev/null")];
    insta::assert_snapshot!(team.run_with("alice", "init", &nowhere), @"
    hactl.yaml is there already, and stays as it is.
    error: cannot read the identity /dev/null/.config/hactl/identity.txt: not a directory
      help: move the file away that stands where a directory has to be
    [exit 1]
    ");
    insta::assert_snapshot!(team.told_without_home("init"), @"
    hactl.yaml is there already, and stays as it is.
    error: there is no place for an identity: neither HACTL_AGE_IDENTITY nor XDG_CONFIG_HOME nor HOME is set
      help: set HACTL_AGE_IDENTITY to the file of your identity
    [exit 1]
    ");
    insta::assert_snapshot!(after_plan(&team.run_with("alice", "apply --auto-approve", &nowhere)), @"
    Plan: 4 to add, 0 to change, 0 to destroy.
    error: cannot read the identity /dev/null/.config/hactl/identity.txt: not a directory
      help: move the file away that stands where a directory has to be
    [exit 1]
    ");
}

#[test]
fn without_one_a_plan_says_what_it_cannot_do_and_apply_refuses() {
    let team = Team::new();
    team.succeed("alice", "apply --auto-approve");
    insta::assert_snapshot!(team.run("eve", "plan"), @"
    warning: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity

    No changes, as far as can be told without the sensitive values.
    ");
    insta::assert_snapshot!(team.run("eve", "apply --auto-approve"), @"
    warning: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity

    No changes, as far as can be told without the sensitive values.
    error: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            what is planned cannot be done without them: secret.given
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity
    [exit 1]
    ");
    insta::assert_snapshot!(team.run("eve", "secret rotate password --auto-approve"), @"
    warning: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity

    ~ secret.password
        why: asked for
        ~ its values are made anew: (sensitive)

    Outputs:
      ~ password = (sensitive)  # known after apply

    Plan: 0 to add, 1 to change, 0 to destroy.
    error: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            what is planned cannot be done without them: secret.given, secret.password
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity
    [exit 1]
    ");
    // What can be read without a key can still be read.
    insta::assert_snapshot!(team.run("eve", "state list"), @"
    secret.ca
    secret.given
    secret.password
    secret.tls
    ");
    insta::assert_snapshot!(team.run("eve", "output"), @"password = (sensitive)");
    assert!(!team.identity("eve").exists());
    // Destroying needs no value.
    let destroyed = team.run("eve", "destroy --auto-approve");
    insta::assert_snapshot!(destroyed, @"
    warning: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            the sensitive content of files was not compared with what is on the hosts
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity

    To be destroyed:
      - secret.given
      - secret.password
      - secret.tls
      - secret.ca

    Order:
      1.  destroy secret.given
          destroy secret.password
          destroy secret.tls
      2.  destroy secret.ca (after secret.tls)

    Outputs:
      - password = (sensitive)

    Plan: 0 to add, 0 to change, 4 to destroy.
    secret.given: destroying...
    secret.given: destruction complete after 0s
    secret.password: destroying...
    secret.password: destruction complete after 0s
    secret.tls: destroying...
    secret.tls: destruction complete after 0s
    secret.ca: destroying...
    secret.ca: destruction complete after 0s

    Destroy complete! Resources: 4 destroyed.
    ");
}

#[test]
fn without_one_what_needs_no_value_is_planned_and_done() {
    let team = Team::new();
    let plain = "hactl: 1\nname: team\nsecrets: {password: {generate: {password: {}}}}\n";
    team.write(plain);
    team.succeed("alice", "apply --auto-approve");
    team.write(&format!("{plain}outputs: {{url: https://example.com}}\n"));
    insta::assert_snapshot!(team.run("eve", "apply --auto-approve"), @r#"
    warning: the state's secrets cannot be decrypted: there is no identity in DIR/eve/.config/hactl/identity.txt
      note: it is encrypted to ALICE
            the sensitive content of files was not compared with what is on the hosts
      help: name the file of a private key that belongs to one of these in HACTL_AGE_IDENTITY, or have one of their holders add yours and run `hactl state reencrypt`; `hactl init` makes an identity

    Outputs:
      + url = "https://example.com"

    Plan: 0 to add, 0 to change, 0 to destroy.

    Apply complete! Resources: 0 added, 0 changed, 0 destroyed.

    Outputs:

    url = "https://example.com"
    "#);
}

#[test]
fn a_wrong_one_is_named_with_those_that_are_right() {
    let team = Team::of(&["alice", "eve"]);
    team.succeed("alice", "apply --auto-approve");
    insta::assert_snapshot!(team.run("eve", "plan"), @"
    warning: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/eve/.config/hactl/identity.txt, is `EVE`
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`

    No changes, as far as can be told without the sensitive values.
    ");
    insta::assert_snapshot!(team.run("eve", "apply --auto-approve --var token=two"), @"
    warning: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/eve/.config/hactl/identity.txt, is `EVE`
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`

    No changes, as far as can be told without the sensitive values.
    error: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from DIR/eve/.config/hactl/identity.txt, is `EVE`
            what is planned cannot be done without them: secret.given
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`
    [exit 1]
    ");
}

#[test]
fn an_ssh_key_is_one_and_a_file_that_is_none_is_named() {
    let team = Team::of(&["alice"]);
    team.succeed("alice", "apply --auto-approve");
    for (file, passphrase) in [("key", ""), ("locked", "hunter2")] {
        let arguments = ["-q", "-t", "ed25519", "-C", "ops", "-N", passphrase, "-f", file];
        let made = Command::new("ssh-keygen").args(arguments).current_dir(team.file("")).status();
        assert!(made.unwrap().success());
    }
    let with = |file: &str, words: &str| {
        let public = fs::read_to_string(team.file("key.pub")).unwrap();
        let public = public.trim_end_matches(" ops\n");
        team.run_with("alice", words, &[("HACTL_AGE_IDENTITY", file)]).replace(public, "SSH-KEY")
    };
    insta::assert_snapshot!(with("no/such/file", "plan"), @"
    error: cannot read the identity no/such/file: no such file or directory
      help: set HACTL_AGE_IDENTITY to the file of your identity, or make one: `age-keygen -o no/such/file`
    [exit 1]
    ");
    assert!(with("no/such/file", "init").contains("Made your identity no/such/file: "));
    insta::assert_snapshot!(with("locked", "plan"), @"
    error: cannot use the identity locked: the key is protected by a passphrase
      note: hactl never asks for a passphrase: it also runs where nobody could answer
      help: use another identity: `hactl init` makes one; to use this key, make a copy that only you can read and take its passphrase away with `ssh-keygen -p -f COPY`
    [exit 1]
    ");
    insta::assert_snapshot!(with("hactl.yaml", "plan"), @"
    error: cannot use the identity hactl.yaml: line 1 is no private key
      note: an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one
    [exit 1]
    ");
    insta::assert_snapshot!(with(".", "plan"), @"
    error: cannot read the identity .: is a directory
      help: name the file, not its directory
    [exit 1]
    ");
    insta::assert_snapshot!(with("key.pub", "plan"), @"
    error: cannot use the identity key.pub: line 1 is a public key
      note: an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: give the private key that belongs to it; public keys go to `encryption.recipients` in the config
    [exit 1]
    ");
    insta::assert_snapshot!(with("key", "init"), @"
    hactl.yaml is there already, and stays as it is.

    Your identity is key; its public key, for `encryption.recipients`:
      SSH-KEY
    ");
    insta::assert_snapshot!(with("key", "plan"), @"
    warning: the secrets of this stack are not encrypted for you
      note: its recipients are `ALICE`; yours, from key, is `SSH-KEY`
            not compared, neither with the state nor with the hosts: the sensitive values of secret.given
      help: set HACTL_AGE_IDENTITY to the identity of one of them, or ask one of them to add yours to `encryption.recipients` and to run `hactl state reencrypt`

    No changes, as far as can be told without the sensitive values.
    ");

    let public = fs::read_to_string(team.file("key.pub")).unwrap();
    team.recipients(&["alice"], "");
    let config = fs::read_to_string(team.file("hactl.yaml")).unwrap();
    team.write(&config.replace("recipients: [", &format!("recipients: [\"{}\", ", public.trim_end())));
    team.succeed("alice", "state reencrypt");
    assert_eq!(with("key", "plan"), "No changes. The state matches the config.");
    fs::set_permissions(team.file("key"), fs::Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(with("key", "plan"), @"
    warning: others than you may read the identity key (mode 0644)
      note: whoever reads it can decrypt the secrets of every stack that it is a recipient of
      help: `chmod 600 key`

    No changes. The state matches the config.
    ");
}

#[test]
fn age_reads_what_is_written() {
    let team = Team::of(&["alice"]);
    team.succeed("alice", "apply --auto-approve");
    fs::write(team.file("entry.age"), team.entry("password", "value").ciphertext.replace("\\n", "\n")).unwrap();
    let Ok(opened) =
        Command::new("age").args(["-d", "-i"]).arg(team.identity("alice")).arg(team.file("entry.age")).output()
    else {
        assert!(std::env::var_os("CI").is_none(), "age is not installed");
        return;
    };
    let value = team.value("alice", "password.value");
    assert_eq!(String::from_utf8(opened.stdout).unwrap(), format!(r#"["secret.password.value","{value}"]"#));
}
