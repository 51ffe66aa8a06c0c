//! Scripts on a host: sent as text, fed by standard input, answered on standard output.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::linux::ssh::Connection;
use crate::{FileContent, HostError};

/// Where scripts run.
pub(crate) enum Shell {
    /// On a host, over SSH.
    Ssh(Box<Connection>),
    /// On this machine.
    Local(Login),
}

/// A script: POSIX shell.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    /// What the log calls it.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// As whom a shell runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    /// The user's name.
    pub(crate) user: String,
    /// Where the user's own files are.
    pub(crate) home: String,
    /// Whether it is root already.
    pub(crate) root: bool,
    /// Whether it may become root without a password.
    pub(crate) sudo: bool,
}

/// What a script printed.
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
}

/// What a command reads.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    text: &'a [u8],
    content: Option<&'a FileContent>,
}

impl Input<'_> {
    async fn write(self, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        to.write_all(self.text).await?;
        match self.content {
            None => Ok(()),
            Some(FileContent::Bytes(bytes)) => to.write_all(bytes.expose()).await,
            Some(FileContent::Local { path, .. }) => {
                let mut file = BufReader::with_capacity(PIECE, File::open(path).await?);
                tokio::io::copy_buf(&mut file, to).await.map(drop)
            }
        }
    }
}

/// Why a script has no output.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It was never begun.
    NotBegun(String),
    /// It was, and nobody knows how far it came.
    CutShort(String),
}

/// Whether a script runs as root where that is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privilege {
    Own,
    Root,
}

/// Prints who logs in: a marker, the user's number and name, whether sudo needs no password, and the home directory.
pub(crate) const GREETING: &str = r#"printf "hactl-login %s %s %s %s\n" "$(id -u)" "$(id -un)" "$([ "$(id -u)" = 0 ] || ! sudo -n true >/dev/null 2>&1 || echo sudo)" "$HOME""#;

/// Stands before what a script prints: a login shell's own start-up files may print something as well.
const ANSWER: &str = "hactl-answer\n";

/// How much of a local file is in memory while it is sent, in bytes.
const PIECE: usize = 64 * 1024;
/// How long a script may take, besides the time that its input takes.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// The slowest connection on which an input is still waited for, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

impl Login {
    /// Reads a line that [`GREETING`] printed, after whatever the login shell has printed before it.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (_, login) = line.split_once("hactl-login ")?;
        let mut words = login.splitn(4, ' ');
        let root = words.next()? == "0";
        let user = words.next()?.to_owned();
        let sudo = words.next()? == "sudo";
        Some(Self { user, home: words.next()?.trim_end().to_owned(), root, sudo })
    }

    /// Whether scripts can run as root.
    pub(crate) fn is_privileged(&self) -> bool {
        self.root || self.sudo
    }
}

impl Shell {
    pub(crate) fn login(&self) -> &Login {
        match self {
            Self::Ssh(connection) => connection.login(),
            Self::Local(login) => login,
        }
    }

    /// Runs a script. Its text goes ahead of its input, so that neither is seen in a list of processes or a log of sudo.
    pub(crate) async fn run(&self, privilege: Privilege, script: Script, input: &[u8]) -> Result<Output, Broken> {
        self.run_with(privilege, script, input, None).await
    }

    /// Runs a script whose input is followed by a file's content.
    pub(crate) async fn run_with(
        &self,
        privilege: Privilege,
        script: Script,
        input: &[u8],
        content: Option<&FileContent>,
    ) -> Result<Output, Broken> {
        let login = self.login();
        let sudo = privilege == Privilege::Root && !login.root && login.sudo;
        let command = command(sudo, script.text.len());
        let text = [script.text.as_bytes(), input].concat();
        let size = text.len() as u64 + content.map_or(0, FileContent::size);
        let input = Input { text: &text, content };
        let limit = TIME_LIMIT + Duration::from_secs(size / SLOWEST);
        let started = Instant::now();
        let run = async {
            match self {
                Self::Ssh(connection) => connection.run(&command, input).await,
                Self::Local(_) => run_here(&command, input).await,
            }
        };
        let ended = tokio::time::timeout(limit, run)
            .await
            .unwrap_or_else(|_| Err(Broken::CutShort(format!("no answer within {} s", limit.as_secs()))));
        let (script, user, elapsed) = (script.name, &login.user, started.elapsed());
        match &ended {
            Ok(Output { code, stdout, .. }) => {
                tracing::debug!(
                    script,
                    user,
                    sudo,
                    sent = size,
                    answered = stdout.len(),
                    code,
                    ?elapsed,
                    "script ended"
                );
            }
            Err(Broken::NotBegun(reason)) => tracing::warn!(script, user, sudo, ?elapsed, reason, "script not begun"),
            Err(Broken::CutShort(reason)) => tracing::warn!(script, user, sudo, ?elapsed, reason, "script cut short"),
        }
        let output = ended?;
        Ok(Output { stdout: answer(&output.stdout).to_vec(), ..output })
    }
}

