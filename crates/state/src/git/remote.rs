//! The remote that states are pushed to: compared before a run and pushed to after it, never merged with.

use std::collections::BTreeSet;
use std::time::Duration;

use hactl_core::git::Git as Settings;

use crate::git::command::GitError;
use crate::git::error::{ForeignCommit, RepositoryError};
use crate::git::repository::Repository;

/// The branch of a remote that a repository's states are pushed to.
#[derive(Debug, Clone)]
pub struct Remote<'a> {
    repository: &'a Repository,
    name: String,
    branch: String,
}

/// How long a remote may take to say what it has.
const LIMIT: Duration = Duration::from_secs(60);

/// The most foreign commits that are told of.
const MOST: usize = 10;

impl Repository {
    /// The remote branch that the config names, or the namesake of the current branch.
    ///
    /// # Errors
    /// When the work tree is on another branch than the one that the config names, or on none and it names none; and when there is no
    /// such remote.
    pub fn remote(&self, settings: &Settings) -> Result<Remote<'_>, RepositoryError> {
        let branch = match (self.branch()?, &settings.branch) {
            (Some(current), Some(wanted)) if current != *wanted => {
                return Err(RepositoryError::OtherBranch { wanted: wanted.clone(), current });
            }
            (None, None) => return Err(RepositoryError::NoBranch),
            (Some(current), None) => current,
            (_, Some(wanted)) => wanted.clone(),
        };
        self.check_remote(&settings.remote)?;
        Ok(Remote { repository: self, name: settings.remote.clone(), branch })
    }

    /// Checks that there is a remote of this name; a path or an address is one by itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn check_remote(&self, name: &str) -> Result<(), RepositoryError> {
        if name.contains(['/', ':']) || self.git.succeeds(&["remote", "get-url", name])? {
            return Ok(());
        }
        Err(RepositoryError::NoRemote { name: name.to_owned(), top: self.top.clone() })
    }
}

impl Remote<'_> {
    /// The remote and its branch, as in `origin/main`.
    pub fn place(&self) -> String {
        format!("{}/{}", self.name, self.branch)
    }

    /// Refuses a run where the remote has commits that are not here. Whether there is something of this stack to push
    /// otherwise.
    ///
    /// # Errors
    /// When it has, or does not answer.
    pub fn check(&self) -> Result<bool, RepositoryError> {
        let Some(tip) = self.tip()? else { return self.is_ahead("HEAD") };
        let commits = self.foreign(&tip)?;
        if commits.is_empty() {
            return self.is_ahead(&format!("{tip}..HEAD"));
        }
        let diverged = self.is_ahead(&format!("{tip}..HEAD"))?;
        Err(RepositoryError::Behind { place: self.place(), commits, path: self.repository.path.clone(), diverged })
    }

    /// Pushes the current commit, where the remote has nothing that is not here.
    ///
    /// # Errors
    /// When it has, or refuses, or does not answer.
    pub fn push(&self) -> Result<(), RepositoryError> {
        let refspec = format!("HEAD:refs/heads/{}", self.branch);
        let pushed = self.repository.git.bytes(&["push", "--quiet", "--no-follow-tags", &self.name, &refspec]);
        let Err(source) = pushed else {
            tracing::info!(place = self.place(), "state pushed");
            return Ok(());
        };
        // What git says of a push that was too late differs from version to version; the remote's branch does not.
        let commits = match self.tip() {
            Ok(Some(tip)) => self.foreign(&tip).unwrap_or_default(),
            Ok(None) | Err(_) => Vec::new(),
        };
        let (place, path) = (self.place(), self.repository.path.clone());
        Err(match commits.is_empty() {
            false => RepositoryError::Moved { place, commits, path },
            true => RepositoryError::NotPushed { place, command: format!("git push {} {refspec}", self.name), source },
        })
    }

    /// The commit at the tip of the remote's branch, which is here then; none where there is no such branch.
    fn tip(&self) -> Result<Option<String>, RepositoryError> {
        let reference = format!("refs/heads/{}", self.branch);
        let unreachable = |source| RepositoryError::Unreachable { remote: self.name.clone(), source };
        let git = self.repository.git.clone().within(LIMIT);
        let listed = git.text(&["ls-remote", &self.name, &reference]).map_err(unreachable)?;
        // The name is a pattern: others may end like it.
        let mut lines = listed.lines().filter_map(|line| line.split_once('\t'));
        let Some((tip, _)) = lines.find(|(_, name)| *name == reference) else { return Ok(None) };
        let tip = tip.to_owned();
        if self.repository.object(&format!("{tip}^{{commit}}"))?.is_none() {
            let fetch = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", &self.name, &reference];
            self.repository.git.bytes(&fetch).map_err(unreachable)?;
        }
        Ok(Some(tip))
    }

    /// The newest commits of the remote's branch that are not here.
    fn foreign(&self, tip: &str) -> Result<Vec<ForeignCommit>, GitError> {
        let range = match self.repository.git.succeeds(&["rev-parse", "--quiet", "--verify", "HEAD"])? {
            true => format!("HEAD..{tip}"),
            false => tip.to_owned(),
        };
        let git = self.repository.literally();
        let most = format!("--max-count={MOST}");
        let touching = git.text(&["rev-list", &range, "--", &self.repository.name])?;
        let touching: BTreeSet<&str> = touching.lines().collect();
        let format = "--format=%H%x00%h%x00%an <%ae>%x00%ai%x00%s";
        let listed = git.text(&["log", "--no-show-signature", "--no-color", &most, format, &range])?;
        let commits = listed.lines().filter_map(|line| {
            let mut fields = line.split('\0').map(str::to_owned);
            let id = fields.next()?;
            Some(ForeignCommit {
                touches_state: touching.contains(id.as_str()),
                short: fields.next()?,
                author: fields.next()?,
                when: fields.next()?,
                subject: fields.next()?,
            })
        });
        Ok(commits.collect())
    }

    /// Whether a range holds commits of the state.
    fn is_ahead(&self, range: &str) -> Result<bool, RepositoryError> {
        if self.repository.head()?.is_none() {
            return Ok(false);
        }
        let count = ["rev-list", "--count", range, "--", &self.repository.name];
        Ok(self.repository.literally().text(&count)? != "0")
    }
}
