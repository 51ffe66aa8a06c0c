//! What is refused before anything is begun.

use std::fs;

use hactl_state::git::Repository;

use crate::world::World;

#[test]
fn something_else_is_in_progress() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.git(&["switch", "--quiet", "-c", "other"]);
    tree.write("hactl.yaml", "hactl: 1 # other\n");
    tree.git(&["commit", "--quiet", "-am", "other"]);
    tree.git(&["switch", "--quiet", "main"]);
    tree.write("hactl.yaml", "hactl: 1 # main\n");
    tree.git(&["commit", "--quiet", "-am", "main"]);
    let begin: [(&[&str], &[&str]); 5] = [
        (&["merge", "other"], &["merge", "--abort"]),
        (&["rebase", "other"], &["rebase", "--abort"]),
        (&["cherry-pick", "other"], &["cherry-pick", "--abort"]),
        (&["revert", "HEAD^"], &["revert", "--abort"]),
        (&["bisect", "start", "HEAD", "HEAD^"], &["bisect", "reset"]),
    ];
    let mut told = String::new();
    for (begin, end) in begin {
        // Most of these fail, as they are to stop at a conflict.
        let _stops = std::process::Command::new("git").args(begin).current_dir(&tree.top).output().unwrap();
        told += &world.told(tree.repository().check().unwrap_err());
        told += "\n";
        tree.git(end);
        tree.repository().check().unwrap();
    }
    insta::assert_snapshot!(told, @"
    error: a merge is in progress in DIR/tree
      nothing was begun
      help: end it first: `git merge --continue` or `git merge --abort`; then run the command again
    error: a rebase is in progress in DIR/tree
      nothing was begun
      help: end it first: `git rebase --continue` or `git rebase --abort`; then run the command again
    error: a cherry-pick is in progress in DIR/tree
      nothing was begun
      help: end it first: `git cherry-pick --continue` or `git cherry-pick --abort`; then run the command again
    error: a revert is in progress in DIR/tree
      nothing was begun
      help: end it first: `git revert --continue` or `git revert --abort`; then run the command again
    error: a bisect is in progress in DIR/tree
      nothing was begun
      help: end it first: `git bisect reset`; then run the command again
    ");
}

#[test]
fn nobody_is_known_to_commit() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.git(&["config", "user.name", ""]);
    tree.git(&["config", "user.email", ""]);
    insta::assert_snapshot!(world.told(tree.repository().check().unwrap_err()), @"
    error: git does not know who you are, and every run that changes something is a commit
      fatal: empty ident name (for <>) not allowed
      nothing was begun
      help: tell git: `git config user.name NAME` and `git config user.email ADDRESS`; in CI set GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL
    ");
}

#[test]
fn git_refuses_the_repository() {
    let world = World::new();
    let tree = world.repository("tree");
    fs::rename(tree.path(".git"), world.path("moved")).unwrap();
    tree.write(".git", "gitdir: ../nowhere\n");
    insta::assert_snapshot!(world.told(Repository::find(&tree.store).unwrap_err()), @"
    error: git refuses to work in DIR/tree
      fatal: not a git repository: DIR/tree/../nowhere
      nothing was begun
      help: mend what git says, then run it again
    ");
}

#[test]
fn the_state_is_gone() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.apply(1).unwrap();
    fs::remove_file(tree.path("state/web.json")).unwrap();
    insta::assert_snapshot!(world.told(tree.repository().is_left_over().unwrap_err()), @"
    error: the state file DIR/tree/state/web.json is in git, but not here
      without it, what is on the hosts belongs to no state; nothing was begun
      help: bring it back: `git -C DIR/tree/state checkout HEAD -- web.json`; to begin anew without it, commit that it is gone
    ");
    tree.git(&["commit", "--quiet", "-am", "begin anew"]);
    assert!(!tree.repository().is_left_over().unwrap());
}

#[test]
fn the_state_is_older_than_that_of_head() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.apply(1).unwrap();
    tree.apply(2).unwrap();
    tree.git(&["checkout", "--quiet", "HEAD^", "--", "state/web.json"]);
    insta::assert_snapshot!(world.told(tree.repository().is_left_over().unwrap_err()), @"
    error: the state file DIR/tree/state/web.json is older than the one in git: serial 1, in git 2
      it would say of newer resources that they are not there; nothing was begun
      help: bring the newer one back: `git -C DIR/tree/state checkout HEAD -- web.json`; to go back to an older config, see `hactl rollback`
    ");
    tree.git(&["commit", "--quiet", "-m", "I mean it"]);
    assert!(!tree.repository().is_left_over().unwrap());
}
