//! Older revisions of a state.

use std::fs;

use crate::world::{World, message};

#[test]
fn every_commit_of_the_state_is_a_revision() {
    let world = World::new();
    let tree = world.repository("tree");
    assert_eq!(tree.repository().history(None).unwrap(), []);
    for serial in 1..=3 {
        tree.apply(serial).unwrap();
        tree.git(&["commit", "--quiet", "--allow-empty", "--message=between"]);
    }
    tree.save(4);
    tree.git(&["commit", "--quiet", "--all", "--message=by hand"]);
    let history = tree.repository().history(None).unwrap();
    let shown: Vec<_> = history.iter().map(|one| (one.serial, one.summary.as_str(), one.author.as_str())).collect();
    let (third, second, first) = (message(3).summary, message(2).summary, message(1).summary);
    assert_eq!(
        shown,
        [
            (None, "by hand", "Alice"),
            (Some(3), &*third, "Alice"),
            (Some(2), &*second, "Alice"),
            (Some(1), &*first, "Alice"),
        ]
    );
    assert_eq!(history[1].plan, Some(format!("{:064}", 3)));
    assert_eq!(history[1].config, Some("c".repeat(64)));
    assert_eq!(history[1].config_commit.as_deref(), Some("0123456-dirty"));
    assert_eq!((history[0].plan.as_ref(), history[0].config.as_ref()), (None, None));
    assert_eq!(tree.repository().history(Some(1)).unwrap(), history[..1]);
    fs::remove_dir_all(tree.path("state")).unwrap();
    assert_eq!(tree.repository().history(None).unwrap(), history, "also where there is no state any more");
}

#[test]
fn a_revision_is_the_commit_that_made_the_state_what_it_was() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.apply(1).unwrap();
    tree.apply(2).unwrap();
    tree.git(&["commit", "--quiet", "--allow-empty", "--message=after"]);
    tree.git(&["tag", "-m", "annotated", "release"]);
    let repository = tree.repository();
    let serial = |name: &str| {
        let revision = repository.revision(name).unwrap();
        let state = repository.state_at(&revision, &tree.store).unwrap();
        assert_eq!(revision.serial, Some(state.serial));
        state.serial
    };
    assert_eq!([serial("HEAD"), serial("release"), serial("HEAD^"), serial("main~2")], [2, 2, 2, 1]);
    let told = |name: &str| world.told(repository.revision(name).unwrap_err());
    insta::assert_snapshot!([told("HEAD~3"), told("nowhere"), told("--all"), told("HEAD:state")].join("\n"), @r#"
    error: at HEAD~3 there was no state of this stack yet
      help: `hactl history` lists the revisions that have one
    error: there is no revision "nowhere"
      help: `hactl history` lists the revisions of the state
    error: there is no revision "--all"
      help: `hactl history` lists the revisions of the state
    error: there is no revision "HEAD:state"
      help: `hactl history` lists the revisions of the state
    "#);
    let other = hactl_state::Store::new(&tree.path("state"), "shop");
    let revision = repository.revision("HEAD").unwrap();
    let error = world.told(repository.state_at(&revision, &other).unwrap_err()).replace(&revision.short, "ID");
    insta::assert_snapshot!(error, @"
    error: the state file ID:state/web.json belongs to the stack `web`, not to `shop`
      each stack has files of its own, named after it; this one was renamed or copied
      help: give the file back its name, or set `name: web` in the config if that is the stack you mean
    ");
}

#[test]
fn the_files_of_a_revision_are_exported() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write("files/motd", "one\n");
    tree.git(&["add", "files"]);
    tree.git(&["commit", "--quiet", "--message=files"]);
    tree.apply(1).unwrap();
    tree.write("files/motd", "two\n");
    tree.write("added", "later\n");
    tree.git(&["add", "added"]);
    let before = tree.status();
    let repository = tree.repository();
    let revision = repository.revision("HEAD").unwrap();
    let out = world.path("out");
    fs::create_dir(&out).unwrap();
    repository.export(&revision.id, &out).unwrap();
    assert_eq!(fs::read_to_string(out.join("files/motd")).unwrap(), "one\n");
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["files", "hactl.yaml", "state"]);
    assert_eq!(tree.status(), before);
    assert_eq!(repository.path_in_tree(&tree.path("files/motd")).unwrap().to_str(), Some("files/motd"));
    assert_eq!(repository.path_in_tree(&out.join("hactl.yaml")), None);
}

#[test]
fn what_git_keeps_of_a_state_is_found_where_it_was_damaged_and_removed() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.apply(3).unwrap();
    tree.write("state/web.json", "{\"stack\": \"web\", \"serial\": 7, \"res");
    tree.git(&["commit", "--quiet", "--all", "--message=damaged"]);
    let damaged = tree.git(&["rev-parse", "--short", "HEAD"]);
    tree.git(&["rm", "--quiet", "state/web.json"]);
    tree.git(&["commit", "--quiet", "--message=gone"]);
    let repository = tree.repository();
    repository.check_present().unwrap();
    assert_eq!(repository.last_kept().unwrap().unwrap().short, damaged.trim());
    let kept = repository.kept(&tree.store).unwrap();
    let (revision, state) = kept.good.unwrap();
    assert_eq!((state.serial, kept.serial), (3, 7));
    let command = repository.bring_back(&revision);
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    tree.git(&words);
    assert_eq!(tree.store.load().unwrap().state.unwrap().serial, 3);
}
