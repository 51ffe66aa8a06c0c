//! Reading a journal back and folding it into the state that it continues.

use std::path::Path;

use hactl_core::Digest;
use hactl_core::state::State;
use serde::de::DeserializeOwned;

use crate::error::{FileKind, StateError};
use crate::journal::{Header, Record, line_checksum};
use crate::sealed::Peek;
use crate::store;

/// A journal that was folded into the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedJournal {
    /// What it belongs to.
    pub header: Header,
    /// How many records it holds.
    pub records: usize,
    /// How many bytes of it are whole lines.
    pub(crate) length: u64,
}

/// A journal as it was read.
pub(crate) struct Replay {
    header: Header,
    records: Vec<Record>,
    /// The checksum of the state file that holds everything in it, where the apply came that far.
    pub(crate) saved: Option<Digest>,
    length: u64,
    digest: Digest,
}

/// Reads a journal; none where there is none, or where it was cut before its first line was whole: then nothing had
/// begun.
pub(crate) fn read(path: &Path, stack: &str) -> Result<Option<Replay>, StateError> {
    let Some(bytes) = store::read(FileKind::Journal, path)? else {
        return Ok(None);
    };
    let (whole, lines) = whole_lines(&bytes).map_err(|line| damaged(path, line, BAD_CHECKSUM))?;
    let mut lines = lines.into_iter().enumerate();
    let Some((_, first)) = lines.next() else {
        return Ok(None);
    };
    let header = read_header(first, path, stack)?;
    let mut records =
        lines.map(|(index, json)| decode::<Record>(json, path, index + 1)).collect::<Result<Vec<_>, _>>()?;
    let saved = match records.last() {
        Some(Record::Saved(digest)) => Some(*digest),
        _ => None,
    };
    if saved.is_some() {
        records.pop();
    }
    Ok(Some(Replay { header, records, saved, length: whole.len() as u64, digest: Digest::sha256(whole) }))
}

impl Replay {
    /// Folds it into the state that it continues: the state as it would have been written, and what tells it apart.
    pub(crate) fn fold(
        self,
        state: Option<State>,
        digest: Option<Digest>,
        path: &Path,
    ) -> Result<(State, Digest, FoldedJournal), StateError> {
        let Header { stack, lineage, serial, base, encryption, .. } = &self.header;
        let continues = match &state {
            Some(state) => {
                let is_base = base.is_none() || *base == digest;
                is_base && state.lineage == *lineage && state.serial.checked_add(1) == Some(*serial)
            }
            None => *serial == 1,
        };
        if !continues {
            return Err(StateError::UnrelatedJournal {
                path: path.to_owned(),
                serial: *serial,
                state_serial: state.as_ref().filter(|state| state.lineage == *lineage).map(|state| state.serial),
                has_state: state.is_some(),
            });
        }
        let mut state = state.unwrap_or_else(|| State::new(stack, lineage));
        state.serial = *serial;
        if let Some(encryption) = encryption {
            state.encryption = Some(encryption.clone());
        }
        let records = self.records.len();
        for record in self.records {
            record.fold(&mut state);
        }
        let base = digest.map(|digest| digest.to_string()).unwrap_or_default();
        let digest = Digest::sha256(format!("{base}\n{}", self.digest).as_bytes());
        let folded = FoldedJournal { header: self.header, records, length: self.length };
        Ok((state, digest, folded))
    }
}

const BAD_CHECKSUM: &str = "its checksum does not match";

/// The bytes up to the last whole line, and the JSON of each line. Fails with the number of a damaged line.
///
/// A last line that is not whole was being written when the run was killed: its effect had not begun, or is observed
/// again because its intent is there.
fn whole_lines(bytes: &[u8]) -> Result<(&[u8], Vec<&[u8]>), usize> {
    let mut lines = Vec::new();
    let mut length = 0;
    let mut pieces = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(piece) = pieces.next() {
        match checked(piece) {
            Some(json) => lines.push(json),
            None if pieces.peek().is_none() => break,
            None => return Err(lines.len() + 1),
        }
        length += piece.len();
    }
    Ok((&bytes[..length], lines))
}

fn checked(piece: &[u8]) -> Option<&[u8]> {
    let (checksum, rest) = piece.strip_suffix(b"\n")?.split_at_checked(8)?;
    let json = rest.strip_prefix(b" ")?;
    (line_checksum(json).as_bytes() == checksum).then_some(json)
}

fn read_header(json: &[u8], path: &Path, stack: &str) -> Result<Header, StateError> {
    if let Some(newer) = decode::<Peek>(json, path, 1)?.newer() {
        return Err(StateError::flawed(FileKind::Journal, path, newer));
    }
    let header: Header = decode(json, path, 1)?;
    if header.stack != stack {
        return Err(StateError::OtherStack {
            file: FileKind::Journal,
            path: path.to_owned(),
            found: header.stack,
            wanted: stack.to_owned(),
        });
    }
    Ok(header)
}

fn decode<T: DeserializeOwned>(json: &[u8], path: &Path, line: usize) -> Result<T, StateError> {
    serde_json::from_slice(json).map_err(|why| damaged(path, line, &why.to_string()))
}

fn damaged(path: &Path, line: usize, why: &str) -> StateError {
    StateError::DamagedJournal { path: path.to_owned(), line, why: why.to_owned() }
}
