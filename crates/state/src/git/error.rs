//! What can go wrong with the repository of a state.

use std::io;
use std::path::PathBuf;

use crate::error::StateError;
use crate::git::command::GitError;

/// Why a state cannot be committed, pushed, or read from an older revision.
///
/// Its text is the summary; [`hactl_core::Diagnostic::from`] adds why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A file cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// Git failed at something that does not fail but for a reason of its own.
    #[error(transparent)]
    Git(#[from] GitError),
    /// There is a repository, and no git.
    #[error("the state is in a git repository, and git cannot be run: {source}")]
    NoGit {
        /// The top of the work tree.
        top: PathBuf,
        /// Why it cannot be run.
        source: io::Error,
    },
    /// Git does not work in this repository.
    #[error("git refuses to work in {}", directory.display())]
    Refused {
        /// Where it was run.
        directory: PathBuf,
        /// What it said.
        said: String,
    },
    /// Something has to be ended first.
    #[error("{what} is in progress in {}", top.display())]
    InProgress {
        /// The top of the work tree.
        top: PathBuf,
        /// What, as in `a merge`.
        what: &'static str,
        /// The commands that end it.
        end: &'static str,
    },
    /// Git does not know who commits.
    #[error("git does not know who you are, and every run that changes something is a commit")]
    NoIdentity {
        /// What it said.
        said: String,
    },
    /// The state file is gone from the work tree, and still in git.
    #[error("the state file {} is in git, but not here", path.display())]
    Removed {
        /// Where it should be.
        path: PathBuf,
    },
    /// The state file is older than the one that git has.
    #[error("the state file {} is older than the one in git: serial {serial}, in git {committed}", path.display())]
    Older {
        /// Where it is.
        path: PathBuf,
        /// Its serial.
        serial: u64,
        /// The serial of the one at HEAD.
        committed: u64,
    },
    /// The commit failed: a hook refused it, it could not be signed, or git itself failed.
    #[error("the state is written, but not committed")]
    NotCommitted {
        /// The state file.
        path: PathBuf,
        /// The first line of the message that the commit was to have.
        summary: String,
        /// Why.
        source: GitError,
    },
    /// A hook changed the state file.
    #[error("a git hook changed the state file {}; it was put back", path.display())]
    Rewritten {
        /// Where it is.
        path: PathBuf,
    },
    /// A hook changed the state in the commit.
    #[error("a git hook changed the state in the commit: {}", what_became(left.as_deref()))]
    CommittedOtherwise {
        /// The state file, which is as it was before.
        path: PathBuf,
        /// The commit, short, where it could not be taken back.
        left: Option<String>,
    },
    /// The work tree is on no branch, and the config names none to push to.
    #[error("HEAD is detached: there is no branch to push to")]
    NoBranch,
    /// The work tree is on another branch than the one that the config pushes to.
    #[error("the config pushes to {wanted}, and the current branch is {current}")]
    OtherBranch {
        /// The branch that the config names.
        wanted: String,
        /// The current one.
        current: String,
    },
    /// The repository has no remote of the name that the config gives.
    #[error("there is no remote `{name}`, and the config says that states are pushed")]
    NoRemote {
        /// The name.
        name: String,
        /// The top of the work tree.
        top: PathBuf,
    },
    /// The remote did not say what it has.
    #[error("the remote {remote} cannot be asked what it has")]
    Unreachable {
        /// Its name.
        remote: String,
        /// Why.
        source: GitError,
    },
    /// The remote has commits that are not here, before anything was begun.
    #[error("{place} has {} not here", counted(commits))]
    Behind {
        /// The remote and its branch, as in `origin/main`.
        place: String,
        /// The newest of them first.
        commits: Vec<ForeignCommit>,
        /// The state file, from the top of the work tree.
        path: String,
        /// Whether there are commits of the state here that the remote does not have either.
        diverged: bool,
    },
    /// What was committed could not be pushed, because somebody else pushed meanwhile.
    #[error("the state is committed here, but not pushed: {place} has {} not here", counted(commits))]
    Moved {
        /// The remote and its branch, as in `origin/main`.
        place: String,
        /// The newest of them first.
        commits: Vec<ForeignCommit>,
        /// The state file, from the top of the work tree.
        path: String,
    },
    /// What was committed could not be pushed.
    #[error("the state is committed here, but not pushed to {place}")]
    NotPushed {
        /// The remote and its branch, as in `origin/main`.
        place: String,
        /// The command that pushes it by hand.
        command: String,
        /// Why.
        source: GitError,
    },
    /// There is no such revision.
    #[error("there is no revision {name:?}")]
    NoRevision {
        /// What was asked for.
        name: String,
    },
    /// A revision is from before the first state.
    #[error("at {name} there was no state of this stack yet")]
    NoStateThere {
        /// What was asked for.
        name: String,
    },
    /// What a revision holds is no state that can be read.
    #[error(transparent)]
    DamagedThere(StateError),
    /// The files of a commit cannot be written to a directory.
    #[error("the files of {commit} cannot be written to {}", directory.display())]
    NotExported {
        /// The commit.
        commit: String,
        /// Where they were to be written.
        directory: PathBuf,
        /// Why.
        source: GitError,
    },
}

/// A commit that somebody else pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignCommit {
    /// Its id, short.
    pub short: String,
    /// Who wrote it: name and e-mail address.
    pub author: String,
    /// When, as git prints it in ISO 8601.
    pub when: String,
    /// The first line of its message.
    pub subject: String,
    /// Whether it changes the state of this stack.
    pub touches_state: bool,
}

fn counted(commits: &[ForeignCommit]) -> String {
    match commits.len() {
        1 => "a commit that is".to_owned(),
        count => format!("{count} commits that are"),
    }
}

fn what_became(left: Option<&str>) -> String {
    left.map_or_else(
        || "the commit was taken back".to_owned(),
        |short| format!("{short} holds a state that cannot be read, and must not be pushed"),
    )
}
