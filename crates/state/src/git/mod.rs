//! Git: where states are versioned, and through whose remotes a team takes turns.
//!
//! Everything is done by the user's own git binary. Only the state file is ever committed, with an index of its own, so
//! that what the user has staged stays staged.

mod command;
mod commit;
mod error;
mod explain;
mod export;
mod kept;
mod lease;
mod log;
mod remote;
mod repository;

pub use command::GitError;
pub use commit::{Commit, Message};
pub use error::{ForeignCommit, RepositoryError};
pub use kept::Kept;
pub use lease::{Held, Lease, LeaseError, LeaseGuard, Leases, Loss, Seen, Taking, Terms};
pub use log::Revision;
pub use remote::Remote;
pub use repository::{Place, Repository};
