//! Git: where states are versioned, and through whose remotes a team takes turns.

mod command;
mod lease;

pub use command::GitError;
pub use lease::{Held, Lease, LeaseError, LeaseGuard, Leases, Loss, Seen, Taking, Terms};
