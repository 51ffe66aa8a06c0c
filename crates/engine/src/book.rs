//! The book of an apply: its state and its records, always changed together.
//!
//! Whatever happens is noted here first as a change of the state and as a record that says the same; [`Book::write`]
//! puts the records on disk. Folding them into the state that the apply started from gives the state held here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_core::cluster::CLUSTER;
use hactl_core::eval::EvalError;
use hactl_core::plan::{Action, Change, Counts, Operation, OutputChange, Plan, Reason, Task};
use hactl_core::resolve::{Entries, Outputs, Secrets, fold, reveal, seal};
use hactl_core::resource::Rules;
use hactl_core::state::{ClusterState, Intent, NodeState, Outcome, ResourceState, State};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Diagnostic, Sensitive};
use hactl_state::Record;
use hactl_state::encryption::label;

use crate::apply::{Applied, Encrypt, Failure, Recorder};
use crate::refresh::SeenNode;
use crate::target::{Identity, Produced, StepError};

/// What is true by now, and what of that is still to be written.
pub(crate) struct Book<'a> {
    plan: &'a Plan,
    rules: Rules,
    secrets: &'a mut Secrets,
    encrypt: Encrypt<'a>,
    pub(crate) state: State,
    pub(crate) failures: Vec<Failure>,
    pub(crate) skipped: BTreeSet<Address>,
    counts: Counts,
    /// The creations that state held when the apply began.
    held: Arc<BTreeSet<String>>,
    /// Written with the next batch.
    records: Vec<Record>,
    /// Who is told of a change of each instance, or of any instance of a resource.
    notified_by: BTreeMap<Address, Vec<Address>>,
}

/// What a step works with, owned by the step while it runs.
pub(crate) struct Prepared {
    pub(crate) task: Task,
    /// What the resource is to be, in plain text.
    pub(crate) spec: Option<Sensitive<Value>>,
    /// Its sensitive outputs as they are, in plain text.
    pub(crate) entries: Entries,
    /// What state holds of it.
    pub(crate) known: Option<ResourceState>,
    pub(crate) notified: bool,
    pub(crate) generation: String,
    /// The creations that state held when the apply began.
    pub(crate) held: Arc<BTreeSet<String>>,
    /// The unfinished step of the same resource that this one's intent takes the place of.
    unfinished: Option<Intent>,
}

