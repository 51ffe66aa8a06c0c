//! What a commit holds, and what of the user's stays as it was.

use std::fs;

use crate::world::{World, message};

#[test]
fn the_state_alone_is_committed() {
    let world = World::new();
    let tree = world.repository("tree");
    let commit = tree.apply(1).unwrap().unwrap();
    assert_eq!(commit.index_left, None);
    assert_eq!(tree.git(&["rev-parse", "--short", "HEAD"]).trim(), commit.short);
    assert_eq!(tree.committed(), "A\tstate/web.json\n");
    assert_eq!(tree.status(), "");
    insta::assert_snapshot!(tree.git(&["show", "--no-patch", "--format=%an <%ae>%n%B", "HEAD"]), @"
    Alice <alice@example.com>
    hactl apply web: 1 added, 0 changed, 0 destroyed

    Hactl-Serial: 1
    Hactl-Plan: 0000000000000000000000000000000000000000000000000000000000000001
    Hactl-Config: cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    Hactl-Config-Commit: 0123456-dirty
    ");
    tree.apply(2).unwrap().unwrap();
    assert_eq!(tree.committed(), "M\tstate/web.json\n");
    assert!(tree.repository().commit(&message(2)).unwrap().is_none(), "it is at HEAD already");
    assert_eq!(tree.git(&["rev-list", "--count", "HEAD"]), "3\n");
}

#[test]
fn the_first_commit_of_a_repository_can_be_one() {
    let world = World::new();
    let tree = world.unborn("tree");
    tree.write("hactl.yaml", "hactl: 1\n");
    tree.git(&["add", "hactl.yaml"]);
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.git(&["ls-tree", "-r", "--name-only", "HEAD"]), "state/web.json\n");
    assert_eq!(tree.status(), "A  hactl.yaml\n");
    let empty = world.unborn("empty");
    empty.apply(1).unwrap().unwrap();
    assert_eq!(empty.status(), "");
}

#[test]
fn what_is_staged_stays_staged_exactly() {
    let world = World::new();
    let tree = world.repository("tree");
    for name in ["part", "gone", "removed", "old", "mode", "kept"] {
        tree.write(name, &format!("{name}\none\n"));
    }
    tree.git(&["add", "."]);
    tree.git(&["commit", "--quiet", "--message=files"]);
    tree.write("part", "part\ntwo\n");
    tree.git(&["add", "part"]);
    tree.write("part", "part\ntwo\nthree\n");
    fs::remove_file(tree.path("gone")).unwrap();
    tree.git(&["rm", "--quiet", "removed"]);
    tree.git(&["mv", "old", "new"]);
    tree.git(&["update-index", "--chmod=+x", "mode"]);
    tree.write("intended", "text\n");
    tree.git(&["add", "--intent-to-add", "intended"]);
    tree.write("added", "text\n");
    tree.git(&["add", "added"]);
    tree.write("untracked", "text\n");
    tree.write("kept", "changed\n");
    let shown = || (tree.git(&["ls-files", "--stage"]), tree.git(&["status", "--porcelain=v2"]));
    let before = shown();
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.committed(), "A\tstate/web.json\n");
    let (stage, status) = shown();
    let without = |text: &str| -> String {
        text.lines().filter(|line| !line.ends_with("state/web.json")).map(|line| format!("{line}\n")).collect()
    };
    assert_eq!((without(&stage), status), before);
    assert!(stage.contains("state/web.json"));
}

#[test]
fn a_state_that_the_user_staged_is_committed_as_it_is_now() {
    let world = World::new();
    for intent in [false, true] {
        let tree = world.repository(if intent { "intended" } else { "staged" });
        tree.save(1);
        tree.git(if intent { &["add", "-N", "state"] } else { &["add", "state"] });
        tree.apply(2).unwrap().unwrap();
        assert_eq!(tree.status(), "");
        assert!(tree.git(&["show", "HEAD:state/web.json"]).contains("\"serial\": 2"));
        tree.git(&["rm", "--quiet", "--cached", "state/web.json"]);
        tree.apply(3).unwrap().unwrap();
        assert_eq!(tree.status(), "");
    }
}

