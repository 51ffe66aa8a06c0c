//! A team that pushes: nobody overwrites what another one applied.

use std::fs;

use crate::git::desk::{Desk, after_plan};

#[test]
fn one_who_did_not_pull_is_told_what_they_miss() {
    let desk = Desk::shared();
    insta::assert_snapshot!(after_plan(&desk.run("alice", "apply --auto-approve")), @r#"
    Plan: 2 to add, 0 to change, 0 to destroy.
    secret.access: creating...
    secret.access: creation complete after 0s
    secret.db: creating...
    secret.db: creation complete after 0s

    Apply complete! Resources: 2 added, 0 changed, 0 destroyed.

    Outputs:

    motd = "20 one"

    The state is committed: *******.
    Pushed to origin/main.
    "#);
    insta::assert_snapshot!(desk.run("bob", "apply --auto-approve"), @"
    error: origin/main has a commit that is not here
      note: ******* by Alice <alice@example.com>, 2027-01-31 10:00:00 +0000: hactl apply shop: 2 added, 0 changed, 0 destroyed (changes state/shop.json)
            nothing was begun
      help: `git pull --rebase`, then run it again
    [exit 1]
    ");
    assert!(!desk.path("bob/state/shop.json").exists());
    desk.git("bob", "pull --quiet");
    insta::assert_snapshot!(after_plan(&desk.run("bob", "apply --auto-approve --var length=30")), @r#"
    Plan: 0 to add, 1 to change, 0 to destroy.
    secret.db: updating...
    secret.db: update complete after 0s

    Apply complete! Resources: 0 added, 1 changed, 0 destroyed.

    Outputs:

    motd = "30 one"

    The state is committed: *******.
    Pushed to origin/main.
    "#);
    desk.git("alice", "pull --quiet");
    assert_eq!(desk.read("alice", "state/shop.json"), desk.read("bob", "state/shop.json"));
    desk.succeed("alice", "apply --auto-approve --var length=30");
    assert_eq!(desk.log("alice"), desk.log("bob"));
}

#[test]
fn a_remote_that_moves_during_a_run_is_told_at_its_end() {
    let desk = Desk::shared();
    desk.succeed("alice", "apply --auto-approve");
    desk.git("bob", "pull --quiet");
    // Bob pushes while Alice's commit is being made.
    desk.write("bob", "notes", "text\n");
    desk.git("bob", "add notes");
    desk.git("bob", "commit --quiet -m notes");
    desk.hook("alice", "post-commit", "[ -e .git/once ] || { : > .git/once; git -C ../bob push --quiet; }");
    insta::assert_snapshot!(after_plan(&desk.run("alice", "apply --auto-approve --var length=30")), @r#"
    Plan: 0 to add, 1 to change, 0 to destroy.
    secret.db: updating...
    secret.db: update complete after 0s
    error: the state is committed here, but not pushed: origin/main has a commit that is not here
      note: ******* by Bob <bob@example.com>, 2027-01-31 10:00:00 +0000: notes
      help: `git pull --rebase` and `git push`: they do not touch this state; or leave it to the next apply after a `git pull --rebase`


    Apply complete! Resources: 0 added, 1 changed, 0 destroyed.

    Outputs:

    motd = "30 one"
    [exit 1]
    "#);
    desk.git("alice", "pull --quiet");
    insta::assert_snapshot!(after_plan(&desk.run("alice", "apply --auto-approve --var length=30")), @"
    No changes. The state matches the config.

    Apply complete! Resources: 0 added, 0 changed, 0 destroyed.
    Pushed to origin/main.
    ");
    assert_eq!(desk.git("alice", "rev-parse HEAD"), desk.git("bare", "rev-parse main"));
}

#[test]
fn a_remote_that_does_not_answer_is_told() {
    let desk = Desk::shared();
    fs::rename(desk.path("bare"), desk.path("away")).unwrap();
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve"), @"
    error: the remote `origin` does not answer
      note: whose turn it is stands there, so nothing was begun
            fatal: '../bare' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
      help: see to the connection and to your rights there, and run it again
    [exit 1]
    ");
    assert!(!desk.path("alice/state/shop.json").exists());
    fs::rename(desk.path("away"), desk.path("bare")).unwrap();
    // It goes away during the run.
    desk.hook("alice", "post-commit", "[ -e .git/once ] || { : > .git/once; mv ../bare ../away; }");
    insta::assert_snapshot!(after_plan(&desk.run("alice", "apply --auto-approve")), @r#"
    Plan: 2 to add, 0 to change, 0 to destroy.
    secret.access: creating...
    secret.access: creation complete after 0s
    secret.db: creating...
    secret.db: creation complete after 0s
    error: the state is committed here, but not pushed to origin/main
      note: fatal: '../bare' does not appear to be a git repository
            fatal: Could not read from remote repository.
            Please make sure you have the correct access rights
            and the repository exists.
      help: mend that, then `git push origin HEAD:refs/heads/main`; or leave it to the next apply, which pushes it


    Apply complete! Resources: 2 added, 0 changed, 0 destroyed.

    Outputs:

    motd = "20 one"
    [exit 1]
    "#);
    fs::rename(desk.path("away"), desk.path("bare")).unwrap();
    let told = desk.run("alice", "apply --auto-approve");
    let (lease, rest) = told.split_once('\n').unwrap();
    assert!(lease.starts_with("Took back the lease that an earlier run here left: hactl apply by "), "{told}");
    insta::assert_snapshot!(rest, @"
    No changes. The state matches the config.

    Apply complete! Resources: 0 added, 0 changed, 0 destroyed.
    Pushed to origin/main.
    ");
    assert_eq!(desk.git("alice", "rev-parse HEAD"), desk.git("bare", "rev-parse main"));
}
