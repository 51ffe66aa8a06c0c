//! Running git: the user's own binary, so that their credentials, signing and hooks work.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hactl_effect::point;

/// Runs git in one directory.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    limit: Duration,
}

/// What a git command that ran came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    /// What it and its hooks said, trimmed.
    pub(crate) stderr: String,
}

/// Why git did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It could not be started.
    #[error("git cannot be run: {0}")]
    NotRun(std::io::Error),
    /// It ended with an error; the last field is what it said.
    #[error("`git {command}` failed")]
    Failed {
        /// Its arguments, as in `commit -m …`.
        command: String,
        /// What it and its hooks said.
        said: String,
    },
    /// It did not end in time, and was stopped.
    #[error("`git {command}` did not end within {} s", limit.as_secs())]
    TooLong {
        /// Its arguments.
        command: String,
        /// How long it was waited for.
        limit: Duration,
    },
}

/// How long a command may take: hooks and signing included.
const LIMIT: Duration = Duration::from_secs(600);

/// What git takes from its environment to find another repository than that of its directory; set where hactl itself is
/// run by a hook.
const ELSEWHERE: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

impl Git {
    /// Git in a directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), environment: Vec::new(), limit: LIMIT }
    }

    /// The same with an environment variable set.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// The same, waiting only so long.
    #[must_use]
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs a command, whatever it comes to.
    ///
    /// # Errors
    /// When it could not be started or did not end in time.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Ran, GitError> {
        let started = Instant::now();
        point::pass("git", &shown(arguments));
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.directory);
        ELSEWHERE.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The terminal's interrupt is for hactl, which lets a commit end.
        command.process_group(0);
        let mut child = command.spawn().map_err(GitError::NotRun)?;
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let Some(status) = wait(&mut child, self.limit)? else {
            return Err(GitError::TooLong { command: shown(arguments), limit: self.limit });
        };
        // A daemon that a hook left behind may hold the pipes open.
        let rest = Duration::from_secs(1);
        let stdout = stdout.recv_timeout(rest).unwrap_or_default();
        let stderr = stderr.recv_timeout(rest).unwrap_or_default();
        point::pass("git.ended", &shown(arguments));
        tracing::debug!(command = shown(arguments), %status, elapsed = ?started.elapsed(), "git");
        Ok(Ran { status, stdout, stderr: String::from_utf8_lossy(&stderr).trim().to_owned() })
    }

    /// Runs a command that has to succeed; gives what it printed, without the line end.
    ///
    /// # Errors
    /// When it did not.
    pub(crate) fn text(&self, arguments: &[&str]) -> Result<String, GitError> {
        let bytes = self.bytes(arguments)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    /// Runs a command that has to succeed; gives the bytes that it printed.
    ///
    /// # Errors
    /// When it did not.
    pub(crate) fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let ran = self.run(arguments)?;
        if ran.status.success() {
            return Ok(ran.stdout);
        }
        let said = match ran.stderr.as_str() {
            "" => String::from_utf8_lossy(&ran.stdout).trim().to_owned(),
            said => said.to_owned(),
        };
        Err(GitError::Failed { command: shown(arguments), said })
    }

    /// Whether a command succeeds, where failing is an answer as well.
    ///
    /// # Errors
    /// When it could not be run.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> Result<bool, GitError> {
        Ok(self.run(arguments)?.status.success())
    }
}

/// Reads a pipe to its end beside this thread.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _what_came_counts = pipe.read_to_end(&mut bytes);
        }
        let _nobody_waits_any_more = sender.send(bytes);
    });
    receiver
}

/// Waits for a child; one that takes too long is stopped, with all that it started, and gives none.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>, GitError> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(GitError::NotRun)? {
            return Ok(Some(status));
        }
        if started.elapsed() >= limit {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                let _gone_already = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _reaped = child.wait();
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A command as it is told: long arguments, as messages, are cut.
fn shown(arguments: &[&str]) -> String {
    let short = |argument: &&str| match argument.lines().next() {
        Some(line) if line.len() == argument.len() && line.len() <= 80 => line.to_owned(),
        _ => "…".to_owned(),
    };
    arguments.iter().map(short).collect::<Vec<_>>().join(" ")
}
