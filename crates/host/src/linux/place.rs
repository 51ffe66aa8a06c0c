//! The directory of this run's sockets. A forwarded Docker socket is root on the host, so only this user may enter it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

/// The longest path of a directory in which sockets fit: a socket's path has at most 107 bytes, and ssh adds 17 to one
/// while it makes it.
const MAX_LENGTH: usize = 70;
const PREFIX: &str = "hactl-";
const LOCK: &str = "lock";

/// A directory of mode 0700 that ends with this run.
pub(crate) struct Place {
    directory: TempDir,
    /// Tells other runs that this one lives.
    _lock: File,
    taken: AtomicUsize,
}

impl Place {
    /// Makes it, and removes those of runs that were killed.
    pub(crate) fn new() -> std::io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let fits = |path: &PathBuf| path.is_absolute() && path.as_os_str().len() <= MAX_LENGTH && path.is_dir();
        let parent = runtime
            .filter(fits)
            .or_else(|| Some(std::env::temp_dir()).filter(fits))
            .unwrap_or_else(|| PathBuf::from("/tmp"));
        remove_left(&parent);
        let directory = tempfile::Builder::new().prefix(PREFIX).rand_bytes(8).tempdir_in(&parent)?;
        let lock = File::create(directory.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self { directory, _lock: lock, taken: AtomicUsize::new(0) })
    }

    /// A path in it at which the files of one connection begin.
    pub(crate) fn next(&self) -> PathBuf {
        self.directory.path().join(self.taken.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

/// Removes the directories of runs that are no more: those whose lock is free.
fn remove_left(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if ours && File::open(entry.path().join(LOCK)).is_ok_and(|lock| is_free(&lock)) {
            // What cannot be removed is another user's.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_free(lock: &File) -> bool {
    !matches!(lock.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_run_s_directory_is_removed_and_a_living_one_s_stays() {
        let parent = tempfile::tempdir().unwrap();
        let living = parent.path().join("hactl-living");
        let killed = parent.path().join("hactl-killed");
        let foreign = parent.path().join("hactl-foreign");
        for directory in [&living, &killed, &foreign] {
            std::fs::create_dir(directory).unwrap();
        }
        let lock = File::create(living.join(LOCK)).unwrap();
        lock.lock().unwrap();
        File::create(killed.join(LOCK)).unwrap();
        remove_left(parent.path());
        assert!(living.exists() && foreign.exists() && !killed.exists());
    }
}
