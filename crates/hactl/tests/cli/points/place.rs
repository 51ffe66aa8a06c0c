//! A directory with a stack and its sandbox, in which runs are struck.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;

use tempfile::TempDir;

/// What time it is in all runs, so that certificates are valid and do not differ by it.
pub(crate) const NOW: &str = "2027-01-31T00:00:00Z";

/// A directory with a config named `hactl.yaml`, and its sandbox beside it.
pub(crate) struct Place(TempDir);

/// What happened before the run that is struck, and that run.
pub(crate) struct History {
    /// As in `create`.
    pub(crate) name: &'static str,
    /// What was applied before.
    pub(crate) before: Option<&'static str>,
    /// The config of the run.
    pub(crate) config: &'static str,
    /// The run: `apply` or `destroy`.
    pub(crate) command: &'static str,
}

impl Place {
    /// An empty one; in memory where the machine has a place for that, because runs sync a lot.
    fn empty() -> Self {
        let memory = Path::new("/dev/shm");
        Self(tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap())
    }

    /// As it is before the run of a history.
    pub(crate) fn before(history: &History) -> Self {
        let place = Self::empty();
        if let Some(config) = history.before {
            place.configure(config);
            place.succeed("apply");
        }
        place.configure(history.config);
        place
    }

    fn configure(&self, config: &str) {
        fs::write(self.path().join("hactl.yaml"), config).unwrap();
    }

    /// Another one with the same files.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::empty();
        copy_tree(self.path(), copy.path());
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn sandbox(&self) -> PathBuf {
        self.path().join(".hactl/sandbox/struck")
    }

    /// Runs `apply` or `destroy`, struck as `HACTL_FAILPOINT` says where one is given.
    pub(crate) fn run(&self, command: &str, strike: Option<&str>) -> Output {
        let mut process = self.process();
        process.args([command, "--sandbox", "--auto-approve"]);
        strike.map(|strike| process.env("HACTL_FAILPOINT", strike));
        process.output().unwrap()
    }

    /// The binary in this directory, with an environment of its own.
    pub(crate) fn process(&self) -> Command {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hactl"));
        process
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("HACTL_SANDBOX_CLOCK", "virtual")
            .env("HACTL_SANDBOX_TIME", NOW)
            .stdin(Stdio::null());
        process
    }

    /// Runs a command that has to succeed; what it prints.
    pub(crate) fn succeed(&self, command: &str) -> String {
        let output = self.run(command, None);
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The points of a run that is let to end, one line each, and how many resources it changed.
    pub(crate) fn trace(&self, command: &str) -> (Vec<String>, usize) {
        let file = self.path().join("trace");
        let output = self.run(command, Some(&format!("trace:{}", file.display())));
        assert!(output.status.success(), "{output:?}");
        let trace = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
        fs::remove_file(file).unwrap();
        let summary = String::from_utf8(output.stdout).unwrap();
        let summary = summary.lines().find(|line| line.contains("complete! Resources: ")).unwrap();
        let counts = summary.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty());
        (trace, counts.map(|digits| digits.parse::<usize>().unwrap()).sum())
    }

    /// Every file by its path and content, but for the note of who held the lock last.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        list(self.path(), &mut files);
        files.retain(|(path, _)| path.extension().is_none_or(|extension| extension != "lock"));
        files
    }
}

/// Whether a process ended by SIGKILL.
pub(crate) fn was_killed(output: &Output) -> bool {
    output.status.signal() == Some(9)
}

/// Calls a function with each number from 1 to `last`, on two threads; all of them, also where one panics.
pub(crate) fn in_parallel(last: usize, each: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(1);
    let panicked = Mutex::new(Vec::new());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number > last {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| each(number))).is_err() {
                panicked.lock().unwrap().push(number);
            }
        }
    };
    scope(|threads| {
        threads.spawn(work);
        work();
    });
    let panicked = panicked.into_inner().unwrap();
    assert!(panicked.is_empty(), "these went wrong, for the reasons above: {panicked:?}");
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn list(directory: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            list(&path, files);
        } else {
            let content = fs::read(&path).unwrap();
            files.push((path, content));
        }
    }
}
