//! Apply: walking the steps of a plan.
//!
//! One task does all the book-keeping; steps run beside each other, but every record goes to the journal from here,
//! in one order: first the intents of a batch, durably, then the steps of that batch. An outcome is written together
//! with the next intents, which is before any step that waited for it begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hactl_core::Address;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::plan::{Operation, OutputChange, Plan, Task};
use hactl_core::resolve::{Outputs, Secrets, fold, reveal, seal};
use hactl_core::resource::Rules;
use hactl_core::state::{Intent, NodeState, Outcome, ResourceState, State};
use hactl_core::value::{Map, Value};
use hactl_state::Record;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::event::{Event, Events};
use crate::refresh::SeenNode;
use crate::schedule::{Ended, Schedule, Turn};
use crate::target::{Claim, Job, StepError, Target, Targets};

/// Where records go: the journal, or a list in a test.
pub trait Recorder: Send {
    /// Writes records; they are durable when it returns.
    ///
    /// # Errors
    /// When they are not.
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic>;
}

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
    /// Where intents and outcomes go.
    pub recorder: &'a mut dyn Recorder,
    /// The sensitive values.
    pub secrets: &'a Secrets,
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
    /// How many resources were added, changed and destroyed.
    pub done: hactl_core::plan::Counts,
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
const HOST_LIMIT: usize = 32;

/// Applies a plan. Whatever happens, the state that comes back tells the truth.
pub async fn apply(mut work: Apply<'_>) -> Applied {
    let mut state = std::mem::replace(&mut work.state, State::new("", ""));
    let parent_serial = state.serial;
    state.serial += 1;
    let mut run = Run {
        notified_by: notified_by(&state),
        plan: work.plan,
        rules: work.rules,
        secrets: work.secrets,
        hosts: BTreeMap::new(),
        state,
        failures: Vec::new(),
        skipped: BTreeSet::new(),
        counts: hactl_core::plan::Counts::default(),
        records: Vec::new(),
        generation: vec![String::new(); work.plan.changes.len()],
    };
    run.take_nodes(&mut work, parent_serial).await;
    let interrupted = if run.failures.is_empty() { run.walk(&mut work).await } else { false };
    run.finish(interrupted).await
}

struct Run<'a> {
    plan: &'a Plan,
    rules: Rules,
    secrets: &'a Secrets,
    hosts: BTreeMap<String, Arc<dyn Target>>,
    state: State,
    failures: Vec<Failure>,
    skipped: BTreeSet<Address>,
    counts: hactl_core::plan::Counts,
    /// Written with the next batch.
    records: Vec<Record>,
    /// The random id of each change that creates something.
    generation: Vec<String>,
    notified_by: BTreeMap<Address, Vec<Address>>,
}

/// What a step needs, owned by the step while it runs.
struct Prepared {
    task: Task,
    target: Option<Arc<dyn Target>>,
    spec: Option<Value>,
    state: Option<ResourceState>,
    notified: bool,
    generation: String,
}

struct Done {
    step: usize,
    task: Task,
    elapsed: std::time::Duration,
    result: Result<Map, StepError>,
}

impl<'a> Run<'a> {
    /// Connects to every node that the plan touches and takes it for this apply, before the first step.
    async fn take_nodes(&mut self, work: &mut Apply<'_>, parent_serial: u64) {
        let plan = self.plan;
        let mut addresses: BTreeMap<&str, Vec<Address>> = BTreeMap::new();
        for step in &plan.steps {
            let Some(task) = step.task else { continue };
            let change = plan.change(task);
            if let Some(node) = &change.node
                && touches_host(task.operation)
            {
                addresses.entry(node).or_default().push(change.address.clone());
            }
        }
        for node in addresses.keys() {
            self.remember_node(node, work.nodes);
        }
        if !self.write_records(work.recorder) {
            return;
        }
        let targets = work.targets;
        let claims: FuturesUnordered<_> = addresses
            .into_iter()
            .map(|(node, mut addresses)| {
                addresses.dedup();
                let claim = Claim {
                    lineage: plan.lineage.clone(),
                    stack: plan.stack.clone(),
                    parent_serial,
                    serial: parent_serial + 1,
                    addresses,
                };
                async move {
                    let taken = async {
                        let connection = plan
                            .nodes
                            .get(node)
                            .ok_or_else(|| StepError::new("the plan does not say how to reach it"))?;
                        let target = targets.connect(node, connection).await.map_err(StepError::new)?;
                        target.claim(&claim).await?;
                        Ok(target)
                    };
                    (node.to_owned(), taken.await)
                }
            })
            .collect();
        let claims: Vec<(String, Result<Arc<dyn Target>, StepError>)> = claims.collect().await;
        for (node, taken) in claims {
            match taken {
                Ok(target) => {
                    self.hosts.insert(node, target);
                }
                Err(error) => self.failures.push(Failure { address: None, node: Some(node), operation: None, error }),
            }
        }
        self.failures.sort_by(|a, b| a.node.cmp(&b.node));
    }

