//! `hactl unlock`: what it shows and removes.

use std::process::Stdio;

use crate::process::Running;
use crate::races::team::{Team, told};

/// What was printed, without process ids, hosts and times, which are others each time.
fn plain(text: &str) -> String {
    let mut before = "";
    let mut plain = String::new();
    for word in text.split_inclusive([' ', '\n', ',']) {
        let bare = word.trim_end_matches([' ', '\n', ',']);
        let stands_for = match bare {
            _ if ["pid", "-INT"].contains(&before) => "PID".to_owned(),
            _ if bare.contains('@') => format!("{}@HOST", bare.split('@').next().unwrap_or_default()),
            _ if bare.starts_with("20") && bare.contains('T') => "TIME".to_owned(),
            _ => bare.to_owned(),
        };
        plain.push_str(&stands_for);
        plain.push_str(&word[bare.len()..]);
        before = bare;
    }
    plain.trim().to_owned()
}

#[test]
fn nothing_is_held() {
    let team = Team::new();
    let output = team.run("bob", "unlock");
    assert!(output.status.success());
    insta::assert_snapshot!(plain(&told(&output)), @"Nothing is locked.");
}

#[test]
fn a_lease_that_was_left_is_shown_and_removed() {
    let team = Team::new();
    let mut run = team.follow("alice", "apply --var value=other");
    run.wait_for("Only `yes` is taken as approval.");
    run.signal("KILL");
    run.end();
    let nobody = team.run("bob", "unlock");
    assert_eq!(nobody.status.code(), Some(1));
    insta::assert_snapshot!(plain(&told(&nobody)), @"
    The lease on origin is held:
      by       alice@HOST, pid PID
      for      hactl apply
      since    TIME
      renewed  TIME
      expires  TIME

    Remove this lease? If its holder still runs, it finishes what it has begun, and begins nothing more.
      Only `yes` is taken as approval.

      Enter a value: 
    error: there is nobody to ask: the input has ended
      help: run it in a terminal, or with --auto-approve
    ");
    assert_ne!(team.lease(), "");
    let mut asked = team.follow("bob", "unlock");
    asked.wait_for("Only `yes` is taken as approval.");
    asked.answer("yes");
    assert_eq!(asked.end(), Some(0), "{}", asked.told);
    insta::assert_snapshot!(plain(&asked.told), @"
    The lease on origin is held:
      by       alice@HOST, pid PID
      for      hactl apply
      since    TIME
      renewed  TIME
      expires  TIME

    Remove this lease? If its holder still runs, it finishes what it has begun, and begins nothing more.
      Only `yes` is taken as approval.

      Enter a value: 

    Removed. Look at `hactl plan` first: its holder may have left something half done.
    ");
    assert_eq!(team.lease(), "");
    team.succeed("bob", "apply --auto-approve --var value=bob");
}

#[test]
fn a_run_that_lives_here_cannot_be_unlocked() {
    let team = Team::new();
    let mut run = team.follow("alice", "apply --var value=other");
    run.wait_for("Only `yes` is taken as approval.");
    let output = team.run("alice", "unlock --auto-approve");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(plain(&told(&output)), @"
    The lock of this machine is held by hactl apply by alice@HOST, pid PID, since TIME
    The lease on origin is held:
      by       alice@HOST, pid PID
      for      hactl apply
      since    TIME
      renewed  TIME
      expires  TIME
    error: the stack is locked on this machine by hactl apply by alice@HOST, pid PID, since TIME
      note: this lock is held by a running process and ends with it; nothing else can remove it
      help: wait for it to end, or interrupt it: `kill -INT PID
    ");
    assert_ne!(team.lease(), "");
    run.signal("INT");
    run.end();
}

#[test]
fn a_run_that_lives_elsewhere_loses_its_lease_and_begins_nothing() {
    let team = Team::new();
    let mut command = team.command("alice", "apply --var value=other");
    let mut run = Running::of(command.stdin(Stdio::piped()).env("HACTL_LOG", "warn"));
    run.wait_for("Only `yes` is taken as approval.");
    team.succeed("bob", "unlock --auto-approve");
    // Its next heartbeat tells.
    run.wait_for("lease lost");
    run.answer("yes");
    assert_eq!(run.end(), Some(1), "{}", run.told);
    assert!(run.told.contains("error: the lease of the stack was removed by somebody else"), "{}", run.told);
    assert!(run.told.contains("nothing was begun"), "{}", run.told);
    assert_eq!(team.serial("alice"), 1);
}
