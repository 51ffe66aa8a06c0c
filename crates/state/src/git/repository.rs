//! The repository that a stack's state is versioned in: found, and fit to be committed to.

use std::path::{Path, PathBuf};

use crate::durable;
use crate::error::{FileKind, StateError};
use crate::git::command::{Git, GitError};
use crate::git::error::RepositoryError;
use crate::store::Store;

/// The work tree that a stack's state file is in.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Runs in the directory of the state file, or in the nearest one above that exists.
    pub(super) git: Git,
    /// The state file, from where git runs.
    pub(super) name: String,
    /// The state file, from the top of the work tree.
    pub(super) path: String,
    /// The state file; where it is a symbolic link, the file that it leads to.
    pub(super) file: PathBuf,
    /// The top of the work tree.
    pub(super) top: PathBuf,
    /// What belongs to this work tree alone: its index and what is in progress.
    pub(super) directory: PathBuf,
}

/// Where a state file lies.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a work tree.
    Versioned(Box<Repository>),
    /// In a work tree that ignores this file.
    Ignored(PathBuf),
    /// In no work tree.
    Nowhere,
}

impl Repository {
    /// Looks where the state file of a stack lies; it need not exist.
    ///
    /// # Errors
    /// When there is a repository that git refuses to work in, or no git to do so.
    pub fn find(store: &Store) -> Result<Place, RepositoryError> {
        let named = store.state_path();
        let file = durable::follow_links(&named).map_err(|source| StateError::Unreadable {
            file: FileKind::State,
            path: named,
            source,
        })?;
        let Some((base, name)) = base_and_name(&file) else { return Ok(Place::Nowhere) };
        let git = Git::new(base);
        let ran = match git.run(&["rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-prefix"]) {
            Ok(ran) => ran,
            Err(GitError::NotRun(source)) => {
                return match base.ancestors().find(|above| above.join(".git").exists()) {
                    Some(top) => Err(RepositoryError::NoGit { top: top.to_owned(), source }),
                    None => Ok(Place::Nowhere),
                };
            }
            Err(error) => return Err(error.into()),
        };
        if !ran.status.success() {
            let nowhere = ["not a git repository (or any", "must be run in a work tree"];
            return match nowhere.iter().any(|words| ran.stderr.contains(words)) {
                true => Ok(Place::Nowhere),
                false => Err(RepositoryError::Refused { directory: base.to_owned(), said: ran.stderr }),
            };
        }
        let text = String::from_utf8_lossy(&ran.stdout);
        let mut lines = text.lines();
        let mut line = || lines.next().unwrap_or_default().to_owned();
        let (top, directory, prefix) = (line(), line(), line());
        let path = format!("{prefix}{name}");
        let repository = Self { git, name, path, file, top: PathBuf::from(top), directory: PathBuf::from(directory) };
        // What is tracked is not ignored, whatever the rules say.
        let ignored = repository.git.succeeds(&["check-ignore", "--quiet", "--", &repository.name])?;
        Ok(if ignored { Place::Ignored(repository.file) } else { Place::Versioned(Box::new(repository)) })
    }

    /// The top of the work tree.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Checks that a commit can be made: nothing else is in progress, and git knows who commits.
    ///
    /// # Errors
    /// When it could not.
    pub fn check(&self) -> Result<(), RepositoryError> {
        let begun = IN_PROGRESS.iter().find(|(file, _, _)| self.directory.join(file).exists());
        if let Some((_, what, end)) = begun {
            return Err(RepositoryError::InProgress { top: self.top.clone(), what, end });
        }
        for role in ["GIT_COMMITTER_IDENT", "GIT_AUTHOR_IDENT"] {
            let ran = self.git.run(&["var", role])?;
            if !ran.status.success() {
                return Err(RepositoryError::NoIdentity { said: ran.stderr });
            }
        }
        Ok(())
    }

    /// The commit that the work tree is at; none before the first one.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn head(&self) -> Result<Option<String>, RepositoryError> {
        self.object("HEAD^{commit}")
    }

    /// The branch that the work tree is on; none where HEAD is detached.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn branch(&self) -> Result<Option<String>, RepositoryError> {
        let ran = self.git.run(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
        Ok(ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()))
    }

    /// Whether there is such a commit here.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn has(&self, commit: &str) -> Result<bool, RepositoryError> {
        Ok(self.object(&format!("{commit}^{{commit}}"))?.is_some())
    }

    /// The commit that the work tree is at, with `-dirty` where one of these files differs from it or is not in it; none
    /// before the first commit.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn commit_of(&self, files: &[PathBuf]) -> Result<Option<String>, RepositoryError> {
        let Some(head) = self.head()? else { return Ok(None) };
        let files: Vec<_> = files.iter().filter_map(|file| std::fs::canonicalize(file).ok()).collect();
        let inside = files.iter().all(|file| file.starts_with(&self.top));
        let mut arguments = vec!["status", "--porcelain", "--untracked-files=all", "--ignored=matching", "--"];
        arguments.extend(files.iter().filter_map(|file| file.to_str()));
        let clean = inside && self.literally().text(&arguments)?.is_empty();
        Ok(Some(if clean { head } else { format!("{head}-dirty") }))
    }

    /// Git, taking paths as they are. Not for what runs hooks: they may want patterns.
    pub(super) fn literally(&self) -> Git {
        self.git.clone().with("GIT_LITERAL_PATHSPECS", "1")
    }

    /// The id of the object that an expression of git names; none where there is none.
    pub(super) fn object(&self, expression: &str) -> Result<Option<String>, RepositoryError> {
        let ran = self.git.run(&["rev-parse", "--quiet", "--verify", expression])?;
        Ok(ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()))
    }
}

/// What can be in progress: the file in the repository's directory that tells, what it is, and the commands that end it.
const IN_PROGRESS: [(&str, &str, &str); 6] = [
    ("MERGE_HEAD", "a merge", "`git merge --continue` or `git merge --abort`"),
    ("rebase-merge", "a rebase", "`git rebase --continue` or `git rebase --abort`"),
    ("rebase-apply", "a rebase", "`git rebase --continue` or `git rebase --abort`"),
    ("CHERRY_PICK_HEAD", "a cherry-pick", "`git cherry-pick --continue` or `git cherry-pick --abort`"),
    ("REVERT_HEAD", "a revert", "`git revert --continue` or `git revert --abort`"),
    ("BISECT_LOG", "a bisect", "`git bisect reset`"),
];

/// The nearest directory above a file that exists, and the file from there.
fn base_and_name(file: &Path) -> Option<(&Path, String)> {
    let base = file.ancestors().skip(1).find(|above| above.is_dir())?;
    Some((base, file.strip_prefix(base).ok()?.to_str()?.to_owned()))
}
