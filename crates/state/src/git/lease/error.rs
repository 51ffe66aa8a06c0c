//! What can go wrong with leases, and what a user is told.

use std::path::PathBuf;

use hactl_core::Diagnostic;

use super::remote::{RemoteError, RemoteRef};
use super::{Lease, Loss};
use crate::git::GitError;
use hactl_effect::trouble::reason;

/// Why a lease was not taken, seen or removed.
///
/// Its text is the summary; [`hactl_core::Diagnostic::from`] adds why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The remote gave no answer, so nobody knows whose turn it is.
    #[error("the remote `{remote}` does not answer")]
    Silent {
        /// The remote's name.
        remote: String,
        /// What git said.
        source: GitError,
    },
    /// The remote does not take the ref.
    #[error("the remote `{remote}` refuses the lease {reference}")]
    Refused {
        /// The remote's name.
        remote: String,
        /// The ref.
        reference: String,
        /// What git said.
        source: GitError,
    },
    /// The repository here cannot be used.
    #[error("a lease cannot be made here: {0}")]
    Local(GitError),
    /// Somebody else holds it.
    #[error("the stack is leased {}", holder_name(holder.as_deref()))]
    Held {
        /// The remote's name.
        remote: String,
        /// The ref.
        reference: String,
        /// Who; none where the ref holds no lease that can be read.
        holder: Option<Box<Lease>>,
    },
    /// The note of the lease, by which it is known again after a kill, cannot be read or written.
    #[error("cannot write the note of the lease {}: {}", path.display(), reason(source))]
    Note {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl LeaseError {
    pub(super) fn of(reference: &RemoteRef, error: RemoteError) -> Self {
        let remote = reference.remote().to_owned();
        match error {
            RemoteError::Silent(source) => Self::Silent { remote, source },
            RemoteError::Refused(source) => Self::Refused { remote, reference: reference.name().to_owned(), source },
            RemoteError::Local(source) => Self::Local(source),
        }
    }
}

impl From<LeaseError> for Diagnostic {
    fn from(error: LeaseError) -> Self {
        let told = Self::error(error.to_string());
        match error {
            LeaseError::Silent { source, .. } => told
                .detail(format!("whose turn it is stands there, so nothing was begun\n{}", said(&source)))
                .help("see to the connection and to your rights there, and run it again"),
            LeaseError::Refused { remote, source, .. } => told.detail(said(&source)).help(format!(
                "have {remote} take refs under refs/hactl/ from everybody who applies: making, moving and removing them; \
                 without that, set `git.push: false` and take turns by word of mouth"
            )),
            LeaseError::Local(source) => told.detail(said(&source)).help("see to the repository that the config is in"),
            LeaseError::Held { holder: Some(_), remote, .. } => told
                .detail(format!("one clone at a time changes a stack: it holds the lease on the remote `{remote}`"))
                .help(
                    "wait for it to end, with `--lock-timeout 10m` for so long; if it died where nobody can run it \
                     again, the lease ends by itself, or `hactl unlock` removes it",
                ),
            LeaseError::Held { holder: None, remote, reference } => told
                .detail(format!("{reference} on the remote `{remote}` holds nothing that this version can read"))
                .help("use the newest version of hactl among you; if no run is on its way, `hactl unlock` removes it"),
            LeaseError::Note { path, .. } => told
                .detail("nothing was begun")
                .help(format!("make {} writable", path.parent().unwrap_or(&path).display())),
        }
    }
}

impl From<Loss> for Diagnostic {
    fn from(loss: Loss) -> Self {
        let told = Self::error(loss.to_string());
        let told = match loss {
            Loss::Taken(_) => told,
            Loss::NotRenewed { source, .. } => told.detail(said(&source)),
        };
        told.help(
            "what was begun was finished, and what was done is in the state here; run it again when it is your turn, \
             which goes on from there",
        )
    }
}

fn holder_name(holder: Option<&Lease>) -> String {
    holder.map_or_else(|| "already".to_owned(), |lease| format!("to {lease}"))
}

/// What git said, and where it said nothing what failed.
fn said(error: &GitError) -> String {
    match error {
        GitError::Failed { said, .. } if !said.is_empty() => {
            let lines = said.lines().map(str::trim_end).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("\n")
        }
        _ => error.to_string(),
    }
}
