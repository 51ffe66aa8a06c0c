//! What is refused before anything is begun.

use std::fs;

use crate::git::desk::Desk;

#[test]
fn a_merge_is_ended_first() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    let before = desk.read("alice", "state/shop.json");
    let head = desk.git("alice", "rev-parse HEAD");
    desk.write("alice", ".git/MERGE_HEAD", &head);
    for command in ["apply --auto-approve --var length=30", "destroy --auto-approve", "state reencrypt"] {
        let told = desk.run("alice", command);
        assert!(told.starts_with("error: a merge is in progress in DIR/alice"), "{told}");
    }
    assert_eq!(desk.read("alice", "state/shop.json"), before);
    desk.succeed("alice", "plan");
    desk.succeed("alice", "apply --auto-approve --var length=30 --no-commit");
}

#[test]
fn git_has_to_know_who_commits() {
    let desk = Desk::new();
    desk.write("home", "alice/.gitconfig", "[user]\n useConfigOnly = true\n");
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve"), @"
    error: git does not know who you are, and every run that changes something is a commit
      note: fatal: no email was given and auto-detection is disabled
            nothing was begun
      help: tell git: `git config user.name NAME` and `git config user.email ADDRESS`; in CI set GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL
    [exit 1]
    ");
    assert!(!desk.path("alice/state/shop.json").exists());
}

#[test]
fn a_state_that_is_gone_or_older_is_brought_back() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.succeed("alice", "apply --auto-approve --var length=30");
    fs::remove_file(desk.path("alice/state/shop.json")).unwrap();
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve"), @"
    error: the state file DIR/alice/state/shop.json is in git, but not here
      note: without it, what is on the hosts belongs to no state; nothing was begun
      help: bring it back: `git -C DIR/alice/state checkout HEAD -- shop.json`; to begin anew without it, commit that it is gone
    [exit 1]
    ");
    for command in ["plan", "drift", "show", "show --json", "state list", "output"] {
        let told = desk.run("alice", command);
        assert!(told.contains("error: the state file DIR/alice/state/shop.json is in git, but not here"), "{told}");
        assert!(told.ends_with("[exit 1]"), "{command}: {told}");
    }
    desk.git("alice", "checkout --quiet HEAD~1 -- state/shop.json");
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve"), @"
    error: the state file DIR/alice/state/shop.json is older than the one in git: serial 1, in git 2
      note: it would say of newer resources that they are not there; nothing was begun
      help: bring the newer one back: `git -C DIR/alice/state checkout HEAD -- shop.json`; to go back to an older config, see `hactl rollback`
    [exit 1]
    ");
    desk.git("alice", "checkout --quiet HEAD -- state/shop.json");
    desk.succeed("alice", "apply --auto-approve");
}

#[test]
fn there_has_to_be_a_remote_to_push_to() {
    let desk = Desk::new();
    desk.edit("alice", "name: shop", "name: shop\ngit: {push: true}");
    insta::assert_snapshot!(desk.run("alice", "apply --auto-approve"), @"
    error: there is no remote `origin`, and the config says that states are pushed
      note: nothing was begun
      help: add it: `git -C DIR/alice remote add origin URL`, or name another one as `remote` under `git` in the config
    [exit 1]
    ");
    assert!(desk.run("alice", "unlock").starts_with("error: there is no remote `origin`"));
    assert!(!desk.path("alice/state/shop.json").exists());
}

#[test]
fn a_state_that_was_removed_from_git_is_told_of() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.git("alice", "rm --quiet state/shop.json");
    desk.git("alice", "commit --quiet -m gone");
    let told = desk.run("alice", "apply --auto-approve");
    insta::assert_snapshot!(told.split_once("\n\n").unwrap().0, @"
    warning: there is no state of shop, and there was one in git
      note: the last one is that of *******, 2027-01-31T10:00:00Z: hactl apply shop: 2 added, 0 changed, 0 destroyed
      help: if it was not removed on purpose, bring it back: `git -C DIR/alice/state checkout ******* -- shop.json`
    ");
}

#[test]
fn a_state_that_git_has_is_not_rebuilt_unasked() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.succeed("alice", "apply --auto-approve --var length=30");
    desk.write("alice", "state/shop.json", "{");
    insta::assert_snapshot!(desk.run("alice", "state recover"), @"
    error: git has a state of shop: that of *******, serial 2
      note: it holds more than can be rebuilt: the values of secrets, and what is not on the hosts any more
      help: bring it back: `git -C DIR/alice/state checkout ******* -- shop.json`; then `hactl plan`. --force rebuilds the state all the same
    [exit 1]
    ");
    let forced = desk.run("alice", "state recover --force");
    assert!(forced.contains("there is nothing to recover"), "{forced}");
}

#[test]
fn a_damaged_revision_is_not_shown() {
    let desk = Desk::new();
    desk.succeed("alice", "apply --auto-approve");
    desk.write("alice", "state/shop.json", "{");
    desk.git("alice", "commit --quiet -am damaged");
    insta::assert_snapshot!(desk.run("alice", "show HEAD"), @"
    error: the state file *******:state/shop.json is cut off after byte 1
      note: hactl puts whole files in place in one step: something else wrote to this one, or its disk lost data
      help: `hactl history` lists the others: look at the one before
    [exit 1]
    ");
}
