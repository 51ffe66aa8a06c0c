//! The script behind blocks, run here as this user over a directory of the test's own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use futures_util::future::join_all;
use hactl_core::Address;
use tempfile::TempDir;

use crate::linux::blocks::{remove, write};
use crate::linux::files::{self, Call, Place};
use crate::linux::host::Link;
use crate::{BlockRemoval, BlockWrite, HostError, InventoryEntry, SurveyRequest};

const LINEAGE: &str = "lineage-1";

/// A host whose inventories are in `inventories`.
struct Scratch {
    directory: TempDir,
    link: Link,
}

impl Scratch {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let link = Link::here(directory.path().join("inventories").to_str().unwrap().to_owned());
        Self { directory, link }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    async fn put(&self, path: &str, name: &str) -> Result<(), HostError> {
        write(&self.link, &block(path, name)).await
    }

    async fn take(&self, path: &str, name: &str) -> Result<(), HostError> {
        let BlockWrite { path, lines, lineage, address, .. } = block(path, name);
        remove(&self.link, &BlockRemoval { path, former: lines, lineage, address }).await
    }

    /// What the inventory records of a block's resource.
    async fn entry(&self, name: &str) -> Option<InventoryEntry> {
        let request = SurveyRequest { lineage: LINEAGE.to_owned(), ..SurveyRequest::default() };
        self.link.look(&request).await.unwrap().inventory?.entries.remove(&address(name))
    }
}

fn address(name: &str) -> Address {
    Address::parse(&format!("hostAliases.{name}.hosts[\"n\"]")).unwrap()
}

fn block(path: &str, name: &str) -> BlockWrite {
    BlockWrite {
        path: path.to_owned(),
        lines: vec![format!("10.0.0.1\t{name}")],
        former: Vec::new(),
        lineage: LINEAGE.to_owned(),
        address: address(name),
    }
}

/// A file with a block in it.
fn with_block(before: &str, name: &str, after: &str) -> String {
    let block = format!("# hactl {LINEAGE} {}", address(name));
    format!("{before}{block}: begin (do not edit)\n10.0.0.1\t{name}\n{block}: end\n{after}")
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn reason<T: std::fmt::Debug>(result: Result<T, HostError>) -> String {
    match result {
        Err(HostError::File { reason, .. }) => reason,
        other => panic!("expected a failed file operation, got {other:?}"),
    }
}

#[tokio::test]
async fn any_bytes_around_a_block_survive() {
    let host = Scratch::new();
    let path = host.path("hosts");
    let mut random = fastrand::Rng::with_seed(7);
    let bytes = b"\n\n\r\t #$'\"\\`%\0\xff\xfe01abc";
    for length in (0..6).chain([4_000, 300_000]) {
        let before: Vec<u8> = (0..length).map(|_| bytes[random.usize(..bytes.len())]).collect();
        fs::write(&path, &before).unwrap();
        host.put(&path, "a").await.unwrap();
        host.put(&path, "b").await.unwrap();
        assert!(fs::read(&path).unwrap().len() > length);
        host.take(&path, "a").await.unwrap();
        host.take(&path, "b").await.unwrap();
        assert!(fs::read(&path).unwrap() == before, "{before:?}");
    }
}

#[tokio::test]
async fn the_file_keeps_its_mode_and_a_link_stays_one() {
    let host = Scratch::new();
    let (file, link) = (host.path("real"), host.path("hosts"));
    fs::write(&file, "::1\tlocalhost\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", &link).unwrap();
    let inode = fs::metadata(&file).unwrap().ino();
    host.put(&link, "a").await.unwrap();
    assert_eq!(text(&file), with_block("::1\tlocalhost\n", "a", ""));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_ne!(fs::metadata(&file).unwrap().ino(), inode, "it is replaced, not written over");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(!Path::new(&host.path(".hactl-new")).exists());
}

#[tokio::test]
async fn a_missing_file_is_made_and_stays() {
    let host = Scratch::new();
    let path = host.path("hosts");
    host.put(&path, "a").await.unwrap();
    assert_eq!(text(&path), with_block("", "a", ""));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o644);
    host.take(&path, "a").await.unwrap();
    assert_eq!(text(&path), "");
    assert_eq!(reason(host.put(&host.path("missing/hosts"), "a").await), BlockWrite::NO_DIRECTORY);
    host.take(&host.path("missing/hosts"), "a").await.unwrap();
    assert!(!Path::new(&host.path("missing")).exists());
}

