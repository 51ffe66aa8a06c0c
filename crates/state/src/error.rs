//! What can go wrong with the files of a stack.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hactl_effect::trouble::reason;

use crate::FORMAT;
use crate::lock::Holder;
use crate::saved_plan::World;
use crate::sealed::Flaw;

/// Which kind of file an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A state file.
    State,
    /// The journal of an apply.
    Journal,
    /// The file that the lock is held on.
    Lock,
    /// A saved plan.
    Plan,
    /// The index that a commit is made with.
    Index,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::State => "state file",
            Self::Journal => "journal",
            Self::Lock => "lock file",
            Self::Plan => "plan file",
            Self::Index => "index for the commit",
        })
    }
}

/// Why state, journal, lock or a saved plan cannot be used.
///
/// Its text is the summary; [`hactl_core::Diagnostic::from`] adds why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file cannot be read.
    #[error("cannot read the {file} {}: {}", path.display(), reason(source))]
    Unreadable {
        /// What it is.
        file: FileKind,
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written, or not so that it survives a crash.
    #[error("cannot write the {file} {}: {}", path.display(), reason(source))]
    Unwritable {
        /// What it is.
        file: FileKind,
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A saved plan would take the place of something else.
    #[error("{} exists and is no saved plan; it is left alone", path.display())]
    NotReplaced {
        /// Where it is.
        path: PathBuf,
    },
    /// What a file holds cannot be used.
    #[error("the {file} {} {}", path.display(), flaw_clause(*file, flaw))]
    Flawed {
        /// What it is.
        file: FileKind,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A file is another stack's.
    #[error("the {file} {} belongs to the stack `{found}`, not to `{wanted}`", path.display())]
    OtherStack {
        /// What it is.
        file: FileKind,
        /// Where it is.
        path: PathBuf,
        /// The stack named in it.
        found: String,
        /// The stack that was to be loaded.
        wanted: String,
    },
    /// Another run holds the lock.
    #[error("the state is locked by {}", holder_name(holder.as_deref()))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as far as the lock file tells.
        holder: Option<Box<Holder>>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A journal is damaged, and not only at its end.
    #[error("line {line} of the journal {} is damaged: {why}", path.display())]
    DamagedJournal {
        /// Where it is.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A journal does not continue the state beside it.
    #[error("the journal {} does not belong to the state beside it", path.display())]
    UnrelatedJournal {
        /// Where it is.
        path: PathBuf,
        /// The serial that its apply would have given to the state.
        serial: u64,
        /// The serial of the state, where it is of the same lineage.
        state_serial: Option<u64>,
        /// Whether there is a state file at all.
        has_state: bool,
    },
    /// A journal is in the way.
    #[error("the journal {} of an interrupted apply is there", path.display())]
    PendingJournal {
        /// Where it is.
        path: PathBuf,
    },
    /// The state is not the one a saved plan was made from.
    #[error("saved plan is stale: the state has changed since it was made ({change})")]
    StalePlan {
        /// What is different, as a clause.
        change: String,
    },
    /// A saved plan was made for the other world.
    #[error("saved plan was made for {made_for}")]
    OtherWorld {
        /// What it was made for.
        made_for: World,
    },
}

impl StateError {
    pub(crate) fn flawed(file: FileKind, path: &Path, flaw: Flaw) -> Self {
        Self::Flawed { file, path: path.to_owned(), flaw }
    }

    pub(crate) fn unwritable(file: FileKind, path: &Path, source: io::Error) -> Self {
        Self::Unwritable { file, path: path.to_owned(), source }
    }
}

fn flaw_clause(file: FileKind, flaw: &Flaw) -> String {
    match flaw {
        Flaw::Empty => "is empty".to_owned(),
        Flaw::Cut(bytes) => format!("is cut off after byte {bytes}"),
        Flaw::Conflict(line) => format!("holds a git merge conflict, from line {line} on"),
        Flaw::NotJson(why) => format!("is not JSON: {why}"),
        Flaw::Foreign => format!("is not a {file} of hactl"),
        Flaw::Newer { format, hactl } => {
            let needed =
                hactl.as_ref().map_or_else(|| "a newer hactl".to_owned(), |version| format!("hactl {version}"));
            format!("has format {format} and needs {needed}; this one reads up to format {FORMAT}")
        }
        Flaw::Unsealed => "does not end with its checksum".to_owned(),
        Flaw::Altered => "does not match its checksum".to_owned(),
        Flaw::Malformed(why) => format!("is not as format {FORMAT} has to be: {why}"),
    }
}

fn holder_name(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another run of hactl".to_owned(), ToString::to_string)
}
