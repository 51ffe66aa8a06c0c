//! A turn at a stack: what every command that writes a state begins and ends with.
//!
//! It begins with the lock, a look at git, the lease where a team pushes, and the state; it ends with the state committed,
//! the journal removed, what was committed pushed, and the lease released. In between, the state is written.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hactl_config::Config;
use hactl_core::git::Git;
use hactl_core::plan::Plan;
use hactl_core::{Diagnostic, Digest};
use hactl_engine::Applied;
use hactl_state::git::{Commit, Kept, LeaseGuard, Loss, Message, Place, Repository, RepositoryError, Revision};
use hactl_state::{Holder, Loaded, LockGuard, World};
use tokio::sync::watch;

use crate::cli::Global;
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::lease;
use crate::output::Output;
use crate::session::Session;

/// A turn that was begun; it ends when it is dropped.
pub(crate) struct Turn<'a> {
    session: &'a Session,
    interrupts: Interrupts,
    // Released before the lock is.
    lease: Option<LeaseGuard>,
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
    /// Where it is told who is waited for.
    pub(crate) output: &'a Output,
}

/// The config that something was applied of.
pub(crate) struct Applicable {
    /// Its digest.
    pub(crate) digest: Digest,
    /// The commit that it was in, with `-dirty` where it differed.
    pub(crate) commit: Option<String>,
}

impl<'a> Turn<'a> {
    /// Takes the lock, looks whether what comes can be committed and pushed, takes the lease, and reads the state. What an
    /// earlier run left uncommitted is committed.
    ///
    /// # Errors
    /// When another run holds the lock or the lease, git or the remote are not fit for it, or the state cannot be read.
    pub(crate) fn begin(session: &'a Session, wish: &Wish<'_>) -> Result<(Self, Loaded), Failure> {
        let mut turn = Self::begin_unread(session, wish)?;
        let loaded = session.store.load()?;
        turn.commit_what_was_left(&loaded).map_err(Diagnostic::from)?;
        if loaded.journal.is_none() {
            // One that is there all the same says that its state was saved, or says nothing: the next state would not fit it.
            session.store.discard_journal()?;
        }
        if loaded.state.is_none() {
            turn.warn_of_history().map_err(Diagnostic::from)?;
        }
        Ok((turn, loaded))
    }

    /// Begins as [`Turn::begin`] does and leaves the state alone, whatever is the matter with it.
    ///
    /// # Errors
    /// When another run holds the lock, or git or the remote are not fit for what comes.
    pub(crate) fn begin_unread(session: &'a Session, wish: &Wish<'_>) -> Result<Self, Failure> {
        session.keep_out_of_git()?;
        let started = Instant::now();
        let mut tell = |holder: &Holder| wish.output.message(&format!("Waiting for {holder}.\n"));
        let lock = session.store.lock_telling(wish.operation, wish.wait, &mut tell)?;
        let mut turn = Self {
            session,
            interrupts: Interrupts::new(),
            lease: None,
            _lock: lock,
            repository: None,
            git: Git { commit: wish.git.commit && !wish.no_commit, ..wish.git.clone() },
            unpushed: false,
            warnings: Vec::new(),
        };
        if session.world == World::Real && wish.git.commit {
            turn.look_at_git().map_err(Diagnostic::from)?;
        }
        if let Some(repository) = turn.repository.as_ref().filter(|_| turn.git.push) {
            let remote = repository.remote(&turn.git).map_err(Diagnostic::from)?;
            let leases = lease::of(session, &turn.git, repository);
            let wait = wish.wait.saturating_sub(started.elapsed());
            turn.lease = Some(lease::take(&leases, session, wish, wait, &turn.interrupts)?);
            turn.unpushed = remote.check().map_err(Diagnostic::from)?;
        }
        Ok(turn)
    }

    /// Steps begin now. What is returned turns true when no more are to begin: at an interrupt, and where the lease is lost.
    ///
    /// # Errors
    /// When the lease is lost already.
    pub(crate) fn begin_steps(&self) -> Result<watch::Receiver<bool>, Diagnostic> {
        match self.loss() {
            Some(loss) => Err(Diagnostic::error(loss.to_string())
                .detail("nothing was begun")
                .help("run it again when it is your turn")),
            None => Ok(self.interrupts.begin()),
        }
    }

