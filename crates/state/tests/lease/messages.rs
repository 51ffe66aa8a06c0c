//! What a user reads when the lease is not to be had.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hactl_core::Diagnostic;
use hactl_state::git::LeaseError;

use crate::clones::{Clones, REFERENCE, lease_of_eve};

/// What is told, without the directory, which is another each time.
fn told(clones: &Clones, error: LeaseError) -> String {
    let diagnostic = Diagnostic::from(error);
    let mut text = format!("error: {}\n", diagnostic.summary);
    for line in diagnostic.detail.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str(&format!("  help: {}\n", diagnostic.help.unwrap_or_default()));
    let ids = |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let text = text.split(' ').map(|word| if ids(word) { "COMMIT" } else { word }).collect::<Vec<_>>().join(" ");
    text.replace(&clones.path("").display().to_string(), "DIR/")
}

#[test]
fn somebody_else_holds_it() {
    let clones = Clones::new();
    clones.plant(&lease_of_eve("2090-01-01T00:00:00Z", "2090-01-01T01:00:00Z"));
    insta::assert_snapshot!(told(&clones, clones.take("alice", "a1").err().unwrap()), @"
    error: the stack is leased to hactl apply by eve@elsewhere, pid 7, since 2027-01-31T12:00:00Z, expires 2090-01-01T01:00:00Z
      one clone at a time changes a stack: it holds the lease on the remote `origin`
      help: wait for it to end, with `--lock-timeout 10m` for so long; if it died where nobody can run it again, the lease ends by itself, or `hactl unlock` removes it
    ");
}

#[test]
fn something_else_is_on_the_ref() {
    let clones = Clones::new();
    let tree = clones.git("remote.git", &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    clones.git("remote.git", &["update-ref", REFERENCE, &tree]);
    insta::assert_snapshot!(told(&clones, clones.take("alice", "a1").err().unwrap()), @"
    error: the stack is leased already
      refs/hactl/lease/shop on the remote `origin` holds nothing that this version can read
      help: use the newest version of hactl among you; if no run is on its way, `hactl unlock` removes it
    ");
    let seen = clones.leases("alice").see().unwrap().unwrap();
    assert_eq!(seen.lease, None);
    assert!(clones.leases("alice").remove(&seen).unwrap());
}

#[test]
fn the_remote_is_not_there() {
    let clones = Clones::new();
    fs::rename(clones.path("remote.git"), clones.path("away.git")).unwrap();
    insta::assert_snapshot!(told(&clones, clones.take("alice", "a1").err().unwrap()), @"
    error: the remote `origin` does not answer
      whose turn it is stands there, so nothing was begun
      fatal: 'DIR/remote.git' does not appear to be a git repository
      fatal: Could not read from remote repository.
      Please make sure you have the correct access rights
      and the repository exists.
      help: see to the connection and to your rights there, and run it again
    ");
}

#[test]
fn the_remote_does_not_take_such_refs() {
    let clones = Clones::new();
    let hook = clones.path("remote.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho 'only branches, please' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    insta::assert_snapshot!(told(&clones, clones.take("alice", "a1").err().unwrap()), @"
    error: the remote `origin` refuses the lease refs/hactl/lease/shop
      remote: only branches, please
      To DIR/remote.git
       ! [remote rejected] COMMIT -> refs/hactl/lease/shop (pre-receive hook declined)
      error: failed to push some refs to 'DIR/remote.git'
      help: have origin take refs under refs/hactl/ from everybody who applies: making, moving and removing them; without that, set `git.push: false` and take turns by word of mouth
    ");
}

#[test]
fn the_note_cannot_be_written() {
    let clones = Clones::new();
    fs::remove_dir(clones.path("alice/.hactl")).unwrap();
    insta::assert_snapshot!(told(&clones, clones.take("alice", "a1").err().unwrap()), @"
    error: cannot write the note of the lease DIR/alice/.hactl/lease-shop: no such file or directory
      nothing was begun
      help: make DIR/alice/.hactl writable
    ");
}
