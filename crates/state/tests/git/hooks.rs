//! Hooks of the user.

use std::fs;

use crate::world::{World, message};

#[test]
fn they_run_and_see_the_state_alone() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write("staged", "text\n");
    tree.git(&["add", "staged"]);
    tree.hook("pre-commit", "git diff --cached --name-only 'st*/*.json' > .git/seen");
    tree.hook("commit-msg", "head -1 $1 > .git/told");
    tree.hook("post-commit", "git log -1 --format=%s > .git/made");
    tree.apply(1).unwrap().unwrap();
    let read = |name: &str| fs::read_to_string(tree.path(".git").join(name)).unwrap();
    assert_eq!(read("seen"), "state/web.json\n");
    assert_eq!(read("told").trim_end(), message(1).summary);
    assert_eq!(read("made").trim_end(), message(1).summary);
    assert_eq!(tree.status(), "A  staged\n");
}

#[test]
fn one_that_refuses_leaves_everything_as_it_was() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write("staged", "text\n");
    tree.git(&["add", "staged"]);
    tree.hook("pre-commit", "echo 'no ticket number' >&2; exit 1");
    let error = tree.apply(1).unwrap_err();
    insta::assert_snapshot!(world.told(error), @r#"
    error: the state is written, but not committed
      no ticket number
      help: mend that, then commit it: `git -C DIR/tree/state add web.json` and `git -C DIR/tree/state commit -m "hactl apply web: 1 added, 0 changed, 0 destroyed" -- web.json`; or leave it to the next run, which commits it first
    "#);
    assert_eq!(tree.status(), "A  staged\n?? state/\n");
    assert_eq!(tree.store.load().unwrap().state.unwrap().serial, 1);
    assert!(!tree.path(".git/hactl.index").exists());
    fs::remove_file(tree.path(".git/hooks/pre-commit")).unwrap();
    tree.repository().commit(&message(1)).unwrap().unwrap();
}

#[test]
fn one_that_formats_the_state_leaves_no_commit_of_it() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.hook("pre-commit", "printf ' ' >> state/web.json; git add state/web.json");
    let error = tree.apply(1).unwrap_err();
    insta::assert_snapshot!(world.told(error), @"
    error: a git hook changed the state in the commit: the commit was taken back
      its checksum covers every byte: a state that something else formats cannot be read any more; the state is written here as it has to be
      help: leave web.json out of what the hook changes; the next run commits it
    ");
    assert_eq!(tree.store.load().unwrap().state.unwrap().serial, 1, "it can still be read");
    assert_eq!(tree.git(&["log", "--format=%s"]), "first\n");
    assert_eq!(tree.status(), "?? state/\n");
    tree.repository().commit(&message(1)).unwrap_err();
    assert_eq!(tree.git(&["log", "--format=%s"]), "first\n", "no run adds a commit");
    fs::remove_file(tree.path(".git/hooks/pre-commit")).unwrap();
    tree.repository().commit(&message(1)).unwrap().unwrap();
}

#[test]
fn a_first_commit_with_a_formatted_state_is_taken_back() {
    let world = World::new();
    let tree = world.unborn("tree");
    tree.hook("pre-commit", "printf ' ' >> state/web.json; git add state/web.json");
    tree.apply(1).unwrap_err();
    assert!(tree.repository().head().unwrap().is_none());
    assert_eq!(tree.store.load().unwrap().state.unwrap().serial, 1, "it can still be read");
}

#[test]
fn what_was_committed_on_a_formatted_state_stays() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.hook("pre-commit", "[ -e .git/once ] || { printf ' ' >> state/web.json; git add state/web.json; }");
    tree.hook(
        "post-commit",
        "[ -e .git/once ] && exit 0\n\
         : > .git/once\n\
         unset GIT_INDEX_FILE; echo x > log; git add log; git commit --quiet -m log",
    );
    let error = tree.apply(1).unwrap_err();
    let damaged = tree.git(&["rev-parse", "--short", "HEAD^"]);
    let told = world.told(error).replace(damaged.trim(), "COMMIT");
    insta::assert_snapshot!(told, @"
    error: a git hook changed the state in the commit: COMMIT holds a state that cannot be read, and must not be pushed
      its checksum covers every byte: a state that something else formats cannot be read any more; the state is written here as it has to be
      help: leave web.json out of what the hook changes, and take that commit out: `git rebase --onto COMMIT^ COMMIT`; the next run commits the state
    ");
    tree.repository().commit(&message(1)).unwrap().unwrap();
}

#[test]
fn one_that_commits_afterwards_keeps_its_commit() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.hook(
        "post-commit",
        "[ -e .git/once ] && exit 0\n\
         : > .git/once\n\
         unset GIT_INDEX_FILE; echo x > log; git add log; git commit --quiet -m log",
    );
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.git(&["log", "--format=%s"]), format!("log\n{}\nfirst\n", message(1).summary));
    assert_eq!(tree.git(&["show", "HEAD:log"]), "x\n");
}
