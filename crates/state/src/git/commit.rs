//! Committing a state file, and nothing else.
//!
//! The commit is made with an index of its own: that of HEAD with the new state in it. So hooks, signing and the user's
//! configuration work as for any commit, and what they have staged is neither committed nor lost. Afterwards the entry of
//! the state file alone is updated in their index.

use std::fmt;

use serde::Deserialize;

use crate::durable::{self, Access};
use crate::error::{FileKind, StateError};
use crate::git::command::{Git, GitError};
use crate::git::error::RepositoryError;
use crate::git::repository::Repository;

/// The message of a commit: a line, and trailers that `git interpret-trailers` understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub summary: String,
    /// Keys and values, in their order.
    pub trailers: Vec<(&'static str, String)>,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id, short.
    pub short: String,
    /// Why the user's index still has the state as it was before, where it does.
    pub index_left: Option<String>,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary)?;
        for (position, (key, value)) in self.trailers.iter().enumerate() {
            let before = if position == 0 { "\n" } else { "" };
            writeln!(f, "{before}{key}: {value}")?;
        }
        Ok(())
    }
}

/// How often a commit is tried where somebody else commits at the same moment.
const ATTEMPTS: usize = 3;

impl Repository {
    /// Whether the state file differs from that of HEAD: an earlier run left it so.
    ///
    /// # Errors
    /// When it is gone, or older than that of HEAD; and when git cannot be run.
    pub fn is_left_over(&self) -> Result<bool, RepositoryError> {
        let committed = self.object(&format!("HEAD:{}", self.path))?;
        match (self.file.exists(), &committed) {
            (false, None) => return Ok(false),
            (false, Some(_)) => return Err(RepositoryError::Removed { path: self.file.clone() }),
            (true, _) if committed == Some(self.blob(false)?) => return Ok(false),
            (true, _) => {}
        }
        if committed.is_some() {
            let here = std::fs::read(&self.file).map_err(|source| self.unreadable(source))?;
            let (here, there) = (Age::of(&here), Age::of(&self.content("HEAD")?));
            if let (Some(here), Some(there)) = (here, there)
                && here.lineage == there.lineage
                && here.serial < there.serial
            {
                let path = self.file.clone();
                return Err(RepositoryError::Older { path, serial: here.serial, committed: there.serial });
            }
        }
        Ok(true)
    }

