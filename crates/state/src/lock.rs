//! The lock of a stack: one run at a time changes it.
//!
//! The lock is the operating system's, on an open file: a run that dies lets go of it, so the file that is left behind
//! locks nothing. The file tells who holds the lock.

use std::fmt;
use std::fs::TryLockError;
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
    _file: File,
}

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The command, as in `apply`.
    pub operation: String,
    /// The user's login name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process id.
    pub pid: u32,
    /// Since when, to the second, in UTC.
    pub since: Timestamp,
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
        let path = self.lock_path();
        let unwritable = |source| StateError::unwritable(FileKind::Lock, &path, source);
        let file =
            durable::create_directory(self.directory()).and_then(|()| durable::open_lock(&path)).map_err(unwritable)?;
        let start = Instant::now();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
                Err(TryLockError::WouldBlock) => {
                    let left = wait.saturating_sub(start.elapsed());
                    if left.is_zero() {
                        return Err(StateError::Locked { holder: self.holder()?.map(Box::new), path });
                    }
                    if !std::mem::replace(&mut told, true) {
                        tracing::info!(path = %path.display(), ?wait, "another run holds the lock: waiting");
                    }
                    std::thread::sleep(left.min(TICK));
                }
            }
        }
        let note = serde_json::to_vec(&current_process(operation)).map_err(std::io::Error::from);
        note.and_then(|note| durable::note(&file, &note)).map_err(unwritable)?;
        tracing::debug!(path = %path.display(), operation, waited = ?start.elapsed(), "lock taken");
        Ok(LockGuard { _file: file })
    }

    /// Who took the lock last; none where the file does not tell.
    fn holder(&self) -> Result<Option<Holder>, StateError> {
        let bytes = store::read(FileKind::Lock, &self.lock_path())?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

/// How often a lock that another run holds is tried again.
const TICK: Duration = Duration::from_millis(100);

fn current_process(operation: &str) -> Holder {
    let user =
        ["LOGNAME", "USER"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let now = Timestamp::now();
    Holder {
        operation: operation.to_owned(),
        user: user.unwrap_or_else(|| "unknown".to_owned()),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        since: Timestamp::from_second(now.as_second()).unwrap_or(now),
    }
}
