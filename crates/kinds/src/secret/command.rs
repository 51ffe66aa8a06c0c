//! Running the commands that print secrets, with a limit of time and size.
//!
//! A command is in a process group of its own, so that all it starts can be ended at its limit. An interrupt meant for hactl
//! does not reach it: it then goes on to its own end, with nobody to read what it prints.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use hactl_core::Diagnostic;
use hactl_core::sensitive::Sensitive;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// The most that a source may yield, in bytes.
pub(super) const SIZE_LIMIT: usize = 1024 * 1024;

/// How long a command may run.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What is kept of what a command says, in bytes and in lines.
const KEPT_BYTES: usize = 4096;
const KEPT_LINES: usize = 4;

/// A program with its arguments, and the surroundings it runs in.
pub(super) struct Run<'a> {
    /// The program as it is written: a path, or a name that is looked up in `PATH`.
    pub(super) program: &'a str,
    pub(super) arguments: Vec<&'a str>,
    /// Where it runs, and where a relative path of a program starts.
    pub(super) directory: &'a Path,
    /// All of its environment.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// How long it may take.
    pub(super) limit: Duration,
}

/// Why a command yields nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no such program, or it is none.
    NotFound,
    /// It cannot be started.
    NotStarted(io::Error),
    /// It did not end in time, and was killed with all that it had started.
    TooLong,
    /// It printed more than [`SIZE_LIMIT`], and was killed.
    TooMuch,
    /// It ended with another status than 0: which, and the last lines of what it said on standard error.
    Failed(String, String),
}

impl Run<'_> {
    /// What the command prints on standard output; what it says on standard error is kept only where it fails.
    pub(super) async fn output(&self) -> Result<Sensitive<Vec<u8>>, Trouble> {
        let program = find(self.program, self.directory, self.environment).ok_or(Trouble::NotFound)?;
        let mut child = Command::new(program)
            .args(&self.arguments)
            .current_dir(self.directory)
            .env_clear()
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Trouble::NotStarted)?;
        let group = Group::of(child.id());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let run = async {
            let said = async { Ok(last_lines(stderr).await) };
            let ended = async { child.wait().await.map_err(Trouble::NotStarted) };
            tokio::try_join!(all(stdout), said, ended)
        };
        let (printed, said, status) = tokio::select! {
            done = run => done?,
            () = after(self.limit) => return Err(Trouble::TooLong),
        };
        group.leave();
        match (status.success(), status.signal()) {
            (true, _) => Ok(printed),
            (false, Some(signal)) => Err(Trouble::Failed(format!("was killed by signal {signal}"), said)),
            (false, None) => {
                Err(Trouble::Failed(format!("failed with exit status {}", status.code().unwrap_or_default()), said))
            }
        }
    }
}

impl Trouble {
    /// What the user is told when a program fails so.
    pub(super) fn told(self, program: &str) -> Diagnostic {
        match self {
            Self::NotFound if program.contains('/') => {
                Diagnostic::error(format!("there is no program `{program}` that can be run"))
                    .help("a relative path starts at the config's directory; the file has to be executable")
            }
            Self::NotFound => Diagnostic::error(format!("there is no program `{program}` in PATH"))
                .help("install it, or write the path of the program; a shell's aliases and functions are none"),
            Self::NotStarted(error) => Diagnostic::error(format!("`{program}` cannot be run: {error}"))
                .help("run it by hand in the config's directory"),
            Self::TooLong => {
                Diagnostic::error(format!("`{program}` did not end within {} s and was killed", TIME_LIMIT.as_secs()))
                    .help("run it by hand in the config's directory: it may wait for input, of which it gets none here")
            }
            Self::TooMuch => Diagnostic::error(format!("`{program}` prints more than 1 MiB"))
                .help("a secret is a text of at most 1 MiB: let it print the value alone"),
            Self::Failed(how, said) => Diagnostic::error(format!("`{program}` {how}"))
                .detail(if said.is_empty() { "It says nothing on standard error.".to_owned() } else { said })
                .help("run it by hand in the config's directory, with the same environment"),
        }
    }
}

/// Waits in real time, as commands take it, also where the runtime's clock is a virtual one: that stands still meanwhile.
async fn after(limit: Duration) {
    let (_waiting, given_up) = mpsc::channel::<()>();
    let waited = tokio::task::spawn_blocking(move || given_up.recv_timeout(limit));
    // An error says that the runtime ends, and with it the command.
    let _ = waited.await;
}