    /// Brings the entry of the state file in the user's index up to HEAD, where a run was killed between the two.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn mend_index(&self) -> Result<(), RepositoryError> {
        let Some(blob) = self.object(&format!("HEAD:{}", self.path))? else { return Ok(()) };
        if !self.literally().succeeds(&["diff-index", "--cached", "--quiet", "HEAD", "--", &self.name])? {
            let entry = format!("100644,{blob},{}", self.path);
            // Where something else uses the index, the next run does it.
            self.git.succeeds(&["update-index", "--add", "--cacheinfo", &entry])?;
        }
        Ok(())
    }

    /// Commits the state file; none where it is at HEAD already.
    ///
    /// # Errors
    /// When a hook refuses it, or git fails. The state file is as it was before.
    pub fn commit(&self, message: &Message) -> Result<Option<Commit>, RepositoryError> {
        let lock = self.directory.join("hactl.lock");
        let unwritable = |source| StateError::unwritable(FileKind::Lock, &lock, source);
        // Two stacks of one work tree may end at the same time.
        let turn = durable::open_lock(&lock).map_err(unwritable)?;
        turn.lock().map_err(unwritable)?;
        let blob = self.blob(true)?;
        if self.object(&format!("HEAD:{}", self.path))?.as_ref() == Some(&blob) {
            return Ok(None);
        }
        let content = std::fs::read(&self.file).map_err(|source| self.unreadable(source))?;
        let entry = format!("100644,{blob},{}", self.path);
        let made = self.commit_entry(&blob, &entry, message);
        // A hook that formats files would leave a state that does not match its checksum.
        let changed = std::fs::read(&self.file).is_ok_and(|now| now != content);
        if changed {
            durable::stage(&self.file, Access::Umask, |file| std::io::Write::write_all(file, &content))
                .and_then(|(staged, ())| staged.commit())
                .map_err(|source| StateError::unwritable(FileKind::State, &self.file, source))?;
        }
        self.check_committed(&blob, made?.as_deref())?;
        let index_left = match self.git.run(&["update-index", "--add", "--cacheinfo", &entry])? {
            ran if ran.status.success() => None,
            ran => Some(ran.stderr),
        };
        let short = self.git.text(&["rev-parse", "--short", "HEAD"])?;
        tracing::info!(commit = short, path = self.path, "state committed");
        match changed {
            true => Err(RepositoryError::Rewritten { path: self.file.clone() }),
            false => Ok(Some(Commit { short, index_left })),
        }
    }

    /// Makes sure that the commit that was just made on a parent holds the state that was meant. One whose state a hook
    /// changed is taken back, where nothing was committed on top of it.
    fn check_committed(&self, blob: &str, parent: Option<&str>) -> Result<(), RepositoryError> {
        let Some(head) = self.head()? else { return Ok(()) };
        let below = format!("{head}^");
        // A hook may have committed on top of it.
        for commit in [&head, &below] {
            if self.object(&format!("{commit}:{}", self.path))?.as_deref() == Some(blob) {
                return Ok(());
            }
        }
        let path = self.file.clone();
        let is_last = self.object(&below)?.as_deref() == parent;
        let reason = "hactl: a hook changed the state in the commit";
        let taken_back = match parent {
            _ if !is_last => false,
            Some(parent) => self.git.succeeds(&["update-ref", "-m", reason, "HEAD", parent, &head])?,
            None => self.git.succeeds(&["update-ref", "-m", reason, "-d", "HEAD", &head])?,
        };
        if taken_back {
            return Err(RepositoryError::CommittedOtherwise { path, left: None });
        }
        let range = parent.map_or_else(|| head.clone(), |parent| format!("{parent}..{head}"));
        let listed = self.literally().text(&["log", "--reverse", "--format=%h", &range, "--", &self.name])?;
        let left = listed.lines().next().unwrap_or(&head).to_owned();
        Err(RepositoryError::CommittedOtherwise { path, left: Some(left) })
    }

    /// Whether HEAD is on top of the commit that was made of a parent: a hook may have committed on it.
    fn is_below(&self, blob: &str, parent: Option<&str>) -> Result<bool, RepositoryError> {
        let at = |commit: &str| self.object(&format!("{commit}:{}", self.path));
        let below = at("HEAD^")?;
        if below.as_deref() == Some(blob) {
            return Ok(true);
        }
        // A hook may have changed the state in it as well; who commits beside this run leaves the state alone.
        let before = parent.map(at).transpose()?.flatten();
        Ok(at("HEAD")?.as_deref() != Some(blob) && below != before)
    }

    /// Makes a commit of HEAD with this entry in place of the one of its path. Gives the commit that it was made on; none
    /// where it is the first.
    fn commit_entry(&self, blob: &str, entry: &str, message: &Message) -> Result<Option<String>, RepositoryError> {
        let index = self.directory.join("hactl.index");
        let unwritable = |source| StateError::unwritable(FileKind::Index, &index, source);
        // A run that was killed may have left these.
        durable::remove(&self.directory.join("hactl.index.lock")).map_err(unwritable)?;
        durable::remove(&index).map_err(unwritable)?;
        // What the user's index knows of files saves hashing them all again.
        durable::copy(&self.directory.join("index"), &index).map_err(unwritable)?;
        let git = self.git.clone().with("GIT_INDEX_FILE", &index);
        let text = format!("--message={message}");
        let mut arguments = vec!["commit", "--quiet", "--cleanup=whitespace", &text];
        let mut parent = self.head()?;
        fill(&git, parent.as_deref(), entry)?;
        let mut made = git.bytes(&arguments).map(drop);
        for _ in 0..ATTEMPTS {
            let base = if made.is_ok() { "HEAD^" } else { "HEAD" };
            let now = self.object(base)?;
            if now == parent || (made.is_ok() && self.is_below(blob, parent.as_deref())?) {
                break;
            }
            // Somebody committed since the index was made: this would undo what they did, or was refused.
            if made.is_ok() && !arguments.contains(&"--amend") {
                arguments.push("--amend");
            }
            fill(&git, now.as_deref(), entry)?;
            parent = now;
            made = git.bytes(&arguments).map(drop);
        }
        durable::remove(&index).map_err(unwritable)?;
        made.map(|()| parent).map_err(|source| RepositoryError::NotCommitted {
            path: self.file.clone(),
            summary: message.summary.clone(),
            source,
        })
    }

    /// The id of the state file as git would keep it; `keep` keeps it.
    fn blob(&self, keep: bool) -> Result<String, GitError> {
        // The checksum of a state does not depend on line ends, so git need not refuse to convert them.
        let mut arguments = vec!["-c", "core.safecrlf=false", "hash-object"];
        arguments.extend(keep.then_some("-w"));
        arguments.extend(["--", &self.name]);
        self.git.text(&arguments)
    }

    /// The bytes of the state file at a commit, as they would be in the work tree.
    pub(super) fn content(&self, commit: &str) -> Result<Vec<u8>, GitError> {
        self.git.bytes(&["cat-file", "--filters", &format!("{commit}:{}", self.path)])
    }

    fn unreadable(&self, source: std::io::Error) -> StateError {
        StateError::Unreadable { file: FileKind::State, path: self.file.clone(), source }
    }
}

/// Fills the index that git is run with: a tree, and one more entry.
fn fill(git: &Git, tree: Option<&str>, entry: &str) -> Result<(), GitError> {
    match tree {
        Some(tree) => git.bytes(&["read-tree", "--reset", tree])?,
        None => git.bytes(&["read-tree", "--empty"])?,
    };
    git.bytes(&["update-index", "--add", "--replace", "--cacheinfo", entry]).map(drop)
}

/// How old a state is.
#[derive(Deserialize)]
struct Age {
    lineage: String,
    serial: u64,
}

impl Age {
    /// None where these bytes are no state: loading it says so.
    fn of(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
