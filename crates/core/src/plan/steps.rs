//! Building the steps: the DAG that apply walks without having to think.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use crate::plan::order::Index;
use crate::plan::{Action, Change, Edge, Operation, Reason, Step, Task, When};
use crate::resource::{Dependency, Replacement, Rules};
use crate::state::{ResourceState, State};

/// Builds the steps of a plan, in an order in which they could run one by one.
///
/// Where changes wait for each other in a circle, two things give way. First, what stays but no longer needs
/// something that goes need not have let go of it before. Then, replacements that keep the old instance until the
/// new one is healthy (two that swap a port, say) delete the old one before the new one is made.
///
/// # Errors
/// When the changes need each other in a circle all the same.
pub(super) fn build(changes: &[Change], index: &Index, state: &State, rules: Rules) -> Result<Vec<Step>, Diagnostic> {
    if changes.iter().all(|change| change.action == Action::NoOp && !change.record) {
        return Ok(Vec::new());
    }
    let mut leeway = Leeway::default();
    loop {
        let mut draft = Draft::new(changes, index, state, rules, &leeway);
        draft.dependencies();
        draft.deletes();
        draft.claims();
        draft.waves();
        let cycle = match draft.graph.order() {
            Ok(order) => return Ok(draft.finish(&order)),
            Err(cycle) => cycle,
        };
        let cyclic = draft.graph.cyclic();
        let tasks: Vec<Task> = cyclic.into_iter().filter_map(|step| draft.tasks[step]).collect();
        let error = draft.circle(&cycle);
        if !leeway.grow(&tasks) {
            return Err(error);
        }
    }
}

/// What gives way where changes would wait for each other in a circle.
#[derive(Default)]
struct Leeway {
    /// Changes that may let go late of what they no longer need.
    late: BTreeSet<usize>,
    /// Replacements that delete the old instance first.
    deleted_first: BTreeSet<usize>,
}

impl Leeway {
    /// Gives way for changes on a circle; returns whether there was any way left to give.
    fn grow(&mut self, tasks: &[Task]) -> bool {
        let before = (self.late.len(), self.deleted_first.len());
        self.late.extend(tasks.iter().map(|task| task.change as usize));
        if self.late.len() == before.0 {
            let swaps = tasks.iter().filter(|task| task.operation == Operation::Swap);
            self.deleted_first.extend(swaps.map(|task| task.change as usize));
        }
        before != (self.late.len(), self.deleted_first.len())
    }
}

/// The steps of one change, by what they are to others.
#[derive(Clone, Copy, Default)]
struct Span {
    /// Takes the old one away, before a new one is made.
    removes: Option<usize>,
    /// Needs what it depends on.
    starts: Option<usize>,
    /// After it what the old one had for itself is free for good: no rollback takes it back.
    frees: Option<usize>,
    /// After it, dependents may go on.
    ends: Option<usize>,
}

struct Draft<'a> {
    changes: &'a [Change],
    state: &'a State,
    rules: Rules,
    graph: Graph,
    tasks: Vec<Option<Task>>,
    /// Edges that are not of the usual kind.
    special: BTreeMap<(usize, usize), When>,
    spans: Vec<Span>,
    /// Position in `changes` by address.
    positions: IndexMap<&'a Address, usize>,
    index: &'a Index,
    leeway: &'a Leeway,
}

impl<'a> Draft<'a> {
    fn new(changes: &'a [Change], index: &'a Index, state: &'a State, rules: Rules, leeway: &'a Leeway) -> Self {
        let mut draft = Self {
            changes,
            state,
            rules,
            graph: Graph::default(),
            tasks: Vec::new(),
            special: BTreeMap::new(),
            spans: Vec::with_capacity(changes.len()),
            positions: changes.iter().enumerate().map(|(position, change)| (&change.address, position)).collect(),
            index,
            leeway,
        };
        for (position, change) in changes.iter().enumerate() {
            let span = draft.steps_of(position, change, leeway.deleted_first.contains(&position));
            draft.spans.push(span);
        }
        draft
    }