    /// Walks the steps; returns whether it was interrupted.
    async fn walk(&mut self, work: &mut Apply<'_>) -> bool {
        let plan = self.plan;
        let events = work.events;
        let mut schedule = Schedule::new(&plan.steps);
        let mut running = FuturesUnordered::new();
        let mut on_host: BTreeMap<&str, usize> = BTreeMap::new();
        let mut begun = vec![false; plan.changes.len()];
        let mut broken = false;
        let mut watching = true;
        loop {
            let interrupted = *work.interrupted.borrow();
            let mut batch = Vec::new();
            if !broken {
                schedule.take_ready(&mut |step| {
                    let Some(task) = plan.steps[step].task else { return Turn::Begins };
                    // What has begun is brought to its end: a replacement must not stop between old and new.
                    if interrupted && !begun[task.change as usize] {
                        return Turn::NotNow;
                    }
                    if running.len() + batch.len() >= work.parallelism {
                        return Turn::Full;
                    }
                    let node = plan.change(task).node.as_deref().unwrap_or_default();
                    let busy = on_host.entry(node).or_default();
                    if *busy >= HOST_LIMIT {
                        return Turn::NotNow;
                    }
                    *busy += 1;
                    batch.push((step, task));
                    Turn::Begins
                });
                for step in schedule.take_skipped() {
                    if let Some(task) = plan.steps[step].task {
                        self.skip(task, events);
                    }
                }
            }
            let mut progressed = false;
            let mut prepared = Vec::with_capacity(batch.len());
            for (step, task) in batch {
                begun[task.change as usize] = true;
                match self.prepare(task, work.generations) {
                    Ok(job) => prepared.push((step, job)),
                    Err(error) => {
                        *on_host.entry(plan.change(task).node.as_deref().unwrap_or_default()).or_default() -= 1;
                        self.fail(task, error, events, std::time::Duration::ZERO);
                        schedule.end(step, Ended::Badly);
                        progressed = true;
                    }
                }
            }
            if !self.write_records(work.recorder) {
                // Without its intents on disk nothing of this batch may begin.
                for (_, job) in prepared.drain(..) {
                    self.state.unfinished.remove(&plan.change(job.task).address);
                }
                broken = true;
            }
            for (step, job) in prepared {
                running.push(run_step(plan, step, job, events));
            }
            if running.is_empty() {
                if progressed && !broken {
                    continue;
                }
                break;
            }
            let done = tokio::select! {
                done = running.next() => done,
                changed = work.interrupted.changed(), if watching => {
                    watching = changed.is_ok() && !*work.interrupted.borrow();
                    continue;
                }
            };
            let mut next = done;
            // Whatever else has ended by now shares the next write.
            while let Some(done) = next {
                *on_host.entry(plan.change(done.task).node.as_deref().unwrap_or_default()).or_default() -= 1;
                let ended = self.end(done.task, done.result, done.elapsed, events);
                schedule.end(done.step, ended);
                next = futures_util::FutureExt::now_or_never(running.next()).flatten();
            }
        }
        let left = schedule.left();
        for step in &left {
            if let Some(task) = plan.steps[*step].task {
                self.skipped.insert(plan.change(task).address.clone());
            }
        }
        if !self.records.is_empty() {
            // The state is written next and says the same; a journal that cannot be written now loses nothing.
            let _ = work.recorder.append(&std::mem::take(&mut self.records));
        }
        !broken && !left.is_empty()
    }

