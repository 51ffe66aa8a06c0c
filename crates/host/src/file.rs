//! Files on a host.

use std::path::PathBuf;
use std::sync::Arc;

use hactl_core::{Address, Digest, Sensitive};
use serde::{Deserialize, Serialize};

/// A file as it is on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileStat {
    /// SHA-256 of the content.
    pub sha256: Digest,
    /// Permission bits in octal, four digits: `0644`.
    pub mode: String,
    /// Owner's name, or number where it has no name.
    pub owner: String,
    /// Group's name, or number where it has no name.
    pub group: String,
    /// Owner's number, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_number: Option<u32>,
    /// Group's number, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_number: Option<u32>,
    /// The content, where it was asked for, is UTF-8 and at most [`FileStat::MAX_TEXT`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl FileStat {
    /// The largest content, in bytes, that is fetched to show a text diff.
    pub const MAX_TEXT: usize = 64 * 1024;
}

/// What a file is to hold.
#[derive(Clone, PartialEq, Eq)]
pub enum FileContent {
    /// These bytes, which may be a secret.
    Bytes(Arc<Sensitive<Vec<u8>>>),
    /// What a file of this machine holds; it is read while it is sent. Refused on the host where it turns out to be
    /// something else.
    Local {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// SHA-256 of its content.
        sha256: Digest,
    },
}

impl FileContent {
    /// Why a local file is refused whose content is not the expected one.
    pub const CHANGED: &'static str = "the source has changed since the plan was made; make a new plan";

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.expose().len() as u64,
            Self::Local { size, .. } => *size,
        }
    }
}

impl<T: Into<Vec<u8>>> From<T> for FileContent {
    fn from(bytes: T) -> Self {
        Self::Bytes(Arc::new(Sensitive::new(bytes.into())))
    }
}

/// A file to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct FileWrite {
    /// Absolute path on the host.
    pub path: String,
    /// The whole content.
    pub content: FileContent,
    /// Permission bits in octal, four digits: `0644`.
    pub mode: String,
    /// Owner's name or number; the connecting user where none is given.
    pub owner: Option<String>,
    /// Group's name or number; the owner's where none is given.
    pub group: Option<String>,
    /// Whose inventory records the file.
    pub lineage: String,
    /// The resource it belongs to.
    pub address: Address,
    /// Keep a copy of a foreign file found at the path, to be restored on destroy. Without it, a foreign file is
    /// a [`crate::HostError::Conflict`].
    pub adopt: bool,
    /// State holds the file: one that no inventory records is ours all the same, its inventory was lost.
    pub owned: bool,
    /// Refuse to write it where it would be on a disk.
    pub tmpfs: bool,
}

impl FileWrite {
    /// Why a file is refused that would be on a disk.
    pub const NOT_IN_MEMORY: &'static str = "is not on a tmpfs, as `tmpfs: true` asks for; /run is one on most hosts";
}

/// Never shows the content, which may be a secret.
impl std::fmt::Debug for FileWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileWrite({}, {} bytes)", self.path, self.content.size())
    }
}

/// A file of somebody else that becomes the stack's as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAdoption {
    /// Absolute path on the host.
    pub path: String,
    /// Whose inventory records the file.
    pub lineage: String,
    /// The resource it belongs to.
    pub address: Address,
}

impl FileAdoption {
    /// Why a file is not adopted that is gone.
    pub const GONE: &'static str = "is no longer there to be adopted";
}

/// A file to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRemoval {
    /// Absolute path on the host.
    pub path: String,
    /// Whose inventory says what else to remove or restore.
    pub lineage: String,
    /// The resource it belongs to.
    pub address: Address,
    /// State holds the file: one that no inventory records is ours all the same, its inventory was lost.
    pub owned: bool,
}

/// An absolute path without empty, `.` and `..` components.
///
/// # Errors
/// As a clause, when it is not absolute or holds what no script and no inventory can: NUL bytes and line breaks.
pub fn normal_path(path: &str) -> Result<String, &'static str> {
    if !path.starts_with('/') {
        return Err("the path is not absolute");
    }
    if path.contains(['\0', '\n', '\r']) {
        return Err("the path holds a NUL byte or a line break");
    }
    let mut components = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            name => components.push(name),
        }
    }
    Ok(format!("/{}", components.join("/")))
}

/// Permission bits as four octal digits; none where the text is no such number.
pub fn normal_mode(mode: &str) -> Option<String> {
    let bits = u32::from_str_radix(mode, 8).ok().filter(|bits| *bits <= 0o7777)?;
    Some(format!("{bits:04o}"))
}