#[tokio::test]
async fn what_is_as_it_should_be_is_not_written() {
    let host = Scratch::new();
    let path = host.path("hosts");
    host.put(&path, "a").await.unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    host.put(&path, "a").await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[tokio::test]
async fn the_inventory_records_what_is_there_and_no_more() {
    let host = Scratch::new();
    let path = host.path("hosts");
    host.put(&path, "a").await.unwrap();
    let there = InventoryEntry { block: Some(path.clone()), ..InventoryEntry::default() };
    assert_eq!(host.entry("a").await, Some(there));
    host.take(&path, "a").await.unwrap();
    assert_eq!(host.entry("a").await, Some(InventoryEntry::default()));

    reason(host.put("/proc/cmdline", "b").await);
    assert_eq!(host.entry("b").await.unwrap_or_default(), InventoryEntry::default());
}

#[tokio::test]
async fn a_block_is_recorded_before_it_is_there() {
    let host = Scratch::new();
    let path = host.path("hosts");
    fs::create_dir_all(host.path(&format!("inventories/{LINEAGE}"))).unwrap();
    // The inventory cannot be written: a file is where its entries should be.
    fs::write(host.path(&format!("inventories/{LINEAGE}/entries")), "").unwrap();
    reason(host.put(&path, "a").await);
    assert!(!Path::new(&path).exists());
}

#[tokio::test]
async fn a_file_that_a_resource_has_as_a_whole_is_left_alone() {
    let host = Scratch::new();
    let (path, link) = (host.path("hosts"), host.path("link"));
    fs::write(&path, "theirs\n").unwrap();
    symlink("hosts", &link).unwrap();
    let theirs = host.path("inventories/lineage-2/entries");
    fs::create_dir_all(&theirs).unwrap();
    fs::write(format!("{theirs}/file.hosts[n]"), format!("address file.hosts[\"n\"]\npath {path}\n")).unwrap();
    for path in [&path, &link] {
        assert_eq!(reason(host.put(path, "a").await), BlockWrite::HELD);
    }
    assert_eq!(text(&path), "theirs\n");
    host.take(&path, "a").await.unwrap();
}

#[tokio::test]
async fn what_others_changed_meanwhile_is_looked_at_again() {
    let host = Scratch::new();
    let path = host.path("hosts");
    fs::write(&path, "new\n").unwrap();
    let place = Place { operation: "write", path: &path, lineage: LINEAGE, address: &address("a"), stays: true };
    for seen in [None, Some(&b"old\n"[..])] {
        let call = files::replace(host.link.root(), &place, seen, Some(b"mine\n".to_vec()));
        assert!(Call::is_outdated(&host.link.run(&call).await.unwrap()));
        assert_eq!(text(&path), "new\n");
    }
    assert_eq!(host.entry("a").await, None, "nothing is recorded");
}

#[tokio::test]
async fn blocks_at_once_are_all_there() {
    let host = Scratch::new();
    let path = host.path("hosts");
    fs::write(&path, "::1\tlocalhost\n").unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("a{number}")).collect();
    // Every other one comes from another process.
    let other = Link::here(host.link.root().to_owned());
    let blocks: Vec<BlockWrite> = names.iter().map(|name| block(&path, name)).collect();
    let writes = blocks.iter().enumerate().map(|(number, block)| {
        let link = if number % 2 == 0 { &host.link } else { &other };
        write(link, block)
    });
    let written = join_all(writes).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert!(names.iter().all(|name| text(&path).contains(&format!("10.0.0.1\t{name}\n"))), "{}", text(&path));
    for name in &names {
        host.take(&path, name).await.unwrap();
    }
    assert_eq!(text(&path), "::1\tlocalhost\n");
}

#[tokio::test]
async fn a_directory_or_a_very_large_file_is_refused() {
    let host = Scratch::new();
    let path = host.path("hosts");
    fs::create_dir(&path).unwrap();
    assert_eq!(reason(host.put(&path, "a").await), "is a directory");
    let path = host.path("large");
    fs::write(&path, vec![b'\n'; BlockWrite::MAX_TEXT]).unwrap();
    assert_eq!(reason(host.put(&path, "a").await), BlockWrite::TOO_LARGE);
    fs::write(&path, vec![b'\n'; BlockWrite::MAX_TEXT + 1]).unwrap();
    assert_eq!(reason(host.put(&path, "a").await), BlockWrite::TOO_LARGE);
}
