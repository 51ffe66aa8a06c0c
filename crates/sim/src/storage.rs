//! The fleet on disk: a snapshot, and a log of the mutations since.
//!
//! `fleet.json` is the snapshot and is only ever replaced whole. `fleet.log` starts with a header line; after it, each
//! mutation is one line, written by one `write(2)` and not synced: the sandbox plays hosts, whose memory survives the
//! death of a hactl process. Both name a generation, so that a log that was folded into a newer snapshot, but not yet
//! emptied, is not replayed twice. Reading changes neither file.

use std::fs::{self, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hactl_effect::disk::{self, Access, File};
use hactl_effect::durable;
use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::fleet::Fleet;
use crate::mutation::{Mutation, apply};

/// Where a fleet is kept, and the right to change it once taken.
#[derive(Debug)]
pub(crate) struct Storage {
    directory: PathBuf,
    generation: u64,
    seed: u64,
    /// Bytes of the log that were read or written: up to the end of the last whole line.
    log_length: u64,
    seen: Seen,
    /// Open and locked from the first change on.
    log: Option<File>,
    line: Vec<u8>,
}

/// What the files looked like when they were read: inode and length of each.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Seen {
    snapshot: Option<(u64, u64)>,
    log: Option<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u64,
    generation: u64,
    seed: u64,
}

#[derive(Serialize)]
struct SnapshotRef<'a> {
    format: u64,
    generation: u64,
    fleet: &'a Fleet,
}

#[derive(Deserialize)]
struct Snapshot {
    format: u64,
    generation: u64,
    fleet: Fleet,
}

/// The version of both files' format.
const FORMAT: u64 = 1;
/// A log smaller than this, in bytes, is never folded.
const FOLD_FROM: u64 = 1 << 20;
const SNAPSHOT: &str = "fleet.json";
const SNAPSHOT_NEW: &str = "fleet.json.new";
const LOG: &str = "fleet.log";

impl Storage {
    /// Reads the fleet kept in a directory; a new one of this seed where there is none.
    pub(crate) fn open(directory: &Path, seed: u64) -> Result<(Self, Fleet), SandboxError> {
        let mut storage = Self {
            directory: directory.to_owned(),
            generation: 0,
            seed,
            log_length: 0,
            seen: Seen::default(),
            log: None,
            line: Vec::new(),
        };
        let fleet = storage.load()?;
        Ok((storage, fleet))
    }

    /// Takes the right to change the fleet, where it is kept on disk already: locks it, reads it anew if another
    /// process has changed it since, and folds a long log. The lock is held until the storage is dropped.
    ///
    /// # Errors
    /// [`SandboxError::Busy`] while another process has that right.
    pub(crate) fn acquire(&mut self, fleet: &mut Fleet) -> Result<(), SandboxError> {
        if self.log.is_some() || self.look()? == Seen::default() {
            return Ok(());
        }
        self.lock(fleet)
    }

    /// Reads the fleet anew, where another process has changed it since and this one may not change it yet.
    pub(crate) fn catch_up(&mut self, fleet: &mut Fleet) -> Result<(), SandboxError> {
        if self.log.is_none() && self.look()? != self.seen {
            *fleet = self.load()?;
        }
        Ok(())
    }

