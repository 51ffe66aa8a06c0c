//! The binary in a directory of its own with a config of many small steps, and its output line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A directory with a config, its sandbox beside it.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("hactl.yaml"), config).unwrap();
        Self(directory)
    }

    /// Six files and two containers on each of three nodes.
    pub(crate) fn busy() -> Self {
        let files: String = (0..6)
            .map(|number| {
                format!("  f{number}: {{nodes: all, path: /srv/{number}, content: \"${{var.text}} {number}\"}}\n")
            })
            .collect();
        Self::new(&format!(
            "hactl: 1
name: busy
variables: {{text: one}}
nodes:
  n1: {{address: 10.0.0.1}}
  n2: {{address: 10.0.0.2}}
  n3: {{address: 10.0.0.3}}
files:
{files}containers:
  web: {{nodes: all, image: \"web:${{var.text}}\", ports: [\"80:80\"], dependsOn: [file.f5]}}
  api: {{nodes: all, image: \"api:1\", dependsOn: [container.web]}}
"
        ))
    }

    pub(crate) fn path(&self, of: &str) -> PathBuf {
        self.0.path().join(of)
    }

    pub(crate) fn sandbox(&self) -> PathBuf {
        self.path(".hactl/sandbox/busy")
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_hactl")));
        command
            .args(words.split_whitespace())
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("USER", "ops")
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command that has to succeed; what it prints on standard output.
    pub(crate) fn succeed(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn start(&self, words: &str) -> Running {
        Running::of(&mut self.command(words))
    }
}

/// A command that runs.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
    /// What it said so far.
    pub(crate) told: String,
}

impl Running {
    /// Starts a command whose messages are read as they come.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines, told: String::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

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

    /// Answers a question that it asks.
    pub(crate) fn answer(&mut self, text: &str) {
        let mut stdin = self.child.stdin.take().unwrap();
        writeln!(stdin, "{text}").unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not on every machine.
        let kill = ["-c", "kill -s \"$0\" \"$1\"", name, &self.id().to_string()];
        let status = Command::new("/bin/sh").args(kill).status().unwrap();
        assert!(status.success());
    }

    /// Kills it after some time, wherever it is by then.
    pub(crate) fn kill_after(mut self, time: Duration) {
        sleep(time);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end; its exit code, none where a signal ended it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        while self.lines.read_line(&mut self.told).unwrap() > 0 {}
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it does not end");
            sleep(Duration::from_millis(5));
        }
    }
}