    /// Writes what was noted since the last time; returns whether it is on disk.
    fn write_records(&mut self, recorder: &mut dyn Recorder) -> bool {
        if self.records.is_empty() {
            return true;
        }
        match recorder.append(&std::mem::take(&mut self.records)) {
            Ok(()) => true,
            Err(diagnostic) => {
                let error = StepError { summary: diagnostic.summary, detail: diagnostic.detail, help: diagnostic.help };
                self.failures.push(Failure { address: None, node: None, operation: None, error });
                false
            }
        }
    }

    /// Makes ready what a step needs and notes its intent.
    fn prepare(&mut self, task: Task, generations: &mut dyn FnMut() -> String) -> Result<Prepared, StepError> {
        let plan = self.plan;
        let change = plan.change(task);
        let address = &change.address;
        let makes =
            matches!(task.operation, Operation::Create | Operation::Update | Operation::Swap | Operation::Record);
        let known = self.state.resources.get(address).cloned();
        let labelled = self.rules.of(address.kind()).is_some_and(|rules| rules.generations);
        let generation = match task.operation {
            Operation::Create | Operation::Swap if labelled => generations(),
            _ => known.as_ref().map(|known| known.generation.clone()).unwrap_or_default(),
        };
        self.generation[task.change as usize].clone_from(&generation);
        let mut spec = None;
        let mut resource = None;
        if let (true, Some(after)) = (makes, &change.after) {
            let unresolved = |error: hactl_core::eval::EvalError| StepError {
                summary: error.message,
                detail: String::new(),
                help: error.help,
            };
            spec = Some(reveal(after, &self.state_outputs(), self.secrets).map_err(unresolved)?);
            let sealed = seal(after, &self.state_outputs(), self.secrets).map_err(unresolved)?;
            resource = Some(ResourceState {
                node: change.node.clone(),
                spec: sealed,
                outputs: known.as_ref().map(|known| known.outputs.clone()).unwrap_or_default(),
                generation: generation.clone(),
                dependencies: change.dependencies.clone(),
                protect: change.protect,
                notified: false,
                unproven: change.gated && touches_host(task.operation),
                previous: None,
            });
        }
        if task.operation == Operation::Gate {
            spec = match &change.after {
                Some(after) => Some(
                    reveal(after, &self.state_outputs(), self.secrets)
                        .map_err(|error| StepError::new(error.message))?,
                ),
                None => None,
            };
        }
        let intent = Intent { operation: task.operation, resource };
        self.state.begin(address, intent.clone());
        self.records.push(Record::Intent { address: address.clone(), intent });
        let told = change.reasons.iter().any(|reason| {
            use hactl_core::plan::Reason;
            matches!(reason, Reason::DependencyChanged(_) | Reason::NotYetNotified)
        });
        Ok(Prepared {
            task,
            target: change.node.as_deref().and_then(|node| self.hosts.get(node)).cloned(),
            spec,
            notified: told || known.as_ref().is_some_and(|known| known.notified),
            state: known,
            generation,
        })
    }

