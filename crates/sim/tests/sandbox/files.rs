//! Files and inventories.

use crate::common::*;
use hactl_host::{FileWrite, HostError, Inventory, InventoryEntry, Release};
use hactl_sim::Sandbox;

#[tokio::test]
async fn a_file_has_the_user_s_owner_and_is_recorded() {
    let host = connect(&Sandbox::in_memory(1), "node1").await;
    host.claim(&claim(0, 1)).await.unwrap();
    host.write_file(&write("/srv/site/a/index.html", "hello")).await.unwrap();
    let stat = file(&*host, "/srv/site/a/index.html").await.unwrap();
    assert_eq!((stat.mode.as_str(), stat.owner.as_str(), stat.group.as_str()), ("0644", "ops", "ops"));
    assert_eq!(stat.text.as_deref(), Some("hello"));
    let inventory = survey(&*host, &[]).await.inventory.unwrap();
    let entry = InventoryEntry {
        path: Some("/srv/site/a/index.html".to_owned()),
        directories: vec!["/srv/site".to_owned(), "/srv/site/a".to_owned()],
        original: false,
        ..InventoryEntry::default()
    };
    let expected =
        Inventory { stack: "demo".to_owned(), serial: 1, entries: [(address("file.site[\"node1\"]"), entry)].into() };
    assert_eq!(inventory, expected);

    let changed =
        FileWrite { owner: Some("0".to_owned()), mode: "600".to_owned(), ..write("/srv/site/a/index.html", "changed") };
    host.write_file(&changed).await.unwrap();
    let stat = file(&*host, "/srv/site/a/index.html").await.unwrap();
    assert_eq!((stat.mode.as_str(), stat.owner.as_str(), stat.group.as_str()), ("0600", "root", "root"));
    assert_eq!(survey(&*host, &[]).await.inventory.unwrap(), expected);
}

#[tokio::test]
async fn removal_takes_the_directories_that_were_made_and_are_empty() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    let path = "/srv/site/a/index.html";
    host.write_file(&write(path, "hello")).await.unwrap();
    sandbox.write_file("node1", "/srv/site/other", b"x").unwrap();
    for _ in 0..2 {
        host.remove_file(&removal(path)).await.unwrap();
    }
    let view = sandbox.view();
    assert_eq!(view.hosts["node1"].directories, ["/srv/site".to_owned()].into());
    assert_eq!(view.hosts["node1"].files.len(), 1);
    let release = Release { lineage: OURS.to_owned(), gone: vec![address("file.site[\"node1\"]")] };
    for _ in 0..2 {
        host.release(&release).await.unwrap();
    }
    assert_eq!(survey(&*host, &[]).await.inventory, None);
}

#[tokio::test]
async fn what_cannot_be_written() {
    let host = connect(&Sandbox::in_memory(1), "node1").await;
    host.write_file(&write("/srv/file", "x")).await.unwrap();
    for (path, mode, reason) in [
        ("/etc", "0644", "is a directory"),
        ("/srv/file/below", "0644", "not a directory"),
        ("relative", "0644", "the path is not absolute"),
        ("/srv/new", "0999", "the mode is not octal"),
    ] {
        let write = FileWrite { mode: mode.to_owned(), address: address("file.bad"), ..write(path, "y") };
        let error = host.write_file(&write).await.unwrap_err();
        let expected = HostError::File { operation: "write", path: path.to_owned(), reason: reason.to_owned() };
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn one_resource_holds_one_path() {
    let host = connect(&Sandbox::in_memory(1), "node1").await;
    host.write_file(&write("/srv/one", "x")).await.unwrap();
    let error = host.write_file(&write("/srv/two", "x")).await.unwrap_err();
    assert!(error.to_string().contains("still has the file /srv/one"), "{error}");
    host.remove_file(&removal("/srv/one")).await.unwrap();
    host.write_file(&write("/srv/two", "x")).await.unwrap();
}

#[tokio::test]
async fn a_resource_of_another_name_takes_the_path_over() {
    let host = connect(&Sandbox::in_memory(1), "node1").await;
    host.write_file(&write("/srv/new/one", "x")).await.unwrap();
    let renamed = FileWrite { address: address("file.renamed"), ..write("/srv/new/one", "y") };
    host.write_file(&renamed).await.unwrap();
    host.remove_file(&removal("/srv/new/one")).await.unwrap();
    assert_eq!(text(&*host, "/srv/new/one").await.as_deref(), Some("y"));
    let entries = survey(&*host, &[]).await.inventory.unwrap().entries;
    assert_eq!(entries[&address("file.renamed")].directories, ["/srv/new"]);
}

#[tokio::test]
async fn a_foreign_file_is_a_conflict_or_adopted_and_restored() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    sandbox.write_file("node1", "/etc/motd", b"welcome").unwrap();
    sandbox.change_file("node1", "/etc/motd", Some("600"), Some("alice"), Some("staff")).unwrap();
    let before = file(&*host, "/etc/motd").await.unwrap();
    let conflict = HostError::Conflict { what: "the file /etc/motd".to_owned() };
    assert_eq!(host.write_file(&write("/etc/motd", "ours")).await.unwrap_err(), conflict);
    assert_eq!(host.remove_file(&removal("/etc/motd")).await.unwrap_err(), conflict);

    let adopt = |content| FileWrite { adopt: true, ..write("/etc/motd", content) };
    host.write_file(&adopt("ours")).await.unwrap();
    host.write_file(&adopt("ours, changed")).await.unwrap();
    assert!(survey(&*host, &[]).await.inventory.unwrap().entries.values().all(|entry| entry.original));
    for _ in 0..2 {
        host.remove_file(&removal("/etc/motd")).await.unwrap();
        assert_eq!(file(&*host, "/etc/motd").await.unwrap(), before);
    }
}

#[tokio::test]
async fn another_stack_s_file_is_foreign() {
    let host = connect(&Sandbox::in_memory(1), "node1").await;
    let theirs =
        FileWrite { lineage: THEIRS.to_owned(), address: address("file.theirs"), ..write("/srv/shared", "theirs") };
    host.claim(&hactl_host::Claim { lineage: THEIRS.to_owned(), stack: "neighbour".to_owned(), ..claim(0, 1) })
        .await
        .unwrap();
    host.write_file(&theirs).await.unwrap();
    let error = host.write_file(&write("/srv/shared", "ours")).await.unwrap_err();
    assert!(matches!(error, HostError::Conflict { .. }));
    let foreign = survey(&*host, &["/srv/shared", "/srv/other"]).await.foreign;
    assert_eq!(foreign.len(), 1);
    assert_eq!((foreign[0].path.as_str(), foreign[0].stack.as_str()), ("/srv/shared", "neighbour"));
    assert_eq!(foreign[0].address, address("file.theirs"));
}

#[tokio::test]
async fn the_fence() {
    for (host_serial, parent, serial, passes) in
        [(5, 5, 6, true), (5, 6, 7, true), (5, 4, 5, false), (5, 3, 4, false), (5, 4, 6, false), (5, 0, 1, false)]
    {
        let host = connect(&Sandbox::in_memory(1), "node1").await;
        host.claim(&claim(0, host_serial)).await.unwrap();
        let expected = if passes { Ok(()) } else { Err(HostError::Fenced { host: host_serial, ours: parent }) };
        assert_eq!(host.claim(&claim(parent, serial)).await, expected, "{host_serial} {parent} {serial}");
    }
}
