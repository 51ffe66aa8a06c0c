//! The scripts, run here as this user over a directory of the test's own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use hactl_core::Address;
use tempfile::TempDir;

use super::files::{self, Call};
use super::shell::{Login, Privilege, Shell};
use super::survey;
use crate::logged::logged;
use crate::{Claim, FileRemoval, FileWrite, HostError, Moved, Survey, SurveyRequest};

const LINEAGE: &str = "lineage-1";

/// A host whose inventories are in `inventories`.
struct Scratch {
    directory: TempDir,
    shell: Shell,
}

impl Scratch {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), shell: Shell::Local(Login::default()) }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn root(&self) -> String {
        self.path("inventories")
    }

    fn entry(&self, name: &str) -> String {
        self.path(&format!("inventories/{LINEAGE}/entries/{name}"))
    }

    async fn call(&self, call: Call) -> Result<(), HostError> {
        call.read(
            &self.shell.run_with(Privilege::Own, call.script, &call.input, call.content.as_ref()).await.unwrap(),
            1,
        )
    }

    async fn claim(&self, names: &[&str]) -> Result<(), HostError> {
        self.claim_with(&[], names).await
    }

    async fn claim_with(&self, moves: &[(&str, &str)], names: &[&str]) -> Result<(), HostError> {
        let claim = Claim {
            lineage: LINEAGE.to_owned(),
            stack: "shop".to_owned(),
            parent_serial: 2,
            serial: 2,
            moves: moves.iter().map(|(from, to)| Moved { from: address(from), to: address(to), block: None }).collect(),
            addresses: names.iter().map(|name| address(name)).collect(),
        };
        self.call(files::claim(&self.root(), &claim)).await
    }

    async fn write(&self, path: &str, content: &str) -> Result<(), HostError> {
        let write = FileWrite {
            path: path.to_owned(),
            content: content.as_bytes().into(),
            mode: "0640".to_owned(),
            owner: None,
            group: None,
            lineage: LINEAGE.to_owned(),
            address: address("a"),
            adopt: false,
            owned: false,
            tmpfs: false,
        };
        self.call(files::write(&self.root(), &Login::default(), &write)?).await
    }

    async fn remove(&self, path: &str) -> Result<(), HostError> {
        let removal =
            FileRemoval { path: path.to_owned(), lineage: LINEAGE.to_owned(), address: address("a"), owned: true };
        self.call(files::remove(&self.root(), &removal)?).await
    }

    async fn survey(&self) -> Survey {
        let request = SurveyRequest { lineage: LINEAGE.to_owned(), ..SurveyRequest::default() };
        let input = survey::input(&self.root(), &request);
        let output = self.shell.run(Privilege::Own, survey::SCRIPT, &input).await.unwrap();
        survey::read(survey::body(&output).unwrap(), &request, Duration::ZERO, Duration::ZERO).unwrap()
    }
}

fn address(name: &str) -> Address {
    Address::parse(&format!("file.{name}[\"n\"]")).unwrap()
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_link_under_the_new_file_s_name_is_not_written_through() {
    let host = Scratch::new();
    let (secret, home) = (host.path("secret"), host.path("home"));
    fs::write(&secret, "secret").unwrap();
    fs::create_dir(&home).unwrap();
    symlink(&secret, format!("{home}/.hactl-new")).unwrap();
    let path = format!("{home}/settings");
    host.claim(&["a"]).await.unwrap();
    host.write(&path, "new").await.unwrap();
    assert_eq!((text(&secret), text(&path)), ("secret".to_owned(), "new".to_owned()));
    assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode(), 0o100_640);
    assert!(!Path::new(&format!("{home}/.hactl-new")).exists());
}

#[tokio::test]
async fn what_a_cut_short_write_left_does_not_keep_its_directory() {
    let host = Scratch::new();
    let path = host.path("made/settings");
    host.claim(&["a"]).await.unwrap();
    host.write(&path, "new").await.unwrap();
    fs::create_dir(host.path("made/.hactl-new")).unwrap();
    fs::write(host.path("made/.hactl-new/content"), "ne").unwrap();
    host.remove(&path).await.unwrap();
    assert!(!Path::new(&host.path("made")).exists());
}

#[tokio::test]
async fn a_takeover_that_was_cut_short_keeps_the_original() {
    let host = Scratch::new();
    let path = host.path("settings");
    host.claim(&["a", "b"]).await.unwrap();
    fs::write(&path, "by b").unwrap();
    fs::write(host.entry("file.b[n]"), format!("address file.b[\"n\"]\npath {path}\noriginal\n")).unwrap();
    let originals = host.path(&format!("inventories/{LINEAGE}/originals"));
    fs::create_dir(&originals).unwrap();
    fs::write(format!("{originals}/file.a[n]"), "original").unwrap();
    host.write(&path, "by a").await.unwrap();
    assert_eq!(text(&path), "by a");
    host.remove(&path).await.unwrap();
    assert_eq!(text(&path), "original");
}

