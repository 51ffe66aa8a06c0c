//! The lock of a stack: one run at a time changes it.
//!
//! The lock is the operating system's, on an open file: a run that dies lets go of it, so the file that is left behind
//! locks nothing. The file tells who holds the lock.

use std::fmt;
use std::fs::TryLockError;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hactl_effect::disk::File;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::error::{FileKind, StateError};
use crate::store::{self, Store};

/// Holds the lock until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it lets go of the lock"]
pub struct LockGuard {
    file: File,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // So that the next holder is not taken for this one in the moment before it writes its own note.
        let _a_note_only = durable::note(&self.file, b"");
    }
}

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The command, as in `apply`.
    pub operation: String,
    /// The user's login name; `uid 1000` where there is none.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process id.
    pub pid: u32,
    /// Since when, to the second, in UTC.
    pub since: Timestamp,
}

impl Holder {
    /// This process, from now on.
    pub(crate) fn current(operation: &str) -> Self {
        let user =
            ["LOGNAME", "USER"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let now = Timestamp::now();
        Self {
            operation: operation.to_owned(),
            user: user.or_else(login_name).unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw())),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid: std::process::id(),
            since: Timestamp::from_second(now.as_second()).unwrap_or(now),
        }
    }

    /// Whether it was a process of this machine, and is none any more.
    fn is_dead(&self) -> bool {
        let here = self.host == rustix::system::uname().nodename().to_string_lossy();
        let process = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        let gone = |process| rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH);
        here && process.is_some_and(gone)
    }
}

/// Whether somebody holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locked {
    /// Nobody does.
    Nobody,
    /// This run does.
    By(Holder),
    /// Somebody does, and the lock file does not tell who.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, user, host, pid, since } = self;
        write!(f, "hactl {operation} by {user}@{host}, pid {pid}, since {since}")
    }
}

impl Store {
    /// Takes the lock, waiting for as long as `wait` where another run holds it. Blocks the thread.
    ///
    /// # Errors
    /// When it is still held after that, or the lock file cannot be made.
    pub fn lock(&self, operation: &str, wait: Duration) -> Result<LockGuard, StateError> {
        self.lock_telling(operation, wait, &mut |_| {})
    }

    /// [`Store::lock`], where `tell` hears once of whom is waited for.
    ///
    /// # Errors
    /// As that.
    pub fn lock_telling(
        &self,
        operation: &str,
        wait: Duration,
        tell: &mut dyn FnMut(&Holder),
    ) -> Result<LockGuard, StateError> {
        let path = self.lock_path();
        let unwritable = |source| StateError::unwritable(FileKind::Lock, &path, source);
        let file =
            durable::create_directory(self.directory()).and_then(|()| durable::open_lock(&path)).map_err(unwritable)?;
        let (start, asked) = (Instant::now(), wait);
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = self.noted_holder()?;
            // A run that has just taken the lock is about to say who it is.
            let wait = if holder.is_some() { wait } else { wait.max(NOTE) };
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(StateError::Locked { holder: holder.map(Box::new), path, waited: asked });
            }
            if let Some(holder) = holder.filter(|_| !std::mem::replace(&mut told, true)) {
                tracing::info!(path = %path.display(), ?wait, "another run holds the lock: waiting");
                tell(&holder);
            }
            std::thread::sleep(left.min(TICK));
        }
        let note = serde_json::to_vec(&Holder::current(operation)).map_err(std::io::Error::from);
        note.and_then(|note| durable::note(&file, &note)).map_err(unwritable)?;
        tracing::debug!(path = %path.display(), operation, waited = ?start.elapsed(), "lock taken");
        Ok(LockGuard { file })
    }

    /// Looks who holds the lock, without taking it.
    ///
    /// # Errors
    /// When the lock file cannot be read.
    pub fn locked_by(&self) -> Result<Locked, StateError> {
        let path = self.lock_path();
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Locked::Nobody),
            Err(source) => return Err(StateError::Unreadable { file: FileKind::Lock, path, source }),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Locked::Nobody),
            Err(TryLockError::WouldBlock) => Ok(self.noted_holder()?.map_or(Locked::Unknown, Locked::By)),
            Err(TryLockError::Error(source)) => Err(StateError::Unreadable { file: FileKind::Lock, path, source }),
        }
    }

    /// Who holds the lock, as far as its file tells: none where it does not, or names a run that has died since.
    fn noted_holder(&self) -> Result<Option<Holder>, StateError> {
        let bytes = store::read(FileKind::Lock, &self.lock_path())?;
        let holder: Option<Holder> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(holder.filter(|holder| !holder.is_dead()))
    }
}

/// The name of this process' user, where the system knows one: a service or a container may run without `LOGNAME`.
fn login_name() -> Option<String> {
    let output = Command::new("id").arg("-un").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

/// How often a lock that another run holds is tried again.
const TICK: Duration = Duration::from_millis(100);
/// How long a run that has taken the lock may take to note who it is.
const NOTE: Duration = Duration::from_millis(500);
