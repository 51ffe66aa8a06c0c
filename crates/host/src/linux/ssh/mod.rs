//! One host over OpenSSH: one multiplexed connection, at most eight scripts at a time, forwarded sockets.
//!
//! The master is a process of ours (`ssh -M`), so that the user's own configuration, agent and jump hosts apply. It lives
//! as long as its standard input is open, which ends with this process, however that ends; then the host's side ends too.

mod config;
mod trouble;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hactl_core::node;
use hactl_effect::disk::{self, Access};
use openssh::{ForwardType, Socket};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::linux::shell::{Broken, GREETING, Input, Login, Output, talk};
use trouble::{Trouble, trouble};

/// The most sessions at a time. OpenSSH allows 10 by default; near that some are refused.
const SESSIONS: usize = 8;
/// How often connecting is tried.
const TRIES: u32 = 5;
/// The wait before the second try; each later one is twice as long. All are jittered, because many hosts behind one
/// bastion, or many runs, tend to be refused together.
const FIRST_WAIT: Duration = Duration::from_millis(150);
/// How often beginning a command is tried while no other runs.
const SPAWN_TRIES: u32 = 4;
/// The longest wait between two of these tries.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long logging in may take once the host has answered.
const LOGIN_LIMIT: Duration = Duration::from_secs(30);
/// How long to wait for the last lines of a master that has ended: a jump host's own master may keep the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How many of the master's last lines are kept.
const KEPT_LINES: usize = 40;

/// Something on the host to which a connection can be made through SSH.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    /// A Unix socket.
    Socket(String),
    /// A TCP port of an address or name, as the host sees it.
    Tcp(String, u16),
}

/// A connection to a host.
pub(crate) struct Connection {
    mux: openssh::Session,
    login: Login,
    master: Arc<Master>,
    sessions: Semaphore,
    /// One reference for each session that runs, and one more.
    running: Arc<()>,
    /// Where this connection's sockets are; all begin with this path.
    place: PathBuf,
    forwards: tokio::sync::Mutex<BTreeMap<Endpoint, PathBuf>>,
    /// The master ends when this is closed.
    _hold: ChildStdin,
}

/// What is known of the master process.
#[derive(Default)]
struct Master {
    said: Mutex<VecDeque<String>>,
    ended: std::sync::atomic::AtomicBool,
}

impl Connection {
    /// Connects. `place` is a path in a directory that only the user can enter, at which files of this connection
    /// begin; `user_config` is read in place of the user's own ssh configuration.
    ///
    /// # Errors
    /// Why the host does not answer or does not let us in, and what to do about it.
    pub(crate) async fn open(
        wanted: &node::Connection,
        place: &Path,
        user_config: Option<&str>,
    ) -> Result<Self, String> {
        let text = config::text(wanted, user_config)?;
        let config = with_suffix(place, ".config");
        disk::write(&config, Access::Owner, text.as_bytes())
            .map_err(|error| format!("{}: {error}", config.display()))?;
        let node::Connection { address, user, port, key_path, bastion, .. } = wanted;
        tracing::debug!(address, user, port, key_path, bastion, "connecting");
        let (mut wait, mut tries) = (FIRST_WAIT, 1);
        let started = Instant::now();
        loop {
            match Self::log_in(wanted, place, &config).await {
                Ok(connection) => {
                    let Login { user, root, sudo, .. } = &connection.login;
                    tracing::debug!(address, user, root, sudo, tries, elapsed = ?started.elapsed(), "connected");
                    return Ok(connection);
                }
                Err(Trouble { reason, passing }) if !passing || tries == TRIES => {
                    tracing::warn!(address, tries, elapsed = ?started.elapsed(), reason, "not connected");
                    return Err(reason);
                }
                Err(Trouble { reason, .. }) => {
                    tracing::warn!(address, tries, reason, "not connected: trying again");
                    tokio::time::sleep(jittered(wait)).await;
                }
            }
            (wait, tries) = (wait * 2, tries + 1);
        }
    }

