//! Writing files.

use std::sync::Arc;

use hactl_core::Digest;
use hactl_host::{FileContent, FileStat, FileWrite, HostError, InventoryEntry};

use crate::suite::{Case, cases};
use crate::world::{SITE, World, address, conflict, file_reason};

pub(crate) const CASES: &[Case] = cases![
    parents_are_made_and_recorded,
    content_arrives_as_it_is,
    a_mebibyte_arrives,
    a_local_file_arrives,
    a_local_file_that_changed_is_refused,
    the_mode_is_set,
    what_is_to_stay_in_memory_is_on_no_disk,
    the_owner_is_the_connecting_user,
    the_owner_is_given_by_name_or_number,
    an_unknown_owner_is_named,
    a_write_replaces_what_is_ours,
    a_repeated_write_changes_nothing,
    a_file_removed_by_hand_is_written_again,
    a_foreign_file_is_a_conflict,
    an_adopted_file_keeps_its_original,
    what_state_holds_is_ours,
    a_file_of_another_stack_is_a_conflict,
    a_directory_is_in_the_way,
    a_parent_is_a_file,
    what_is_no_path_or_mode,
    a_resource_takes_a_path_over,
    a_resource_holds_one_path,
    any_name_will_do,
    dots_in_a_path_are_resolved,
    writes_at_once_are_all_recorded,
];

/// On real hosts, users are kept from files.
pub(crate) const BY_USER: &[Case] =
    cases![a_user_without_sudo_writes_at_home, a_user_without_sudo_is_refused_elsewhere, nothing_temporary_is_left];

async fn entry(world: &World) -> InventoryEntry {
    world.inventory().await.unwrap().entries[&address(SITE)].clone()
}

async fn parents_are_made_and_recorded(world: &World) {
    let path = world.path("a/b/file");
    world.host().claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    let directories = vec![world.directory(), world.path("a"), world.path("a/b")];
    assert!(directories.iter().all(|directory| world.hands.is_directory(directory)));
    let expected = InventoryEntry { path: Some(path), directories, original: false, ..InventoryEntry::default() };
    assert_eq!(entry(world).await, expected);

    let (sibling, neighbour) = (world.path("a/c/file"), world.path("ab/file"));
    for (name, path) in [("file.sibling", &sibling), ("file.neighbour", &neighbour)] {
        let write = FileWrite { address: address(name), ..world.write(path, "text") };
        world.host().write_file(&write).await.unwrap();
    }
    let entries = world.inventory().await.unwrap().entries;
    let above = vec![world.directory(), world.path("a"), world.path("a/c")];
    assert_eq!(entries[&address("file.sibling")].directories, above, "whoever is last removes them");
    assert_eq!(entries[&address("file.neighbour")].directories, [world.directory(), world.path("ab")]);
}

async fn content_arrives_as_it_is(world: &World) {
    let path = world.path("file");
    let every_byte: Vec<u8> = (0..=255).collect();
    let contents: [&[u8]; 6] = [b"", b"\n", b"no newline", b"\r\n$(x) `y` 'z' \"", b"\0\0", &every_byte];
    for content in contents {
        world.host().write_file(&world.write(&path, content)).await.unwrap();
        assert_eq!(world.hands.digest(&path), Some(Digest::sha256(content)), "{content:?}");
    }
}

async fn what_is_to_stay_in_memory_is_on_no_disk(world: &World) {
    let path = world.path("a/file");
    let write = FileWrite { tmpfs: true, ..world.write(&path, "secret") };
    assert_eq!(file_reason(world.host().write_file(&write).await), FileWrite::NOT_IN_MEMORY);
    assert!(!world.hands.is_directory(&world.path("a")), "what is not written leaves nothing");

    let path = format!("/dev/shm{}/file", world.directory());
    let write = FileWrite { path: path.clone(), ..write };
    world.host().write_file(&write).await.unwrap();
    assert_eq!(world.hands.digest(&path), Some(Digest::sha256(b"secret")));
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert!(!world.hands.is_directory(&format!("/dev/shm{}", world.directory())));
}

