//! Every change this crate makes to a disk: one place to reason about what survives a crash, and to make writes fail.
#![expect(clippy::disallowed_methods, reason = "this is the module that the others have to go through")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    /// Whom the umask lets (mode 0666 less the umask).
    Umask,
    /// The owner only (mode 0600).
    Owner,
}

/// Makes a directory and what is missing above it, so that they survive a crash.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    create_directories(path, 0o777)
}

fn create_directories(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    create_directories(parent(path), mode)?;
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        result => result?,
    }
    sync_directory(parent(path))
}

/// Makes a file that only its owner can read (mode 0600), in directories that only they can enter where those are
/// missing, whole or not at all; gives whether it was made. Where there is one already it is left alone, also when it
/// is made at this moment. `token` is in the temporary file's name and must be of this call alone.
pub(crate) fn create_once(path: &Path, token: &str, content: &[u8]) -> io::Result<bool> {
    let path = follow_links(path)?;
    let directory = parent(&path);
    create_directories(directory, 0o700)?;
    let temporary = directory.join(format!(".{token}.new"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    // A link is made only where there is no file of that name: of two at once, one is the first.
    let linked = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&temporary, &path));
    fs::remove_file(&temporary)?;
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
pub(crate) fn stage<T>(
    path: &Path,
    access: Access,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> io::Result<(Staged, T)> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let temporary = path.with_file_name(name);
    // A leftover of a killed run; removed rather than reused, for its mode may be another.
    remove(&temporary)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if let Access::Owner = access {
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    let staged = Staged { temporary, path: path.to_owned() };
    let written = write(&mut file)?;
    file.sync_all()?;
    Ok((staged, written))
}

/// The file that a path leads to where it is a symbolic link, so that writing it leaves the link; else the path itself.
///
/// What the last link names need not exist.
pub(crate) fn follow_links(path: &Path) -> io::Result<PathBuf> {
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
pub(crate) struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// The place that it will take.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in its place.
    pub(crate) fn commit(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)?;
        sync_directory(parent(&self.path))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _gone_after_commit = fs::remove_file(&self.temporary);
    }
}

/// Removes a file, so that it stays removed after a crash. One that is not there is no error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(parent(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies a file. One that is not there is no error, and nothing is copied. Not safe against a crash.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::copy(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file that only grows.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    /// How much of it is known to be on disk.
    length: u64,
    /// Whether an append failed, which may have left bytes after `length`.
    torn: bool,
}

impl Log {
    /// Makes the file, with its first bytes.
    ///
    /// Fails with [`io::ErrorKind::AlreadyExists`] where there is one.
    pub(crate) fn create(path: &Path, first: &[u8]) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        let mut log = Self { file, length: 0, torn: false };
        log.append(first).and_then(|()| sync_directory(parent(path))).inspect_err(|_| {
            let _nothing_depends_on_it = fs::remove_file(path);
        })?;
        Ok(log)
    }

    /// Opens a file again, of which the first `length` bytes are good.
    pub(crate) fn reopen(path: &Path, length: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { file, length, torn: true })
    }

    /// Adds bytes at the end: one write and one sync. When it returns they are on disk.
    ///
    /// Nothing is added where it fails: what was written of it is cut off before the next append.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
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
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Replaces the content of a file in place. Not safe against a crash: for notes only.
pub(crate) fn note(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(bytes)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
