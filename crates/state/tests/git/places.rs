//! Where a state can lie.

use std::fs;
use std::os::unix::fs::symlink;

use hactl_state::Store;
use hactl_state::git::{Place, Repository};

use crate::world::{Tree, World, message, run};

#[test]
fn outside_of_a_work_tree_there_is_nothing_to_commit_to() {
    let world = World::new();
    let store = Store::new(&world.path("state"), "web");
    assert!(matches!(Repository::find(&store).unwrap(), Place::Nowhere));
    run(&world.path(""), &["init", "--quiet", "--bare", "bare"]);
    let store = Store::new(&world.path("bare/state"), "web");
    assert!(matches!(Repository::find(&store).unwrap(), Place::Nowhere));
}

#[test]
fn an_ignored_state_is_not_committed() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.write(".gitignore", "state/\n");
    let Place::Ignored(path) = Repository::find(&tree.store).unwrap() else { panic!("it is ignored") };
    assert_eq!(path, tree.path("state/web.json"));
    // What is tracked is committed, whatever the rules say.
    tree.save(1);
    tree.git(&["add", "--force", "state/web.json"]);
    tree.apply(2).unwrap().unwrap();
    assert_eq!(tree.committed(), "A\tstate/web.json\n");
    tree.apply(3).unwrap().unwrap();
}

#[test]
fn a_config_in_a_directory_of_its_own() {
    let world = World::new();
    let top = world.repository("tree").top;
    let tree = Tree { store: Store::new(&top.join("a [dir]*/b/state"), "web"), top };
    tree.write("a x/b/state/web.json", "another\n");
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.committed(), "A\ta [dir]*/b/state/web.json\n");
    assert_eq!(tree.status(), "?? \"a x/\"\n");
    assert!(!tree.repository().is_left_over().unwrap());
}

#[test]
fn a_state_behind_a_link_is_committed_where_it_is() {
    let world = World::new();
    let tree = world.repository("tree");
    fs::create_dir(tree.path("state")).unwrap();
    tree.write("states/shared.json", "");
    fs::remove_file(tree.path("states/shared.json")).unwrap();
    symlink("../states/shared.json", tree.path("state/web.json")).unwrap();
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.committed(), "A\tstates/shared.json\n");
    // The directory may be a link as well.
    let other = world.repository("other");
    fs::create_dir(other.path("elsewhere")).unwrap();
    symlink("elsewhere", other.path("state")).unwrap();
    other.apply(1).unwrap().unwrap();
    assert_eq!(other.committed(), "A\telsewhere/web.json\n");
}

#[test]
fn a_linked_work_tree_and_a_submodule() {
    let world = World::new();
    let main = world.repository("main");
    main.git(&["worktree", "add", "--quiet", "../linked", "-b", "linked"]);
    let linked = Tree { top: world.path("linked"), store: Store::new(&world.path("linked/state"), "web") };
    linked.apply(1).unwrap().unwrap();
    assert_eq!(linked.committed(), "A\tstate/web.json\n");
    assert_eq!((linked.status(), main.status()), (String::new(), String::new()));
    // One work tree's merge is no matter of the other.
    main.write(".git/MERGE_HEAD", "");
    linked.repository().check().unwrap();
    fs::remove_file(main.path(".git/MERGE_HEAD")).unwrap();

    let outer = world.repository("outer");
    outer.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../main", "stack"]);
    let inner = world.tree("outer/stack");
    inner.git(&["config", "core.hooksPath", "hooks"]);
    inner.apply(1).unwrap().unwrap();
    assert_eq!(inner.committed(), "A\tstate/web.json\n");
    assert!(!outer.git(&["ls-files"]).contains("web.json"));
}

#[test]
fn a_detached_head_can_be_committed_to() {
    let world = World::new();
    let tree = world.repository("tree");
    tree.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(tree.repository().branch().unwrap(), None);
    tree.apply(1).unwrap().unwrap();
    assert_eq!(tree.git(&["rev-list", "--count", "HEAD"]), "2\n");
}

#[test]
fn the_commit_of_a_config_tells_whether_it_is_in_it() {
    let world = World::new();
    let tree = world.unborn("tree");
    let config = || tree.repository().commit_of(&[tree.path("hactl.yaml"), tree.path("motd")]).unwrap();
    assert_eq!(config(), None);
    tree.write("hactl.yaml", "hactl: 1\n");
    tree.write("motd", "hello\n");
    tree.git(&["add", "hactl.yaml"]);
    tree.git(&["commit", "--quiet", "--message=first"]);
    let head = || tree.git(&["rev-parse", "HEAD"]).trim().to_owned();
    assert_eq!(config(), Some(format!("{}-dirty", head())), "a file is not in it");
    tree.git(&["add", "motd"]);
    tree.git(&["commit", "--quiet", "--message=motd"]);
    tree.write("other", "not of the config\n");
    assert_eq!(config(), Some(head()));
    tree.write("motd", "changed\n");
    assert_eq!(config(), Some(format!("{}-dirty", head())));
    tree.git(&["checkout", "--quiet", "motd"]);
    tree.write(".gitignore", "motd2\n");
    tree.write("motd2", "ignored\n");
    let outside = world.path("outside");
    fs::write(&outside, "").unwrap();
    for file in [tree.path("motd2"), outside] {
        assert_eq!(tree.repository().commit_of(&[file]).unwrap(), Some(format!("{}-dirty", head())));
    }
    assert!(tree.repository().commit(&message(1)).is_err(), "there is no state to commit");
}