    async fn log_in(wanted: &node::Connection, place: &Path, config: &Path) -> Result<Self, Trouble> {
        let address = &wanted.address;
        let control = with_suffix(place, ".control");
        let _mostly_not_there = disk::remove_file(&control);
        let mut child = Command::new("ssh")
            .arg("-F")
            .arg(config)
            .args(["-M", "-T", "-a", "-x", "-o", "ControlPersist=no", "-o", "ClearAllForwardings=yes", "-S"])
            .arg(&control)
            .arg("--")
            .arg(address)
            .arg(format!("exec sh -c '{GREETING}; exec cat >/dev/null'"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Trouble {
                reason: format!("ssh cannot be started ({error}): install the OpenSSH client"),
                passing: false,
            })?;
        tracing::debug!(address, pid = child.id(), "ssh master started");
        let (Some(hold), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Trouble { reason: "ssh has no standard streams".to_owned(), passing: false });
        };
        let master = Arc::new(Master::default());
        let listening = tokio::spawn(listen(stderr, master.clone()));
        let greeted = tokio::time::timeout(LOGIN_LIMIT, greeting(stdout)).await;
        match greeted {
            Ok(Some(login)) => {
                tokio::spawn(watch(child, listening, master.clone()).in_current_span());
                Ok(Self {
                    mux: openssh::Session::resume_mux(control.into_boxed_path(), None),
                    login,
                    master,
                    sessions: Semaphore::new(SESSIONS),
                    running: Arc::default(),
                    place: place.to_owned(),
                    forwards: tokio::sync::Mutex::default(),
                    _hold: hold,
                })
            }
            Ok(None) => {
                drop(hold);
                let _ = tokio::time::timeout(LAST_WORDS, child.wait()).await;
                let _ = tokio::time::timeout(LAST_WORDS, listening).await;
                Err(trouble(address, &master.words()))
            }
            Err(_) => Err(Trouble {
                reason: format!("logging in took more than {} s", LOGIN_LIMIT.as_secs()),
                passing: false,
            }),
        }
    }

    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    /// Whether the connection still stands, as far as is known.
    pub(crate) fn is_up(&self) -> bool {
        !self.master.ended.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Runs a command with an input.
    pub(crate) async fn run(&self, command: &str, input: Input<'_>) -> Result<Output, Broken> {
        let _session = self.sessions.acquire().await;
        let mut child = self.spawn(command).await.map_err(|error| Broken::NotBegun(self.why(&error)))?;
        let _running = self.running.clone();
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (stdout, stderr) = talk(stdin, stdout, stderr, input).await;
        match child.wait().await {
            Ok(status) => Ok(Output { stdout, stderr, code: status.code() }),
            Err(openssh::Error::Remote(_)) => Ok(Output { stdout, stderr, code: Some(127) }),
            Err(error) => Err(Broken::CutShort(self.why(&error))),
        }
    }

    /// Begins a command. A session that has just ended may still count on the host, and the host may allow fewer than
    /// we have at a time (`MaxSessions`), so one that is refused is tried again: as long as others of ours run, and then
    /// a few times more.
    async fn spawn(&self, command: &str) -> Result<openssh::Child<&openssh::Session>, openssh::Error> {
        let mut wait = FIRST_WAIT;
        let mut tries = 0;
        loop {
            let others_run = Arc::strong_count(&self.running) > 1;
            tries += u32::from(!others_run);
            let begun = self.spawn_once(command).await;
            if begun.is_ok() || !self.is_up() || tries == SPAWN_TRIES {
                return begun;
            }
            tracing::debug!(tries, others_run, "a session was refused: trying again");
            tokio::time::sleep(jittered(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn spawn_once(&self, command: &str) -> Result<openssh::Child<&openssh::Session>, openssh::Error> {
        self.mux
            .raw_command(command)
            .stdin(openssh::Stdio::piped())
            .stdout(openssh::Stdio::piped())
            .stderr(openssh::Stdio::piped())
            .spawn()
            .await
    }

    /// A local socket through which something on the host is reached; only this user can use it. Whether anything
    /// answers there shows when it is used.
    pub(crate) async fn forward(&self, to: Endpoint) -> Result<PathBuf, Broken> {
        let mut forwards = self.forwards.lock().await;
        if let Some(path) = forwards.get(&to) {
            return Ok(path.clone());
        }
        let path = with_suffix(&self.place, &format!(".{}", forwards.len()));
        let _mostly_not_there = disk::remove_file(&path);
        let remote = match &to {
            Endpoint::Socket(path) => Socket::from(PathBuf::from(path)),
            Endpoint::Tcp(host, port) => Socket::new(host.as_str(), *port),
        };
        self.mux
            .request_port_forward(ForwardType::Local, path.as_path(), remote)
            .await
            .map_err(|error| Broken::NotBegun(self.why(&error)))?;
        tracing::debug!(?to, here = %path.display(), "forwarded");
        forwards.insert(to, path.clone());
        Ok(path)
    }

    /// Why a forwarded socket was closed at once, in the words of the host's SSH server.
    pub(crate) fn refusal(&self) -> Option<String> {
        let mut said = self.master.said.lock().unwrap_or_else(PoisonError::into_inner);
        let line = said.iter().rposition(|line| line.contains("open failed")).and_then(|last| said.remove(last))?;
        Some(line.rsplit_once("open failed: ").map_or(line.as_str(), |(_, why)| why).to_owned())
    }

    fn why(&self, error: &openssh::Error) -> String {
        if !self.is_up() {
            return self.master.end();
        }
        let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        if text.contains("refused by peer") {
            return "its SSH server refuses a second session; `MaxSessions` in its sshd_config has to be 2 or more"
                .into();
        }
        text
    }
}

impl Master {
    fn words(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Why the connection ended.
    fn end(&self) -> String {
        let words = self.words();
        let last = words.lines().rev().find(|line| !line.contains("channel") && !line.contains("mux_client"));
        format!("the SSH connection ended ({})", last.unwrap_or("ssh did not say why").trim_end_matches('.'))
    }
}

/// Half of it to half as much again.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64())
}

/// Waits for the line that tells who logged in; none where the output ends before.
async fn greeting(stdout: ChildStdout) -> Option<Login> {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(login) = Login::parse(&line) {
            return Some(login);
        }
    }
    None
}

/// Keeps the last lines of what the master says.
async fn listen(stderr: ChildStderr, master: Arc<Master>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut said = master.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == KEPT_LINES {
            said.pop_front();
        }
        said.push_back(line.trim().to_owned());
    }
}

/// Notes the end of the master.
async fn watch(mut child: Child, listening: tokio::task::JoinHandle<()>, master: Arc<Master>) {
    let pid = child.id();
    let status = child.wait().await;
    let status = status.ok().map(tracing::field::display);
    tracing::debug!(pid, status, "ssh master ended");
    master.ended.store(true, std::sync::atomic::Ordering::Relaxed);
    let _ = tokio::time::timeout(LAST_WORDS, listening).await;
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
