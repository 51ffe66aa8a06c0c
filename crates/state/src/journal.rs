//! The journal: what an apply is about to do and what came of it, on disk before and after every effect.
//!
//! One line per record: the first eight hexadecimal digits of the SHA-256 of the rest, a space, JSON. The first line
//! is the [`Header`].

use std::io;
use std::time::Instant;

use hactl_core::state::{ClusterState, Encryption, Intent, NodeState, Outcome, State};
use hactl_core::{Address, Digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::durable::{self, Log};
use crate::error::{FileKind, StateError};
use crate::replay::FoldedJournal;
use crate::store::Store;

/// What a journal belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// The format: [`crate::FORMAT`].
    pub format: u32,
    /// The stack's name.
    pub stack: String,
    /// The stack's identity.
    pub lineage: String,
    /// The serial that the state will have after the apply: one more than before it.
    pub serial: u64,
    /// The checksum of the state file that it continues; none where there is none yet. A state of the same serial may be
    /// another one: that of another branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Digest>,
    /// The digest of the plan that is applied.
    pub plan: Digest,
    /// What is encrypted in it is for these, under this key; for a first apply it is nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
}

/// One thing that happened in an apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Record {
    /// A node is about to be touched; how it was reached must not be forgotten before what is on it.
    Node {
        /// The node's name.
        name: String,
        /// How it is reached and which machine it is.
        node: NodeState,
    },
    /// The cluster is about to be touched.
    Cluster(ClusterState),
    /// A step is about to begin.
    Intent {
        /// The resource.
        address: Address,
        /// What will be done.
        intent: Intent,
    },
    /// A step ended.
    Outcome {
        /// The resource.
        address: Address,
        /// How.
        outcome: Outcome,
    },
    /// Something that these depend on changed, and they are yet to be told.
    Notify(Vec<Address>),
    /// The state file with this checksum holds everything above. Only [`Journal::save`] writes it.
    Saved(Digest),
}

impl Record {
    /// Changes a state the way this record says: the same while an apply runs and when its journal is read later.
    pub fn fold(self, state: &mut State) {
        match self {
            Self::Node { name, node } => {
                state.nodes.insert(name, node);
            }
            Self::Cluster(cluster) => state.cluster = Some(cluster),
            Self::Intent { address, intent } => state.begin(&address, intent),
            Self::Outcome { address, outcome } => state.end(&address, outcome),
            Self::Notify(addresses) => {
                for address in addresses {
                    if let Some(resource) = state.resources.get_mut(&address) {
                        resource.notified = true;
                    }
                }
            }
            Self::Saved(_) => {}
        }
    }

    /// Tells the log what it is about, without the values in it.
    fn trace(&self) {
        match self {
            Self::Node { name, .. } => tracing::trace!(node = name, "node"),
            Self::Cluster(_) => tracing::trace!("cluster"),
            Self::Intent { address, intent } => {
                tracing::trace!(%address, operation = ?intent.operation, "intent");
            }
            Self::Outcome { address, outcome } => {
                tracing::trace!(%address, done = matches!(outcome, Outcome::Done(_)), "outcome");
            }
            Self::Notify(addresses) => tracing::trace!(resources = addresses.len(), "to be told of a change"),
            Self::Saved(_) => tracing::trace!("state saved"),
        }
    }
}

/// The journal of a running apply.
#[derive(Debug)]
pub struct Journal {
    store: Store,
    log: Log,
}

impl Journal {
    /// Begins a journal. The lock must be held, and [`Store::recover`] have dealt with an earlier one.
    ///
    /// # Errors
    /// When an earlier journal is still there, or the file cannot be made.
    pub fn create(store: &Store, header: &Header) -> Result<Self, StateError> {
        let path = store.journal_path();
        let unwritable = |source| StateError::unwritable(FileKind::Journal, &path, source);
        durable::create_directory(store.directory()).map_err(unwritable)?;
        let first = lines(std::slice::from_ref(header)).map_err(unwritable)?;
        let log = Log::create(&path, &first).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => StateError::PendingJournal { path: path.clone() },
            _ => unwritable(source),
        })?;
        tracing::debug!(path = %path.display(), serial = header.serial, "journal begun");
        Ok(Self { store: store.clone(), log })
    }

    /// Adds records, however many, with one write and one sync. When it returns they are on disk.
    ///
    /// # Errors
    /// When they cannot be written. None of them then counts, and no step that depends on one may begin.
    pub fn append(&mut self, records: &[Record]) -> Result<(), StateError> {
        records.iter().for_each(Record::trace);
        let started = Instant::now();
        let bytes = lines(records)
            .and_then(|bytes| self.log.append(&bytes).map(|()| bytes.len()))
            .map_err(|source| StateError::unwritable(FileKind::Journal, &self.store.journal_path(), source))?;
        tracing::debug!(records = records.len(), bytes, elapsed = ?started.elapsed(), "journal synced");
        Ok(())
    }

    /// Writes the state that the apply came to; gives the state file's checksum. The journal is left, and says that its
    /// state is saved: [`Store::discard_journal`] removes it once the state is committed.
    ///
    /// # Errors
    /// When a file cannot be written. The journal then still holds what is true.
    pub fn save(mut self, state: &State) -> Result<Digest, StateError> {
        let (staged, digest) = self.store.stage(state)?;
        self.append(&[Record::Saved(digest)])?;
        self.store.commit(staged)?;
        Ok(digest)
    }

    /// Writes the state that the apply came to, and removes the journal; gives the state file's checksum.
    ///
    /// # Errors
    /// When a file cannot be written. The journal then still holds what is true.
    pub fn finish(self, state: &State) -> Result<Digest, StateError> {
        let store = self.store.clone();
        let digest = self.save(state)?;
        store.discard_journal()?;
        Ok(digest)
    }

    /// Goes on with a journal that was read, after its last whole line.
    pub(crate) fn reopen(store: &Store, folded: &FoldedJournal) -> Result<Self, StateError> {
        let path = store.journal_path();
        let log = Log::reopen(&path, folded.length)
            .map_err(|source| StateError::unwritable(FileKind::Journal, &path, source))?;
        Ok(Self { store: store.clone(), log })
    }
}

/// The digits that a line with this JSON begins with.
pub(crate) fn line_checksum(json: &[u8]) -> String {
    Sha256::digest(json)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines(records: &[impl Serialize]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for record in records {
        let json = serde_json::to_vec(record)?;
        bytes.extend_from_slice(line_checksum(&json).as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(&json);
        bytes.push(b'\n');
    }
    Ok(bytes)
}
