//! The ref that a lease is on: seen, and moved by compare-and-swap.
//!
//! Its commits have an empty tree and follow each other, so that a remote that takes only fast-forwards takes them. They
//! are made without an index and without a ref here; the user's own refs and settings for pushes have no part in it.

use std::path::Path;
use std::time::Duration;

use super::Lease;
use crate::git::GitError;
use crate::git::command::Git;

/// A ref of a remote.
#[derive(Debug, Clone)]
pub(super) struct RemoteRef {
    git: Git,
    remote: String,
    name: String,
}

/// What is on the ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The commit that tells of the lease.
    pub(super) commit: String,
    /// The lease; none where the commit is something else.
    pub lease: Option<Lease>,
}

/// Why the ref could not be seen or moved.
#[derive(Debug)]
pub(super) enum RemoteError {
    /// The remote gave no answer.
    Silent(GitError),
    /// The remote does not take it, although nobody else has moved it.
    Refused(GitError),
    /// Something went wrong here.
    Local(GitError),
}

/// Whether the ref was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swap {
    /// It is where it was to be.
    Done,
    /// It was not where it was expected to be; it is left there.
    Moved,
}

/// Options of a fetch that brings a commit and changes nothing else.
const FETCH: [&str; 9] = [
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--refmap=",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--no-write-commit-graph",
];

/// Options of a push of this ref alone, without the hooks that are for the user's branches.
const PUSH: [&str; 6] =
    ["push", "--quiet", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"];

impl RemoteRef {
    pub(super) fn new(directory: &Path, remote: &str, stack: &str) -> Self {
        Self { git: Git::new(directory), remote: remote.to_owned(), name: name(stack) }
    }

    pub(super) fn remote(&self) -> &str {
        &self.remote
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The same, waiting for the remote only so long.
    pub(super) fn within(&self, limit: Duration) -> Self {
        Self { git: self.git.clone().within(limit), ..self.clone() }
    }

    /// What the remote has there; none where nothing is.
    pub(super) fn see(&self) -> Result<Option<Seen>, RemoteError> {
        loop {
            let Some(commit) = self.commit()? else { return Ok(None) };
            let object = format!("{commit}^{{commit}}");
            let known = || self.git.succeeds(&["cat-file", "-e", &object]).map_err(RemoteError::Local);
            if !known()? {
                // Where it is gone or another by now, the next look tells.
                let fetched = self.git.text(&[&FETCH[..], &[&self.remote, &self.name]].concat());
                if !known()? {
                    if self.commit()?.as_ref() == Some(&commit) {
                        fetched.map_err(RemoteError::Silent)?;
                        return Ok(Some(Seen { commit, lease: None }));
                    }
                    continue;
                }
            }
            let text = self.git.text(&["cat-file", "commit", &commit]).map_err(RemoteError::Local)?;
            let lease = text.split_once("\n\n").and_then(|(_header, message)| Lease::from_message(message));
            return Ok(Some(Seen { commit, lease }));
        }
    }

    /// Makes the commit of a lease, which follows another or none.
    pub(super) fn write(&self, lease: &Lease, parent: Option<&str>) -> Result<String, GitError> {
        let holder = &lease.holder;
        let email = format!("{}@{}", holder.user, holder.host);
        let mut git = self.git.clone();
        for role in ["AUTHOR", "COMMITTER"] {
            git = git.with(&format!("GIT_{role}_NAME"), &holder.user).with(&format!("GIT_{role}_EMAIL"), &email);
        }
        let tree = git.text(&["hash-object", "-t", "tree", "-w", "/dev/null"])?;
        let message = lease.message();
        let mut arguments = vec!["-c", "i18n.commitEncoding=UTF-8", "commit-tree", &tree, "-m", &message];
        if let Some(parent) = parent {
            arguments.extend(["-p", parent]);
        }
        git.text(&arguments)
    }

    /// Moves the ref to a commit, or removes it, where it is as expected: at a commit, or not there.
    pub(super) fn swap(&self, expected: Option<&str>, to: Option<&str>) -> Result<Swap, RemoteError> {
        let lease = format!("--force-with-lease={}:{}", self.name, expected.unwrap_or_default());
        let refspec = format!("{}:{}", to.unwrap_or_default(), self.name);
        let pushed = self.git.text(&[&PUSH[..], &[&lease, &self.remote, &refspec]].concat());
        let Err(refusal) = pushed else { return Ok(Swap::Done) };
        // What is there now tells more than any message: also where the push came through and its answer did not.
        let now = self.commit()?;
        match now.as_deref() {
            now if now == to => Ok(Swap::Done),
            now if now == expected => Err(RemoteError::Refused(refusal)),
            _ => Ok(Swap::Moved),
        }
    }

    fn commit(&self) -> Result<Option<String>, RemoteError> {
        let listed = self.git.text(&["ls-remote", &self.remote, &self.name]).map_err(RemoteError::Silent)?;
        // The name is a pattern to git: also `refs/x/refs/hactl/…` fits it.
        let mut refs = listed.lines().filter_map(|line| line.split_once('\t'));
        Ok(refs.find(|(_, name)| *name == self.name).map(|(commit, _)| commit.to_owned()))
    }
}

/// The ref of a stack's lease. Names that git does not take are written without their dots.
fn name(stack: &str) -> String {
    let refused = stack.contains("..") || stack.ends_with('.') || stack.ends_with(".lock");
    let stack = if refused { stack.replace('.', "%2E") } else { stack.to_owned() };
    format!("refs/hactl/lease/{stack}")
}
