//! Apply: walking the steps of a plan.
//!
//! One task does all the book-keeping; steps run beside each other, but every record goes to the journal from here,
//! in one order: first the intents of a batch, durably, then the steps of that batch. An outcome is written together
//! with the next intents, which is before any step that waited for it begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::plan::{Counts, Operation, Plan, Task};
use hactl_core::resolve::Secrets;
use hactl_core::resource::Rules;
use hactl_core::state::State;
use hactl_core::{Sensitive, Value};
use hactl_state::Record;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use crate::book::{Book, Prepared, touches_host};
use crate::event::{Event, Events};
use crate::hosts::{self, Hosts};
use crate::log;
use crate::refresh::SeenNode;
use crate::schedule::{Ended, Schedule, Turn};
use crate::target::{Identity, Job, Produced, StepError, Target, Targets};

/// Where records go: the journal, or a list in a test.
pub trait Recorder: Send {
    /// Writes records; they are durable when it returns.
    ///
    /// # Errors
    /// When they are not.
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic>;
}

/// Encrypts a value that stands at a place with this name, as in `secret.db.password`. What state holds there now stays
/// as it is where the value is the same.
pub type Encrypt<'a> = &'a (dyn Fn(&str, &Value, Option<&Value>) -> Result<Value, Diagnostic> + Send + Sync);

/// What it takes to apply a plan.
pub struct Apply<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The state it was made from, with every unfinished step settled.
    pub state: State,
    /// What there is to know about kinds.
    pub rules: Rules,
    /// The hosts.
    pub targets: &'a dyn Targets,
    /// The nodes as refresh saw them, for their identity.
    pub nodes: &'a BTreeMap<String, SeenNode>,
    /// Which cluster refresh saw.
    pub cluster: Option<&'a Identity>,
    /// Where intents and outcomes go.
    pub recorder: &'a mut dyn Recorder,
    /// The sensitive values; those that steps make are added.
    pub secrets: &'a mut Secrets,
    /// Makes of a sensitive value what state may keep of it.
    pub encrypt: Encrypt<'a>,
    /// Gives a new random id at each call.
    pub generations: &'a mut (dyn FnMut() -> String + Send),
    /// The most steps that run at one time.
    pub parallelism: usize,
    /// Turns true when nothing new is to be begun.
    pub interrupted: watch::Receiver<bool>,
    /// Told what happens.
    pub events: Events<'a>,
}

