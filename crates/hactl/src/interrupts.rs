//! Interrupts by the user: what they end, and what is let go of before.
//!
//! Until somebody listens they end the process as usual. Once a lease is held, one that comes before any step releases it
//! first. While steps run the first one lets these end, and the second one ends the process at once.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use hactl_state::git::Held;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The interrupts of one run.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    stopping: watch::Sender<bool>,
    run: Arc<Mutex<Run>>,
}

/// How far the run is.
#[derive(Debug, Default)]
struct Run {
    listening: bool,
    /// Whether steps have begun.
    begun: bool,
    /// Whether one was heard since.
    heard: bool,
    lease: Option<Held>,
}

/// How long the remote is waited for to release a lease when the process is to end at once.
const LAST_MOMENT: Duration = Duration::from_secs(3);

impl Interrupts {
    /// Nobody listens yet.
    pub(crate) fn new() -> Self {
        Self { stopping: watch::Sender::new(false), run: Arc::default() }
    }

    /// A lease is held from now on: where an interrupt ends the process, it is released first.
    pub(crate) fn lease(&self, lease: Held) {
        let mut run = self.run();
        run.lease = Some(lease);
        self.listen(&mut run);
    }

    /// Steps begin now. What is returned turns true when no more are to begin.
    pub(crate) fn begin(&self) -> watch::Receiver<bool> {
        let mut run = self.run();
        run.begun = true;
        self.listen(&mut run);
        self.stopping.subscribe()
    }

    /// Has no more steps begin, as the first interrupt does.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens in a thread of its own, whatever the others wait for.
    fn listen(&self, run: &mut Run) {
        if std::mem::replace(&mut run.listening, true) {
            return;
        }
        let (ready, listening) = mpsc::channel::<()>();
        let interrupts = self.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let heard = runtime.and_then(|runtime| runtime.block_on(interrupts.take(ready)));
            if let Err(error) = heard {
                tracing::warn!(%error, "interrupts cannot be listened to");
            }
        });
        let _it_ends_where_that_is_not_possible = listening.recv();
    }

    async fn take(&self, ready: mpsc::Sender<()>) -> std::io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        drop(ready);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                // The terminal is gone; the work is not.
                _ = hang_up.recv() => {}
            }
            self.heard();
        }
    }

    fn heard(&self) {
        let mut run = self.run();
        if run.begun && !std::mem::replace(&mut run.heard, true) {
            self.stop();
            return;
        }
        let told: &[u8] = match run.begun {
            // The journal already tells the truth.
            true => b"\nStopped at once. What was begun is in the journal; run apply again to go on from there.\n",
            false => b"\nInterrupted.\n",
        };
        tracing::warn!(begun = run.begun, "interrupted: stopped at once");
        let _nobody_may_listen = std::io::stderr().write_all(told);
        if let Some(Err(error)) = run.lease.as_ref().map(|lease| lease.release(LAST_MOMENT)) {
            tracing::warn!(%error, "lease not released");
        }
        std::process::exit(130);
    }
}
