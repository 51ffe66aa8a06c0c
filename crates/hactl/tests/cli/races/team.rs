//! Two clones of one bare repository whose states are pushed, each with a home of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::process::Running;

/// What everybody applies. The many keys take their time.
const CONFIG: &str = r#"hactl: 1
name: shop
git: {push: true, leaseDuration: 15s}
variables: {value: first}
secrets:
  given: {data: {value: "${var.value}"}}
"#;

/// How many keys there are, each of which takes some time to be made.
pub(crate) const KEYS: usize = 100;

pub(crate) struct Team(TempDir);

impl Team {
    /// Two clones, in which the same was applied.
    pub(crate) fn new() -> Self {
        let team = Self(tempfile::tempdir().unwrap());
        fs::write(team.path("gitconfig"), "[init]\ndefaultBranch = main\n").unwrap();
        team.git("", "init --quiet --bare remote.git");
        for name in ["alice", "bob"] {
            team.git("", &format!("clone --quiet remote.git {name}"));
            team.git(name, &format!("config user.name {name}"));
            team.git(name, &format!("config user.email {name}@example.com"));
        }
        team.commit_config(CONFIG);
        team.succeed("alice", "apply --auto-approve");
        team.git("bob", "pull --quiet");
        team
    }

    /// The same, and in the config there are many keys that are still to be made.
    pub(crate) fn with_keys() -> Self {
        let team = Self::new();
        let keys: String = (0..KEYS)
            .map(|number| format!("  key-{number}: {{generate: {{sshKey: {{type: rsa, bits: 2048}}}}}}\n"))
            .collect();
        team.commit_config(&format!("{CONFIG}{keys}"));
        team.git("bob", "pull --quiet");
        team
    }

    fn commit_config(&self, config: &str) {
        fs::write(self.path("alice/hactl.yaml"), config).unwrap();
        self.git("alice", "add hactl.yaml");
        self.git("alice", "commit --quiet --message config");
        self.git("alice", "push --quiet origin HEAD:main");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs git in a directory, where it has to succeed; what it printed.
    pub(crate) fn git(&self, directory: &str, words: &str) -> String {
        let mut command = Command::new("git");
        command.args(words.split(' ')).current_dir(self.path(directory));
        let output = self.alone(&mut command, "alice").output().unwrap();
        assert!(output.status.success(), "git {words}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The commit that the lease is at; empty where there is none.
    pub(crate) fn lease(&self) -> String {
        self.git("remote.git", "for-each-ref --format=%(objectname) refs/hactl/lease/shop")
    }

    pub(crate) fn command(&self, name: &str, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hactl"));
        command.args(words.split_whitespace()).current_dir(self.path(name));
        self.alone(&mut command, name);
        command
    }

    pub(crate) fn start(&self, name: &str, words: &str) -> Child {
        self.command(name, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts a command whose messages are read as they come.
    pub(crate) fn follow(&self, name: &str, words: &str) -> Running {
        // A question waits for an answer that does not come.
        Running::of(self.command(name, words).stdin(Stdio::piped()))
    }

    pub(crate) fn run(&self, name: &str, words: &str) -> Output {
        self.command(name, words).output().unwrap()
    }

    pub(crate) fn succeed(&self, name: &str, words: &str) -> String {
        let output = self.run(name, words);
        assert!(output.status.success(), "{name}: hactl {words}: {}", told(&output));
        told(&output)
    }

    /// The serial of the state that somebody has.
    pub(crate) fn serial(&self, name: &str) -> u64 {
        let state = fs::read(self.path(name).join("state/shop.json")).unwrap();
        let state: serde_json::Value = serde_json::from_slice(&state).unwrap();
        state["serial"].as_u64().unwrap()
    }

    /// Nothing of this machine's environment; both have one identity, but homes and names of their own.
    fn alone<'a>(&self, command: &'a mut Command, name: &str) -> &'a mut Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", self.path(&format!("home-{name}"))).env("USER", name);
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command.env("GIT_CONFIG_GLOBAL", self.path("gitconfig")).env("GIT_CONFIG_SYSTEM", "/dev/null");
        command.stdin(Stdio::null())
    }
}

/// What a command printed on both outputs.
pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stderr[..], &output.stdout[..]].concat()).into_owned()
}