async fn a_mebibyte_arrives(world: &World) {
    let path = world.path("file");
    let content: Arc<[u8]> = (0_u32..1 << 20).map(|index| index.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    world.host().write_file(&world.write(&path, &content)).await.unwrap();
    assert_eq!(world.hands.digest(&path), Some(Digest::sha256(&content)));
}

/// A file of this machine of some megabytes, and its digest.
fn local_file() -> (tempfile::NamedTempFile, Digest) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let content: Vec<u8> = (0_u32..3 << 20).map(|index| index.wrapping_mul(2_246_822_519).to_be_bytes()[0]).collect();
    std::fs::write(file.path(), &content).unwrap();
    (file, Digest::sha256(&content))
}

async fn a_local_file_arrives(world: &World) {
    let path = world.path("file");
    let (file, sha256) = local_file();
    let content = FileContent::Local { path: file.path().to_owned(), size: 3 << 20, sha256 };
    world.host().write_file(&FileWrite { content, ..world.write(&path, "") }).await.unwrap();
    assert_eq!(world.hands.digest(&path), Some(sha256));
}

async fn a_local_file_that_changed_is_refused(world: &World) {
    let path = world.path("a/file");
    let (file, _) = local_file();
    let content = FileContent::Local { path: file.path().to_owned(), size: 3 << 20, sha256: Digest::sha256(b"before") };
    let written = world.host().write_file(&FileWrite { content, ..world.write(&path, "") }).await;
    assert_eq!(file_reason(written), FileContent::CHANGED);
    assert!(world.hands.digest(&path).is_none() && !world.hands.is_directory(&world.path("a")));
}

async fn the_mode_is_set(world: &World) {
    let path = world.path("file");
    for (mode, shown) in [("0600", "0600"), ("755", "0755"), ("0444", "0444"), ("4750", "4750"), ("0000", "0000")] {
        let write = FileWrite { mode: mode.to_owned(), ..world.write(&path, "text") };
        world.host().write_file(&write).await.unwrap();
        assert_eq!(world.stat(&path).await.unwrap().mode, shown);
    }
}

async fn the_owner_is_the_connecting_user(world: &World) {
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    let stat = world.stat(&path).await.unwrap();
    assert_eq!((stat.owner.as_str(), stat.group.as_str()), ("ops", "ops"));
}

async fn the_owner_is_given_by_name_or_number(world: &World) {
    let path = world.path("file");
    for (owner, group, shown) in [
        (Some("root"), None, ("root", "root")),
        (Some("dev"), Some("docker"), ("dev", "docker")),
        (Some("0"), Some("0"), ("root", "root")),
        (Some("4242"), Some("4343"), ("4242", "4343")),
        (None, Some("root"), ("ops", "root")),
    ] {
        let write = FileWrite {
            owner: owner.map(str::to_owned),
            group: group.map(str::to_owned),
            mode: "4755".to_owned(),
            ..world.write(&path, "text")
        };
        world.host().write_file(&write).await.unwrap();
        let stat = world.stat(&path).await.unwrap();
        assert_eq!((stat.owner.as_str(), stat.group.as_str()), shown);
        assert_eq!(stat.mode, "4755", "changing the owner drops no bits of the mode");
    }
}

async fn an_unknown_owner_is_named(world: &World) {
    let path = world.path("file");
    let owner = FileWrite { owner: Some("no such".to_owned()), ..world.write(&path, "text") };
    let group = FileWrite { group: Some("no such".to_owned()), ..world.write(&path, "text") };
    for (write, what) in [(owner, "user"), (group, "group")] {
        let reason = file_reason(world.host().write_file(&write).await);
        assert!(reason.contains(&format!("invalid {what}")) && reason.contains("no such"), "{reason}");
        assert_eq!(world.hands.digest(&path), None, "a refused write writes nothing");
    }
}

