//! What a user is told when a disk does not take what is written.

use std::io;
use std::path::Path;

use crate::disk::parent;

/// Why, in words, as in `no space left on device`: without the error number that the standard library adds.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// What to do so that a file can be written, as in `free space on the filesystem of DIRECTORY`.
pub fn remedy(path: &Path, error: &io::Error) -> String {
    let directory = parent(path).display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("free space on the filesystem of {directory}")
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("make the filesystem of {directory} writable"),
        io::ErrorKind::PermissionDenied => format!("make sure that you may write to {directory}"),
        io::ErrorKind::NotFound => format!("make the directory {directory}"),
        io::ErrorKind::IsADirectory => format!("move the directory {} away", path.display()),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            format!("move the file away that stands where the directory {directory} has to be")
        }
        _ => format!("see to the filesystem of {directory}"),
    }
}