/// What was read as text; `what` says what it is.
pub(super) fn utf8<'b>(bytes: &'b [u8], what: &str) -> Result<&'b str, Diagnostic> {
    std::str::from_utf8(bytes).map_err(|error| {
        Diagnostic::error(format!("{what} is not UTF-8 text: byte {} is invalid", error.valid_up_to()))
            .help("a secret is text; encode other data, with `base64` for example")
    })
}

/// The file of a program: a path from `directory`, or the first of its name in `PATH` that can be run.
fn find(program: &str, directory: &Path, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let runs =
        |path: &PathBuf| path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    // A relative path would be looked up from where the child is to run.
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    if program.contains('/') {
        return Some(absolute(directory.join(program))).filter(runs);
    }
    let path = environment.get("PATH")?;
    std::env::split_paths(path).map(|place| absolute(directory.join(place).join(program))).find(runs)
}

/// A process group that is killed when it is dropped before it is gone by itself.
struct Group(Option<Pid>);

impl Group {
    fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|leader| i32::try_from(leader).ok()).and_then(Pid::from_raw))
    }

    /// Leaves it alone: its leader has ended, and nothing holds its output any more.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Where it is gone already there is nothing to kill.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// All that is printed, read into one buffer: one that grew would leave copies behind.
async fn all(from: Option<impl AsyncRead + Unpin>) -> Result<Sensitive<Vec<u8>>, Trouble> {
    let mut buffer = zeroize::Zeroizing::new(vec![0; SIZE_LIMIT + 1]);
    let mut length = 0;
    if let Some(mut from) = from {
        while length < buffer.len() {
            match from.read(&mut buffer[length..]).await.map_err(Trouble::NotStarted)? {
                0 => return Ok(Sensitive::new(buffer[..length].to_vec())),
                read => length += read,
            }
        }
    }
    if length > SIZE_LIMIT { Err(Trouble::TooMuch) } else { Ok(Sensitive::default()) }
}

/// The last lines of a text, without control characters.
async fn last_lines(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut kept: Vec<u8> = Vec::new();
    let mut piece = [0; 1024];
    if let Some(mut from) = from {
        while let Ok(read @ 1..) = from.read(&mut piece).await {
            kept.extend_from_slice(&piece[..read]);
            kept.drain(..kept.len().saturating_sub(KEPT_BYTES));
        }
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned())
        .filter(|line: &String| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(KEPT_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Sensitive<Vec<u8>>, Trouble> {
        let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let run = Run {
            program: "sh",
            arguments: vec!["-c", script],
            directory: Path::new("/"),
            environment: &environment,
            limit,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run.output())
    }

    #[test]
    fn a_command_that_does_not_end_is_killed_with_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let pids = directory.path().join("pids");
        let script = format!("sleep 300 & echo $! > {0}; echo $$ >> {0}; wait", pids.display());
        let began = std::time::Instant::now();
        assert!(matches!(shell(&script, Duration::from_millis(400)), Err(Trouble::TooLong)));
        assert!(began.elapsed() < Duration::from_secs(20));
        for pid in std::fs::read_to_string(&pids).unwrap().lines() {
            let is_running = || {
                let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                !status.is_empty() && !status.contains(") Z ")
            };
            let until = std::time::Instant::now() + Duration::from_secs(5);
            while is_running() && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(!is_running(), "process {pid} is left");
        }
    }

    #[test]
    fn a_command_that_prints_too_much_is_killed() {
        assert!(matches!(shell("yes", TIME_LIMIT), Err(Trouble::TooMuch)));
        let most = shell("head -c 1048576 /dev/zero", TIME_LIMIT).unwrap();
        assert_eq!(most.expose().len(), SIZE_LIMIT);
    }

    #[test]
    fn of_a_failure_its_last_words_are_kept_and_not_what_it_printed() {
        let failed = shell(
            "echo hunter2; for i in 1 2 3 4 5 6; do printf 'line %s\\033[0m\\n\\n' $i >&2; done; exit 3",
            TIME_LIMIT,
        );
        let Err(Trouble::Failed(how, said)) = failed else { panic!("{failed:?}") };
        assert_eq!(
            (how.as_str(), said.as_str()),
            ("failed with exit status 3", "line 3[0m\nline 4[0m\nline 5[0m\nline 6[0m")
        );
        let killed = shell("kill -9 $$", TIME_LIMIT);
        assert!(matches!(killed, Err(Trouble::Failed(how, _)) if how == "was killed by signal 9"));
    }
}
