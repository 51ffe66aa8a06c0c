//! The files of one stack: reading, writing and recovering its state.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use hactl_core::state::{ClusterState, Encryption, Intent, NodeState, ResourceState, State};
use hactl_core::value::Map;
use hactl_core::{Address, Digest};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::durable::{self, Access, Staged};
use crate::error::{FileKind, StateError};
use crate::journal::Journal;
use crate::replay::{self, FoldedJournal};
use crate::sealed::{self, Flaw};

/// Where the state of one stack lives: `<directory>/<stack>.json`, with `.<stack>.journal` and `.<stack>.lock` beside
/// it.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    stack: String,
}

/// Whether a stack's state can be used.
#[derive(Debug)]
pub enum Condition {
    /// There is none.
    Absent,
    /// It can be read.
    Good,
    /// It, or the journal that continues it, cannot be used, for this reason.
    Damaged(StateError),
}

/// What is true of a stack, as far as its files tell.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The state, with what an interrupted apply did folded in; none for a stack that was never applied.
    pub state: Option<State>,
    /// Tells this state from any other: the checksum of the state file, or one over it and a journal folded in.
    pub digest: Option<Digest>,
    /// The journal of an interrupted (or still running) apply, where one was folded in.
    pub journal: Option<FoldedJournal>,
}

