//! Reading identities: what is accepted, and what is said of what is not.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hactl_state::encryption::{Identities, IdentityPath};
use proptest::prelude::*;

use crate::support::{file, have, load, public, rendered, run, ssh_key};

const SECRET: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
const PUBLIC: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

#[test]
fn the_place_follows_from_the_environment() {
    let place = |variables: &[(&str, &str)]| {
        let variables: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        IdentityPath::of_user(|name| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
            .map(|place| (place.path, place.named))
            .ok()
    };
    let default = |path: &str| Some((PathBuf::from(path), false));
    assert_eq!(place(&[("HOME", "/home/ops")]), default("/home/ops/.config/hactl/identity.txt"));
    assert_eq!(place(&[("HOME", "/home/ops"), ("XDG_CONFIG_HOME", "/x")]), default("/x/hactl/identity.txt"));
    assert_eq!(place(&[("XDG_CONFIG_HOME", "x"), ("HOME", "/h")]), default("/h/.config/hactl/identity.txt"));
    assert_eq!(place(&[("HACTL_AGE_IDENTITY", "key.txt"), ("HOME", "/h")]), Some((PathBuf::from("key.txt"), true)));
    assert_eq!(place(&[("HACTL_AGE_IDENTITY", ""), ("HOME", "/h")]), default("/h/.config/hactl/identity.txt"));
    assert_eq!(place(&[("HOME", "")]), None);
}

#[test]
fn none_where_there_is_no_file_and_none_was_named() {
    let path = Path::new("/nowhere/identity.txt").to_owned();
    assert!(Identities::load(&IdentityPath { path, named: false }).unwrap().is_none());
}

#[test]
fn several_keys_comments_and_foreign_line_ends() {
    let directory = tempfile::tempdir().unwrap();
    let other = Identities::create(&directory.path().join("other")).unwrap().0;
    let other_text = fs::read_to_string(other.path()).unwrap();
    let text = format!("\u{feff}# mine\r\n{SECRET}\r\n\r\n{other_text}");
    let identities = load(&file(&directory, "identity.txt", text)).unwrap();
    assert_eq!(identities.recipients(), [PUBLIC.to_owned(), other.recipients()[0].clone()]);
}

#[test]
fn nothing_of_a_key_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let identities = load(&file(&directory, "identity.txt", SECRET)).unwrap();
    let shown = format!("{identities:?}");
    assert!(shown.contains(PUBLIC) && !shown.contains("SECRET"));
}

#[test]
fn one_that_others_can_read_is_used_with_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "identity.txt", SECRET);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let warning = load(&path).unwrap().warning().unwrap();
    assert!(!warning.is_error());
    insta::assert_snapshot!(rendered(warning, &directory).replace("error:", "warning:"), @r#"
    warning: others than you may read the identity DIR/identity.txt (mode 0644)
      whoever reads it can decrypt the secrets of every stack that it is a recipient of
      help: `chmod 600 DIR/identity.txt`
    "#);
}

