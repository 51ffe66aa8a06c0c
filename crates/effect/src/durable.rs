//! Files that survive a crash: whole or not there, and logs that only grow.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

pub use crate::disk::Access;
use crate::disk::{self, File, parent, sync_directory};

/// Makes a directory and what is missing above it, so that they survive a crash.
///
/// # Errors
/// Those of the disk.
pub fn create_directory(path: &Path) -> io::Result<()> {
    create_directories(path, 0o777)
}

/// Makes a directory and what is missing above it, which only the owner can enter (mode 0700), so that they survive a
/// crash. Those that are there stay as they are.
///
/// # Errors
/// Those of the disk.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    create_directories(path, 0o700)
}

fn create_directories(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    create_directories(parent(path), mode)?;
    match disk::create_directory(path, mode) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        result => result?,
    }
    sync_directory(parent(path))
}

/// Makes a file that only its owner can read (mode 0600), in directories that only they can enter where those are
/// missing, whole or not at all; gives whether it was made. Where there is one already it is left alone, also when it
/// is made at this moment. `token` is in the temporary file's name and must be of this call alone.
///
/// # Errors
/// Those of the disk.
pub fn create_once(path: &Path, token: &str, content: &[u8]) -> io::Result<bool> {
    let path = follow_links(path)?;
    let directory = parent(&path);
    create_private_directory(directory)?;
    let temporary = directory.join(format!(".{token}.new"));
    let mut file = disk::create_new(&temporary, Access::Owner)?;
    // A link is made only where there is no file of that name: of two at once, one is the first.
    let linked =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| disk::hard_link(&temporary, &path));
    disk::remove_file(&temporary)?;
    sync_directory(directory)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file that only its owner can read (mode 0600), whole or not at all. What is at the path is replaced.
///
/// # Errors
/// When it cannot be written so that it survives a crash.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    stage(path, Access::Owner, |file| file.write_all(content)).and_then(|(staged, ())| staged.commit())
}

/// Writes a file beside `path`, ready to take its place in one step; gives what `write` returned.
///
/// Two at once for one path are not supported: callers hold the stack's lock.
///
/// # Errors
/// Those of the disk, and of `write`. Nothing is left then.
pub fn stage<T>(
    path: &Path,
    access: Access,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> io::Result<(Staged, T)> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let temporary = path.with_file_name(name);
    // A leftover of a killed run; removed rather than reused, for its mode may be another.
    remove(&temporary)?;
    let mut file = disk::create_new(&temporary, access)?;
    let staged = Staged { temporary, path: path.to_owned() };
    let written = write(&mut file)?;
    file.sync_all()?;
    Ok((staged, written))
}

/// The file that a path leads to where it is a symbolic link, so that writing it leaves the link; else the path itself.
///
/// What the last link names need not exist.
///
/// # Errors
/// Those of the disk, as where links lead in a circle.
pub fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let Ok(target) = fs::read_link(path) else {
        return Ok(path.to_owned());
    };
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => follow_links(&parent(path).join(target)),
        result => result,
    }
}

/// A file that is completely on disk but not in its place yet; removed when dropped.
#[derive(Debug)]
pub struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// The place that it will take.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// Those of the disk. It may be in its place all the same, where only that is not known to survive a crash.
    pub fn commit(self) -> io::Result<()> {
        disk::rename(&self.temporary, &self.path)?;
        sync_directory(parent(&self.path))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.temporary.exists() {
            let _left_over_means_nothing = disk::remove_file(&self.temporary);
        }
    }
}

/// Removes a file, so that it stays removed after a crash. One that is not there is no error.
///
/// # Errors
/// Those of the disk.
pub fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(());
    }
    match disk::remove_file(path) {
        Ok(()) => sync_directory(parent(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies a file. One that is not there is no error, and nothing is copied. Not safe against a crash.
///
/// # Errors
/// Those of the disk.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match disk::copy(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file that only grows.
#[derive(Debug)]
pub struct Log {
    file: File,
    /// How much of it is known to be on disk.
    length: u64,
    /// Whether an append failed, which may have left bytes after `length`.
    torn: bool,
}

impl Log {
    /// Makes the file, with its first bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where there is one, and those of the disk; nothing is left then.
    pub fn create(path: &Path, first: &[u8]) -> io::Result<Self> {
        let file = disk::create_new(path, Access::Umask)?;
        let mut log = Self { file, length: 0, torn: false };
        log.append(first).and_then(|()| sync_directory(parent(path))).inspect_err(|_| {
            let _nothing_depends_on_it = disk::remove_file(path);
        })?;
        Ok(log)
    }

    /// Opens a file again, of which the first `length` bytes are good.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn reopen(path: &Path, length: u64) -> io::Result<Self> {
        let file = disk::reopen_to_append(path)?;
        Ok(Self { file, length, torn: true })
    }

    /// Adds bytes at the end: one write and one sync. When it returns they are on disk.
    ///
    /// # Errors
    /// Those of the disk. Nothing is added then: what was written of it is cut off before the next append.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
        }
        self.torn = true;
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.torn = false;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// Opens the file that a lock is held on; makes it where it is missing.
///
/// # Errors
/// Those of the disk.
pub fn open_lock(path: &Path) -> io::Result<File> {
    disk::open_to_change(path, Access::Umask)
}

/// Replaces the content of a file in place. Not safe against a crash: for notes only.
///
/// # Errors
/// Those of the disk.
pub fn note(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(bytes)
}
