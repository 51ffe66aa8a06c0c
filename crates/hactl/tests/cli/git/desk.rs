//! People with clones of one repository, and a stack in it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const CONFIG: &str = r#"hactl: 1
name: shop
variables: {length: 20, token: {sensitive: true, default: one}}
secrets:
  db: {generate: {password: {length: "${var.length}"}}}
  access: {data: {token: "${var.token}"}}
outputs:
  motd: {value: '${var.length} ${file("motd.txt")}'}
"#;

/// A temporary directory with the homes and work trees of Alice and Bob.
pub(crate) struct Desk(TempDir);

impl Desk {
    /// Alice has a repository with a config.
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for (name, who) in [("alice", "Alice"), ("bob", "Bob")] {
            let home = desk.path(&format!("home/{name}"));
            fs::create_dir_all(&home).unwrap();
            let settings = format!(
                "[user]\n name = {who}\n email = {name}@example.com\n[init]\n defaultBranch = main\n[pull]\n rebase = true\n[gc]\n auto = 0\n"
            );
            fs::write(home.join(".gitconfig"), settings).unwrap();
        }
        fs::create_dir(desk.path("alice")).unwrap();
        desk.git("alice", "init --quiet");
        desk.write("alice", "hactl.yaml", CONFIG);
        desk.write("alice", "motd.txt", "one");
        desk.git("alice", "add .");
        desk.git("alice", "commit --quiet -m config");
        desk.succeed("alice", "init");
        desk
    }

    /// Bob has a clone as well, and the same identity; states are pushed.
    pub(crate) fn shared() -> Self {
        let desk = Self::new();
        desk.write("alice", "hactl.yaml", &format!("{CONFIG}git: {{push: true}}\n"));
        desk.git("alice", "commit --quiet -am push");
        fs::create_dir(desk.path("bare")).unwrap();
        desk.git("bare", "init --quiet --bare --initial-branch=main");
        desk.git("alice", "remote add origin ../bare");
        desk.git("alice", "push --quiet --set-upstream origin main");
        fs::create_dir(desk.path("bob")).unwrap();
        desk.git("bob", "clone --quiet ../bare .");
        let identity = |name: &str| desk.path(&format!("home/{name}/.config/hactl"));
        fs::create_dir_all(identity("bob")).unwrap();
        fs::copy(identity("alice").join("identity.txt"), identity("bob").join("identity.txt")).unwrap();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// Writes a file in somebody's work tree.
    pub(crate) fn write(&self, who: &str, name: &str, text: &str) {
        let path = self.path(who).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, who: &str, name: &str) -> String {
        fs::read_to_string(self.path(who).join(name)).unwrap()
    }

    /// Changes a text in the config and commits that.
    pub(crate) fn edit(&self, who: &str, from: &str, to: &str) {
        let config = self.read(who, "hactl.yaml");
        assert!(config.contains(from), "{config}");
        self.write(who, "hactl.yaml", &config.replace(from, to));
        self.git(who, "commit --quiet -am edit");
    }

    pub(crate) fn hook(&self, who: &str, name: &str, script: &str) {
        let path = format!(".git/hooks/{name}");
        self.write(who, &path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(who).join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs git in somebody's work tree, which has to succeed.
    pub(crate) fn git(&self, who: &str, words: &str) -> String {
        let output = self.environment(Command::new("git"), who, words).output().unwrap();
        assert!(output.status.success(), "git {words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs hactl; what it prints on both outputs, and its exit code where that is not 0.
    pub(crate) fn run(&self, who: &str, words: &str) -> String {
        let path = self.path("told");
        let file = File::create(&path).unwrap();
        let mut command = self.environment(Command::new(env!("CARGO_BIN_EXE_hactl")), who, words);
        let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        let mut text = self.without_what_differs(&fs::read_to_string(&path).unwrap());
        if let Some(code) = status.code().filter(|code| *code != 0) {
            text.push_str(&format!("\n[exit {code}]"));
        }
        text
    }

    /// Runs hactl, which has to succeed.
    pub(crate) fn succeed(&self, who: &str, words: &str) -> String {
        let told = self.run(who, words);
        assert!(!told.contains("[exit"), "{words}: {told}");
        told
    }

    /// The subjects of somebody's commits, the newest first.
    pub(crate) fn log(&self, who: &str) -> String {
        self.without_what_differs(&self.git(who, "log --format=%s"))
    }

    fn environment(&self, mut command: Command, who: &str, words: &str) -> Command {
        command
            .args(words.split_whitespace())
            .current_dir(self.path(who))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home").join(who))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", "2027-01-31T10:00:00+0000")
            .env("GIT_COMMITTER_DATE", "2027-01-31T10:00:00+0000")
            .stdin(Stdio::null());
        command
    }

    /// A text without directories, and without ids and digests, which are others each time.
    pub(crate) fn without_what_differs(&self, text: &str) -> String {
        let text = text.replace(&self.path("").display().to_string(), "DIR/");
        let masked = |piece: &str| {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match word.len() {
                7 | 8 | 40 | 64 if word.chars().all(|c| c.is_ascii_hexdigit()) => {
                    piece.replace(word, &"*".repeat(word.len().min(8)))
                }
                _ => piece.to_owned(),
            }
        };
        text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()).map(masked).collect::<String>().trim().to_owned()
    }
}

/// What was printed after the plan.
pub(crate) fn after_plan(told: &str) -> &str {
    told.find("Plan: ").map_or(told, |at| &told[at..])
}
