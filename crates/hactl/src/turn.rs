//! A turn at a stack: what every command that writes a state begins and ends with.
//!
//! It begins with the lock, a look at git, and the state; it ends with the state committed, the journal removed, and what
//! was committed pushed. In between, the state is written.

use std::path::PathBuf;
use std::time::Duration;

use hactl_config::Config;
use hactl_core::git::Git;
use hactl_core::plan::{Counts, Plan};
use hactl_core::{Diagnostic, Digest};
use hactl_engine::Applied;
use hactl_state::git::{Commit, Message, Place, Repository, RepositoryError};
use hactl_state::{Loaded, LockGuard, World};

use crate::cli::Global;
use crate::failure::Failure;
use crate::session::Session;

/// A turn that was begun; it ends when it is dropped.
pub(crate) struct Turn<'a> {
    session: &'a Session,
    _lock: LockGuard,
    repository: Option<Repository>,
    git: Git,
    /// Whether there are commits of the state that the remote does not have.
    unpushed: bool,
    /// What the user should know of where the state is.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// How a turn is to be taken.
pub(crate) struct Wish<'a> {
    /// The command, as in `apply`.
    pub(crate) operation: &'a str,
    /// How long to wait for another run.
    pub(crate) wait: Duration,
    /// What the config says about git.
    pub(crate) git: &'a Git,
    /// Whether the user wants no commit this time.
    pub(crate) no_commit: bool,
}

/// The config that something was applied of.
pub(crate) struct Applicable {
    /// Its digest.
    pub(crate) digest: Digest,
    /// The commit that it was in, with `-dirty` where it differed.
    pub(crate) commit: Option<String>,
}

impl<'a> Turn<'a> {
    /// Takes the lock, looks whether what comes can be committed and pushed, and reads the state. What an earlier run left
    /// uncommitted is committed.
    ///
    /// # Errors
    /// When another run holds the lock, git or the remote are not fit for it, or the state cannot be read.
    pub(crate) fn begin(session: &'a Session, wish: &Wish<'_>) -> Result<(Self, Loaded), Failure> {
        session.keep_out_of_git()?;
        let lock = session.store.lock(wish.operation, wish.wait)?;
        let mut turn = Self {
            session,
            _lock: lock,
            repository: None,
            git: Git { commit: wish.git.commit && !wish.no_commit, ..wish.git.clone() },
            unpushed: false,
            warnings: Vec::new(),
        };
        if session.world == World::Real && wish.git.commit {
            turn.look_at_git().map_err(Diagnostic::from)?;
        }
        let loaded = session.store.load()?;
        turn.commit_what_was_left(&loaded).map_err(Diagnostic::from)?;
        Ok((turn, loaded))
    }

    /// The config of this turn, for the message of its commit.
    ///
    /// # Errors
    /// When git fails.
    pub(crate) fn applicable(&self, config: &Config, global: &Global) -> Result<Applicable, Failure> {
        let files = files(config, global);
        let commit = self.repository.as_ref().map(|repository| repository.commit_of(&files)).transpose();
        Ok(Applicable { digest: config.digest(), commit: commit.map_err(Diagnostic::from)?.flatten() })
    }

    /// Ends a turn in which the state was written: commits it, removes the journal, pushes. Says what was done.
    ///
    /// # Errors
    /// When the state could not be committed or pushed; it is written anyway.
    pub(crate) fn end(mut self, message: &Message) -> Result<String, Diagnostic> {
        let committed = self.commit(message);
        // The state file holds everything in it, whether that is committed or not.
        self.session.store.discard_journal()?;
        let mut told = committed?;
        told.push_str(&self.push()?);
        Ok(told)
    }

    /// Ends a turn in which nothing was written: pushes what an earlier one could not. Says what was done.
    ///
    /// # Errors
    /// When it cannot be pushed.
    pub(crate) fn end_unchanged(self) -> Result<String, Diagnostic> {
        self.push()
    }

