//! A directory with repositories in it, and what tests do there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hactl_core::Diagnostic;
use hactl_core::state::State;
use hactl_state::Store;
use hactl_state::git::{Commit, Message, Place, Repository, RepositoryError};
use tempfile::TempDir;

/// What git must not take from the machine that the tests run on.
const ELSEWHERE: [(&str, &str); 4] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("LC_ALL", "C"),
];

/// Settings that every repository of a test has of its own, so that those of the machine do not matter: the crate runs
/// git with the environment of the test.
const SETTINGS: [(&str, &str); 8] = [
    ("user.name", "Alice"),
    ("user.email", "alice@example.com"),
    ("commit.gpgSign", "false"),
    ("core.hooksPath", ".git/hooks"),
    ("core.autocrlf", "false"),
    ("core.excludesFile", "/dev/null"),
    ("gc.auto", "0"),
    ("protocol.file.allow", "always"),
];

/// A temporary directory that repositories are made in.
pub(crate) struct World(TempDir);

/// One of them, and the directory in it that the state is in.
pub(crate) struct Tree {
    pub(crate) top: PathBuf,
    pub(crate) store: Store,
}

impl World {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // As git prints it, where the temporary directory is behind a link.
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// A repository without a commit.
    pub(crate) fn unborn(&self, name: &str) -> Tree {
        run(&self.path(""), &["init", "--quiet", "--initial-branch=main", name]);
        self.tree(name)
    }

    /// A repository with a commit of one file, `hactl.yaml`.
    pub(crate) fn repository(&self, name: &str) -> Tree {
        let tree = self.unborn(name);
        tree.write("hactl.yaml", "hactl: 1\n");
        tree.git(&["add", "hactl.yaml"]);
        tree.git(&["commit", "--quiet", "--message=first"]);
        tree
    }

    /// A clone of a bare repository.
    pub(crate) fn clone(&self, bare: &str, name: &str) -> Tree {
        run(&self.path(""), &["clone", "--quiet", bare, name]);
        self.tree(name)
    }

    /// What is in a directory that git knows by now.
    pub(crate) fn tree(&self, name: &str) -> Tree {
        let top = self.path(name);
        for (key, value) in SETTINGS {
            run(&top, &["config", key, value]);
        }
        Tree { store: Store::new(&top.join("state"), "web"), top }
    }

    /// What a user is told of an error, with the paths of this directory shortened.
    pub(crate) fn told(&self, error: RepositoryError) -> String {
        let diagnostic = Diagnostic::from(error);
        let detail: String = diagnostic.detail.lines().map(|line| format!("  {line}\n")).collect();
        let help = diagnostic.help.unwrap_or_default();
        let text = format!("error: {}\n{detail}  help: {help}", diagnostic.summary);
        text.replace(&self.path("").display().to_string(), "DIR/")
    }
}

impl Tree {
    /// Runs git, which has to succeed.
    pub(crate) fn git(&self, words: &[&str]) -> String {
        run(&self.top, words)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.top.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a state with this serial.
    pub(crate) fn save(&self, serial: u64) {
        let mut state = State::new("web", "6f2d6c5e-3c0b-4a53-9f0e-0a4de3f4b1c2");
        state.serial = serial;
        self.store.save(&state).unwrap();
    }

    pub(crate) fn repository(&self) -> Repository {
        match Repository::find(&self.store).unwrap() {
            Place::Versioned(repository) => *repository,
            other => panic!("{other:?}"),
        }
    }

    /// Writes a state with this serial and commits it.
    pub(crate) fn apply(&self, serial: u64) -> Result<Option<Commit>, RepositoryError> {
        self.save(serial);
        self.repository().commit(&message(serial))
    }

    pub(crate) fn hook(&self, name: &str, script: &str) {
        let path = self.path(".git/hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The files that the last commit changed.
    pub(crate) fn committed(&self) -> String {
        self.git(&["show", "--format=", "--name-status", "HEAD"])
    }

    /// What differs between HEAD, the index and the work tree.
    pub(crate) fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }
}

/// The message of the apply that leads to a serial.
pub(crate) fn message(serial: u64) -> Message {
    let trailers = vec![
        ("Hactl-Serial", serial.to_string()),
        ("Hactl-Plan", format!("{serial:064}")),
        ("Hactl-Config", "c".repeat(64)),
        ("Hactl-Config-Commit", "0123456-dirty".to_owned()),
    ];
    Message { summary: format!("hactl apply web: {serial} added, 0 changed, 0 destroyed"), trailers }
}

/// Runs git in a directory, which has to succeed; what it prints.
pub(crate) fn run(directory: &Path, words: &[&str]) -> String {
    let Output { status, stdout, stderr } =
        Command::new("git").args(words).current_dir(directory).envs(ELSEWHERE).output().unwrap();
    assert!(status.success(), "git {words:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}