    /// How the lease was lost, where it was.
    pub(crate) fn loss(&self) -> Option<Loss> {
        self.lease.as_ref().and_then(LeaseGuard::loss)
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

    /// What git keeps of the stack's state; nothing where the state is not in git, or the config wants no commits.
    ///
    /// # Errors
    /// When git fails.
    pub(crate) fn kept(&self) -> Result<Kept, Diagnostic> {
        let kept = self.repository.as_ref().map(|repository| repository.kept(&self.session.store)).transpose()?;
        Ok(kept.unwrap_or_default())
    }

    /// The command that brings the state back as it is at a revision.
    pub(crate) fn bring_back(&self, revision: &Revision) -> String {
        self.repository.as_ref().map(|repository| repository.bring_back(revision)).unwrap_or_default()
    }

    /// Ends a turn in which the state was written: commits it, removes the journal, pushes, lets go of the lease. Says what
    /// was done.
    ///
    /// # Errors
    /// When the state could not be committed or pushed, or the lease was lost; it is written anyway.
    pub(crate) fn end(mut self, message: &Message) -> Result<String, Diagnostic> {
        let told = self.record(message);
        self.let_go(told)
    }

    /// Ends a turn in which nothing was written: pushes what an earlier one could not. Says what was done.
    ///
    /// # Errors
    /// When it cannot be pushed.
    pub(crate) fn end_unchanged(self) -> Result<String, Diagnostic> {
        let told = self.push();
        self.let_go(told)
    }

    fn record(&mut self, message: &Message) -> Result<String, Diagnostic> {
        let committed = self.commit(message);
        // The state file holds everything in it, whether that is committed or not.
        self.session.store.discard_journal()?;
        let mut told = committed?;
        told.push_str(&self.push()?);
        Ok(told)
    }

    /// Lets go of the lease, and adds to what is told of the end what became of it.
    fn let_go(mut self, told: Result<String, Diagnostic>) -> Result<String, Diagnostic> {
        let Some(lease) = self.lease.take() else { return told };
        let loss = lease.loss();
        let released = lease.release();
        let told = told.map(|mut told| {
            if let (None, Err(error)) = (&loss, released) {
                told.push_str(&format!("The lease could not be released: {error}. It ends by itself.\n"));
            }
            told
        });
        match (told, loss) {
            (told, None) => told,
            (Ok(_), Some(loss)) => Err(loss.into()),
            (Err(mut error), Some(loss)) => {
                error.detail = [error.detail, loss.to_string()].join("\n").trim().to_owned();
                Err(error)
            }
        }
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
        if !self.git.push && self.git.commit && repository.branch()?.is_none() {
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

    /// Warns where there is no state, and there was one in git.
    fn warn_of_history(&mut self) -> Result<(), RepositoryError> {
        let Some(repository) = &self.repository else { return Ok(()) };
        let Some(revision) = repository.last_kept()? else { return Ok(()) };
        let warning = Diagnostic::warning(format!(
            "there is no state of {}, and there was one in git",
            self.session.store.stack()
        ));
        let warning = warning
            .detail(format!("the last one is that of {}, {}: {}", revision.short, revision.when, revision.summary))
            .help(format!("if it was not removed on purpose, bring it back: `{}`", repository.bring_back(&revision)));
        self.warnings.push(warning);
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

/// Refuses to take a state that is gone here, and is in git, for one that never was.
///
/// # Errors
/// When it is.
pub(crate) fn check_present(session: &Session) -> Result<(), Diagnostic> {
    if session.world == World::Sandbox {
        return Ok(());
    }
    // Where git does not tell, nothing speaks against there being none yet.
    match Repository::find(&session.store) {
        Ok(Place::Versioned(repository)) => Ok(repository.check_present()?),
        Ok(Place::Ignored(_) | Place::Nowhere) | Err(_) => Ok(()),
    }
}

/// The message of the commit that records an apply; `what` is the command and the stack, as in `apply shop`.
pub(crate) fn message(what: &str, applied: &Applied, plan: &Plan, config: &Applicable) -> Message {
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
    let summary = format!("hactl {what}: {}{failed}{interrupted}", crate::render::plan::done(applied.done));
    Message { summary, trailers }
}

/// The commit that a config is in, with `-dirty` where it differs; none without git, where git does not tell, and in the
/// sandbox: whether all is well with git is asked when something is applied.
pub(crate) fn commit_of(session: &Session, config: &Config, global: &Global) -> Option<String> {
    if session.world == World::Sandbox || !config.git.commit {
        return None;
    }
    match Repository::find(&session.store) {
        Ok(Place::Versioned(repository)) => repository.commit_of(&files(config, global)).ok().flatten(),
        _ => None,
    }
}

/// The files that a config is made of: what a commit has to hold for it to be had again. Variables are in the state.
fn files(config: &Config, global: &Global) -> Vec<PathBuf> {
    let read = config.sources.paths().filter(|path| !global.var_file.iter().any(|given| given == path));
    let named = config.inputs.digests().into_keys().map(|path| config.directory.join(path));
    read.map(PathBuf::from).chain(named).collect()
}