    fn look_at_git(&mut self) -> Result<(), RepositoryError> {
        let repository = match Repository::find(&self.session.store)? {
            Place::Versioned(repository) => *repository,
            Place::Ignored(path) => {
                self.warnings.push(
                    Diagnostic::warning(format!("git ignores the state file {}: it is not committed", path.display()))
                        .detail("a state that is lost cannot be brought back from git")
                        .help("take it out of .gitignore, or say that this is meant: `git: {commit: false}` in the config"),
                );
                return Ok(());
            }
            Place::Nowhere => return Ok(()),
        };
        if self.git.commit {
            repository.check()?;
        }
        if self.git.push {
            self.unpushed = repository.remote(&self.git)?.check()?;
        } else if self.git.commit && repository.branch()?.is_none() {
            self.warnings.push(
                Diagnostic::warning("HEAD is detached: what is committed now is on no branch")
                    .help("`git switch` to a branch, or make one of it afterwards: `git switch -c NAME`"),
            );
        }
        self.repository = Some(repository);
        Ok(())
    }

    fn commit_what_was_left(&mut self, loaded: &Loaded) -> Result<(), RepositoryError> {
        let Some(repository) = self.repository.as_ref().filter(|_| self.git.commit) else { return Ok(()) };
        if !repository.is_left_over()? {
            return repository.mend_index();
        }
        // What a journal adds is not in the file.
        let folded = loaded.journal.as_ref().map(|journal| journal.header.serial.saturating_sub(1));
        let serial = folded.or(loaded.state.as_ref().map(|state| state.serial));
        let summary = format!("hactl: state of {} left by an earlier run", self.session.store.stack());
        let trailers = serial.map(|serial| ("Hactl-Serial", serial.to_string())).into_iter().collect();
        repository.commit(&Message { summary, trailers })?;
        self.unpushed = self.git.push;
        Ok(())
    }

    fn commit(&mut self, message: &Message) -> Result<String, Diagnostic> {
        let Some(repository) = self.repository.as_ref().filter(|_| self.git.commit) else { return Ok(String::new()) };
        let Some(Commit { short, index_left }) = repository.commit(message)? else { return Ok(String::new()) };
        self.unpushed = self.git.push;
        let mut told = format!("The state is committed: {short}.\n");
        if let Some(said) = index_left {
            told.push_str(&format!(
                "Git's index has it as it was before: {said}\nWhen nothing else uses it: `git reset --quiet -- {}`.\n",
                self.session.store.state_path().display()
            ));
        }
        Ok(told)
    }

    fn push(&self) -> Result<String, Diagnostic> {
        let wanted = self.git.commit && self.git.push && self.unpushed;
        let Some(repository) = self.repository.as_ref().filter(|_| wanted) else { return Ok(String::new()) };
        let remote = repository.remote(&self.git)?;
        remote.push()?;
        Ok(format!("Pushed to {}.\n", remote.place()))
    }
}

/// The message of the commit that records an apply; `what` is the command and the stack, as in `apply shop`.
pub(crate) fn message(what: &str, applied: &Applied, plan: &Plan, config: &Applicable) -> Message {
    let Counts { add, change, destroy, .. } = applied.done;
    let failed = match applied.failures.len() {
        0 => String::new(),
        count => format!(" (failed: {count})"),
    };
    let interrupted = if applied.interrupted { " (interrupted)" } else { "" };
    let mut trailers = vec![
        ("Hactl-Serial", applied.state.serial.to_string()),
        ("Hactl-Plan", plan.digest().to_string()),
        ("Hactl-Config", config.digest.to_string()),
    ];
    trailers.extend(config.commit.clone().map(|commit| ("Hactl-Config-Commit", commit)));
    let summary = format!("hactl {what}: {add} added, {change} changed, {destroy} destroyed{failed}{interrupted}");
    Message { summary, trailers }
}

/// The commit that a config is in, with `-dirty` where it differs; none without git, and in the sandbox.
pub(crate) fn commit_of(session: &Session, config: &Config, global: &Global) -> Result<Option<String>, Failure> {
    if session.world == World::Sandbox || !config.git.commit {
        return Ok(None);
    }
    match Repository::find(&session.store).map_err(Diagnostic::from)? {
        Place::Versioned(repository) => Ok(repository.commit_of(&files(config, global)).map_err(Diagnostic::from)?),
        Place::Ignored(_) | Place::Nowhere => Ok(None),
    }
}

/// The files that a config is made of: what a commit has to hold for it to be had again. Variables are in the state.
fn files(config: &Config, global: &Global) -> Vec<PathBuf> {
    let read = config.sources.paths().filter(|path| !global.var_file.iter().any(|given| given == path));
    let named = config.inputs.digests().into_keys().map(|path| config.directory.join(path));
    read.map(PathBuf::from).chain(named).collect()
}
