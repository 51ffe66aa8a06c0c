//! What a state was at older revisions.

use hactl_core::state::State;

use crate::error::StateError;
use crate::git::command::GitError;
use crate::git::error::RepositoryError;
use crate::git::repository::Repository;
use crate::sealed::Flaw;
use crate::store::Store;

/// A commit that changed the state of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub id: String,
    /// Its id, short.
    pub short: String,
    /// When it was made, as git prints it in ISO 8601, with the zone of whoever made it.
    pub when: String,
    /// The name of its author.
    pub author: String,
    /// The first line of its message.
    pub summary: String,
    /// The serial of the state; none where hactl did not write the message.
    pub serial: Option<u64>,
    /// The digest of the plan that was applied; none where none was.
    pub plan: Option<String>,
    /// The digest of the config that was applied; none where none was.
    pub config: Option<String>,
    /// The commit that the config was in, with `-dirty` where it differed; none where none was applied.
    pub config_commit: Option<String>,
}

/// The fields of a revision, as `git log` gives them.
const FORMAT: &str = "--format=%H%x00%h%x00%cI%x00%an%x00%s\
    %x00%(trailers:key=Hactl-Serial,valueonly,separator=%x20)\
    %x00%(trailers:key=Hactl-Plan,valueonly,separator=%x20)\
    %x00%(trailers:key=Hactl-Config,valueonly,separator=%x20)\
    %x00%(trailers:key=Hactl-Config-Commit,valueonly,separator=%x20)";

impl Repository {
    /// The commits that changed the state, the newest first.
    ///
    /// # Errors
    /// When git fails.
    pub fn history(&self, most: Option<usize>) -> Result<Vec<Revision>, RepositoryError> {
        match self.head()? {
            Some(head) => Ok(self.log(&head, most, &[])?),
            None => Ok(Vec::new()),
        }
    }

    /// The commit that made the state what it is at a revision: whatever git takes for one, as in `HEAD~3` or `1a2b3c4`.
    ///
    /// # Errors
    /// When there is no such revision, or no state at it.
    pub fn revision(&self, name: &str) -> Result<Revision, RepositoryError> {
        // What begins with a dash would be an option to git.
        let commit = if name.starts_with('-') { None } else { self.object(&format!("{name}^{{commit}}"))? };
        let commit = commit.ok_or_else(|| RepositoryError::NoRevision { name: name.to_owned() })?;
        let none = || RepositoryError::NoStateThere { name: name.to_owned() };
        if self.object(&format!("{commit}:{}", self.path))?.is_none() {
            return Err(none());
        }
        self.log(&commit, Some(1), &[])?.into_iter().next().ok_or_else(none)
    }

    /// The state at a revision.
    ///
    /// # Errors
    /// When what it holds is damaged, of a newer format, or another stack's.
    pub fn state_at(&self, revision: &Revision, store: &Store) -> Result<State, RepositoryError> {
        let bytes = self.content(&revision.id)?;
        let named = format!("{}:{}", revision.short, self.path);
        match store.parse(&bytes, named.as_ref()) {
            Ok((state, _)) => Ok(state),
            Err(source @ StateError::Flawed { flaw: Flaw::Newer { .. }, .. }) => Err(source.into()),
            Err(source @ StateError::Flawed { .. }) => Err(RepositoryError::DamagedThere(source)),
            Err(source) => Err(source.into()),
        }
    }

    /// The newest commits that changed the state and did not remove it, the newest first.
    pub(super) fn holding(&self, most: usize) -> Result<Vec<Revision>, RepositoryError> {
        match self.head()? {
            Some(head) => Ok(self.log(&head, Some(most), &["--diff-filter=AMT"])?),
            None => Ok(Vec::new()),
        }
    }

    fn log(&self, from: &str, most: Option<usize>, which: &[&str]) -> Result<Vec<Revision>, GitError> {
        let most = most.map(|most| format!("--max-count={most}"));
        let mut arguments = vec!["-c", "log.follow=false", "log", "--no-show-signature", "--no-color", FORMAT];
        arguments.extend(most.as_deref());
        arguments.extend(which);
        arguments.extend([from, "--", &self.name]);
        Ok(self.literally().text(&arguments)?.lines().filter_map(parse).collect())
    }
}

fn parse(line: &str) -> Option<Revision> {
    let mut fields = line.split('\0');
    let mut field = || fields.next().map(|field| field.trim().to_owned());
    let (id, short, when, author, summary) = (field()?, field()?, field()?, field()?, field()?);
    let mut trailer = || field().filter(|value| !value.is_empty());
    let serial = trailer().and_then(|serial| serial.parse().ok());
    Some(Revision {
        id,
        short,
        when,
        author,
        summary,
        serial,
        plan: trailer(),
        config: trailer(),
        config_commit: trailer(),
    })
}
