//! The directory of this run's sockets. A forwarded Docker socket is root on the host, so only this user may enter it.

use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use hactl_effect::disk::{self, Access};

/// The longest path of a directory in which sockets fit: a socket's path has at most 107 bytes, and ssh adds 17 to one
/// while it makes it.
const MAX_LENGTH: usize = 70;
const PREFIX: &str = "hactl-";
const LOCK: &str = "lock";

/// A directory of mode 0700 that ends with this run.
pub(crate) struct Place {
    directory: Directory,
    /// Tells other runs that this one lives.
    _lock: disk::File,
    taken: AtomicUsize,
}

impl Place {
    /// Makes it in the first directory that takes it, and removes those of runs that were killed.
    pub(crate) fn new() -> std::io::Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        Self::in_first(runtime.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]))
    }

    /// The variables may name what belongs to another user, as they do after `su`.
    fn in_first(parents: impl Iterator<Item = PathBuf>) -> std::io::Result<Self> {
        let mut failed = std::io::Error::from(std::io::ErrorKind::NotFound);
        for parent in parents.filter(|path| path.is_absolute() && path.as_os_str().len() <= MAX_LENGTH) {
            match Self::within(&parent) {
                Ok(place) => return Ok(place),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn within(parent: &Path) -> std::io::Result<Self> {
        let directory = Directory::within(parent)?;
        let user = directory.0.metadata()?.uid();
        let lock = disk::create_new(&directory.0.join(LOCK), Access::Owner)?;
        lock.lock()?;
        if !directory.0.exists() {
            // Another run took it for a killed one's before it was locked.
            return Self::within(parent);
        }
        remove_left(parent, user);
        Ok(Self { directory, _lock: lock, taken: AtomicUsize::new(0) })
    }

    /// A path in it at which the files of one connection begin.
    pub(crate) fn next(&self) -> PathBuf {
        self.directory.0.join(self.taken.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

/// A directory that is removed when dropped.
struct Directory(PathBuf);

impl Directory {
    fn within(parent: &Path) -> std::io::Result<Self> {
        loop {
            let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
            let path = parent.join(format!("{PREFIX}{random}"));
            match disk::create_directory(&path, 0o700) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _the_next_run_removes_it = disk::remove_tree(&self.0);
    }
}

/// Removes the directories of this user's runs that are no more: those whose lock is free. Another user's are not even
/// looked into, because to open what is there may block for ever.
fn remove_left(parent: &Path, user: u32) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let named = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let ours = |about: Metadata| about.is_dir() && about.uid() == user && about.mode() & 0o077 == 0;
        if named
            && entry.metadata().is_ok_and(ours)
            && File::open(entry.path().join(LOCK)).is_ok_and(|lock| is_free(&lock))
        {
            let _another_run_tries_again = disk::remove_tree(&entry.path());
        }
    }
}

fn is_free(lock: &File) -> bool {
    !matches!(lock.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::DirBuilderExt;

    use super::*;

    #[test]
    fn a_killed_run_s_directory_is_removed_and_all_others_stay() {
        let parent = tempfile::tempdir().unwrap();
        let made = |name: &str, mode: u32, lock: bool| {
            let path = parent.path().join(name);
            std::fs::DirBuilder::new().mode(mode).create(&path).unwrap();
            let lock = lock.then(|| File::create(path.join(LOCK)).unwrap());
            (path, lock)
        };
        let (living, lock) = made("hactl-living", 0o700, true);
        lock.as_ref().unwrap().lock().unwrap();
        let (killed, _) = made("hactl-killed", 0o700, true);
        let (empty, _) = made("hactl-empty", 0o700, false);
        let (open, _) = made("hactl-notes", 0o755, true);
        let user = parent.path().metadata().unwrap().uid();
        remove_left(parent.path(), user + 1);
        assert!(killed.exists());
        remove_left(parent.path(), user);
        assert!(living.exists() && empty.exists() && open.exists() && !killed.exists());
    }

    #[test]
    fn a_directory_that_does_not_take_it_is_passed_over() {
        let good = tempfile::tempdir().unwrap();
        let place = Place::in_first([PathBuf::from("/proc"), good.path().to_owned()].into_iter()).unwrap();
        assert!(place.next().starts_with(good.path()));
    }
}