    fn step(&mut self, change: usize, operation: Operation) -> usize {
        self.tasks.push(Some(Task { change: change as u32, operation }));
        self.graph.add_vertex()
    }

    fn barrier(&mut self) -> usize {
        self.tasks.push(None);
        self.graph.add_vertex()
    }

    fn then(&mut self, first: usize, then: usize, when: When) {
        self.graph.add_edge(first, then);
        if when != When::Success {
            self.special.insert((first, then), when);
        }
    }

    /// The steps of a change. What is adopted is recorded as it is before anything else is done to it: from then on it is
    /// changed and put back like what the stack made itself.
    fn steps_of(&mut self, position: usize, change: &Change, deleted_first: bool) -> Span {
        if change.adopts.is_none() || change.action == Action::NoOp {
            return self.steps_after_adoption(position, change, deleted_first);
        }
        let adopt = self.step(position, Operation::Adopt);
        let span = self.steps_after_adoption(position, change, deleted_first);
        for first in [span.removes, span.starts].into_iter().flatten() {
            self.then(adopt, first, When::Success);
        }
        span
    }

    fn steps_after_adoption(&mut self, position: usize, change: &Change, deleted_first: bool) -> Span {
        let makes = |step, ends| Span { removes: None, starts: Some(step), frees: None, ends: Some(ends) };
        let removes = |step| Span { removes: Some(step), starts: None, frees: Some(step), ends: Some(step) };
        match change.action {
            Action::NoOp if change.record => {
                // Nothing is done to it, so it waits for nothing.
                let operation = if change.adopts.is_some() { Operation::Adopt } else { Operation::Record };
                let record = self.step(position, operation);
                Span { ends: Some(record), ..Span::default() }
            }
            Action::NoOp => Span::default(),
            Action::Forget => removes(self.step(position, Operation::Forget)),
            Action::Delete => removes(self.step(position, Operation::Delete)),
            Action::Create => {
                let create = self.step(position, Operation::Create);
                makes(create, self.gate(position, change, create))
            }
            Action::Update => {
                let update = self.step(position, Operation::Update);
                let ends = if change.reasons.contains(&Reason::Interrupted) {
                    self.settle(position, change, update)
                } else {
                    self.gate(position, change, update)
                };
                Span { frees: Some(ends), ..makes(update, ends) }
            }
            Action::Replace if self.swaps(change) && !deleted_first => {
                // What an earlier swap kept goes first: were it put back after this one, too much would be undone.
                let interrupted = change.reasons.contains(&Reason::Interrupted);
                let clears = interrupted.then(|| self.step(position, Operation::Settle));
                let swap = self.step(position, Operation::Swap);
                if let Some(clears) = clears {
                    self.then(clears, swap, When::Success);
                }
                let settle = self.settle(position, change, swap);
                Span { frees: Some(settle), ..makes(clears.unwrap_or(swap), settle) }
            }
            Action::Replace => {
                let delete = self.step(position, Operation::Delete);
                let create = self.step(position, Operation::Create);
                self.then(delete, create, When::Success);
                let ends = self.gate(position, change, create);
                Span { removes: Some(delete), frees: Some(delete), ..makes(create, ends) }
            }
        }
    }

    /// Waits for health where the change asks for it.
    fn gate(&mut self, position: usize, change: &Change, after: usize) -> usize {
        if !change.gated {
            return after;
        }
        let gate = self.step(position, Operation::Gate);
        self.then(after, gate, When::Success);
        gate
    }

    /// Ends a swap: health, then the old one goes; or, if anything failed, it comes back.
    fn settle(&mut self, position: usize, change: &Change, swap: usize) -> usize {
        let gate = self.gate(position, change, swap);
        let settle = self.step(position, Operation::Settle);
        self.then(gate, settle, When::Success);
        if change.wave.is_none_or(|wave| wave.rollout.rollback) {
            let restore = self.step(position, Operation::Restore);
            self.then(swap, restore, When::Failure);
            if gate != swap {
                self.then(gate, restore, When::Failure);
            }
        }
        settle
    }