async fn a_write_replaces_what_is_ours(world: &World) {
    let path = world.path("a/file");
    for content in ["one", "a longer two", "3"] {
        world.host().write_file(&world.write(&path, content)).await.unwrap();
        assert_eq!(world.text(&path).await.as_deref(), Some(content));
    }
    world.hands.put_file(&path, b"by hand", "0666", "dev", "dev");
    world.host().write_file(&world.write(&path, "ours")).await.unwrap();
    let stat = world.stat(&path).await.unwrap();
    assert_eq!((stat.text.as_deref(), stat.mode.as_str(), stat.owner.as_str()), (Some("ours"), "0644", "ops"));
    let expected = InventoryEntry {
        path: Some(path),
        directories: vec![world.directory(), world.path("a")],
        original: false,
        ..InventoryEntry::default()
    };
    assert_eq!(entry(world).await, expected, "what was recorded at first stays");
}

async fn a_repeated_write_changes_nothing(world: &World) {
    let path = world.path("a/file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    let before = (world.stat(&path).await, world.inventory().await);
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    assert_eq!((world.stat(&path).await, world.inventory().await), before);
}

async fn a_file_removed_by_hand_is_written_again(world: &World) {
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.hands.remove_file(&path);
    assert_eq!(world.stat(&path).await, None);
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    assert_eq!(world.text(&path).await.as_deref(), Some("text"));
}

async fn a_foreign_file_is_a_conflict(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"theirs", "0644", "root", "root");
    assert_eq!(conflict(world.host().write_file(&world.write(&path, "ours")).await), format!("the file {path}"));
    assert_eq!(world.text(&path).await.as_deref(), Some("theirs"));
    let held =
        world.inventory().await.is_some_and(|inventory| inventory.entries.values().any(|entry| entry.path.is_some()));
    assert!(!held, "a refused write records nothing");
}

async fn an_adopted_file_keeps_its_original(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"theirs", "0640", "dev", "docker");
    let adopt = |content| FileWrite { adopt: true, ..world.write(&path, content) };
    for content in ["ours", "ours, changed"] {
        world.host().write_file(&adopt(content)).await.unwrap();
        let stat = world.stat(&path).await.unwrap();
        assert_eq!((stat.text.as_deref(), stat.mode.as_str(), stat.owner.as_str()), (Some(content), "0644", "ops"));
        let expected = InventoryEntry {
            path: Some(path.clone()),
            directories: Vec::new(),
            original: true,
            ..InventoryEntry::default()
        };
        assert_eq!(entry(world).await, expected);
    }
    let fresh = world.path("fresh");
    let write = FileWrite { adopt: true, address: address("file.fresh"), ..world.write(&fresh, "new") };
    world.host().write_file(&write).await.unwrap();
    let entries = world.inventory().await.unwrap().entries;
    assert!(!entries[&address("file.fresh")].original, "there was nothing to adopt");
}

async fn what_state_holds_is_ours(world: &World) {
    let path = world.path("file");
    world.hands.put_file(&path, b"ours, its inventory lost", "0644", "root", "root");
    let write = FileWrite { owned: true, ..world.write(&path, "ours") };
    world.host().write_file(&write).await.unwrap();
    assert_eq!(world.text(&path).await.as_deref(), Some("ours"));
    let expected =
        InventoryEntry { path: Some(path), directories: Vec::new(), original: false, ..InventoryEntry::default() };
    assert_eq!(entry(world).await, expected);
}

async fn a_file_of_another_stack_is_a_conflict(world: &World) {
    let path = world.path("file");
    let theirs = FileWrite { lineage: world.other_lineage(), ..world.write(&path, "theirs") };
    world.host().write_file(&theirs).await.unwrap();
    let owned = FileWrite { owned: true, ..world.write(&path, "ours") };
    for write in [world.write(&path, "ours"), owned] {
        assert_eq!(conflict(world.host().write_file(&write).await), format!("the file {path}"));
    }
    assert_eq!(world.text(&path).await.as_deref(), Some("theirs"));
    world.hands.remove_file(&path);
    assert_eq!(conflict(world.host().write_file(&world.write(&path, "ours")).await), format!("the file {path}"));
}