impl<'a> Book<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        state: State,
        rules: Rules,
        secrets: &'a mut Secrets,
        encrypt: Encrypt<'a>,
    ) -> Self {
        Self {
            notified_by: notified_by(&state),
            held: Arc::new(generations(&state)),
            plan,
            rules,
            secrets,
            encrypt,
            state,
            failures: Vec::new(),
            skipped: BTreeSet::new(),
            // The state has the new addresses already.
            counts: Counts { moves: plan.moved.resources.len(), ..Counts::default() },
            records: Vec::new(),
        }
    }

    /// Writes what was noted since the last time; returns whether it is on disk.
    pub(crate) fn write(&mut self, recorder: &mut dyn Recorder) -> bool {
        if self.records.is_empty() {
            return true;
        }
        match recorder.append(&std::mem::take(&mut self.records)) {
            Ok(()) => true,
            Err(diagnostic) => {
                tracing::error!("the journal cannot be written: nothing else begins");
                let error = refused(diagnostic);
                self.failures.push(Failure { address: None, node: None, operation: None, error });
                false
            }
        }
    }

    /// Writes what is left, where it can be: the state that is written next says the same.
    pub(crate) fn write_rest(&mut self, recorder: &mut dyn Recorder) {
        if !self.records.is_empty() {
            let _the_state_says_the_same = recorder.append(&std::mem::take(&mut self.records));
        }
    }

    /// Notes how a node is reached and which machine it is, before anything is put on it.
    pub(crate) fn remember_node(&mut self, name: &str, seen: &BTreeMap<String, SeenNode>) {
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

    /// Notes how the cluster is reached and which it is, before anything is put on it.
    pub(crate) fn remember_cluster(&mut self, seen: Option<&Identity>) {
        let Some(connection) = &self.plan.cluster else { return };
        let known = self.state.cluster.as_ref();
        let uid = seen.map(|seen| seen.machine_id.clone()).filter(|uid| !uid.is_empty());
        let uid = uid.or_else(|| known.map(|known| known.uid.clone())).unwrap_or_default();
        let cluster = ClusterState { connection: connection.clone(), uid };
        if known != Some(&cluster) {
            let record = Record::Cluster(cluster);
            record.clone().fold(&mut self.state);
            self.records.push(record);
        }
    }

    /// Makes ready what a step needs and notes its intent.
    ///
    /// # Errors
    /// When a value that it needs cannot be told; then nothing was noted.
    pub(crate) fn prepare(
        &mut self,
        task: Task,
        generations: &mut dyn FnMut() -> String,
    ) -> Result<Prepared, StepError> {
        let change = self.plan.change(task);
        let address = &change.address;
        let known = self.state.resources.get(address).cloned();
        let labelled = self.rules.of(address).is_some_and(|rules| rules.generations);
        let generation = match task.operation {
            Operation::Adopt => change.adopts.as_ref().map(|adopted| adopted.generation.clone()).unwrap_or_default(),
            Operation::Create | Operation::Swap if labelled => generations(),
            _ => known.as_ref().map(|known| known.generation.clone()).unwrap_or_default(),
        };
        let after = match task.operation {
            // As it is: what differs is changed by a step of its own.
            Operation::Adopt if change.action != Action::NoOp => change.before.as_ref(),
            _ => change.after.as_ref(),
        };
        let spec = match after {
            Some(after) if makes(task.operation) || task.operation == Operation::Gate => {
                Some(reveal(after, &StateOutputs(&self.state), self.secrets).map_err(unresolved)?.into())
            }
            _ => None,
        };
        let resource = match after {
            Some(after) if makes(task.operation) => {
                Some(self.resource(change, task.operation, after, known.as_ref(), &generation)?)
            }
            _ => None,
        };
        let intent = Intent { operation: task.operation, resource };
        let unfinished = self.state.unfinished.get(address).cloned();
        self.state.begin(address, intent.clone());
        self.records.push(Record::Intent { address: address.clone(), intent });
        let told = |reason: &Reason| matches!(reason, Reason::DependencyChanged(_) | Reason::NotYetNotified);
        Ok(Prepared {
            task,
            spec,
            entries: self.secrets.entries.get(address).cloned().unwrap_or_default(),
            notified: change.reasons.iter().any(told) || known.as_ref().is_some_and(|known| known.notified),
            known,
            generation,
            held: self.held.clone(),
            unfinished,
        })
    }

    /// A resource as it is to be after a step that makes or changes it.
    fn resource(
        &self,
        change: &Change,
        operation: Operation,
        after: &Arc<Value>,
        known: Option<&ResourceState>,
        generation: &str,
    ) -> Result<ResourceState, StepError> {
        let outputs = match (operation, &change.adopts) {
            (Operation::Adopt, Some(adopted)) => adopted.outputs.clone(),
            _ => known.map(|known| known.outputs.clone()).unwrap_or_default(),
        };
        Ok(ResourceState {
            node: change.node.clone(),
            spec: seal(after, &StateOutputs(&self.state), self.secrets).map_err(unresolved)?,
            outputs,
            generation: generation.to_owned(),
            dependencies: change.dependencies.clone(),
            protect: change.protect,
            notified: false,
            unproven: change.gated && touches_host(operation) && operation != Operation::Adopt,
            lost: false,
            previous: None,
        })
    }

    /// Takes back the intent of a step that was prepared and will not begin.
    pub(crate) fn withdraw(&mut self, prepared: Prepared) {
        let address = &self.plan.change(prepared.task).address;
        match prepared.unfinished {
            Some(earlier) => self.state.begin(address, earlier),
            None => {
                self.state.unfinished.remove(address);
            }
        }
    }

    /// Notes that a step ended well. Its sensitive outputs are encrypted before anything uses them.
    ///
    /// # Errors
    /// When they cannot be encrypted; then nothing was noted.
    pub(crate) fn done(&mut self, task: Task, produced: Produced) -> Result<(), StepError> {
        let address = &self.plan.change(task).address;
        let outputs = self.encrypted(address, &produced)?;
        match task.operation {
            Operation::Delete | Operation::Forget => {
                self.secrets.entries.remove(address);
            }
            _ if produced.entries.is_empty() => {}
            _ => {
                self.secrets.entries.insert(address.clone(), produced.entries);
            }
        }
        let outcome = Outcome::Done(outputs);
        self.state.end(address, outcome.clone());
        self.records.push(Record::Outcome { address: address.clone(), outcome });
        if matches!(task.operation, Operation::Create | Operation::Update | Operation::Swap) {
            self.tell_dependents(address);
        }
        self.count(task);
        Ok(())
    }

    /// The outputs of a resource as state keeps them.
    fn encrypted(&self, address: &Address, produced: &Produced) -> Result<Map, StepError> {
        let mut outputs = produced.outputs.clone();
        let known = self.state.resources.get(address).map(|known| &known.outputs);
        for (name, value) in &produced.entries {
            let known = known.and_then(|known| known.get(name));
            let sealed = (self.encrypt)(&label::resource_output(address, name), value.expose(), known);
            outputs.insert(name.clone(), sealed.map_err(refused)?);
        }
        Ok(outputs)
    }

    /// Notes that a step that had begun failed.
    pub(crate) fn failed(&mut self, task: Task, error: StepError) {
        let outcome = Outcome::Failed(error.summary.clone());
        self.records.push(Record::Outcome { address: self.plan.change(task).address.clone(), outcome });
        self.not_begun(task, error);
    }

    /// Notes that a step could not be prepared.
    pub(crate) fn not_begun(&mut self, task: Task, error: StepError) {
        let change = self.plan.change(task);
        self.failures.push(Failure {
            address: Some(change.address.clone()),
            node: change.node.as_deref().map(str::to_owned),
            operation: Some(task.operation),
            error,
        });
    }

    /// What came of it all. The nodes `held` could not be let go of.
    pub(crate) fn close(mut self, interrupted: bool, held: &BTreeSet<String>) -> Applied {
        self.state.outputs = self
            .plan
            .outputs
            .iter()
            .filter_map(|(name, change)| Some((name.clone(), self.output(name, change)?)))
            .collect();
        if self.failures.is_empty() && !interrupted {
            self.state.variables = self.variables();
        }
        self.forget_unused_nodes(held);
        Applied { state: self.state, failures: self.failures, done: self.counts, skipped: self.skipped, interrupted }
    }

    /// Marks what has to be told of a change, so that a crash before it is told loses nothing.
    fn tell_dependents(&mut self, address: &Address) {
        let whole = Address::parse(address.resource()).ok().filter(|whole| whole != address);
        let is_used = |on: &Address| on == address || Some(on) == whole.as_ref();
        let names = [Some(address), whole.as_ref()].into_iter().flatten();
        let mut told = Vec::new();
        for dependent in names.filter_map(|name| self.notified_by.get(name)).flatten() {
            let Some(resource) = self.state.resources.get_mut(dependent) else { continue };
            // One that was changed before in this very apply may no longer use it.
            if resource.dependencies.iter().any(|dependency| dependency.notify && is_used(&dependency.on)) {
                resource.notified = true;
                told.push(dependent.clone());
            }
        }
        if !told.is_empty() {
            self.records.push(Record::Notify(told));
        }
    }

    fn count(&mut self, task: Task) {
        match task.operation {
            Operation::Create => self.counts.add += 1,
            Operation::Adopt => self.counts.import += 1,
            Operation::Update => self.counts.change += 1,
            Operation::Swap => {
                self.counts.add += 1;
                self.counts.destroy += 1;
            }
            Operation::Delete => self.counts.destroy += 1,
            Operation::Forget => self.counts.forget += 1,
            // What was put back is as if it had never been replaced.
            Operation::Restore if self.failed_at(task, Operation::Gate) => {
                if self.plan.change(task).action == Action::Replace {
                    self.counts.add = self.counts.add.saturating_sub(1);
                    self.counts.destroy = self.counts.destroy.saturating_sub(1);
                } else {
                    self.counts.change = self.counts.change.saturating_sub(1);
                }
            }
            Operation::Gate | Operation::Settle | Operation::Restore | Operation::Record => {}
        }
    }

    /// Whether this operation on the same resource failed in this run.
    fn failed_at(&self, task: Task, operation: Operation) -> bool {
        let address = &self.plan.change(task).address;
        self.failures
            .iter()
            .any(|failure| failure.address.as_ref() == Some(address) && failure.operation == Some(operation))
    }

    /// An output as state keeps it: as it is now; where that cannot be told, as it was.
    fn output(&self, name: &str, change: &OutputChange) -> Option<Value> {
        let after = change.after.as_ref()?;
        self.kept(&label::output(name), after, change.before.as_ref()).or_else(|| change.before.clone())
    }

    /// The variables as state keeps them; where one cannot be encrypted, as it was.
    fn variables(&self) -> Map {
        let kept = |(name, value): (&String, &Value)| {
            let known = self.state.variables.get(name);
            let kept = self.kept(&label::variable(name), value, known).or_else(|| known.cloned());
            Some((name.clone(), kept?))
        };
        self.plan.variables.iter().filter_map(kept).collect()
    }

    /// A value as state keeps it: encrypted as a whole where any part of it is sensitive; none where it cannot be told.
    fn kept(&self, label: &str, value: &Value, known: Option<&Value>) -> Option<Value> {
        let outputs = StateOutputs(&self.state);
        let folded = fold(&Arc::new(value.clone()), &outputs, self.secrets).ok()?;
        let open = Sensitive::new(reveal(&folded, &outputs, self.secrets).ok()?);
        match folded.is_sensitive() {
            true => (self.encrypt)(label, open.expose(), known).ok(),
            false => Some(open.expose().clone()),
        }
    }

    /// Drops the nodes and the cluster that hold nothing any more, not even a record of what they held.
    fn forget_unused_nodes(&mut self, held: &BTreeSet<String>) {
        let unfinished = self.state.unfinished.values().filter_map(|intent| intent.resource.as_ref());
        let used: BTreeSet<Arc<str>> =
            self.state.resources.values().chain(unfinished).filter_map(|resource| resource.node.clone()).collect();
        self.state.nodes.retain(|name, _| used.contains(name.as_str()) || held.contains(name));
        if !used.contains(CLUSTER) {
            self.state.cluster = None;
        }
    }
}

