//! A lease on a ref of the remote: of all clones of a team, one at a time changes a stack.
//!
//! The ref `refs/hactl/lease/<stack>` is at a commit that tells who holds the lease and until when; no ref, no lease. It
//! is taken, renewed and released by compare-and-swap, which the remote decides, so of any number of clones exactly one
//! wins. The stack's lock on this machine ([`Store::lock`](crate::Store::lock)) is taken first: what is said here of a
//! run's own earlier lease rests on it.

mod error;
mod record;
mod remote;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::durable;
use crate::git::GitError;
use crate::lock::Holder;

pub use error::LeaseError;
pub use record::Lease;
use record::{heartbeat, whole_seconds};
pub use remote::Seen;
use remote::{RemoteError, RemoteRef, Swap};

/// Where the lease of one stack is.
#[derive(Debug, Clone)]
pub struct Leases {
    reference: RemoteRef,
    /// The ids of leases that this checkout took, or was about to take, and did not release.
    note: PathBuf,
}

/// What a lease is asked for with.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// A random id that no other lease has.
    pub id: &'a str,
    /// The command, as in `apply`.
    pub operation: &'a str,
    /// How long it lasts from one heartbeat; these come three times as often.
    pub duration: Duration,
    /// How long to wait for somebody else's.
    pub wait: Duration,
}