async fn a_directory_is_in_the_way(world: &World) {
    let path = world.path("directory");
    world.hands.make_directory(&path);
    for adopt in [false, true] {
        let write = FileWrite { adopt, ..world.write(&path, "text") };
        let reason = file_reason(world.host().write_file(&write).await);
        assert!(reason.to_lowercase().contains("is a directory"), "{reason}");
    }
    assert!(world.hands.is_directory(&path));
}

async fn a_parent_is_a_file(world: &World) {
    world.hands.put_file(&world.path("file"), b"theirs", "0644", "root", "root");
    for path in [world.path("file/below"), world.path("file/a/b")] {
        let reason = file_reason(world.host().write_file(&world.write(&path, "text")).await);
        assert!(reason.to_lowercase().contains("not a directory"), "{reason}");
    }
}

async fn what_is_no_path_or_mode(world: &World) {
    let (file, broken) = (world.path("file"), world.path("new\nline"));
    for (path, mode, words) in [
        ("relative", "0644", "not absolute"),
        ("", "0644", "not absolute"),
        (&*broken, "0644", "line break"),
        (&*file, "0999", "not octal"),
    ] {
        let write = FileWrite { mode: mode.to_owned(), ..world.write(path, "text") };
        let error = world.host().write_file(&write).await.unwrap_err();
        let HostError::File { operation, path: named, reason } = error else { panic!("{error}") };
        assert_eq!((operation, named.as_str()), ("write", path));
        assert!(reason.contains(words), "{reason}");
    }
}

async fn a_resource_takes_a_path_over(world: &World) {
    let path = world.path("a/file");
    world.hands.put_file(&path, b"theirs", "0600", "root", "root");
    world.host().write_file(&FileWrite { adopt: true, ..world.write(&path, "ours") }).await.unwrap();
    let renamed = FileWrite { address: address("file.renamed"), ..world.write(&path, "renamed") };
    world.host().write_file(&renamed).await.unwrap();
    let entries = world.inventory().await.unwrap().entries;
    assert_eq!(entries[&address(SITE)], InventoryEntry::default());
    let expected = InventoryEntry {
        path: Some(path.clone()),
        directories: Vec::new(),
        original: true,
        ..InventoryEntry::default()
    };
    assert_eq!(entries[&address("file.renamed")], expected);
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert_eq!(world.text(&path).await.as_deref(), Some("renamed"), "who gave the path up does not remove it");
}

async fn a_resource_holds_one_path(world: &World) {
    let (one, two) = (world.path("one"), world.path("two"));
    world.host().write_file(&world.write(&one, "text")).await.unwrap();
    let reason = file_reason(world.host().write_file(&world.write(&two, "text")).await);
    assert!(reason.contains(&one), "{reason}");
    world.host().remove_file(&world.removal(&one)).await.unwrap();
    world.host().write_file(&world.write(&two, "text")).await.unwrap();
    assert_eq!(entry(world).await.path, Some(two));
}

async fn any_name_will_do(world: &World) {
    let names = [
        "a b",
        " c ",
        "it's",
        "\"quoted\"",
        "$(reboot)",
        "`id`",
        "$HOME",
        "-rf",
        "--",
        "~",
        "*",
        "?",
        "[a]",
        "a\\nb",
        "back\\slash",
        "größe",
        "日本",
        "semi;colon",
        "a&b",
        "a|b",
        "#a",
        "%s",
        "{a,b}",
        "!",
        "a:b",
        "tab\there",
    ];
    for (index, name) in names.iter().enumerate() {
        let resource = address(&format!("file.f{index}"));
        let path = world.path(&format!("d/{name}/{name}"));
        let content = name.repeat(3);
        let write = FileWrite { address: resource.clone(), ..world.write(&path, &content) };
        world.host().write_file(&write).await.unwrap();
        assert_eq!(world.text(&path).await, Some(content), "{name:?}");
        assert_eq!(world.inventory().await.unwrap().entries[&resource].path.as_ref(), Some(&path));
        let removal = hactl_host::FileRemoval { address: resource, ..world.removal(&path) };
        world.host().remove_file(&removal).await.unwrap();
        assert_eq!(world.stat(&path).await, None, "{name:?}");
        assert!(!world.hands.is_directory(&world.directory()), "{name:?}");
    }
}