impl Store {
    /// The files of a stack; nothing is read or made yet. The stack's name must be fit for a file name.
    pub fn new(directory: &Path, stack: &str) -> Self {
        Self { directory: directory.to_owned(), stack: stack.to_owned() }
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The directory that the files are in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state file. Where it is a symbolic link it stays one: the file that it leads to is written.
    pub fn state_path(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.stack))
    }

    /// The journal, which is there only while an apply runs and after one was interrupted.
    pub fn journal_path(&self) -> PathBuf {
        self.directory.join(format!(".{}.journal", self.stack))
    }

    /// The file that the lock is held on.
    pub fn lock_path(&self) -> PathBuf {
        self.directory.join(format!(".{}.lock", self.stack))
    }

    /// Reads the state, and folds a journal in. Writes nothing.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, newer than this build, or another stack's.
    pub fn load(&self) -> Result<Loaded, StateError> {
        match self.load_once() {
            // An apply that ended between the two reads; the second look sees its result.
            Err(StateError::UnrelatedJournal { .. }) => self.load_once(),
            result => result,
        }
    }

    /// Says whether there is a state that can be used. A state file that reads is good, whatever the journal is.
    ///
    /// # Errors
    /// When that cannot be told: a file cannot be read, is newer than this build, or another stack's.
    pub fn condition(&self) -> Result<Condition, StateError> {
        let damage = match self.load() {
            Ok(Loaded { state: None, .. }) => return Ok(Condition::Absent),
            Ok(Loaded { state: Some(_), .. }) => return Ok(Condition::Good),
            Err(
                damage @ (StateError::Flawed { .. }
                | StateError::DamagedJournal { .. }
                | StateError::UnrelatedJournal { .. }),
            ) => damage,
            Err(error) => return Err(error),
        };
        match damage {
            StateError::Flawed { flaw: Flaw::Newer { .. }, .. } => Err(damage),
            damage if matches!(self.read_state(), Ok(Some(_))) => {
                tracing::warn!(%damage, "the state reads, its journal does not");
                Ok(Condition::Good)
            }
            damage => Ok(Condition::Damaged(damage)),
        }
    }

    /// The highest serial that the state file and the journal name, however damaged they are; 0 where they name none.
    pub fn named_serial(&self) -> u64 {
        let files = [self.state_path(), self.journal_path()];
        files.iter().filter_map(|path| serial_in(&std::fs::read(path).ok()?)).max().unwrap_or(0)
    }

    /// Keeps copies of the state file and the journal beside them, as `<stack>.json.WORD-1` or the next number that is free,
    /// and removes the journal. Gives the copies' paths. The lock must be held.
    ///
    /// # Errors
    /// When a file cannot be copied or removed; then all are as they were, or copied.
    pub fn set_aside(&self, word: &str) -> Result<Vec<PathBuf>, StateError> {
        let named = |path: &Path, number: u32| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.with_file_name(format!("{name}.{word}-{number}"))
        };
        let files = [(FileKind::State, self.state_path()), (FileKind::Journal, self.journal_path())];
        let is_free = |number: &u32| files.iter().all(|(_, path)| !named(path, *number).exists());
        let number = (1..).find(is_free).unwrap_or_default();
        let mut copies = Vec::new();
        for (file, path) in files.iter().filter(|(_, path)| path.exists()) {
            let copy = named(path, number);
            durable::copy(path, &copy).map_err(|source| StateError::unwritable(*file, &copy, source))?;
            copies.push(copy);
        }
        self.discard_journal()?;
        Ok(copies)
    }

    /// Writes what was folded in, and removes the journal, where nobody looked at hosts to settle what is unfinished. The lock
    /// must be held.
    ///
    /// The digest changes where there was a journal, so a saved plan is checked before this.
    ///
    /// # Errors
    /// When a file cannot be written; both then still say what is true.
    pub fn recover(&self, loaded: Loaded) -> Result<Loaded, StateError> {
        let Some(state) = loaded.state.clone() else {
            self.discard_journal()?;
            return Ok(loaded);
        };
        let digest = self.settle(loaded, &state)?;
        Ok(Loaded { state: Some(state), digest, journal: None })
    }

    /// Writes what was folded in, with every unfinished step settled and every move made, and removes the journal: an apply
    /// begins with this, and its own journal continues that state. Gives the state file's checksum; none where there is no
    /// state yet. The lock must be held. Where nothing differs nothing is written.
    ///
    /// What a run makes of unfinished steps has to be on disk before its first intent, which takes their place.
    ///
    /// # Errors
    /// When a file cannot be written; both then still say what is true.
    pub fn settle(&self, loaded: Loaded, settled: &State) -> Result<Option<Digest>, StateError> {
        if let Some(folded) = &loaded.journal {
            return Journal::reopen(self, folded)?.finish(settled).map(Some);
        }
        self.discard_journal()?;
        match loaded.state {
            Some(state) if state != *settled => self.save(settled).map(Some),
            _ => Ok(loaded.digest),
        }
    }

    /// Writes the state where no apply was journaled; gives the file's checksum. The lock must be held, and
    /// [`Store::recover`] have dealt with a journal.
    ///
    /// # Errors
    /// When a journal is there, which would no longer fit the state, or a file cannot be written.
    pub fn save(&self, state: &State) -> Result<Digest, StateError> {
        let journal = self.journal_path();
        if journal.exists() {
            return Err(StateError::PendingJournal { path: journal });
        }
        let (staged, digest) = self.stage(state)?;
        self.commit(staged)?;
        Ok(digest)
    }

    pub(crate) fn stage(&self, state: &State) -> Result<(Staged, Digest), StateError> {
        let named = self.state_path();
        let path = durable::create_directory(&self.directory)
            .and_then(|()| durable::follow_links(&named))
            .map_err(|source| StateError::unwritable(FileKind::State, &named, source))?;
        let staged = durable::stage(&path, Access::Umask, |file| sealed::write(file, state))
            .map_err(|source| StateError::unwritable(FileKind::State, &path, source))?;
        let resources = state.resources.len();
        tracing::debug!(path = %path.display(), serial = state.serial, resources, "state ready beside its place");
        Ok(staged)
    }

    pub(crate) fn commit(&self, staged: Staged) -> Result<(), StateError> {
        let path = staged.path().to_owned();
        staged.commit().map_err(|source| StateError::unwritable(FileKind::State, &path, source))?;
        tracing::info!(path = %path.display(), "state written");
        Ok(())
    }

    /// Removes the journal of an apply that saved its state, where there is one. The lock must be held.
    ///
    /// # Errors
    /// When it cannot be removed; it then does no harm.
    pub fn discard_journal(&self) -> Result<(), StateError> {
        let path = self.journal_path();
        durable::remove(&path).map_err(|source| StateError::unwritable(FileKind::Journal, &path, source))?;
        tracing::debug!(path = %path.display(), "no journal left");
        Ok(())
    }

    fn load_once(&self) -> Result<Loaded, StateError> {
        let (state, digest) = self.read_state()?.unzip();
        let serial = state.as_ref().map(|state| state.serial);
        let resources = state.as_ref().map(|state| state.resources.len());
        tracing::debug!(path = %self.state_path().display(), serial, resources, "state read");
        let journal = replay::read(&self.journal_path(), &self.stack)?
            .filter(|journal| journal.saved.is_none() || journal.saved != digest);
        let Some(journal) = journal else {
            return Ok(Loaded { state, digest, journal: None });
        };
        let (state, digest, folded) = journal.fold(state, digest, &self.journal_path())?;
        tracing::info!(path = %self.journal_path().display(), records = folded.records, "journal of an unfinished apply read");
        Ok(Loaded { state: Some(state), digest: Some(digest), journal: Some(folded) })
    }

    fn read_state(&self) -> Result<Option<(State, Digest)>, StateError> {
        let path = self.state_path();
        read(FileKind::State, &path)?.map(|bytes| self.parse(&bytes, &path)).transpose()
    }

    /// What the bytes of a state file of this stack say; `path` is for messages.
    pub(crate) fn parse(&self, bytes: &[u8], path: &Path) -> Result<(State, Digest), StateError> {
        let (document, digest) =
            sealed::read::<Document>(bytes).map_err(|flaw| StateError::flawed(FileKind::State, path, flaw))?;
        if document.stack != self.stack {
            return Err(StateError::OtherStack {
                file: FileKind::State,
                path: path.to_owned(),
                found: document.stack,
                wanted: self.stack.clone(),
            });
        }
        if document.serial >= HIGHEST {
            let flaw = Flaw::Malformed(format!("no state has the serial {}", document.serial));
            return Err(StateError::flawed(FileKind::State, path, flaw));
        }
        Ok((document.into(), digest))
    }
}