/// What became of it.
#[derive(Debug)]
pub struct Applied {
    /// The state to be written, whatever happened.
    pub state: State,
    /// The steps that failed.
    pub failures: Vec<Failure>,
    /// How many resources were added, changed, destroyed, let go of and moved.
    pub done: Counts,
    /// The resources whose steps were not begun.
    pub skipped: BTreeSet<Address>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// A step that failed.
#[derive(Debug)]
pub struct Failure {
    /// The resource; none where the node as a whole, or the journal, is the matter.
    pub address: Option<Address>,
    /// The node.
    pub node: Option<String>,
    /// What was being done.
    pub operation: Option<Operation>,
    /// Why it failed.
    pub error: StepError,
}

/// The most steps that run on one host at one time.
pub(crate) const HOST_LIMIT: usize = 32;

/// Applies a plan. Whatever happens, the state that comes back tells the truth.
pub async fn apply(work: Apply<'_>) -> Applied {
    let Apply { plan, mut state, rules, targets, nodes, recorder, secrets, encrypt, .. } = work;
    let parent_serial = state.serial;
    state.serial += 1;
    tracing::info!(stack = %plan.stack, serial = state.serial, steps = plan.steps.len(), "apply begins");
    let mut book = Book::new(plan, state, rules, secrets, encrypt);
    let mut touched = hosts::touched(plan);
    // Nothing is taken on an API server, which may even be made in this run.
    if touched.remove(CLUSTER).is_some() {
        book.remember_cluster(work.cluster);
    }
    for node in touched.keys() {
        book.remember_node(node, nodes);
    }
    let forgotten = hosts::forgotten(&book.state, nodes);
    let let_go = hosts::let_go(plan, nodes);
    for node in forgotten.keys().copied().chain(hosts::outdated(nodes)).chain(let_go) {
        touched.entry(node).or_default();
    }
    let written = book.write(recorder);
    let mut hosts = Hosts::new();
    if written {
        (hosts, book.failures) = hosts::take(plan, targets, nodes, touched, parent_serial).await;
    }
    let mut interrupted = false;
    if book.failures.iter().any(|failure| failure.error.stale) {
        // With a serial of its own this state would no longer look stale to the hosts.
        book.state.serial = parent_serial;
    }
    if !book.failures.is_empty() {
        let tasks = plan.steps.iter().filter_map(|step| step.task);
        book.skipped.extend(tasks.map(|task| plan.change(task).address.clone()));
    } else {
        let mut walk = Walk {
            plan,
            events: work.events,
            hosts: &hosts,
            home: targets.home(),
            cluster: plan.cluster.as_ref().map(|connection| targets.cluster(connection)),
            book: &mut book,
            recorder,
            parallelism: work.parallelism,
            schedule: Schedule::new(&plan.steps),
            on_host: BTreeMap::new(),
            begun: vec![false; plan.changes.len()],
        };
        interrupted = walk.run(work.generations, work.interrupted).await;
    }
    let mut held = BTreeSet::new();
    for failure in hosts::release(plan, &book.state, nodes, &hosts).await {
        held.extend(failure.node.clone());
        // What made a step fail there makes the release fail as well, and is told already.
        if book.failures.iter().all(|known| known.node != failure.node) {
            book.failures.push(failure);
        }
    }
    tracing::info!(failed = book.failures.len(), skipped = book.skipped.len(), interrupted, "apply ends");
    book.close(interrupted, &held)
}

/// The steps of a plan on their way.
struct Walk<'a, 'b> {
    plan: &'a Plan,
    events: Events<'a>,
    hosts: &'a Hosts,
    home: Arc<dyn Target>,
    cluster: Option<Arc<dyn Target>>,
    book: &'b mut Book<'a>,
    recorder: &'b mut dyn Recorder,
    parallelism: usize,
    schedule: Schedule<'a>,
    /// How many steps run on each node.
    on_host: BTreeMap<&'a str, usize>,
    /// The changes of which a step has begun.
    begun: Vec<bool>,
}

/// A step that has ended.
struct Done {
    step: usize,
    task: Task,
    elapsed: Duration,
    result: Result<Produced, StepError>,
}

impl<'a> Walk<'a, '_> {
    /// Walks the steps; returns whether it was interrupted before the last one.
    async fn run(
        &mut self,
        generations: &mut (dyn FnMut() -> String + Send),
        mut interrupted: watch::Receiver<bool>,
    ) -> bool {
        let mut running = FuturesUnordered::new();
        let mut recorded = true;
        let mut told = false;
        while recorded {
            let stopping = *interrupted.borrow();
            if stopping
                && !std::mem::replace(&mut told, true)
                && !(running.is_empty() && self.schedule.left().is_empty())
            {
                tracing::warn!(running = running.len(), "interrupted: what runs is finished, nothing else begins");
                (self.events)(Event::Stopping);
            }
            let room = self.parallelism.saturating_sub(running.len());
            let batch = self.take_batch(room, stopping);
            let asked = batch.len();
            let prepared = self.prepare(batch, generations);
            let unprepared = asked - prepared.len();
            recorded = self.book.write(self.recorder);
            for (step, job) in prepared {
                if recorded {
                    let span = log::step(self.plan, job.task);
                    let target = self.target(job.task);
                    running.push(run_step(self.plan, target, step, job, self.events).instrument(span));
                } else {
                    // Without its intent on disk it may not begin.
                    self.book.withdraw(job);
                }
            }
            if unprepared > 0 && recorded {
                continue;
            }
            let ended = tokio::select! {
                biased;
                ended = running.next() => ended,
                heard = interrupted.wait_for(|interrupted| *interrupted), if !told => {
                    // Where nobody can interrupt it any more, there is nothing to hear.
                    told = heard.is_err();
                    continue;
                }
            };
            let Some(ended) = ended else { break };
            self.end(ended);
            // Whatever else has ended by now shares the next write.
            while let Some(ended) = running.next().now_or_never().flatten() {
                self.end(ended);
            }
        }
        while let Some(ended) = running.next().await {
            self.end(ended);
        }
        self.book.write_rest(self.recorder);
        let left = self.schedule.left();
        let left: BTreeSet<Address> = left.into_iter().filter_map(|step| self.address(step)).cloned().collect();
        let interrupted = recorded && !left.is_empty();
        self.book.skipped.extend(left);
        interrupted
    }

