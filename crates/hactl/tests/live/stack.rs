//! A config in a directory of its own, the binary that is run there, and what it says.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::host::Host;

/// A stack: its config, state and ssh configuration, all in one directory, which is also its user's home.
pub(crate) struct Stack {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Told {
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stack {
    /// A stack on some hosts; `body` is the rest of the config.
    pub(crate) fn on(hosts: &[Host], body: &str) -> Self {
        let stack = Self::empty();
        stack.set(hosts, body);
        stack
    }

    /// A stack without a config.
    pub(crate) fn empty() -> Self {
        let stack = Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() };
        std::fs::create_dir(stack.path("tmp")).unwrap();
        stack.ssh("");
        stack
    }

    /// Replaces the config.
    pub(crate) fn set(&self, hosts: &[Host], body: &str) {
        let nodes: String = hosts.iter().map(Host::node).collect();
        self.configure(&format!("nodes:\n{nodes}{body}"));
    }

    /// Replaces the config, nodes included.
    pub(crate) fn configure(&self, body: &str) {
        self.write("hactl.yaml", format!("hactl: 1\nname: live\n{body}"));
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Puts options for all hosts before those that the lab's own ssh configuration has.
    pub(crate) fn ssh(&self, options: &str) {
        let lab = std::env::var("HACTL_SSH_CONFIG").expect("`scripts/lab env` sets HACTL_SSH_CONFIG as well");
        self.ssh_alone(&format!("{options}\nInclude {lab}"));
    }

    /// Puts options for all hosts in place of the lab's own.
    pub(crate) fn ssh_alone(&self, options: &str) {
        self.write("ssh_config", format!("Host *\nGlobalKnownHostsFile /dev/null\n{options}\n"));
    }

    /// Gives a variable of the environment to all runs from now on.
    pub(crate) fn export(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The directory that its processes have in their environment, for sockets and nothing else.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path("tmp")
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_hactl")));
        command
            .args(words.split_whitespace())
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.directory.path())
            .env("TMPDIR", self.temporary())
            .env("HACTL_SSH_CONFIG", self.path("ssh_config"))
            .env("RUST_BACKTRACE", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Told {
        let output = self.command(words).output().unwrap();
        Told {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that has to end with a code.
    pub(crate) fn ends(&self, words: &str, code: i32) -> Told {
        let told = self.run(words);
        assert_eq!(told.code, Some(code), "hactl {words}: {told}");
        told
    }

    pub(crate) fn succeed(&self, words: &str) -> Told {
        self.ends(words, 0)
    }

    pub(crate) fn fail(&self, words: &str) -> Told {
        self.ends(words, 1)
    }

    pub(crate) fn apply(&self) -> Told {
        self.succeed("apply --auto-approve")
    }

    /// Applies, and looks whether there is nothing left to do then.
    pub(crate) fn converges(&self) -> Told {
        let told = self.apply();
        self.ends("plan --detailed-exitcode", 0);
        told
    }

    pub(crate) fn destroy(&self) {
        self.succeed("destroy --auto-approve --volumes");
        let left: Vec<_> = std::fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "sockets are left: {left:?}");
    }

    pub(crate) fn start(&self, words: &str) -> Running {
        let mut child = self.command(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Running { child, lines, told: String::new() }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "code {:?}\n{}\n{}", self.code, self.out, self.err)
    }
}

impl Told {
    /// Asserts that each of some words was said, on standard output or error.
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "it does not say {word:?}: {self}");
        }
        self
    }

    /// Asserts that one of some words was said, where there are any.
    pub(crate) fn says_one_of(&self, words: &[&str]) -> &Self {
        let said = words.iter().any(|word| self.out.contains(word) || self.err.contains(word));
        assert!(said || words.is_empty(), "it says none of {words:?}: {self}");
        self
    }

    /// Asserts that none of some words was said.
    pub(crate) fn does_not_say(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(!self.out.contains(word) && !self.err.contains(word), "it says {word:?}: {self}");
        }
        self
    }
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
    told: String,
}

impl Running {
    /// Reads what it says until a line holds a text.
    pub(crate) fn wait_for(&mut self, text: &str) {
        loop {
            let start = self.told.len();
            assert!(self.lines.read_line(&mut self.told).unwrap() > 0, "it ended without {text:?}:\n{}", self.told);
            if self.told[start..].contains(text) {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not on every machine.
        let kill = ["-c", "kill -s \"$0\" \"$1\"", name, &self.child.id().to_string()];
        assert!(Command::new("/bin/sh").args(kill).status().unwrap().success());
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Told {
        while self.lines.read_line(&mut self.told).unwrap() > 0 {}
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Told { code: status.code(), out: String::new(), err: self.told };
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