#[test]
fn keys_of_openssh() {
    if !have(&["ssh-keygen"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("ed25519", ["-t", "ed25519", "-N", ""].as_slice()),
        ("rsa", &["-t", "rsa", "-b", "2048", "-N", ""]),
        ("rsa-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]),
    ] {
        let path = ssh_key(&directory, name, arguments);
        let identities = load(&path).unwrap();
        let public = public(&path);
        assert_eq!(identities.recipients(), [public.strip_suffix(" ops@node").unwrap()], "{name}");
        let text = fs::read_to_string(&path).unwrap();
        let windows = load(&file(&directory, "windows", text.replace('\n', "\r\n"))).unwrap();
        assert_eq!(windows.recipients(), identities.recipients(), "{name}");
        let cut = file(&directory, "cut", &text[..text.len() / 2]);
        assert!(load(&cut).unwrap_err().to_string().ends_with("the key in line 1 is damaged"), "{name}");
    }
}

#[test]
fn keys_of_openssh_that_cannot_be_used() {
    if !have(&["ssh-keygen"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut texts = Vec::new();
    for (name, arguments) in [
        ("passphrase", ["-t", "ed25519", "-N", "hunter2hunter2"].as_slice()),
        ("passphrase-pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "hunter2hunter2"]),
        ("passphrase-pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "hunter2hunter2"]),
        ("pkcs8", &["-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", ""]),
        ("ecdsa", &["-t", "ecdsa", "-N", ""]),
    ] {
        let path = ssh_key(&directory, name, arguments);
        texts.push(rendered(load(&path).unwrap_err(), &directory));
    }
    insta::assert_snapshot!(texts.join("\n\n"), @r#"
    error: cannot use the identity DIR/passphrase: the key is protected by a passphrase
      hactl never asks for a passphrase: it also runs where nobody could answer
      help: use another identity: `hactl init` makes one; to use this key, make a copy that only you can read and take its passphrase away with `ssh-keygen -p -f COPY`

    error: cannot use the identity DIR/passphrase-pem: the key is protected by a passphrase
      hactl never asks for a passphrase: it also runs where nobody could answer
      help: use another identity: `hactl init` makes one; to use this key, make a copy that only you can read and take its passphrase away with `ssh-keygen -p -f COPY`

    error: cannot use the identity DIR/passphrase-pkcs8: the key is protected by a passphrase
      hactl never asks for a passphrase: it also runs where nobody could answer
      help: use another identity: `hactl init` makes one; to use this key, make a copy that only you can read and take its passphrase away with `ssh-keygen -p -f COPY`

    error: cannot use the identity DIR/pkcs8: it is a private key in OpenSSL's format
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: `ssh-keygen -p -f DIR/pkcs8` writes an RSA key anew in OpenSSH's own format; make a copy of it before

    error: cannot use the identity DIR/ecdsa: it is an OpenSSH key of type ecdsa-sha2-nistp256
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: use another identity: `hactl init` makes one, and a recipient adds it with `hactl state reencrypt`
    "#);
}

#[test]
fn files_that_are_no_identity() {
    let directory = tempfile::tempdir().unwrap();
    let damaged = SECRET.replace("Q72", "Q27");
    let newer = format!("AGE-SECRET-KEY-PQ-1{}", &SECRET[16..]);
    let plugin = format!("AGE-PLUGIN-YUBIKEY-1{}", &SECRET[16..]);
    let mut texts = Vec::new();
    for (name, text) in [
        ("empty", ""),
        ("comments", "# public key: age1…\n\n"),
        ("public", PUBLIC),
        (
            "public-ssh",
            "# laptop\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN a@b",
        ),
        ("config", "hactl: 1\nname: web\n"),
        ("damaged", &damaged),
        ("newer", &newer),
        ("plugin", &plugin),
        ("certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
    ] {
        let error = load(&file(&directory, name, text)).unwrap_err();
        let text = rendered(error, &directory);
        assert!(!text.contains("2PVQ2Y5J33"), "{text}");
        texts.push(text);
    }
    texts.push(rendered(load(&file(&directory, "binary", [0xff, 0xfe, 0])).unwrap_err(), &directory));
    texts.push(rendered(load(directory.path()).unwrap_err(), &directory));
    texts.push(rendered(load(&directory.path().join("missing")).unwrap_err(), &directory));
    insta::assert_snapshot!(texts.join("\n\n"), @r#"
    error: cannot use the identity DIR/empty: there is no key in it
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one

    error: cannot use the identity DIR/comments: there is no key in it
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one

    error: cannot use the identity DIR/public: line 1 is a public key
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: give the private key that belongs to it; public keys go to `encryption.recipients` in the config

    error: cannot use the identity DIR/public-ssh: line 2 is a public key
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: give the private key that belongs to it; public keys go to `encryption.recipients` in the config

    error: cannot use the identity DIR/config: line 1 is no private key
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one

    error: cannot use the identity DIR/damaged: the key in line 1 is damaged
      help: bring the file back from a backup

    error: cannot use the identity DIR/newer: it is an age key of a newer type
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: use another identity: `hactl init` makes one, and a recipient adds it with `hactl state reencrypt`

    error: cannot use the identity DIR/plugin: it is a key of an age plugin
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: use another identity: `hactl init` makes one, and a recipient adds it with `hactl state reencrypt`

    error: cannot use the identity DIR/certificate: line 1 is no private key
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one

    error: cannot use the identity DIR/binary: line 1 is no private key
      an identity is a file of age (`AGE-SECRET-KEY-1…`) or a private key of OpenSSH, ed25519 or RSA, without a passphrase
      help: set HACTL_AGE_IDENTITY to the file of your identity, or move this one away and let `hactl init` make one

    error: cannot read the identity DIR: is a directory
      help: name the file, not its directory

    error: cannot read the identity DIR/missing: no such file or directory
      help: set HACTL_AGE_IDENTITY to the file of your identity, or make one: `age-keygen -o DIR/missing`
    "#);
}

#[test]
fn a_file_that_age_encrypted() {
    if !have(&["age"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let armoured = run("age", &["-a", "-r", PUBLIC], SECRET);
    let error = load(&file(&directory, "identity.age", armoured)).unwrap_err();
    insta::assert_snapshot!(rendered(error, &directory), @r#"
    error: cannot use the identity DIR/identity.age: it is encrypted itself
      hactl never asks for a passphrase: it also runs where nobody could answer
      help: decrypt it for one run: `HACTL_AGE_IDENTITY=<(age -d DIR/identity.age) hactl …` in bash
    "#);
}

#[test]
fn a_named_pipe_serves_for_one_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    if !have(&["mkfifo"]) {
        return;
    }
    run("mkfifo", &["-m", "644", path.to_str().unwrap()], "");
    let identities = std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&path, SECRET).unwrap());
        load(&path).unwrap()
    });
    assert_eq!(identities.recipients(), [PUBLIC]);
    assert!(identities.warning().is_none());
}

proptest! {
    #[test]
    fn no_file_panics(text in prop_oneof![
        any::<Vec<u8>>(),
        "(AGE-SECRET-KEY-1|-----BEGIN OPENSSH PRIVATE KEY-----\n|age1|# |ssh-rsa )[A-Za-z0-9+/=\n]{0,80}".prop_map(String::into_bytes),
    ]) {
        let directory = tempfile::tempdir().unwrap();
        let _result = load(&file(&directory, "identity.txt", text));
    }
}