    /// Appends a mutation, before it is applied. A line that could not be written whole does not count.
    pub(crate) fn append(&mut self, fleet: &mut Fleet, mutation: &Mutation) -> Result<(), SandboxError> {
        if self.log.is_none() {
            self.lock(fleet)?;
        }
        let path = self.directory.join(LOG);
        let Some(log) = &mut self.log else { return Ok(()) };
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, mutation).map_err(io::Error::from);
        self.line.push(b'\n');
        if let Err(error) = written.and_then(|()| log.write_at_once(&self.line)) {
            // The next change opens the log anew, and cuts off what was written of this line.
            self.log = None;
            return Err(SandboxError::file("write", path, error));
        }
        self.log_length += self.line.len() as u64;
        Ok(())
    }

    /// Forgets the fleet kept in a directory. Other files there stay.
    pub(crate) fn reset(directory: &Path) -> Result<(), SandboxError> {
        let path = directory.join(LOG);
        let _lock = match disk::reopen_to_append(&path) {
            Ok(log) => Some(try_lock(log, directory)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(SandboxError::file("open", path, error)),
        };
        for name in [SNAPSHOT_NEW, SNAPSHOT, LOG] {
            let path = directory.join(name);
            match disk::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(SandboxError::file("remove", path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn lock(&mut self, fleet: &mut Fleet) -> Result<(), SandboxError> {
        let made = durable::create_private_directory(&self.directory);
        made.map_err(|error| SandboxError::file("make", &self.directory, error))?;
        let path = self.directory.join(LOG);
        let opened = disk::open_to_append(&path, Access::Owner);
        let log = try_lock(opened.map_err(|error| SandboxError::file("open", &path, error))?, &self.directory)?;

        let before = self.seen;
        let now = self.look()?;
        let locked = log.metadata().map_err(|error| SandboxError::file("read", &path, error))?;
        if now.log.is_none_or(|(inode, _)| inode != locked.ino()) {
            return Err(SandboxError::Busy { directory: self.directory.clone() });
        }
        let fresh = before.log.is_none() && now.log.is_some_and(|(_, length)| length == 0);
        if now != before && !(fresh && now.snapshot == before.snapshot) {
            *fleet = self.load()?;
        }
        let snapshot_length = self.seen.snapshot.map_or(0, |(_, length)| length);
        if self.log_length > FOLD_FROM.max(snapshot_length) {
            self.write_snapshot(fleet)?;
            self.log_length = 0;
        }
        self.start_log(log).map_err(|error| SandboxError::file("write", path, error))
    }

    /// Cuts off a torn line, and writes the header of a new log.
    fn start_log(&mut self, mut log: File) -> io::Result<()> {
        if log.metadata()?.len() != self.log_length {
            log.set_len(self.log_length)?;
        }
        if self.log_length == 0 {
            let header = Header { format: FORMAT, generation: self.generation, seed: self.seed };
            let mut line = serde_json::to_vec(&header)?;
            line.push(b'\n');
            log.write_all(&line)?;
            self.log_length = line.len() as u64;
        }
        self.log = Some(log);
        Ok(())
    }

    fn write_snapshot(&mut self, fleet: &Fleet) -> Result<(), SandboxError> {
        let path = self.directory.join(SNAPSHOT_NEW);
        let snapshot = SnapshotRef { format: FORMAT, generation: self.generation + 1, fleet };
        let write = || -> io::Result<()> {
            match disk::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let file = disk::create_new(&path, Access::Owner)?;
            let mut buffered = io::BufWriter::with_capacity(1 << 18, file);
            serde_json::to_writer(&mut buffered, &snapshot)?;
            buffered.flush()?;
            disk::rename(&path, &self.directory.join(SNAPSHOT))
        };
        write().map_err(|error| SandboxError::file("write", &path, error))?;
        self.generation += 1;
        Ok(())
    }

    fn look(&self) -> Result<Seen, SandboxError> {
        let stamp = |name| {
            let path = self.directory.join(name);
            match fs::metadata(&path) {
                Ok(metadata) => Ok(Some((metadata.ino(), metadata.len()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(SandboxError::file("read", path, error)),
            }
        };
        Ok(Seen { snapshot: stamp(SNAPSHOT)?, log: stamp(LOG)? })
    }

    fn load(&mut self) -> Result<Fleet, SandboxError> {
        self.seen = self.look()?;
        self.generation = 0;
        let mut fleet = Fleet::new(self.seed);
        let path = self.directory.join(SNAPSHOT);
        if self.seen.snapshot.is_some() {
            let bytes = fs::read(&path).map_err(|error| SandboxError::file("read", &path, error))?;
            let snapshot = parse_snapshot(&path, &bytes)?;
            self.generation = snapshot.generation;
            fleet = snapshot.fleet;
            self.seed = fleet.seed;
        }
        self.log_length = 0;
        if self.seen.log.is_some() {
            self.replay(&mut fleet)?;
        }
        Ok(fleet)
    }

    fn replay(&mut self, fleet: &mut Fleet) -> Result<(), SandboxError> {
        let path = self.directory.join(LOG);
        let fail = |error| SandboxError::file("read", &path, error);
        let mut log = BufReader::with_capacity(1 << 16, fs::File::open(&path).map_err(fail)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let length = log.read_until(b'\n', &mut line).map_err(fail)?;
            // A last line without its end was torn by the death of its writer: its mutation never happened.
            if line.pop() != Some(b'\n') {
                return Ok(());
            }
            let damaged = |reason: String| SandboxError::Damaged { path: path.clone(), line: Some(number), reason };
            if number == 1 {
                let header = parse_header(&path, &line)?;
                if header.generation < self.generation {
                    return Ok(());
                }
                if header.generation > self.generation {
                    return Err(damaged("the snapshot that it continues is missing".to_owned()));
                }
                self.seed = header.seed;
                fleet.seed = header.seed;
            } else {
                let mutation = serde_json::from_slice(&line).map_err(|error| damaged(error.to_string()))?;
                apply(fleet, mutation);
            }
            self.log_length += length as u64;
        }
        Ok(())
    }
}

fn parse_snapshot(path: &Path, bytes: &[u8]) -> Result<Snapshot, SandboxError> {
    let snapshot: Snapshot = serde_json::from_slice(bytes).map_err(|error| unreadable(path, bytes, None, &error))?;
    if snapshot.format > FORMAT {
        return Err(newer(path, snapshot.format));
    }
    Ok(snapshot)
}

fn parse_header(path: &Path, line: &[u8]) -> Result<Header, SandboxError> {
    let header: Header = serde_json::from_slice(line).map_err(|error| unreadable(path, line, Some(1), &error))?;
    if header.format > FORMAT {
        return Err(newer(path, header.format));
    }
    Ok(header)
}

/// Content of a newer format may well not parse: it is told from a damaged one by its format alone.
fn unreadable(path: &Path, bytes: &[u8], line: Option<usize>, error: &serde_json::Error) -> SandboxError {
    #[derive(Deserialize)]
    struct Format {
        format: u64,
    }
    match serde_json::from_slice::<Format>(bytes) {
        Ok(found) if found.format > FORMAT => newer(path, found.format),
        _ => SandboxError::Damaged { path: path.to_owned(), line, reason: error.to_string() },
    }
}

fn newer(path: &Path, found: u64) -> SandboxError {
    SandboxError::NewerFormat { path: path.to_owned(), found, known: FORMAT }
}

fn try_lock(file: File, directory: &Path) -> Result<File, SandboxError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SandboxError::Busy { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(SandboxError::file("lock", directory.join(LOG), error)),
    }
}