/// Whether an operation changes something on a host.
pub(crate) fn touches_host(operation: Operation) -> bool {
    !matches!(operation, Operation::Gate | Operation::Forget | Operation::Record)
}

fn makes(operation: Operation) -> bool {
    matches!(operation, Operation::Create | Operation::Adopt | Operation::Update | Operation::Swap | Operation::Record)
}

fn unresolved(error: EvalError) -> StepError {
    StepError { help: error.help, ..StepError::new(error.message) }
}

/// What the journal or the vault refused, as a step's error.
fn refused(diagnostic: Diagnostic) -> StepError {
    StepError { detail: diagnostic.detail, help: diagnostic.help, ..StepError::new(diagnostic.summary) }
}

fn generations(state: &State) -> BTreeSet<String> {
    let all =
        state.resources.values().flat_map(|resource| std::iter::once(resource).chain(resource.previous.as_deref()));
    all.map(|resource| resource.generation.clone()).filter(|generation| !generation.is_empty()).collect()
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

/// The outputs of what is in a state.
pub struct StateOutputs<'a>(pub &'a State);

impl Outputs for StateOutputs<'_> {
    fn output(&self, address: &Address, name: &str) -> Option<Value> {
        self.0.resources.get(address)?.outputs.get(name).cloned()
    }
}
