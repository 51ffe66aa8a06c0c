//! What is committed, and what is said of it.

use std::fs;

use crate::git::desk::{Desk, after_plan};

#[test]
fn every_run_that_writes_the_state_is_a_commit() {
    let desk = Desk::new();
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
    "#);
    assert_eq!(desk.git("alice", "status --porcelain"), "", "nothing else is left in the work tree");
    insta::assert_snapshot!(after_plan(&desk.run("alice", "apply --auto-approve")), @"
    No changes. The state matches the config.

    Apply complete! Resources: 0 added, 0 changed, 0 destroyed.
    ");
    desk.succeed("alice", "apply --auto-approve --var length=30");
    desk.succeed("alice", "plan --out change.plan --var length=40");
    desk.succeed("alice", "apply change.plan --var length=40");
    desk.succeed("alice", "destroy --auto-approve");
    insta::assert_snapshot!(desk.log("alice"), @"
    hactl destroy shop: 0 added, 0 changed, 2 destroyed
    hactl apply shop: 0 added, 1 changed, 0 destroyed
    hactl apply shop: 0 added, 1 changed, 0 destroyed
    hactl apply shop: 2 added, 0 changed, 0 destroyed
    config
    ");
    insta::assert_snapshot!(desk.run("alice", "history"), @"
    REVISION  WHEN (UTC)        WHO    SERIAL  PLAN      WHAT
    *******   2027-01-31 10:00  Alice  4       ********  hactl destroy shop: 0 added, 0 changed, 2 destroyed
    *******   2027-01-31 10:00  Alice  3       ********  hactl apply shop: 0 added, 1 changed, 0 destroyed
    *******   2027-01-31 10:00  Alice  2       ********  hactl apply shop: 0 added, 1 changed, 0 destroyed
    *******   2027-01-31 10:00  Alice  1       ********  hactl apply shop: 2 added, 0 changed, 0 destroyed
    ");
    insta::assert_snapshot!(desk.run("alice", "history -n 1 --json"), @r#"
    [
      {
        "revision": "********",
        "when": "2027-01-31T10:00:00Z",
        "author": "Alice",
        "summary": "hactl destroy shop: 0 added, 0 changed, 2 destroyed",
        "serial": 4,
        "plan": "********",
        "config": "********",
        "config_commit": "********"
      }
    ]
    "#);
    insta::assert_snapshot!(desk.run("alice", "show HEAD~1"), @r#"
    shop at serial 3: 2 resources on 0 nodes

    secret.access
        data.token    = (sensitive)
        sources.token = "expression"
        outputs:
          token = (sensitive)

    secret.db
        generate.password.alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        generate.password.length   = 40
        outputs:
          value = (sensitive)

    Outputs:

    motd = "40 one"
    "#);
    insta::assert_snapshot!(desk.run("alice", "show HEAD"), @"The state of shop is empty: nothing is applied.");
    assert!(desk.succeed("alice", "show --json HEAD~3").contains("\"20 one\""));
    let trailers = desk.git("alice", "log -1 --format=%(trailers:keyonly,unfold)");
    assert_eq!(trailers.trim_end(), "Hactl-Serial\nHactl-Plan\nHactl-Config\nHactl-Config-Commit");
}

#[test]
fn a_config_that_is_not_committed_is_told_in_the_commit() {
    let desk = Desk::new();
    let commit =
        || desk.git("alice", "log -1 --format=%(trailers:key=Hactl-Config-Commit,valueonly)").trim().to_owned();
    let head = desk.git("alice", "rev-parse HEAD").trim().to_owned();
    desk.write("alice", "motd.txt", "two");
    desk.succeed("alice", "plan --out change.plan");
    desk.git("alice", "checkout --quiet motd.txt");
    desk.succeed("alice", "apply --auto-approve --var length=25");
    assert_eq!(commit(), head);
    desk.write("alice", "motd.txt", "two");
    desk.succeed("alice", "plan --out dirty.plan");
    desk.succeed("alice", "apply dirty.plan");
    assert!(commit().ends_with("-dirty"));
}

#[test]
fn what_was_left_is_committed_first() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.succeed("alice", "apply --auto-approve --no-commit --var length=30");
    assert_eq!(desk.git("alice", "status --porcelain"), " M state/shop.json\n");
    desk.succeed("alice", "apply --auto-approve --var length=30");
    insta::assert_snapshot!(desk.log("alice"), @"
    hactl: state of shop left by an earlier run
    hactl apply shop: 2 added, 0 changed, 0 destroyed
    config
    ");
    assert_eq!(desk.git("alice", "status --porcelain"), "");
}

#[test]
fn a_hook_that_refuses_leaves_the_state_written() {
    let desk = Desk::new();
    desk.hook("alice", "commit-msg", "echo 'SHOP-123: which ticket?' >&2; exit 1");
    insta::assert_snapshot!(after_plan(&desk.run("alice", "apply --auto-approve")), @r#"
    Plan: 2 to add, 0 to change, 0 to destroy.
    secret.access: creating...
    secret.access: creation complete after 0s
    secret.db: creating...
    secret.db: creation complete after 0s
    error: the state is written, but not committed
      note: SHOP-123: which ticket?
      help: mend that, then commit it: `git -C DIR/alice/state add shop.json` and `git -C DIR/alice/state commit -m "hactl apply shop: 2 added, 0 changed, 0 destroyed" -- shop.json`; or leave it to the next run, which commits it first


    Apply complete! Resources: 2 added, 0 changed, 0 destroyed.

    Outputs:

    motd = "20 one"
    [exit 1]
    "#);
    assert!(!desk.path("alice/state/.shop.journal").exists());
    // It is in the way of the next run as well, before anything is begun.
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve --var length=30"), @r#"
    error: the state is written, but not committed
      note: SHOP-123: which ticket?
      help: mend that, then commit it: `git -C DIR/alice/state add shop.json` and `git -C DIR/alice/state commit -m "hactl: state of shop left by an earlier run" -- shop.json`; or leave it to the next run, which commits it first
    [exit 1]
    "#);
    fs::remove_file(desk.path("alice/.git/hooks/commit-msg")).unwrap();
    desk.succeed("alice", "apply --auto-approve");
    insta::assert_snapshot!(desk.log("alice"), @"
    hactl: state of shop left by an earlier run
    config
    ");
}

#[test]
fn programs_are_told_of_a_commit_that_failed() {
    let desk = Desk::new();
    desk.hook("alice", "pre-commit", "exit 1");
    let told = desk.run("alice", "apply --auto-approve --json");
    let last: Vec<&str> = told.lines().filter(|line| line.contains("diagnostic")).collect();
    assert!(last.last().unwrap().contains("the state is written, but not committed"), "{told}");
    assert!(told.ends_with("[exit 1]"), "{told}");
}

#[test]
fn commands_on_the_state_commit_as_well() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    fs::create_dir(desk.path("bob")).unwrap();
    let other = desk.run("bob", "-f ../alice/hactl.yaml init");
    let key = other.lines().find_map(|line| line.trim().strip_prefix("age1")).map(|key| format!("age1{key}"));
    let own = desk.read("home", "alice/.config/hactl/identity.txt");
    let own = own.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let recipients = format!("name: shop\nencryption: {{recipients: [{own}, {}]}}", key.unwrap());
    desk.edit("alice", "name: shop", &recipients);
    desk.succeed("alice", "state reencrypt");
    desk.succeed("alice", "state reencrypt");
    insta::assert_snapshot!(desk.log("alice"), @"
    hactl state reencrypt shop: 2 recipients
    edit
    hactl apply shop: 2 added, 0 changed, 0 destroyed
    config
    ");
}

#[test]
fn nothing_is_committed_where_that_is_not_wanted_or_there_is_no_git() {
    let desk = Desk::new();
    desk.edit("alice", "name: shop", "name: shop\ngit: {commit: false}");
    desk.succeed("alice", "apply --auto-approve");
    assert_eq!(desk.log("alice"), "edit\nconfig");
    fs::remove_dir_all(desk.path("alice/.git")).unwrap();
    desk.write("alice", "hactl.yaml", &desk.read("alice", "hactl.yaml").replace("git: {commit: false}", ""));
    desk.succeed("alice", "apply --auto-approve --var length=30");
    insta::assert_snapshot!(desk.run("alice", "history"), @"
    error: DIR/alice is in no git repository
      note: revisions of a state are commits in git, one for each run that changed it
      help: `git init` there, and commit the config; from then on every apply is a commit
    [exit 1]
    ");
    insta::assert_snapshot!(desk.run("alice", "show 1a2b3c4"), @"
    error: ******* is neither a file nor a revision
      note: DIR/alice is in no git repository
      help: name a plan saved by `hactl plan --out`, a revision that `hactl history` lists, or nothing for the state
    [exit 1]
    ");
}

#[test]
fn a_state_that_git_ignores_is_told_once() {
    let desk = Desk::new();
    desk.write("alice", ".gitignore", "state/\n");
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve"), @r#"
    warning: git ignores the state file DIR/alice/state/shop.json: it is not committed
      note: a state that is lost cannot be brought back from git
      help: take it out of .gitignore, or say that this is meant: `git: {commit: false}` in the config

    + secret.access
        why: new in the config
        data.token    = (sensitive)
        sources.token = "expression"

    + secret.db
        why: new in the config
        generate.password.alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        generate.password.length   = 20

    Order: all at the same time.

    Outputs:
      + motd = "20 one"

    Plan: 2 to add, 0 to change, 0 to destroy.
    secret.access: creating...
    secret.access: creation complete after 0s
    secret.db: creating...
    secret.db: creation complete after 0s

    Apply complete! Resources: 2 added, 0 changed, 0 destroyed.

    Outputs:

    motd = "20 one"
    "#);
    insta::assert_snapshot!(desk.run("alice", "history"), @"
    error: git ignores the state file DIR/alice/state/shop.json
      note: revisions of a state are commits in git, one for each run that changed it
      help: take it out of .gitignore
    [exit 1]
    ");
    assert_eq!(desk.log("alice"), "config");
}

#[test]
fn the_sandbox_never_touches_the_repository() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --sandbox --auto-approve");
    assert_eq!(desk.log("alice"), "config");
    assert_eq!(desk.git("alice", "status --porcelain --ignored"), "!! .hactl/\n");
    insta::assert_snapshot!(desk.run("alice", "history --sandbox"), @"
    error: runs in the sandbox are not committed
      note: revisions of a state are commits in git, one for each run that changed it
      help: leave out `--sandbox`
    [exit 1]
    ");
    insta::assert_snapshot!(desk.run("alice", "rollback HEAD --sandbox --auto-approve"), @"
    error: runs in the sandbox are not committed
      note: revisions of a state are commits in git, one for each run that changed it
      help: leave out `--sandbox`
    [exit 1]
    ");
}

#[test]
fn a_detached_head_is_committed_to_and_told() {
    let desk = Desk::new();
    desk.git("alice", "checkout --quiet --detach");
    let told = desk.run("alice", "apply --auto-approve");
    insta::assert_snapshot!(told.split_once("\n\n").unwrap().0, @"
    warning: HEAD is detached: what is committed now is on no branch
      help: `git switch` to a branch, or make one of it afterwards: `git switch -c NAME`
    ");
    assert_eq!(desk.log("alice"), "hactl apply shop: 2 added, 0 changed, 0 destroyed\nconfig");
}
