//! What changes the local disk: a function for each system call, and a [`point`] before each.
//!
//! Reading is not here: it changes nothing. Nothing here is safe against a crash by itself; [`durable`](crate::durable) is.
#![expect(clippy::disallowed_methods, reason = "this is the module that all others have to go through")]

use std::fs::{self, DirBuilder, Metadata, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::point::{self, Need};

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whom the umask lets (mode 0666 less the umask).
    Umask,
    /// The owner only (mode 0600).
    Owner,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::Umask => 0o666,
            Self::Owner => 0o600,
        }
    }
}

/// A file that is open to be written. What [`Write::write`] takes is written whole or fails.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    path: PathBuf,
}

/// Makes a file and opens it to be written at its end.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is something of that name, and those of the disk.
pub fn create_new(path: &Path, access: Access) -> io::Result<File> {
    open(path, "disk.create", OpenOptions::new().append(true).create_new(true).mode(access.mode()))
}

/// Opens a file to be read anywhere and written at its end; makes it where it is missing.
///
/// # Errors
/// Those of the disk.
pub fn open_to_append(path: &Path, access: Access) -> io::Result<File> {
    open(path, "disk.open", OpenOptions::new().read(true).append(true).create(true).mode(access.mode()))
}

/// Puts this into a file in place of what is in it; makes it where it is missing.
///
/// # Errors
/// Those of the disk; the file may be empty or half written then.
pub fn write(path: &Path, access: Access, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = open(path, "disk.create", options.write(true).create(true).truncate(true).mode(access.mode()))?;
    file.write_all(content)
}

/// Opens a file that is there to be written at its end.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] where there is none, and those of the disk.
pub fn reopen_to_append(path: &Path) -> io::Result<File> {
    open(path, "disk.open", OpenOptions::new().append(true))
}

/// Opens a file to be read and written from its start on; makes it where it is missing, and leaves what is in it.
///
/// # Errors
/// Those of the disk.
pub fn open_to_change(path: &Path, access: Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    open(path, "disk.open", options.read(true).write(true).create(true).truncate(false).mode(access.mode()))
}

fn open(path: &Path, name: &str, options: &OpenOptions) -> io::Result<File> {
    point::enter(Need::Space, name, &path.display())?;
    Ok(File { file: options.open(path)?, path: path.to_owned() })
}

/// Makes a directory with a mode less the umask.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is something of that name, and those of the disk.
pub fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    point::enter(Need::Space, "disk.createDirectory", &path.display())?;
    DirBuilder::new().mode(mode).create(path)
}

/// Gives a file another name, in place of what has that name.
///
/// # Errors
/// Those of the disk.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    point::enter(Need::Space, "disk.rename", &to.display())?;
    fs::rename(from, to)
}

/// Copies a file, with its mode, in place of what has the other name.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] where there is none, and those of the disk; the copy may be cut off then.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    point::enter(Need::Space, "disk.copy", &to.display())?;
    fs::copy(from, to).map(|_bytes| ())
}

/// Gives a file a second name, where nothing has it.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where something has it, and those of the disk.
pub fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    point::enter(Need::Space, "disk.link", &to.display())?;
    fs::hard_link(from, to)
}

/// Removes a file.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] where there is none, and those of the disk.
pub fn remove_file(path: &Path) -> io::Result<()> {
    point::enter(Need::Disk, "disk.remove", &path.display())?;
    fs::remove_file(path)
}

/// Removes a directory and all that is in it.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] where there is none, and those of the disk; some of it may be gone then.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    point::enter(Need::Disk, "disk.removeTree", &path.display())?;
    fs::remove_dir_all(path)
}

/// Writes what was done to a directory's entries to the disk.
///
/// # Errors
/// Those of the disk.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    point::enter(Need::Space, "disk.syncDirectory", &path.display())?;
    fs::File::open(path)?.sync_all()
}

/// The directory that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

impl File {
    /// Writes bytes in one piece, for logs whose lines a killed process leaves whole: only a loss of power tears them.
    ///
    /// # Errors
    /// Those of the disk; some of the bytes may be written then.
    pub fn write_at_once(&mut self, bytes: &[u8]) -> io::Result<()> {
        point::enter(Need::Space, "disk.write", &self.path.display())?;
        self.file.write_all(bytes)
    }

    /// Cuts the file, or adds zeros, so that it has this many bytes.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        point::enter(Need::Disk, "disk.truncate", &self.path.display())?;
        self.file.set_len(length)
    }

    /// Writes content and metadata to the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync_all(&self) -> io::Result<()> {
        point::enter(Need::Space, "disk.sync", &self.path.display())?;
        self.file.sync_all()
    }

    /// Writes the content, and what is needed to find it, to the disk.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync_data(&self) -> io::Result<()> {
        point::enter(Need::Space, "disk.sync", &self.path.display())?;
        self.file.sync_data()
    }

    /// Waits for the operating system's lock on the file, which is let go of when the file is dropped.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn lock(&self) -> io::Result<()> {
        self.file.lock()
    }

    /// Takes the operating system's lock on the file, where nobody has it.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] where somebody has it, and those of the disk.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }

    /// What the disk says about the file.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

impl Write for &File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in point::pieces(bytes) {
            point::enter(Need::Space, "disk.write", &self.path.display())?;
            (&self.file).write_all(piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        (&self.file).seek(position)
    }
}

impl Seek for File {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}