    fn state_outputs(&self) -> StateOutputs<'_> {
        StateOutputs(&self.state)
    }

    /// Notes how a step ended.
    fn end(
        &mut self,
        task: Task,
        result: Result<Map, StepError>,
        elapsed: std::time::Duration,
        events: Events<'_>,
    ) -> Ended {
        let change = self.plan.change(task);
        match result {
            Ok(outputs) => {
                let outcome = Outcome::Done(outputs);
                self.state.end(&change.address, outcome.clone());
                self.records.push(Record::Outcome { address: change.address.clone(), outcome });
                if matches!(task.operation, Operation::Create | Operation::Update | Operation::Swap) {
                    self.tell_dependents(&change.address);
                }
                self.count(task.operation);
                events(Event::Ended {
                    address: &change.address,
                    node: change.node.as_deref(),
                    operation: task.operation,
                    elapsed,
                    result: Ok(()),
                });
                Ended::Well
            }
            Err(error) => {
                let outcome = Outcome::Failed(error.summary.clone());
                self.records.push(Record::Outcome { address: change.address.clone(), outcome });
                self.fail(task, error, events, elapsed);
                Ended::Badly
            }
        }
    }

    fn fail(&mut self, task: Task, error: StepError, events: Events<'_>, elapsed: std::time::Duration) {
        let change = self.plan.change(task);
        events(Event::Ended {
            address: &change.address,
            node: change.node.as_deref(),
            operation: task.operation,
            elapsed,
            result: Err(&error),
        });
        self.failures.push(Failure {
            address: Some(change.address.clone()),
            node: change.node.as_deref().map(str::to_owned),
            operation: Some(task.operation),
            error,
        });
    }

    fn skip(&mut self, task: Task, events: Events<'_>) {
        // A rollback or clean-up that was not needed is nothing to tell.
        if matches!(task.operation, Operation::Restore | Operation::Settle | Operation::Gate) {
            return;
        }
        let address = &self.plan.change(task).address;
        self.skipped.insert(address.clone());
        events(Event::Skipped { address, operation: task.operation });
    }

    /// Marks what has to be told of a change, so that a crash before it is told loses nothing.
    fn tell_dependents(&mut self, address: &Address) {
        let Some(dependents) = self.notified_by.get(address) else { return };
        let mut told = Vec::new();
        for dependent in dependents {
            if let Some(resource) = self.state.resources.get_mut(dependent) {
                resource.notified = true;
                told.push(dependent.clone());
            }
        }
        if !told.is_empty() {
            self.records.push(Record::Notify(told));
        }
    }

    fn count(&mut self, operation: Operation) {
        match operation {
            Operation::Create => self.counts.add += 1,
            Operation::Update => self.counts.change += 1,
            Operation::Swap => {
                self.counts.add += 1;
                self.counts.destroy += 1;
            }
            Operation::Delete => self.counts.destroy += 1,
            Operation::Forget => self.counts.forget += 1,
            Operation::Gate | Operation::Settle | Operation::Restore | Operation::Record => {}
        }
    }

    /// Ends the apply on the hosts and completes the state.
    async fn finish(mut self, interrupted: bool) -> Applied {
        self.release().await;
        let complete = self.failures.is_empty() && !interrupted;
        let outputs =
            self.plan.outputs.iter().filter_map(|(name, change)| Some((name.clone(), self.output(change)?))).collect();
        self.state.outputs = outputs;
        if complete {
            self.state.variables = sealed_variables(&self.plan.variables, self.secrets);
        }
        self.forget_unused_nodes();
        Applied { state: self.state, failures: self.failures, done: self.counts, skipped: self.skipped, interrupted }
    }

    async fn release(&mut self) {
        let mut gone: BTreeMap<&str, Vec<Address>> = BTreeMap::new();
        for change in &self.plan.changes {
            let Some(node) = change.node.as_deref().filter(|node| self.hosts.contains_key(*node)) else { continue };
            let here = self.state.resources.contains_key(&change.address)
                || self.state.unfinished.contains_key(&change.address);
            let gone = gone.entry(node).or_default();
            if !here {
                gone.push(change.address.clone());
            }
        }
        let (lineage, hosts) = (&self.plan.lineage, &self.hosts);
        let releases: FuturesUnordered<_> = gone
            .iter()
            .filter_map(|(node, gone)| {
                let target = hosts.get(*node)?;
                Some(async move { (*node, target.release(lineage, gone).await) })
            })
            .collect();
        let results: Vec<_> = releases.collect().await;
        for (node, result) in results {
            let already_failing = self.failures.iter().any(|failure| failure.node.as_deref() == Some(node));
            if let (Err(error), false) = (result, already_failing) {
                self.failures.push(Failure { address: None, node: Some(node.to_owned()), operation: None, error });
            }
        }
    }

    /// An output as state keeps it: as it is now; where that cannot be told, as it was.
    fn output(&self, change: &OutputChange) -> Option<Value> {
        let after = Arc::new(change.after.clone()?);
        let outputs = self.state_outputs();
        match fold(&after, &outputs, self.secrets).and_then(|folded| seal(&folded, &outputs, self.secrets)) {
            Ok(sealed) => Some((*sealed).clone()),
            Err(_) => change.before.clone(),
        }
    }

    /// Notes how a node is reached and which machine it is, before anything is put on it.
    fn remember_node(&mut self, name: &str, seen: &BTreeMap<String, SeenNode>) {
        let Some(connection) = self.plan.nodes.get(name) else { return };
        let known = self.state.nodes.get(name);
        let identity = seen.get(name).map(|seen| seen.identity.clone()).unwrap_or_default();
        let keep = |new: String, old: Option<&String>| match (new.is_empty(), old) {
            (true, Some(old)) => old.clone(),
            _ => new,
        };
        let node = NodeState {
            connection: connection.clone(),
            machine_id: keep(identity.machine_id, known.map(|known| &known.machine_id)),
            engine_id: keep(identity.engine_id, known.map(|known| &known.engine_id)),
        };
        if known != Some(&node) {
            let record = Record::Node { name: name.to_owned(), node };
            record.clone().fold(&mut self.state);
            self.records.push(record);
        }
    }

    /// Drops the nodes that hold nothing any more.
    fn forget_unused_nodes(&mut self) {
        let unfinished = self.state.unfinished.values().filter_map(|intent| intent.resource.as_ref());
        let used: BTreeSet<Arc<str>> =
            self.state.resources.values().chain(unfinished).filter_map(|resource| resource.node.clone()).collect();
        self.state.nodes.retain(|name, _| used.contains(name.as_str()));
    }
}