#[test]
fn settings_of_the_user_do_not_interfere() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write("template", "# say why\nWhy:\n");
    for (key, value) in [
        ("commit.template", "template"),
        ("commit.verbose", "true"),
        ("commit.cleanup", "scissors"),
        ("core.commentChar", "h"),
        ("core.editor", "false"),
        ("core.safecrlf", "true"),
        ("core.autocrlf", "true"),
        ("log.showSignature", "true"),
        ("status.short", "true"),
        ("diff.noprefix", "true"),
    ] {
        tree.git(&["config", key, value]);
    }
    tree.apply(1).unwrap().unwrap();
    let text = tree.git(&["log", "-1", "--no-show-signature", "--format=%B"]);
    assert_eq!(text.trim_end(), message(1).to_string().trim_end());
    // A checkout has other line ends, and is the same state.
    fs::remove_file(tree.path("state/web.json")).unwrap();
    tree.git(&["checkout", "--", "state/web.json"]);
    assert!(fs::read_to_string(tree.path("state/web.json")).unwrap().contains("\r\n"));
    assert_eq!(tree.store.load().unwrap().state.unwrap().serial, 1);
    assert!(!tree.repository().is_left_over().unwrap());
    tree.apply(2).unwrap().unwrap();
}

#[test]
fn what_others_commit_at_the_same_time_is_kept() {
    let world = World::new();
    let tree = world.repository("tree");
    // Between the index that is made for the commit, and the commit.
    tree.hook(
        "post-index-change",
        "[ -e .git/once ] && exit 0\n\
         : > .git/once\n\
         blob=$(echo theirs | git hash-object -w --stdin)\n\
         export GIT_INDEX_FILE=.git/theirs\n\
         git read-tree HEAD && git update-index --add --cacheinfo 100644,$blob,theirs\n\
         git update-ref HEAD $(git commit-tree -m theirs -p HEAD $(git write-tree))",
    );
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.git(&["log", "--format=%s"]), format!("{}\ntheirs\nfirst\n", message(1).summary));
    assert_eq!(tree.committed(), "A\tstate/web.json\n");
    assert_eq!(tree.git(&["show", "HEAD:theirs"]), "theirs\n");
}

#[test]
fn an_index_that_is_in_use_is_left() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write(".git/index.lock", "");
    let commit = tree.apply(1).unwrap().unwrap();
    assert!(commit.index_left.unwrap().contains("index.lock"));
    assert_eq!(tree.committed(), "A\tstate/web.json\n");
}

#[test]
fn an_index_that_a_killed_run_left_is_mended() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.apply(1).unwrap();
    let before = tree.git(&["ls-files", "--stage", "state/web.json"]);
    tree.apply(2).unwrap();
    let entry = before.replace(" 0\t", "\t").replace([' ', '\t'], ",");
    tree.git(&["update-index", "--cacheinfo", entry.trim_end()]);
    assert_eq!(tree.status(), "MM state/web.json\n");
    tree.repository().mend_index().unwrap();
    assert_eq!(tree.status(), "");
}

#[test]
fn what_a_killed_run_left_is_no_hindrance() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write(".git/hactl.index", "torn");
    tree.write(".git/hactl.index.lock", "");
    tree.apply(1).unwrap().unwrap();
    assert!(!tree.path(".git/hactl.index").exists());
}

#[test]
fn a_state_that_differs_from_head_was_left_over() {
    let world = World::new();
    let tree = world.repository("tree");
    assert!(!tree.repository().is_left_over().unwrap(), "there is none");
    tree.save(1);
    assert!(tree.repository().is_left_over().unwrap());
    tree.apply(1).unwrap();
    assert!(!tree.repository().is_left_over().unwrap());
    tree.save(2);
    assert!(tree.repository().is_left_over().unwrap());
}