/// Reads a whole file; none where there is none.
pub(crate) fn read(file: FileKind, path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateError::Unreadable { file, path: path.to_owned(), source }),
    }
}

/// The fields of a state file of format 1: those of [`State`], between `format` and `sha256`.
///
/// Spelled out, so that a field that is new in [`State`] is also a decision about the format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    stack: String,
    lineage: String,
    serial: u64,
    #[serde(default)]
    encryption: Option<Encryption>,
    #[serde(default)]
    variables: Map,
    #[serde(default)]
    nodes: BTreeMap<String, NodeState>,
    #[serde(default)]
    cluster: Option<ClusterState>,
    #[serde(default)]
    outputs: Map,
    #[serde(default)]
    resources: BTreeMap<Address, ResourceState>,
    #[serde(default)]
    unfinished: BTreeMap<Address, Intent>,
    #[serde(rename = "sha256")]
    _sha256: IgnoredAny,
}

impl From<Document> for State {
    fn from(document: Document) -> Self {
        Self {
            stack: document.stack,
            lineage: document.lineage,
            serial: document.serial,
            encryption: document.encryption,
            variables: document.variables,
            nodes: document.nodes,
            cluster: document.cluster,
            outputs: document.outputs,
            resources: document.resources,
            unfinished: document.unfinished,
        }
    }
}

/// The serial that the bytes of a state or a journal name, however damaged they are; none where they name none that hactl can have
/// counted to.
pub(crate) fn serial_in(bytes: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("\"serial\":")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|serial| *serial < HIGHEST)
}

/// No stack is applied so often: a serial beyond it is damage.
const HIGHEST: u64 = 1 << 40;
