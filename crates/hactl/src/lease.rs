//! The lease of a run, where the config says that states are pushed: then a team works on the stack, from clones.

use std::time::Duration;

use hactl_core::Diagnostic;
use hactl_core::git::Git;
use hactl_state::git::{LeaseGuard, Leases, Repository, Taking, Terms};

use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::session::{Session, hidden_directory};
use crate::turn::Wish;

/// The lease of a session's stack, on a remote of the repository that its state is in.
pub(crate) fn of(session: &Session, git: &Git, repository: &Repository) -> Leases {
    let note = session.directory.join(".hactl").join(format!("lease-{}", session.store.stack()));
    Leases::new(repository.top(), &git.remote, session.store.stack(), &note)
}

/// Takes the lease, waiting for somebody else's for so long. The lock of this machine must be held. Where it is lost, no
/// more steps begin.
pub(crate) fn take(
    leases: &Leases,
    session: &Session,
    wish: &Wish<'_>,
    wait: Duration,
    interrupts: &Interrupts,
) -> Result<LeaseGuard, Failure> {
    hidden_directory(&session.directory)?;
    let id = uuid::Uuid::new_v4().to_string();
    let terms = Terms { id: &id, operation: wish.operation, duration: wish.git.lease_duration, wait };
    let mut tell = |taking: Taking<'_>| {
        wish.output.message(&match taking {
            Taking::Waiting(lease) => format!("Waiting for {lease} (lease on {}).\n", wish.git.remote),
            Taking::TookOver(lease) => {
                format!("Took over the lease of a run that did not end and was not heard of any more: {lease}.\n")
            }
            Taking::TookBack(lease) => format!("Took back the lease that an earlier run here left: {lease}.\n"),
        });
    };
    let stop = interrupts.clone();
    let guard = leases.take(terms, &mut tell, move |_loss| stop.stop()).map_err(Diagnostic::from)?;
    interrupts.lease(guard.held());
    Ok(guard)
}
