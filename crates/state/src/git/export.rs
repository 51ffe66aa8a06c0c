//! The files of an older revision, in a directory of their own.

use std::path::{Path, PathBuf};

use crate::durable;
use crate::git::command::{Git, GitError};
use crate::git::error::RepositoryError;
use crate::git::repository::Repository;

impl Repository {
    /// Writes all files of a commit below an empty directory, as a checkout would; the work tree and the user's index
    /// are not touched.
    ///
    /// # Errors
    /// When git fails, or the directory cannot be written.
    pub fn export(&self, commit: &str, directory: &Path) -> Result<(), RepositoryError> {
        let index = directory.join(".hactl.index");
        let git = Git::new(&self.top).with("GIT_INDEX_FILE", &index);
        let prefix = format!("--prefix={}/", directory.display());
        let exported = git
            .bytes(&["read-tree", commit])
            .and_then(|_| git.bytes(&["checkout-index", "--all", "--force", "--quiet", &prefix]));
        let failed = |source| RepositoryError::NotExported {
            commit: commit.to_owned(),
            directory: directory.to_owned(),
            source,
        };
        exported.map_err(failed)?;
        durable::remove(&index).map_err(|source| failed(GitError::NotRun(source)))
    }

    /// A file of the work tree, as its path from the top; none where it is elsewhere. The file has to exist.
    pub fn path_in_tree(&self, file: &Path) -> Option<PathBuf> {
        let full = std::fs::canonicalize(file).ok()?;
        full.strip_prefix(&self.top).ok().map(Path::to_owned)
    }
}
