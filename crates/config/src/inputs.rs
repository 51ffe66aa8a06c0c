//! The files that a config names: read once each, relative to the config's directory.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hactl_core::eval::EvalError;
use hactl_core::expr::Expr;
use hactl_core::{Digest, DigestOfPieces};

use crate::expression::parse_template_text;

/// The largest file whose content a config may use in its values, in bytes.
pub const INPUT_LIMIT: u64 = 64 * 1024 * 1024;

type Content = Result<Arc<[u8]>, EvalError>;

/// Reads files on first use and remembers them, so that one run sees one content of each.
pub struct Inputs {
    directory: PathBuf,
    files: Mutex<BTreeMap<String, Content>>,
    /// Digest and size of files that are not held in memory.
    large: Mutex<BTreeMap<String, (Digest, u64)>>,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub enum Source {
    /// Its bytes.
    Small(Arc<[u8]>),
    /// What is known of a file that is too large to be held in memory.
    Large {
        /// SHA-256 of its content.
        sha256: Digest,
        /// Bytes.
        size: u64,
    },
}

/// The digest and size of a file, which is read piece by piece.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of_file(path: &Path) -> std::io::Result<(Digest, u64)> {
    let mut file = fs::File::open(path)?;
    let mut digest = DigestOfPieces::default();
    let mut piece = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((digest.finish(), size)),
            read => {
                digest.take(&piece[..read]);
                size += read as u64;
            }
        }
    }
}

impl Inputs {
    /// Files relative to a directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), files: Mutex::default(), large: Mutex::default() }
    }

    /// The content of a file, by its path as the config has it.
    ///
    /// # Errors
    /// When the file cannot be read or is over [`INPUT_LIMIT`].
    pub fn bytes(&self, path: &str) -> Result<Arc<[u8]>, EvalError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = files.get(path) {
            return content.clone();
        }
        let content = read(&self.directory.join(path), path);
        files.insert(path.to_owned(), content.clone());
        content
    }

    /// What a file of any size holds: the content of one of at most `small` bytes, else its digest.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn source(&self, path: &str, small: u64) -> Result<Source, EvalError> {
        let file = self.directory.join(path);
        if fs::metadata(&file).is_ok_and(|about| about.len() <= small) {
            return self.bytes(path).map(Source::Small);
        }
        let mut large = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((sha256, size)) = large.get(path) {
            return Ok(Source::Large { sha256: *sha256, size: *size });
        }
        let (sha256, size) = digest_of_file(&file).map_err(|error| unreadable(&file, path, &error))?;
        large.insert(path.to_owned(), (sha256, size));
        Ok(Source::Large { sha256, size })
    }

    /// The content of a file as text.
    ///
    /// # Errors
    /// As [`Inputs::bytes`], and when it is not UTF-8; the message names the byte.
    pub fn text(&self, path: &str) -> Result<Arc<str>, EvalError> {
        let bytes = self.bytes(path)?;
        std::str::from_utf8(&bytes).map(Arc::from).map_err(|error| {
            eval_error(
                format!("the file `{path}` is not UTF-8 text: byte {} is invalid", error.valid_up_to()),
                "name it under `source:`, which takes any bytes, instead of `content:`",
            )
        })
    }

    /// A file's text, parsed as a template.
    ///
    /// # Errors
    /// As [`Inputs::text`], and when it is no template; the message names the line.
    pub fn template(&self, path: &str) -> Result<Expr, EvalError> {
        let text = self.text(path)?;
        parse_template_text(&text).map_err(|error| {
            let before = text.as_bytes().iter().take(error.at as usize);
            let line = before.filter(|byte| **byte == b'\n').count() + 1;
            let failed = EvalError::new(format!("`{path}` line {line}: {}", error.message));
            match error.help {
                Some(help) => failed.help(help),
                None => failed,
            }
        })
    }

    /// The SHA-256 of every file read so far, by its path as the config has it.
    pub fn digests(&self) -> BTreeMap<String, Digest> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let large = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        files
            .iter()
            .filter_map(|(path, content)| Some((path.clone(), Digest::sha256(content.as_ref().ok()?))))
            .chain(large.iter().map(|(path, (sha256, _))| (path.clone(), *sha256)))
            .collect()
    }
}

/// Shows paths only: a file may hold a secret.
impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Inputs")
            .field("directory", &self.directory)
            .field("files", &files.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Why something has no value, and what to do about it.
pub(crate) fn eval_error(message: impl Into<String>, help: impl Into<String>) -> EvalError {
    EvalError::new(message).help(help)
}

fn unreadable(file: &Path, path: &str, error: &std::io::Error) -> EvalError {
    eval_error(
        format!("cannot read the file `{path}`: {}", io_reason(error)),
        format!("relative paths start at the config's directory; this one is {}", file.display()),
    )
}

fn read(file: &Path, path: &str) -> Content {
    let mut bytes = Vec::new();
    let read = fs::File::open(file).and_then(|open| open.take(INPUT_LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(file, path, &error))?;
    if bytes.len() as u64 > INPUT_LIMIT {
        let limit = INPUT_LIMIT / (1024 * 1024);
        return Err(eval_error(
            format!("the file `{path}` is larger than {limit} MiB"),
            "name it under `source:`, which takes files of any size",
        ));
    }
    Ok(bytes.into())
}

/// An error of the operating system without its number.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
