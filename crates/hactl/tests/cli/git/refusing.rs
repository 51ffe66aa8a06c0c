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