    fn swaps(&self, change: &Change) -> bool {
        let swaps = self.rules.of(&change.address).is_some_and(|rules| rules.replacement == Replacement::Swap);
        let bound = change.reasons.iter().any(|reason| matches!(reason, Reason::DependencyReplaced(_)));
        swaps && !bound
    }

    /// Positions of the changes that an address means: one instance, or all of a resource.
    fn positions(&self, address: &Address) -> Vec<usize> {
        self.index
            .matching(address)
            .filter_map(|number| self.positions.get(self.index.address(number)).copied())
            .collect()
    }

    /// What is needed ends before what needs it starts.
    fn dependencies(&mut self) {
        let mut barriers: IndexMap<&Address, Option<usize>> = IndexMap::new();
        for (position, change) in self.changes.iter().enumerate() {
            let Some(starts) = self.spans[position].starts else {
                continue;
            };
            for dependency in &change.dependencies {
                if let Some(first) = self.positions.get(&dependency.on) {
                    if let Some(ends) = self.spans[*first].ends {
                        self.then(ends, starts, When::Success);
                    }
                    continue;
                }
                let barrier = match barriers.get(&dependency.on) {
                    Some(barrier) => *barrier,
                    None => {
                        let ends: Vec<usize> = self
                            .positions(&dependency.on)
                            .into_iter()
                            .filter_map(|first| self.spans[first].ends)
                            .collect();
                        let barrier = (!ends.is_empty()).then(|| {
                            let barrier = self.barrier();
                            for end in ends {
                                self.then(end, barrier, When::Success);
                            }
                            barrier
                        });
                        barriers.insert(&dependency.on, barrier);
                        barrier
                    }
                };
                if let Some(barrier) = barrier {
                    self.then(barrier, starts, When::Success);
                }
            }
        }
    }

    /// What needed something, according to state, is gone or changed before that something goes.
    fn deletes(&mut self) {
        let goes: Vec<Option<usize>> = self.spans.iter().map(|span| span.removes).collect();
        if goes.iter().all(Option::is_none) {
            return;
        }
        let mut barriers: IndexMap<Address, Option<usize>> = IndexMap::new();
        for (position, change) in self.changes.iter().enumerate() {
            let Some(known) = self.state.resources.get(&change.address) else {
                continue;
            };
            // One that stays lets go of what it no longer needs when its own change has ended; one that is created
            // holds nothing yet.
            let leaves =
                goes[position].or_else(|| self.spans[position].ends.filter(|_| change.action != Action::Create));
            let Some(leaves) = leaves else { continue };
            if change.reasons.contains(&Reason::Removed) {
                self.let_go(known, leaves, &goes);
                continue;
            }
            for dependency in &known.dependencies {
                let stays = change.action != Action::Delete && change.action != Action::Forget;
                let may_be_late = stays && !dependency.binds && self.leeway.late.contains(&position);
                if may_be_late || (goes[position].is_none() && still_needs(change, dependency)) {
                    continue;
                }
                if let Some(first) = self.positions.get(&dependency.on) {
                    if let Some(goes) = goes[*first] {
                        self.then(leaves, goes, When::Success);
                    }
                    continue;
                }
                let barrier = match barriers.get(&dependency.on) {
                    Some(barrier) => *barrier,
                    None => {
                        let going: Vec<usize> =
                            self.positions(&dependency.on).into_iter().filter_map(|first| goes[first]).collect();
                        let barrier = (!going.is_empty()).then(|| {
                            let barrier = self.barrier();
                            for going in going {
                                self.then(barrier, going, When::Success);
                            }
                            barrier
                        });
                        barriers.insert(dependency.on.clone(), barrier);
                        barrier
                    }
                };
                if let Some(barrier) = barrier {
                    self.then(leaves, barrier, When::Success);
                }
            }
        }
    }

