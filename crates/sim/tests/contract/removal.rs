//! Removing files.

use hactl_core::Digest;
use hactl_host::{FileAdoption, FileRemoval, FileWrite, InventoryEntry};

use crate::suite::{Case, cases};
use crate::world::{SITE, World, address, conflict, file_reason};

pub(crate) const CASES: &[Case] = cases![
    the_file_and_its_directories_go,
    directories_in_use_stay,
    directories_that_were_there_stay,
    an_adopted_original_comes_back,
    an_original_comes_back_after_a_loss,
    a_file_is_adopted_as_it_is,
    what_is_not_there_is_not_adopted,
    what_is_absent_is_removed,
    a_changed_file_is_removed,
    what_is_not_ours_stays,
    what_state_holds_is_removed_without_inventory,
    a_file_of_another_stack_stays,
    a_directory_is_not_removed,
];

async fn the_file_and_its_directories_go(world: &World) {
    let path = world.path("a/b/file");
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    for _ in 0..2 {
        world.host().remove_file(&world.removal(&path)).await.unwrap();
        assert_eq!(world.hands.digest(&path), None);
        assert!(!world.hands.is_directory(&world.directory()));
        let entries = world.inventory().await.unwrap().entries;
        assert_eq!(entries[&address(SITE)], InventoryEntry::default(), "the address is listed until it is released");
    }
}

async fn directories_in_use_stay(world: &World) {
    let path = world.path("a/b/file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.put_file(&world.path("a/other"), b"theirs", "0644", "root", "root");
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert!(!world.hands.is_directory(&world.path("a/b")));
    assert_eq!(world.text(&world.path("a/other")).await.as_deref(), Some("theirs"));
}

async fn directories_that_were_there_stay(world: &World) {
    world.hands.make_directory(&world.path("a"));
    let path = world.path("a/b/file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert!(world.hands.is_directory(&world.path("a")));
    assert!(!world.hands.is_directory(&world.path("a/b")));
}

async fn an_adopted_original_comes_back(world: &World) {
    let path = world.path("file");
    let content = [0, 0xff, b'\n', b'x'];
    world.hands.put_file(&path, &content, "0640", "dev", "docker");
    let before = world.stat(&path).await;
    let adopt = |content| FileWrite { adopt: true, ..world.write(&path, content) };
    world.host().write_file(&adopt("ours")).await.unwrap();
    world.host().write_file(&adopt("ours, changed")).await.unwrap();
    for _ in 0..2 {
        world.host().remove_file(&world.removal(&path)).await.unwrap();
        assert_eq!(world.stat(&path).await, before);
        assert_eq!(world.hands.digest(&path), Some(Digest::sha256(&content)));
    }
}

async fn an_original_comes_back_after_a_loss(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"theirs", "4755", "root", "root");
    let before = world.stat(&path).await;
    world.host().write_file(&FileWrite { adopt: true, ..world.write(&path, "ours") }).await.unwrap();
    world.hands.remove_file(&path);
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert_eq!(world.stat(&path).await, before);
}

async fn a_file_is_adopted_as_it_is(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"theirs", "0640", "dev", "docker");
    let before = world.stat(&path).await;
    let adoption = FileAdoption { path: path.clone(), lineage: world.lineage(), address: address(SITE) };
    for _ in 0..2 {
        world.host().adopt_file(&adoption).await.unwrap();
        assert_eq!(world.stat(&path).await, before);
        let entry = world.inventory().await.unwrap().entries.remove(&address(SITE)).unwrap();
        assert_eq!((entry.path.as_deref(), entry.original), (Some(path.as_str()), true));
    }
    world.host().write_file(&FileWrite { owned: true, ..world.write(&path, "ours") }).await.unwrap();
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert_eq!(world.stat(&path).await, before);
}

async fn what_is_not_there_is_not_adopted(world: &World) {
    let adoption = FileAdoption { path: world.path("file"), lineage: world.lineage(), address: address(SITE) };
    let refused = world.host().adopt_file(&adoption).await.unwrap_err();
    assert!(refused.to_string().contains(FileAdoption::GONE), "{refused}");
}

async fn what_is_absent_is_removed(world: &World) {
    let path = world.path("a/file");
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.remove_file(&path);
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert!(!world.hands.is_directory(&world.directory()));
}

async fn a_changed_file_is_removed(world: &World) {
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.put_file(&path, b"changed by hand", "0400", "dev", "dev");
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert_eq!(world.hands.digest(&path), None);
}

async fn what_is_not_ours_stays(world: &World) {
    let (path, other) = (world.path("file"), world.path("other"));
    world.hands.put_file(&path, b"theirs", "0644", "root", "root");
    assert_eq!(conflict(world.host().remove_file(&world.removal(&path)).await), format!("the file {path}"));
    world.host().write_file(&world.write(&other, "ours")).await.unwrap();
    assert_eq!(conflict(world.host().remove_file(&world.removal(&path)).await), format!("the file {path}"));
    assert_eq!(world.text(&path).await.as_deref(), Some("theirs"));
}

async fn what_state_holds_is_removed_without_inventory(world: &World) {
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.remove_inventory(&world.lineage());
    let removal = FileRemoval { owned: true, ..world.removal(&path) };
    for _ in 0..2 {
        world.host().remove_file(&removal).await.unwrap();
        assert_eq!(world.hands.digest(&path), None);
    }
}

async fn a_file_of_another_stack_stays(world: &World) {
    let path = world.path("file");
    let theirs = FileWrite { lineage: world.other_lineage(), ..world.write(&path, "theirs") };
    world.host().write_file(&theirs).await.unwrap();
    for owned in [false, true] {
        let removal = FileRemoval { owned, ..world.removal(&path) };
        assert_eq!(conflict(world.host().remove_file(&removal).await), format!("the file {path}"));
    }
    assert_eq!(world.text(&path).await.as_deref(), Some("theirs"));
}

async fn a_directory_is_not_removed(world: &World) {
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.remove_file(&path);
    world.hands.make_directory(&path);
    let reason = file_reason(world.host().remove_file(&world.removal(&path)).await);
    assert!(reason.to_lowercase().contains("is a directory"), "{reason}");
    assert!(world.hands.is_directory(&path));
}