#[tokio::test]
async fn an_entry_moves_with_the_original_also_where_that_was_cut_short() {
    for original_was_moved in [false, true] {
        let host = Scratch::new();
        let path = host.path("settings");
        host.claim(&["a", "b"]).await.unwrap();
        let entry = format!("address file.b[\"n\"]\npath {path}\ndirectory /srv\noriginal\n");
        fs::write(host.entry("file.b[n]"), &entry).unwrap();
        let originals = host.path(&format!("inventories/{LINEAGE}/originals"));
        fs::create_dir(&originals).unwrap();
        let name = if original_was_moved { "a" } else { "b" };
        fs::write(format!("{originals}/file.{name}[n]"), "original").unwrap();
        for _ in 0..2 {
            host.claim_with(&[("b", "a")], &["c"]).await.unwrap();
            assert_eq!(text(&host.entry("file.a[n]")), entry.replace("file.b", "file.a"));
            assert_eq!(text(&format!("{originals}/file.a[n]")), "original");
            assert!(!Path::new(&host.entry("file.b[n]")).exists());
            assert_eq!(text(&host.entry("file.c[n]")), "address file.c[\"n\"]\n");
        }
        host.remove(&path).await.unwrap();
        assert_eq!(text(&path), "original");
    }
}

#[tokio::test]
async fn an_entry_without_an_original_does_not_get_that_of_another() {
    let host = Scratch::new();
    host.claim(&["a"]).await.unwrap();
    host.write(&host.path("settings"), "text").await.unwrap();
    let originals = host.path(&format!("inventories/{LINEAGE}/originals"));
    fs::create_dir(&originals).unwrap();
    fs::write(format!("{originals}/file.b[n]"), "another's").unwrap();
    host.claim_with(&[("a", "b")], &[]).await.unwrap();
    assert!(!Path::new(&format!("{originals}/file.b[n]")).exists());
}

#[tokio::test]
async fn what_has_no_path_keeps_the_addresses_that_its_label_may_say() {
    let host = Scratch::new();
    host.claim(&["a"]).await.unwrap();
    for (from, to, labels) in [("a", "b", &["a"][..]), ("b", "c", &["b", "a"]), ("c", "a", &["c", "b"])] {
        for _ in 0..2 {
            host.claim_with(&[(from, to)], &[]).await.unwrap();
            let lines: Vec<String> = labels.iter().map(|label| format!("label file.{label}[\"n\"]\n")).collect();
            let entry = format!("address file.{to}[\"n\"]\n{}", lines.concat());
            assert_eq!(text(&host.entry(&format!("file.{to}[n]"))), entry);
        }
    }
    let inventory = host.survey().await.inventory.unwrap();
    assert_eq!(inventory.entries.len(), 1);
    assert_eq!(inventory.entries[&address("a")].labels, [address("b"), address("c")].into());
    assert_eq!(inventory.labelled(&address("b")), Some(&address("a")));
    assert_eq!(inventory.labelled(&address("d")), None);
}

#[tokio::test]
async fn an_entry_that_was_left_empty_is_written_again() {
    let host = Scratch::new();
    host.claim(&["a"]).await.unwrap();
    fs::write(host.entry("file.a[n]"), "").unwrap();
    host.claim(&["a"]).await.unwrap();
    assert_eq!(text(&host.entry("file.a[n]")), "address file.a[\"n\"]\n");
}

#[tokio::test]
async fn an_entry_without_its_end_spoils_no_other() {
    let host = Scratch::new();
    host.claim(&["a", "b", "c"]).await.unwrap();
    for name in ["a", "b", "c"] {
        let entry = format!("address file.{name}[\"n\"]\npath /srv/{name}");
        fs::write(host.entry(&format!("file.{name}[n]")), entry).unwrap();
    }
    let entries = host.survey().await.inventory.unwrap().entries;
    let paths: Vec<_> = entries.values().map(|entry| entry.path.as_deref().unwrap()).collect();
    assert_eq!(paths, ["/srv/a", "/srv/b", "/srv/c"]);
}

#[tokio::test]
async fn whoever_waited_for_inventories_that_were_removed_waits_for_the_new_ones() {
    let host = Scratch::new();
    let locked = || {
        fs::create_dir(host.root()).unwrap();
        let directory = fs::File::open(host.root()).unwrap();
        directory.lock().unwrap();
        directory
    };
    let first = locked();
    let mut claim = Box::pin(host.claim(&["a"]));
    let moment = Duration::from_millis(300);
    assert!(tokio::time::timeout(moment, &mut claim).await.is_err());
    fs::remove_dir(host.root()).unwrap();
    let second = locked();
    drop(first);
    assert!(tokio::time::timeout(moment, &mut claim).await.is_err());
    drop(second);
    claim.await.unwrap();
}

#[tokio::test]
async fn scripts_are_told_without_what_they_are_told() {
    const SECRET: &str = "correct-horse-battery";
    let host = Scratch::new();
    let log = logged(async {
        host.claim(&["a"]).await.unwrap();
        host.write(&host.path("settings"), SECRET).await.unwrap();
        host.survey().await;
        host.remove("/proc/cmdline").await.unwrap_err();
    })
    .await;
    for script in ["claim", "write", "survey", "remove"] {
        let part =
            format!("DEBUG hactl_host::linux::shell: script ended script=\"{script}\" user=\"\" sudo=false sent=");
        assert!(log.contains(&part) && log.contains("code=0 elapsed="), "{part} is not in\n{log}");
    }
    assert!(!log.contains(SECRET), "{log}");
}
