//! State of a hactl stack on disk: the state file, the journal of a running apply, the lock, saved plans, and the
//! encryption of what must not be read in them ([`encryption`]).
//!
//! One run that changes something: [`Store::lock`], [`Store::load`], [`Store::recover`], [`Journal::create`],
//! [`Journal::append`] before and after every effect, [`Journal::save`], [`git::Repository::commit`] where there is git,
//! [`Store::discard_journal`]. A kill at any instant leaves files from
//! which the next [`Store::load`] gives what is true. Commands that only read use [`Store::load`] alone: it writes
//! nothing and needs no lock.
//!
//! Everything here blocks on the disk. The file formats are described in `state/README.md` at the top of the
//! repository.

pub mod encryption;
mod error;
mod explain;
pub mod git;
mod journal;
mod lock;
mod replay;
mod saved_plan;
mod sealed;
mod store;

use hactl_effect::durable;

pub use durable::write_private;
pub use error::{FileKind, StateError};
pub use journal::{Header, Journal, Record};
pub use lock::{Holder, LockGuard, Locked};
pub use replay::FoldedJournal;
pub use saved_plan::{SavedPlan, World};
pub use sealed::Flaw;
pub use store::{Condition, Loaded, Store};

/// The newest format of state files, journals and saved plans that this build reads, and the one it writes.
pub const FORMAT: u32 = 1;