/// What happens while a lease is taken.
#[derive(Debug, Clone, Copy)]
pub enum Taking<'a> {
    /// Somebody else holds it, and is waited for.
    Waiting(&'a Lease),
    /// It was over without being released; it is ours now.
    TookOver(&'a Lease),
    /// A run in this checkout held it and died; it is ours now.
    TookBack(&'a Lease),
}

/// Holds the lease, and renews it, until it is released or dropped.
#[derive(Debug)]
#[must_use = "dropping it lets go of the lease"]
pub struct LeaseGuard {
    held: Held,
    stop: Option<mpsc::Sender<()>>,
    heartbeat: Option<JoinHandle<()>>,
}

/// A lease that is held, for whoever has to end the process at once.
#[derive(Debug, Clone)]
pub struct Held {
    leases: Leases,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    lease: Lease,
    commit: String,
    /// The commit of a heartbeat that is on its way to the remote.
    next: Option<String>,
    loss: Option<Loss>,
    released: bool,
}

/// How a lease that was held was lost.
#[derive(Debug, Clone)]
pub enum Loss {
    /// The ref was moved or removed by somebody else; by whom, where a lease of theirs is there.
    Taken(Option<Lease>),
    /// It could not be renewed before it ended.
    NotRenewed {
        /// When it ended.
        expired: Timestamp,
        /// Why it could not.
        source: Arc<GitError>,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(Some(lease)) => write!(f, "the lease of the stack was taken over by {lease}"),
            Self::Taken(None) => f.write_str("the lease of the stack was removed by somebody else"),
            Self::NotRenewed { expired, .. } => {
                write!(f, "the lease of the stack could not be renewed and ended at {}", whole_seconds(*expired))
            }
        }
    }
}

/// How long the remote is waited for where somebody waits here.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first and the longest pause between two looks at somebody else's lease.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

impl Leases {
    /// The lease of a stack on a remote of the repository that a directory is in. `note` is a file of this checkout
    /// alone, in which the leases that it takes are noted.
    pub fn new(directory: &Path, remote: &str, stack: &str, note: &Path) -> Self {
        Self { reference: RemoteRef::new(directory, remote, stack).within(PATIENCE), note: note.to_owned() }
    }

    /// Looks who holds the lease.
    ///
    /// # Errors
    /// When the remote does not answer.
    pub fn see(&self) -> Result<Option<Seen>, LeaseError> {
        self.reference.see().map_err(|error| self.error(error))
    }

    /// Removes exactly the lease that was seen; gives whether it was still that one.
    ///
    /// # Errors
    /// When the remote does not answer, or refuses.
    pub fn remove(&self, seen: &Seen) -> Result<bool, LeaseError> {
        let swapped = self.reference.swap(Some(&seen.commit), None).map_err(|error| self.error(error))?;
        Ok(swapped == Swap::Done)
    }

    /// Takes the lease, waiting for as long as the terms say where somebody else holds it. Blocks the thread. The stack's
    /// lock on this machine must be held.
    ///
    /// `tell` hears of whom is waited for, and what is taken over. `lost` is called, from another thread, when the
    /// lease is lost while it is held: nothing that needs it may be begun any more.
    ///
    /// # Errors
    /// When somebody still holds it after that, the remote does not answer or refuses the ref, or the note cannot be
    /// written.
    pub fn take(
        &self,
        terms: Terms<'_>,
        tell: &mut dyn FnMut(Taking<'_>),
        lost: impl FnOnce(&Loss) + Send + 'static,
    ) -> Result<LeaseGuard, LeaseError> {
        let started = Instant::now();
        let own = self.noted();
        let mut watched = Watched::default();
        loop {
            let seen = self.see()?;
            let unchanged = watched.unchanged(seen.as_ref());
            let claim = match seen.as_ref().map(|seen| judge(seen, &own, unchanged)) {
                Some(Claim::Held(holder)) => {
                    let left = terms.wait.saturating_sub(started.elapsed());
                    if left.is_zero() {
                        return Err(LeaseError::Held {
                            remote: self.reference.remote().to_owned(),
                            reference: self.reference.name().to_owned(),
                            holder: holder.cloned().map(Box::new),
                        });
                    }
                    if let Some(holder) = holder.filter(|holder| watched.is_new(holder)) {
                        tell(Taking::Waiting(holder));
                    }
                    thread::sleep(left.min(watched.pause()));
                    continue;
                }
                claim => claim,
            };
            let sent = Instant::now();
            let holder = Holder::current(terms.operation);
            let lease = Lease::new(terms.id, holder, terms.duration, Timestamp::now());
            // Noted before it is there: a kill in between leaves nothing that is not known again.
            self.write_note(&[own.as_str(), terms.id].join("\n"))?;
            let before = seen.as_ref().map(|seen| seen.commit.as_str());
            let commit = self.reference.write(&lease, before).map_err(LeaseError::Local)?;
            match self.reference.swap(before, Some(&commit)).map_err(|error| self.error(error))? {
                Swap::Moved => continue,
                Swap::Done => self.write_note(terms.id)?,
            }
            match claim {
                Some(Claim::TheirsIsOver(lease)) => tell(Taking::TookOver(lease)),
                Some(Claim::OursIsDead(lease)) => tell(Taking::TookBack(lease)),
                Some(Claim::Held(_)) | None => {}
            }
            tracing::info!(reference = self.reference.name(), remote = self.reference.remote(), commit, "lease taken");
            return Ok(self.hold(lease, commit, terms.duration, sent, lost));
        }
    }

    /// Holds a lease that was taken by a push that began at `sent`.
    fn hold(
        &self,
        lease: Lease,
        commit: String,
        duration: Duration,
        sent: Instant,
        lost: impl FnOnce(&Loss) + Send + 'static,
    ) -> LeaseGuard {
        let shared = Shared { lease, commit, next: None, loss: None, released: false };
        let held = Held { leases: self.clone(), shared: Arc::new(Mutex::new(shared)) };
        let (stop, stopped) = mpsc::channel();
        let beating = held.clone();
        let beat = move || {
            if let Some(loss) = beating.keep(duration, sent, &stopped) {
                tracing::warn!(%loss, "lease lost");
                beating.lock().loss = Some(loss.clone());
                lost(&loss);
            }
        };
        LeaseGuard { held, stop: Some(stop), heartbeat: Some(thread::spawn(beat)) }
    }

    fn noted(&self) -> String {
        std::fs::read_to_string(&self.note).unwrap_or_default().trim().to_owned()
    }

    fn write_note(&self, ids: &str) -> Result<(), LeaseError> {
        durable::write_private(&self.note, format!("{}\n", ids.trim()).as_bytes())
            .map_err(|source| LeaseError::Note { path: self.note.clone(), source })
    }

    fn error(&self, error: RemoteError) -> LeaseError {
        LeaseError::of(&self.reference, error)
    }
}

/// What a lease that is there means for a run that wants it.
#[derive(Debug, Clone, Copy)]
enum Claim<'a> {
    /// It is held; none where it cannot be read by whom.
    Held(Option<&'a Lease>),
    /// Its time is over.
    TheirsIsOver(&'a Lease),
    /// A run in this very checkout took it. Since the lock of the checkout is ours, it is dead.
    OursIsDead(&'a Lease),
}

fn judge<'a>(seen: &'a Seen, own: &str, unchanged: Duration) -> Claim<'a> {
    let Some(lease) = &seen.lease else { return Claim::Held(None) };
    let here = Holder::current("").host == lease.holder.host;
    if here && own.lines().any(|id| id == lease.id) {
        Claim::OursIsDead(lease)
    } else if lease.is_over(Timestamp::now(), unchanged) {
        Claim::TheirsIsOver(lease)
    } else {
        Claim::Held(Some(lease))
    }
}

/// What was seen of somebody else's lease while waiting.
#[derive(Debug, Default)]
struct Watched {
    commit: Option<(String, Instant)>,
    told: Option<String>,
    pause: Option<Duration>,
}

impl Watched {
    /// Takes note of what is there now; gives for how long it has been there.
    fn unchanged(&mut self, seen: Option<&Seen>) -> Duration {
        let Some(seen) = seen else { return Duration::ZERO };
        match &self.commit {
            Some((commit, since)) if *commit == seen.commit => since.elapsed(),
            _ => {
                self.commit = Some((seen.commit.clone(), Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Whether this is another lease than the one that was told of.
    fn is_new(&mut self, lease: &Lease) -> bool {
        self.told.replace(lease.id.clone()).as_ref() != Some(&lease.id)
    }

    fn pause(&mut self) -> Duration {
        let pause = self.pause.map_or(PAUSES.0, |pause| (pause * 2).min(PAUSES.1));
        *self.pause.insert(pause)
    }
}

impl LeaseGuard {
    /// The lease as a handle that outlives no longer than it is held.
    pub fn held(&self) -> Held {
        self.held.clone()
    }

    /// How it was lost, where it was.
    pub fn loss(&self) -> Option<Loss> {
        self.held.lock().loss.clone()
    }

    /// Releases it: the ref is removed, unless it is somebody else's by now.
    ///
    /// # Errors
    /// When the remote does not answer; the lease then ends by itself, and a later run in this checkout takes it back.
    pub fn release(mut self) -> Result<(), LeaseError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), LeaseError> {
        self.stop = None;
        if let Some(heartbeat) = self.heartbeat.take() {
            let _it_told_what_it_had_to = heartbeat.join();
        }
        self.held.release(PATIENCE)
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::warn!(%error, "lease not released");
        }
    }
}

impl Held {
    /// Releases the lease without waiting for a heartbeat on its way, and for the remote only so long: for a process that
    /// is about to end. What it held it for must be over.
    ///
    /// # Errors
    /// When the remote does not answer in time.
    pub fn release(&self, limit: Duration) -> Result<(), LeaseError> {
        let (commits, lost) = {
            let mut shared = self.lock();
            if std::mem::replace(&mut shared.released, true) {
                return Ok(());
            }
            ([Some(shared.commit.clone()), shared.next.clone()], shared.loss.is_some())
        };
        let reference = self.leases.reference.within(limit);
        for commit in commits.into_iter().flatten() {
            match reference.swap(Some(&commit), None) {
                Ok(Swap::Done) => {
                    tracing::info!(reference = reference.name(), "lease released");
                    break;
                }
                Ok(Swap::Moved) => {}
                Err(_) if lost => return Ok(()),
                Err(error) => return Err(self.leases.error(error)),
            }
        }
        // Whatever is there now is not this checkout's.
        durable::remove(&self.leases.note).map_err(|source| LeaseError::Note { path: self.leases.note.clone(), source })
    }

    /// Renews the lease until it is told to stop; gives how it was lost, where it was. `sent` is when the push began
    /// that it was taken with.
    fn keep(&self, duration: Duration, mut sent: Instant, stopped: &mpsc::Receiver<()>) -> Option<Loss> {
        let mut pause = heartbeat(duration);
        loop {
            match stopped.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return None,
            }
            let begun = Instant::now();
            let left = duration.saturating_sub(sent.elapsed());
            match self.renew(duration, left) {
                Ok(None) => {
                    sent = begun;
                    pause = heartbeat(duration);
                }
                Ok(Some(_)) if self.lock().released => return None,
                Ok(Some(loss)) => return Some(loss),
                Err(source) => {
                    let left = duration.saturating_sub(sent.elapsed());
                    tracing::warn!(%source, ?left, "lease not renewed");
                    pause = duration / 20;
                    // Too short for another try.
                    if left < 2 * pause {
                        let ended = stopped.recv_timeout(left) == Err(RecvTimeoutError::Timeout);
                        let expired = self.lock().lease.expires;
                        return ended.then(|| Loss::NotRenewed { expired, source: Arc::new(source) });
                    }
                }
            }
        }
    }

    /// One heartbeat, where the lease lasts for as long as `left` without it; gives how the lease was lost, where it was.
    fn renew(&self, duration: Duration, left: Duration) -> Result<Option<Loss>, GitError> {
        // A push and the question what became of it.
        let reference = self.leases.reference.within((left / 2).min(heartbeat(duration)));
        let git_error = |error| match error {
            RemoteError::Silent(source) | RemoteError::Refused(source) | RemoteError::Local(source) => source,
        };
        loop {
            let (lease, commit) = {
                let shared = self.lock();
                (shared.lease.renewed(duration, Timestamp::now()), shared.commit.clone())
            };
            let next = reference.write(&lease, Some(&commit))?;
            self.lock().next = Some(next.clone());
            if reference.swap(Some(&commit), Some(&next)).map_err(git_error)? == Swap::Done {
                tracing::debug!(heartbeats = lease.heartbeats, "lease renewed");
                let mut shared = self.lock();
                (shared.lease, shared.commit, shared.next) = (lease, next, None);
                return Ok(None);
            }
            let seen = reference.see().map_err(git_error)?;
            match seen.map(|seen| (seen.commit, seen.lease)) {
                // A heartbeat whose answer was lost came through.
                Some((commit, Some(now))) if now.id == lease.id => {
                    let mut shared = self.lock();
                    (shared.lease, shared.commit) = (now, commit);
                }
                seen => return Ok(Some(Loss::Taken(seen.and_then(|(_commit, lease)| lease)))),
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