/// The command that takes a script of this many bytes from its standard input, and leaves the rest to the script: dd reads
/// no further, which busybox's head does.
fn command(sudo: bool, length: usize) -> String {
    let sudo = if sudo { "sudo -n " } else { "" };
    format!("exec {sudo}sh -c 'echo hactl-answer; eval \"$(dd bs={length} count=1 iflag=fullblock 2>/dev/null)\"'")
}

/// What a script printed; nothing where it was never begun.
fn answer(stdout: &[u8]) -> &[u8] {
    let begin = stdout.windows(ANSWER.len()).position(|window| window == ANSWER.as_bytes());
    begin.map_or(&[], |begin| &stdout[begin + ANSWER.len()..])
}

impl Broken {
    /// As the failure of an operation that changes something.
    pub(crate) fn changing(self, operation: String) -> HostError {
        match self {
            Self::NotBegun(reason) => HostError::Unreachable { reason },
            Self::CutShort(_) => HostError::Lost { operation },
        }
    }

    /// As the failure of an operation that only looks.
    pub(crate) fn reading(self) -> HostError {
        match self {
            Self::NotBegun(reason) | Self::CutShort(reason) => HostError::Unreachable { reason },
        }
    }
}

/// Who runs scripts on this machine.
pub(crate) async fn login_here() -> Result<Login, Broken> {
    let output = run_here(GREETING, Input { text: b"", content: None }).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(Login::parse).ok_or_else(|| Broken::NotBegun(format!("sh does not work: {}", output.stderr)))
}

async fn run_here(command: &str, input: Input<'_>) -> Result<Output, Broken> {
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Broken::NotBegun(format!("sh cannot be started: {error}")))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = talk(stdin, stdout, stderr, input).await;
    let status = child.wait().await.map_err(|error| Broken::CutShort(error.to_string()))?;
    Ok(Output { stdout, stderr, code: status.code() })
}

/// Writes the input while reading both outputs to their ends. A script that does not want all of its input is fine.
pub(crate) async fn talk(
    stdin: Option<impl AsyncWrite + Unpin>,
    stdout: Option<impl AsyncRead + Unpin>,
    stderr: Option<impl AsyncRead + Unpin>,
    input: Input<'_>,
) -> (Vec<u8>, String) {
    let write = async {
        if let Some(mut stdin) = stdin {
            let _ = input.write(&mut stdin).await;
            let _ = stdin.shutdown().await;
        }
    };
    let ((), stdout, stderr) = tokio::join!(write, read_all(stdout), read_all(stderr));
    (stdout, String::from_utf8_lossy(&stderr).trim().to_owned())
}

async fn read_all(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        let _ = from.read_to_end(&mut bytes).await;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_tells_who_logs_in() {
        let root = Login::parse("hactl-login 0 root  /root");
        assert_eq!(root, Some(Login { user: "root".into(), home: "/root".into(), root: true, sudo: false }));
        let ops = Login::parse("hactl-login 1000 ops sudo /home/of ops");
        assert_eq!(ops, Some(Login { user: "ops".into(), home: "/home/of ops".into(), root: false, sudo: true }));
        assert_eq!(Login::parse("Welcome to node1!"), None);
        assert!(Login::parse("Welcome to node1! hactl-login 0 root  /root").is_some());
    }

    #[test]
    fn what_start_up_files_print_is_no_answer() {
        assert_eq!(answer(b"Welcome!\nhactl-answer\nok\n"), b"ok\n");
        assert_eq!(answer(b"Welcome!\n"), b"");
    }

    /// Debian's tools and busybox's alike.
    #[tokio::test]
    async fn a_script_finds_its_input_whole() {
        let busybox = tempfile::tempdir().unwrap();
        let mut paths = vec![std::env::var("PATH").unwrap()];
        if std::path::Path::new("/bin/busybox").exists() {
            for tool in ["sh", "dd", "cat"] {
                std::os::unix::fs::symlink("/bin/busybox", busybox.path().join(tool)).unwrap();
            }
            paths.push(busybox.path().to_str().unwrap().to_owned());
        }
        let script = "read -r first; echo \"$first\"; cat";
        for path in paths {
            let command = format!("PATH={path}; {}", command(false, script.len()));
            let output = run_here(&command, Input { text: format!("{script}one\ntwo\n").as_bytes(), content: None })
                .await
                .unwrap();
            assert_eq!(answer(&output.stdout), b"one\ntwo\n", "{path}");
        }
    }
}