/// The variables as state keeps them.
pub(crate) fn sealed_variables(variables: &Map, secrets: &Secrets) -> Map {
    let nothing = State::new("", "");
    variables
        .iter()
        .filter_map(|(name, value)| {
            let sealed = seal(&Arc::new(value.clone()), &StateOutputs(&nothing), secrets).ok()?;
            Some((name.clone(), (*sealed).clone()))
        })
        .collect()
}

async fn run_step(plan: &Plan, step: usize, job: Prepared, events: Events<'_>) -> Done {
    let change = plan.change(job.task);
    let node = change.node.as_deref();
    events(Event::Started { address: &change.address, node, operation: job.task.operation });
    let started = Instant::now();
    let progress = |text: &str| {
        events(Event::Progress { address: &change.address, text });
    };
    let result = match &job.target {
        _ if !touches_host(job.task.operation) && job.task.operation != Operation::Gate => Ok(Map::new()),
        None => Err(StepError::new("its node was not connected to")),
        Some(target) => {
            target
                .execute(&Job {
                    lineage: &plan.lineage,
                    stack: &plan.stack,
                    address: &change.address,
                    operation: job.task.operation,
                    spec: job.spec.as_ref(),
                    generation: &job.generation,
                    state: job.state.as_ref(),
                    paths: &change.paths,
                    notified: job.notified,
                    adopt: change.adopt,
                    progress: &progress,
                })
                .await
        }
    };
    Done { step, task: job.task, elapsed: started.elapsed(), result }
}

/// Whether an operation changes something on a host.
fn touches_host(operation: Operation) -> bool {
    !matches!(operation, Operation::Gate | Operation::Forget | Operation::Record)
}

fn notified_by(state: &State) -> BTreeMap<Address, Vec<Address>> {
    let mut notified_by: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    for (address, resource) in &state.resources {
        for dependency in resource.dependencies.iter().filter(|dependency| dependency.notify) {
            notified_by.entry(dependency.on.clone()).or_default().push(address.clone());
        }
    }
    notified_by
}

/// The outputs of what is in state by now.
struct StateOutputs<'a>(&'a State);

impl Outputs for StateOutputs<'_> {
    fn output(&self, address: &Address, name: &str) -> Option<Value> {
        self.0.resources.get(address)?.outputs.get(name).cloned()
    }
}