    fn address(&self, step: usize) -> Option<&'a Address> {
        Some(&self.plan.change(self.plan.steps[step].task?).address)
    }

    /// Where the resource of a step lives; none for a node that was not connected to.
    fn target(&self, task: Task) -> Option<Arc<dyn Target>> {
        match self.plan.change(task).node.as_deref() {
            Some(CLUSTER) => self.cluster.clone(),
            Some(node) => self.hosts.get(node).cloned(),
            None => Some(self.home.clone()),
        }
    }

    fn node(&self, task: Task) -> &'a str {
        self.plan.change(task).node.as_deref().unwrap_or_default()
    }

    /// The steps that begin now, at most as many as there is room for.
    fn take_batch(&mut self, room: usize, stopping: bool) -> Vec<(usize, Task)> {
        let mut batch = Vec::new();
        let Self { plan, schedule, on_host, begun, .. } = self;
        schedule.take_ready(&mut |step| {
            let Some(task) = plan.steps[step].task else { return Turn::Begins };
            // What has begun is brought to its end: a replacement must not stop between old and new.
            if stopping && !begun[task.change as usize] {
                return Turn::NotNow;
            }
            if batch.len() >= room {
                return Turn::Full;
            }
            let busy = on_host.entry(plan.change(task).node.as_deref().unwrap_or_default()).or_default();
            if *busy >= HOST_LIMIT {
                return Turn::NotNow;
            }
            *busy += 1;
            begun[task.change as usize] = true;
            batch.push((step, task));
            Turn::Begins
        });
        for step in self.schedule.take_skipped() {
            if let Some(task) = self.plan.steps[step].task {
                self.skip(task);
            }
        }
        batch
    }

    /// Notes the intents of a batch; what cannot be prepared has failed.
    fn prepare(
        &mut self,
        batch: Vec<(usize, Task)>,
        generations: &mut dyn FnMut() -> String,
    ) -> Vec<(usize, Prepared)> {
        let mut prepared = Vec::with_capacity(batch.len());
        for (step, task) in batch {
            match self.book.prepare(task, generations) {
                Ok(job) => prepared.push((step, job)),
                Err(error) => {
                    log::step(self.plan, task).in_scope(|| tracing::warn!("step not begun: it lacks a value"));
                    self.tell_end(task, Duration::ZERO, Err(&error));
                    self.book.not_begun(task, error);
                    self.free(task);
                    self.schedule.end(step, Ended::Badly);
                }
            }
        }
        prepared
    }

    fn end(&mut self, done: Done) {
        let Done { step, task, elapsed, result } = done;
        self.free(task);
        let ended = match result.and_then(|produced| self.book.done(task, produced)) {
            Ok(()) => {
                self.tell_end(task, elapsed, Ok(()));
                Ended::Well
            }
            Err(error) => {
                self.tell_end(task, elapsed, Err(&error));
                self.book.failed(task, error);
                Ended::Badly
            }
        };
        self.schedule.end(step, ended);
    }

    fn free(&mut self, task: Task) {
        if let Some(busy) = self.on_host.get_mut(self.node(task)) {
            *busy -= 1;
        }
    }

    fn skip(&mut self, task: Task) {
        // A rollback or clean-up that was not needed is nothing to tell.
        if matches!(task.operation, Operation::Restore | Operation::Settle | Operation::Gate) {
            return;
        }
        let address = &self.plan.change(task).address;
        log::step(self.plan, task).in_scope(|| tracing::info!("step skipped: something before it failed"));
        self.book.skipped.insert(address.clone());
        (self.events)(Event::Skipped { address, operation: task.operation });
    }

    fn tell_end(&self, task: Task, elapsed: Duration, result: Result<(), &StepError>) {
        let change = self.plan.change(task);
        let (address, node) = (&change.address, change.node.as_deref());
        (self.events)(Event::Ended { address, node, operation: task.operation, elapsed, result });
    }
}

async fn run_step(
    plan: &Plan,
    target: Option<Arc<dyn Target>>,
    step: usize,
    job: Prepared,
    events: Events<'_>,
) -> Done {
    let task = job.task;
    let change = plan.change(task);
    let node = change.node.as_deref();
    events(Event::Started { address: &change.address, node, operation: task.operation });
    log::step_begins();
    let started = Instant::now();
    let result = if touches_host(task.operation) || task.operation == Operation::Gate {
        execute(plan, target.as_deref(), &job, events).await
    } else {
        Ok(Produced::default())
    };
    log::step_ended(&result, started.elapsed());
    Done { step, task, elapsed: started.elapsed(), result }
}

async fn execute(
    plan: &Plan,
    target: Option<&dyn Target>,
    job: &Prepared,
    events: Events<'_>,
) -> Result<Produced, StepError> {
    let change = plan.change(job.task);
    let target = target.ok_or_else(|| StepError::new("its node was not connected to"))?;
    let progress = |text: &str| events(Event::Progress { address: &change.address, text });
    let job = Job {
        lineage: &plan.lineage,
        stack: &plan.stack,
        address: &change.address,
        operation: job.task.operation,
        spec: job.spec.as_ref().map(Sensitive::expose),
        planned: change.after.as_deref(),
        generation: &job.generation,
        state: job.known.as_ref(),
        held: &job.held,
        paths: &change.paths,
        entries: &job.entries,
        remakes: &change.remakes,
        notified: job.notified,
        adopt: change.adopt,
        adopts: change.adopts.as_ref(),
        progress: &progress,
    };
    target.execute(&job).await
}