async fn dots_in_a_path_are_resolved(world: &World) {
    let write = world.write(&world.path("never/../a/.//b/file"), "text");
    world.host().write_file(&write).await.unwrap();
    let path = world.path("a/b/file");
    assert_eq!(world.text(&path).await.as_deref(), Some("text"));
    assert!(!world.hands.is_directory(&world.path("never")));
    assert_eq!(entry(world).await.path.as_ref(), Some(&path));
    world.host().write_file(&world.write(&path, "changed")).await.unwrap();
    world.host().remove_file(&world.removal(&world.path("a//b/../b/file"))).await.unwrap();
    assert_eq!(world.stat(&path).await, None);
}

async fn writes_at_once_are_all_recorded(world: &World) {
    let addresses: Vec<String> = (0..24).map(|index| format!("file.f{index}")).collect();
    let writes: Vec<FileWrite> = addresses
        .iter()
        .map(|text| FileWrite {
            address: address(text),
            ..world.write(&world.path(&format!("shared/{text}/file")), text)
        })
        .collect();
    let written = futures_util::future::join_all(writes.iter().map(|write| world.host().write_file(write))).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let entries = world.inventory().await.unwrap().entries;
    let paths: Vec<&str> = writes.iter().map(|write| write.path.as_str()).collect();
    let survey = world.survey(&paths).await;
    for write in &writes {
        assert_eq!(survey.files[&write.path].sha256, Digest::sha256(write.address.as_str().as_bytes()));
        assert_eq!(entries[&write.address].path.as_ref(), Some(&write.path));
    }
    let removals: Vec<_> = writes
        .iter()
        .map(|write| hactl_host::FileRemoval { address: write.address.clone(), ..world.removal(&write.path) })
        .collect();
    let removed =
        futures_util::future::join_all(removals.iter().map(|removal| world.host().remove_file(removal))).await;
    assert!(removed.iter().all(Result::is_ok), "{removed:?}");
    assert!(!world.hands.is_directory(&world.directory()));
}

async fn a_user_without_sudo_writes_at_home(world: &World) {
    let host = world.connect_as("dev").await.unwrap();
    let path = format!("/home/dev/{}/file", world.id);
    host.claim(&world.claim(0, 1, &[SITE])).await.unwrap();
    host.write_file(&world.write(&path, "text")).await.unwrap();
    let stat = world.stat(&path).await.unwrap();
    let expected = FileStat {
        sha256: Digest::sha256(b"text"),
        mode: "0644".to_owned(),
        owner: "dev".to_owned(),
        group: "dev".to_owned(),
        text: Some("text".to_owned()),
        ..stat.clone()
    };
    assert_eq!(stat, expected);
    host.remove_file(&world.removal(&path)).await.unwrap();
    assert_eq!(world.stat(&path).await, None);
    host.release(&hactl_host::Release { lineage: world.lineage(), gone: vec![address(SITE)] }).await.unwrap();
}

async fn a_user_without_sudo_is_refused_elsewhere(world: &World) {
    for user in ["dev", "asks"] {
        let host = world.connect_as(user).await.unwrap();
        let reason = file_reason(host.write_file(&world.write(&world.path("file"), "text")).await);
        assert!(reason.to_lowercase().contains("permission denied") || reason.contains("sudo"), "{user}: {reason}");
        assert!(!world.hands.is_directory(&world.directory()));
    }
}

async fn nothing_temporary_is_left(world: &World) {
    let path = world.path("file");
    world.host().write_file(&world.write(&path, "text")).await.unwrap();
    world.host().write_file(&world.write(&path, "changed")).await.unwrap();
    let below = FileWrite { address: address("file.below"), ..world.write(&world.path("file/below"), "text") };
    file_reason(world.host().write_file(&below).await);
    world.hands.remove_file(&path);
    world.host().remove_file(&world.removal(&path)).await.unwrap();
    assert!(!world.hands.is_directory(&world.directory()), "the directory is empty");
}