    /// What is let go of stays where it is, so nothing has to wait for that. State forgets it after what it cannot do without:
    /// were that all that state has left of the two, the next plan would destroy it under what uses it.
    fn let_go(&mut self, known: &ResourceState, leaves: usize, goes: &[Option<usize>]) {
        for dependency in known.dependencies.iter().filter(|dependency| dependency.binds) {
            if let Some(first) = self.positions.get(&dependency.on).and_then(|first| goes[*first]) {
                self.then(first, leaves, When::Success);
            }
        }
    }

    /// What frees a port, a path or a name goes before what takes it.
    fn claims(&mut self) {
        let mut freed: IndexMap<(Option<&str>, String), usize> = IndexMap::new();
        for (position, change) in self.changes.iter().enumerate() {
            let (Some(frees), Some(before)) = (self.spans[position].frees, &change.before) else {
                continue;
            };
            let Some(rules) = self.rules.of(&change.address) else {
                continue;
            };
            for claim in (rules.claims)(before) {
                freed.insert((change.node.as_deref(), claim), frees);
            }
        }
        if freed.is_empty() {
            return;
        }
        for (position, change) in self.changes.iter().enumerate() {
            let (Some(starts), Some(after)) = (self.spans[position].starts, &change.after) else {
                continue;
            };
            let Some(rules) = self.rules.of(&change.address) else {
                continue;
            };
            for claim in (rules.claims)(after) {
                match freed.get(&(change.node.as_deref(), claim)) {
                    Some(frees) if self.spans[position].frees != Some(*frees) => {
                        self.then(*frees, starts, When::Success);
                    }
                    _ => {}
                }
            }
        }
    }

    /// One wave of a rolling change ends before the next starts.
    fn waves(&mut self) {
        let mut waves: BTreeMap<(&str, u32), Vec<usize>> = BTreeMap::new();
        for (position, change) in self.changes.iter().enumerate() {
            if let Some(wave) = change.wave {
                waves.entry((change.address.resource(), wave.number)).or_default().push(position);
            }
        }
        let waves: Vec<_> = waves.into_iter().collect();
        for pair in waves.windows(2) {
            let [((resource, _), earlier), ((next_resource, _), later)] = pair else {
                continue;
            };
            if resource != next_resource {
                continue;
            }
            let barrier = self.barrier();
            for position in earlier {
                if let Some(ends) = self.spans[*position].ends {
                    self.then(ends, barrier, When::Success);
                }
            }
            for position in later {
                let span = self.spans[*position];
                for first in [span.removes, span.starts].into_iter().flatten() {
                    self.then(barrier, first, When::Success);
                }
            }
        }
    }

    fn circle(&self, cycle: &[usize]) -> Diagnostic {
        let names: Vec<String> = cycle
            .iter()
            .filter_map(|step| self.tasks[*step])
            .map(|task| format!("{:?} {}", task.operation, self.changes[task.change as usize].address).to_lowercase())
            .collect();
        Diagnostic::error("these changes wait for each other in a circle")
            .detail(format!("each of these has to come before the next: {}", names.join(" -> ")))
            .help("apply it in two goes: first without what is removed, or with a name or path that nothing else has")
    }

    /// Numbers the steps in the order found.
    fn finish(self, order: &[usize]) -> Vec<Step> {
        let mut number = vec![0u32; order.len()];
        for (position, step) in order.iter().enumerate() {
            number[*step] = position as u32;
        }
        let mut steps: Vec<Step> =
            order.iter().map(|step| Step { task: self.tasks[*step], after: Vec::new() }).collect();
        for first in 0..order.len() {
            for then in self.graph.successors(first) {
                let when = self.special.get(&(first, then)).copied().unwrap_or_default();
                steps[number[then] as usize].after.push(Edge { step: number[first], when });
            }
        }
        for step in &mut steps {
            step.after.sort_unstable();
            step.after.dedup();
        }
        steps
    }
}

fn still_needs(change: &Change, dependency: &Dependency) -> bool {
    change.dependencies.iter().any(|other| other.on == dependency.on)
}
